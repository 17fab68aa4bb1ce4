"""The learner stands still: `waiting` turns red until its schedule is enabled again."""

from lab.proofs.incident.incident import Incident
from lab.proofs.incident.people import residents
from lab.world.tastes import demo_tastes
from rl_core.models import Segment

SEGMENT = Segment.LOW_MODERATE
PEOPLE = 3


def stuck(incident: Incident) -> None:
    """Nobody closes sessions that have expired, because the schedule of `learn` is disabled."""
    stage = incident.stage
    people = residents(stage.phone, SEGMENT, demo_tastes()[SEGMENT], [f"person-{n}" for n in range(PEOPLE)])
    for each in people:
        each.visit()
    stage.at(9, 30)
    for each in people:
        each.phone.recommend()  # and never answers: after two days the session expires
    stage.day()
    stage.day()
    incident.green("waiting", step=stage.hour, most=2)
    stage.at(9, 10)
    stage.stack.disable_schedule("Learn")
    incident.trouble("the schedule of `learn` is disabled")
    incident.turns("waiting", step=stage.hour, most=4)
    stage.until(stage.now.replace(minute=5))
    stage.stack.enable_schedule("Learn")  # on AWS in the console of EventBridge Scheduler
    incident.mend("the schedule of `learn` is enabled again, as the runbook says under `LearnSilentAlarm`")
    incident.returns("waiting", step=stage.hour, most=2)
