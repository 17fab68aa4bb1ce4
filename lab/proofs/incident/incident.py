"""Follows the lights of one incident: green, then in their colour, then green again, by what guard and `check` say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.proofs.incident.stage import Stage, block
from rl_core.days import RULE, Colour

Step = Callable[[], object]


class AmissError(Exception):
    """Raised when a story does not go on as it must."""


def expect(holds: bool, otherwise: str) -> None:
    """Raises AmissError with these words unless it holds."""
    if not holds:
        raise AmissError(otherwise)


def line_with(words: str, lines: Iterable[str]) -> str:
    """Returns the first line that holds these words. Raises AmissError when none does."""
    for line in lines:
        if words in line:
            return line
    raise AmissError(f"no line says {words!r}")


@dataclass
class Incident:
    """Holds when the trouble began, when it was mended, and when each light was seen in its colour and green again."""

    stage: Stage
    began: datetime | None = None
    mended: datetime | None = None
    seen: dict[str, datetime] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)

    def green(self, *lights: str, step: Step, most: int) -> None:
        """Waits until these lights are green. Raises AmissError when they are not after so many steps."""
        for light in lights:
            self._wait(light, Colour.GREEN, step, most)

    def trouble(self, what: str) -> None:
        """Notes that the trouble begins now."""
        self.began = self.stage.now
        self.stage.tell(f"TROUBLE  {what}")

    def turns(self, light: str, step: Step, most: int, colour: Colour = Colour.RED) -> None:
        """Waits until the light has its colour, and notes when the guard first kept it so."""
        since = self._wait(light, colour, step, most)
        if colour is Colour.RED:
            self.seen[light] = since

    def first_not_green(self, light: str) -> str:
        """Has the operator look by `check`, and returns the segment that it names first for a light that is not green.

        Raises AmissError when it names none.
        """
        lines = block(self.stage.operate("check", about=light).lines, light)
        return line_with("not green: ", lines).split()[2].rstrip(",")

    def mend(self, what: str) -> None:
        """Notes that what has to be done is done."""
        self.mended = self.stage.now
        self.stage.tell(f"MENDED   {what}")

    def returns(self, *lights: str, step: Step, most: int) -> None:
        """Waits until these lights are green again, and notes when the guard first kept them so."""
        for light in lights:
            self.ended[light] = self._wait(light, Colour.GREEN, step, most)

    def figures(self) -> dict[str, Any]:
        """Returns what the incident came to: of the first light that was seen, and of each."""
        lights = {light: self._figures_of(light) for light in self.seen}
        audited = self._audited()
        whole = audited and bool(lights) and all(its["green_after_s"] is not None for its in lights.values())
        first = next(iter(lights.values()), {"seen_after_s": None, "green_after_s": None})
        return {**first, "mended": whole, "audited": audited, "lights": lights}

    def _figures_of(self, light: str) -> dict[str, int | None]:
        ended = self.ended.get(light)
        return {
            "seen_after_s": _seconds(self.began, self.seen[light]),
            "green_after_s": _seconds(self.mended, ended) if ended else None,
        }

    def _audited(self) -> bool:
        """Returns whether the audit has the acts that were typed, each at its time, and no others."""
        acts = [(its.at.isoformat(timespec="seconds"), its.words[0]) for its in self.stage.typed if its.acts]
        told = [line.split() for line in self.stage.operate("audit").lines if not line.startswith(" ")]
        return acts == [(at, what) for at, _, what, *_ in told[::-1]]

    def _wait(self, light: str, colour: Colour, step: Step, most: int) -> datetime:
        """Steps on until guard and check both say this colour, and returns since when the guard keeps it."""
        for _ in range(most):
            if (standing := self.stage.guard().lights.get(light)) and standing.colour is colour:
                break
            step()
        else:
            raise AmissError(f"{light} is not {colour} after {most} steps")
        self.stage.tell(f"{light:<10}{colour.upper():<8}{RULE[light].told(standing.value)}  (the guard)")
        said = " ".join(block(self.stage.operate("check", about=light).lines, light)).split()
        expect(said[:2] == [colour.upper(), light], f"the guard says that {light} is {colour}, `check` another thing")
        return standing.since


def _seconds(since: datetime | None, until: datetime) -> int | None:
    return int((until - since).total_seconds()) if since else None
