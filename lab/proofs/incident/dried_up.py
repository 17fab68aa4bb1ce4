"""Nothing is tried any more: `tries` turns red under too low a `MinProbability`, and green once that is raised."""

from lab.proofs.incident.incident import Incident
from lab.proofs.incident.people import PLAIN, residents
from rl_core.days import ENOUGH_DRAWN
from rl_core.models import Segment

SEGMENT = Segment.LOW_LOW
PEOPLE, VISITS = 12, 5
ENOUGH = ENOUGH_DRAWN // (PEOPLE * VISITS) + 1  # days on which people come; the light is about so many sessions
RAISED = 4  # days after the remedy
LEAST, NONE = "MinProbability=0.02", "MinProbability=0"


def dried_up(incident: Incident) -> None:
    """A segment is sure of what is best, and a deployment takes away the least probability of each action."""
    stage = incident.stage
    stage.deploy(LEAST)
    people = residents(stage.phone, SEGMENT, PLAIN, [f"person-{n}" for n in range(PEOPLE)])

    def live(days: int) -> None:
        for _ in range(days):
            for each in people * VISITS:
                each.visit()
            stage.day()

    live(ENOUGH)
    incident.green("tries", step=stage.day, most=6)  # nobody comes until these days are final
    stage.deploy(NONE)
    incident.trouble("somebody has lowered the least probability of each action")
    live(ENOUGH)
    incident.turns("tries", step=stage.day, most=6)
    stage.operate("trend", SEGMENT.name)
    stage.deploy(LEAST)
    incident.mend("the stack is deployed with the former value, over the same table")
    live(RAISED)
    incident.returns("tries", step=stage.day, most=6)
