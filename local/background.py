"""Runs work in the background while the local stack is up."""

import threading
from abc import ABC, abstractmethod


class Background(ABC):
    """A thread from start() to stop(); `run` must return soon after `stopping` is set."""

    name: str

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Sets `stopping`, and waits up to ten seconds for a running function to finish."""
        self.stopping.set()
        self._thread.join(timeout=10)

    @abstractmethod
    def run(self) -> None: ...
