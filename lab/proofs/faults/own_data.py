"""Lists what users do about their scores and about all that is held of them."""

from lab.proofs.faults.bench import Bench
from lab.proofs.faults.calls import NEXT_DAY, Call, Scenario, after, batch, done, issued, phone, put
from local.phone import Json

SCORES: Json = {"gad7_score": 16, "active_minutes_per_week": 30}
LATER = SCORES | {"gad7_score": 4}


def _plan(bench: Bench) -> None:
    """Somebody's other phone asks for a plan, which changes the profile."""
    done(bench, phone(at=NEXT_DAY).recommend())


def _export(bench: Bench) -> Call:
    done(bench, batch(issued(bench)))
    done(bench, put(**SCORES))
    done(bench, phone().put_consent(learn=False, text_version="v1"))
    return phone(at=NEXT_DAY).export()


OWN_DATA = (
    Scenario("first profile by scores", after(then=put(**SCORES))),
    Scenario("scores of a later day", after(put(**SCORES), then=phone(at=NEXT_DAY).put_profile(**LATER))),
    Scenario("scores of the same day", after(put(**SCORES), then=put(**LATER))),
    Scenario(
        "scores, a plan between", after(put(**SCORES), then=phone(at=NEXT_DAY).put_profile(**LATER)), between=_plan
    ),
    Scenario("read assessments", after(put(**SCORES), then=phone().assessments())),
    Scenario("export", _export),
)
