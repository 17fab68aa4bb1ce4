"""An erasure cannot be done, as a policy cannot be read: `erasures` turns yellow, then red; the policy is mended."""

from lab.proofs.incident.damage import spoil_policy
from lab.proofs.incident.incident import Incident, expect
from lab.proofs.incident.people import residents
from lab.world.tastes import demo_tastes
from rl_core.days import Colour
from rl_core.models import PERSON, Segment

SEGMENT = Segment.MODERATE_HIGH
PEOPLE, VISITS = 4, 3


def put_off(incident: Incident) -> None:
    """Somebody asks to be erased, and waits for more than a day."""
    stage = incident.stage
    people = residents(stage.phone, SEGMENT, demo_tastes()[SEGMENT], [f"person-{n}" for n in range(PEOPLE)])
    for each in people * VISITS:
        each.visit()
    incident.green("erasures", step=stage.hour, most=2)
    stage.at(9, 10)
    leaver = stage.store.head(people[0].name).sessions[0].key[:PERSON].hex()
    spoil_policy(stage.store, SEGMENT, version=None)
    people[0].phone.delete_profile()
    incident.trouble(f"somebody asks to be erased, and the policy item of {SEGMENT.name} has lost its version")
    incident.turns("erasures", step=stage.hour, most=3, colour=Colour.YELLOW)
    incident.turns("erasures", step=stage.hour, most=26)
    stage.until(stage.now.replace(minute=5))
    segment = incident.first_not_green("replay")
    mended = stage.operate("mend", segment, "--reason", "its version was gone")
    expect(mended.code == 0, "the policy is not mended")
    incident.mend("the policy is rebuilt from its records")
    incident.returns("erasures", step=stage.hour, most=2)
    left = stage.operate("weight", segment)
    expect(left.code == 0 and leaver not in "\n".join(left.lines), "the person is still in the policy's records")
