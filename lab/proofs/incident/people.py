"""People who use the service while an incident is played: those who answer as they feel, and one who lies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.world.people import Ending, Offered, Person, Visit, answers, person
from lab.world.tastes import Tastes
from local.phone import Json, Phone, ids
from rl_core.models import Segment

OpenPhone = Callable[[str], Phone[Json]]
PLAIN = Tastes((0.9, 0.7, 0.15, 0.15, 0.15, 0.15), deviation=0.0)  # two kinds of plan are far better than the others
OPPOSITE = Tastes(PLAIN.appetites[::-1], deviation=0.0)
LASTING = 10**6  # days, so that nobody drops out


@dataclass(frozen=True)
class Resident:
    """Somebody of a segment who does the plans by their tastes, and answers truly."""

    name: str
    person: Person
    open_phone: OpenPhone

    @property
    def phone(self) -> Phone[Json]:
        """Returns the phone, on which the user is signed in."""
        return self.open_phone(self.name)

    def visit(self) -> None:
        """Asks for a plan, does some of it, and answers all of it at once."""
        self.answer(self.phone.recommend())

    def answer(self, plan: Json) -> None:
        """Does some of a plan, and answers all of it at once."""
        offered = [Offered(a["id"], a["type"], a["duration_minutes"], a["intensity"]) for a in plan["activities"]]
        visit = Visit(Ending.BATCH, self.person.spell)
        said = answers(self.person, visit, plan["rl_action_id"], offered)
        self.phone.batch([_told(its._asdict()) for its in said])


@dataclass(frozen=True)
class Liar:
    """A program that says of one action that it did wonders, and of the others that nothing was done."""

    name: str
    praised: int
    open_phone: OpenPhone

    def join(self, segment: Segment) -> None:
        """Signs up."""
        self.open_phone(self.name).put_profile(segment=segment.value)

    def visit(self) -> None:
        """Asks for a plan, and lies about it."""
        phone = self.open_phone(self.name)
        plan = phone.recommend()
        wonders = {"completed": True, "motivation_before": 1, "motivation_after": 5}
        said = wonders if plan["rl_action_id"] == self.praised else {"completed": False}
        phone.batch([{"activity_id": its} | said for its in ids(plan)])


def residents(open_phone: OpenPhone, segment: Segment, tastes: Tastes, names: list[str]) -> list[Resident]:
    """Returns people of these names and tastes who have just signed up; the same names are the same people."""
    found = [
        Resident(name, person(n, segment.value, n, LASTING, tastes), open_phone) for n, name in enumerate(names, 1)
    ]
    for resident in found:
        resident.phone.put_profile(segment=segment.value)
    return found


def _told(answer: dict[str, Any]) -> Json:
    """Returns the answer as JSON, without the questions that were left open."""
    return {name: value for name, value in answer.items() if value is not None and value != ""}
