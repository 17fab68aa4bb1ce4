"""A policy cannot be read: `replay` and `waiting` turn red at once, `fallbacks` once the day is final; it is mended."""

from lab.proofs.incident.damage import spoil_policy
from lab.proofs.incident.incident import Incident, expect
from lab.proofs.incident.people import residents
from lab.world.tastes import demo_tastes
from rl_core.models import Segment

SEGMENT = Segment.HIGH_LOW
DAYS = 6  # of peace, so that a day is final
PEOPLE = 6


def unreadable(incident: Incident) -> None:
    """A policy item is damaged for an hour."""
    stage = incident.stage
    people = residents(stage.phone, SEGMENT, demo_tastes()[SEGMENT], [f"person-{n}" for n in range(PEOPLE)])

    def day() -> None:
        for each in people:
            each.visit()
        stage.day()

    for _ in range(DAYS):
        day()
    incident.green("fallbacks", step=day, most=2)
    incident.green("replay", "waiting", step=stage.hour, most=12)
    stage.hour()
    open_plan = people[0].phone.recommend()
    stage.until(stage.now.replace(minute=10))
    spoil_policy(stage.store, SEGMENT, table={"B": b"rubbish"})
    incident.trouble(f"the policy item of {SEGMENT.name} is damaged")
    people[0].answer(open_plan)
    for each in people:
        each.visit()
    incident.turns("replay", step=stage.hour, most=2)
    incident.turns("waiting", step=stage.hour, most=2)
    stage.until(stage.now.replace(minute=5))
    segment = incident.first_not_green("replay")
    expect(stage.operate("versions", segment).code != 0, "the policy can be read")
    mended = stage.operate("mend", segment, "--reason", "its table was damaged")
    expect(mended.code == 0, "the policy is not mended")
    incident.mend("the policy is rebuilt from its records")
    expect(stage.operate("replay", segment).code == 0, "the policy is not its replay")
    incident.returns("replay", "waiting", step=stage.hour, most=2)
    stage.day()
    incident.turns("fallbacks", step=day, most=6)
    incident.returns("fallbacks", step=day, most=3)
