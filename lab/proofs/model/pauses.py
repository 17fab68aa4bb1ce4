"""Models a person's pauses in plain Python: every pause that there ever was, and which of them the service must keep.

Nothing of the service is imported here.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from lab.proofs.formulas import paused_days

MOST = 8
LONGEST = 180 * 86_400
EAST = 14 * 3600  # where a day begins first, it does so so many seconds earlier than in UTC

Pause = tuple[int, int]  # its first second, and the first second after it


@dataclass
class Pauses:
    """All pauses of a person in order; `kept` are those that the profile still has."""

    every: list[Pause] = field(default_factory=list)
    kept: list[Pause] = field(default_factory=list)

    def until(self, now: int) -> int | None:
        """Returns when the pause ends that holds at this second; None if none holds."""
        return next((until for since, until in self.every if since <= now < until), None)

    def put(self, until: int, now: int) -> int:
        """Pauses until that second, and returns the status that answers the wish."""
        if not now < until <= now + LONGEST:
            return 422
        held = [pause for pause in self.every if pause[1] >= now]
        if not held and len(self.kept) == MOST:
            return 429
        self._replace(held, (held[0][0] if held else now, until))
        return 200

    def end(self, now: int) -> None:
        """Ends the pause that holds; one that began in this second was never there."""
        held = [pause for pause in self.every if pause[1] > now]
        for since, _ in held:
            self._replace(held, (since, now))

    def _replace(self, held: list[Pause], new: Pause) -> None:
        for pauses in (self.every, self.kept):
            pauses[:] = [pause for pause in pauses if pause not in held]
            pauses += [new] if new[0] < new[1] else []

    def seen(self, day: date, now: int) -> None:
        """Drops from those kept the ones that are over and make no day after this active one a paused one anywhere."""
        self.kept = [p for p in self.kept if p[1] > now or datetime.fromtimestamp(p[1] - 1 + EAST, UTC).date() > day]

    def days(self, timezone: str, seen: date | None, today: date) -> set[date]:
        """Returns the paused days between two active ones."""
        return paused_days(self.every, timezone, seen, today)
