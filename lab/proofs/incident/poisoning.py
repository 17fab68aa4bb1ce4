"""A program teaches a segment lies: `weight` turns red, and the person is excluded."""

from lab.proofs.incident.incident import Incident, expect
from lab.proofs.incident.people import Liar, residents
from lab.world.tastes import demo_tastes
from rl_core.models import Segment

SEGMENT = Segment.HIGH_LOW
HONEST, VISITS, LIES = 12, 4, 40  # with twelve people nobody is over a tenth
PRAISED = 4  # what people of this segment like least


def poisoning(incident: Incident) -> None:
    """One account answers forty times in an hour."""
    stage = incident.stage
    people = residents(stage.phone, SEGMENT, demo_tastes()[SEGMENT], [f"person-{n}" for n in range(HONEST)])
    for _ in range(VISITS):
        for each in people:
            each.visit()
    incident.green("weight", step=stage.hour, most=2)
    stage.at(9, 10)
    liar = Liar("program", PRAISED, stage.phone)
    liar.join(SEGMENT)
    incident.trouble(f"one account teaches {SEGMENT.name} {LIES} lies")
    _lie(liar)
    incident.turns("weight", step=stage.hour, most=2)
    stage.at(10, 5)
    person = stage.operate("weight", SEGMENT.name).lines[1].split()[0]
    acted = stage.operate("exclude", SEGMENT.name, person, "--dry-run").lines[0].split()[-1]
    done = stage.operate("exclude", SEGMENT.name, person, "--acted", acted, "--reason", "one answer for all, all day")
    expect(done.code == 0, "the person is not excluded")
    incident.mend("the person is excluded, and the past is folded anew")
    expect(stage.operate("replay", SEGMENT.name).code == 0, "the policy is not its replay")
    _lie(liar)
    incident.returns("weight", step=stage.hour, most=2)


def _lie(liar: Liar) -> None:
    for _ in range(LIES):
        liar.visit()
