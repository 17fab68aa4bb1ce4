"""A segment gets worse: `reward` turns red after a wrong rollback, which another rollback takes back."""

from collections.abc import Sequence

from lab.proofs.incident.incident import Incident, expect, line_with
from lab.proofs.incident.people import OPPOSITE, PLAIN, Resident, residents
from rl_core.models import Segment

SEGMENT = Segment.HIGH_LOW
PEOPLE = 6
TRIALS = 3  # visits of each tester
BUSY, VISITS, CALM = 4, 10, 8  # days of many visits, in which the policy learns what people like, and of one each
RECOVERED = 11  # days, so that the latest seven that are final lie after the remedy


def got_worse(incident: Incident) -> None:
    """An operator restores the version that a few testers had taught, who like what the people do not like."""
    stage = incident.stage
    testers = residents(stage.phone, SEGMENT, OPPOSITE, [f"tester-{n}" for n in range(PEOPLE)])
    people = residents(stage.phone, SEGMENT, PLAIN, [f"person-{n}" for n in range(PEOPLE)])

    def day() -> None:
        _come(people)
        stage.day()

    _come(testers, TRIALS)
    tested = PEOPLE * TRIALS
    for _ in range(BUSY):
        _come(people, VISITS)
        stage.day()
    for _ in range(CALM):
        day()
    incident.green("reward", step=day, most=9)
    stage.operate("rollback", SEGMENT.name, str(tested), "--reason", "meant for another segment")
    incident.trouble(f"an operator has restored version {tested}, in the wrong segment")
    incident.turns("reward", step=day, most=14)
    stage.operate("trend", SEGMENT.name, "--days", "21")
    listed = stage.operate("versions", SEGMENT.name, "--last", "200", grep="restored").lines
    wrong = line_with(f"restored version {tested}: ", listed).split()[0]
    done = stage.operate("rollback", SEGMENT.name, str(int(wrong) - 1), "--reason", "it took a wrong turn")
    expect(done.code == 0, "the policy is not rolled back")
    incident.mend("the version before that is restored")
    for _ in range(RECOVERED):
        day()
    incident.returns("reward", step=day, most=7)


def _come(people: Sequence[Resident], times: int = 1) -> None:
    for _ in range(times):
        for each in people:
            each.visit()
