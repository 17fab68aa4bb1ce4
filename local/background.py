"""Work that goes on while the local stack is up."""

import threading
from abc import ABC, abstractmethod


class Background(ABC):
    """A thread from start() to stop(); `run` is to return soon once `stopping` is set."""

    name: str

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """A function that runs may finish first, within reason."""
        self.stopping.set()
        self._thread.join(timeout=10)

    @abstractmethod
    def run(self) -> None: ...
