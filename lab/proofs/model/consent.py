"""Models what a person says of consent, in plain Python.

Nothing of the service is imported here.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from lab.proofs.formulas import Said

GRANTS = 20  # on one of the person's days
PURPOSES = ("personalise", "learn")


class Choice(NamedTuple):
    """What a person said of one purpose, at which second, after reading which text."""

    granted: bool
    since: int
    text: str


class Statement(NamedTuple):
    """What holds of both purposes since a second; None of a purpose of which nothing was ever said."""

    at: int
    text: str
    personalise: Choice | None
    learn: Choice | None
    unlearn: bool


@dataclass
class Request:
    """Waits for the erasure's job, which takes back what was learned from the sessions up to `upto`.

    A request that was put off `failures` times is tried again at the second `due`.
    """

    upto: int
    due: int
    failures: int = 0

    def put_off(self, now: int) -> None:
        """Lets the request wait, each time twice as long, up to 15 minutes."""
        self.due = now + 60 * min(2**self.failures, 15)
        self.failures += 1


@dataclass
class Consent:
    """What a person said so far; nothing is learned any more from the sessions up to `unlearned`."""

    statements: list[Statement] = field(default_factory=list)
    unlearning: str = "none"
    unlearned: int = 0
    request: Request | None = None

    def choice(self, purpose: str) -> Choice | None:
        """Returns what the person said last of this purpose; None if they never said anything of it."""
        found: Choice | None = getattr(self.statements[-1], purpose) if self.statements else None
        return found

    def stated(self, wish: Said, now: int, unlearn: bool) -> Statement:
        """Returns the statement of this wish; what holds already stays as it was said.

        Refusing what is refused says nothing new under any text; granting what is granted does under another text.
        """
        return Statement(
            now, wish["text_version"], self._said("personalise", wish, now), self._said("learn", wish, now), unlearn
        )

    def _said(self, purpose: str, wish: Said, now: int) -> Choice | None:
        old, wanted = self.choice(purpose), wish.get(purpose)
        same = old and wanted == old.granted and not (wanted and wish["text_version"] != old.text)
        return old if wanted is None or same else Choice(wanted, now, wish["text_version"])

    def news(self, statement: Statement) -> list[Choice]:
        """Returns what a next statement says anew."""
        said = [(getattr(statement, purpose), self.choice(purpose)) for purpose in PURPOSES]
        return [new for new, old in said if new != old]
