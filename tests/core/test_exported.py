"""Whatever is held of a user has its form in the export: any value, and every item that was ever stored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_core.edge.exported import FORMS
from rl_core.models import Absence, Assessment, Marker, Profile, Request, Session, Statement
from rl_core.store import KINDS, UserDay
from tests.core.test_forms import of, often
from tests.forms.golden import FOLDER, load

NOUNS: dict[str, Any] = {
    "profile": Profile,
    "consent": Statement,
    "unlearning": Request,
    "absence": Absence,
    "assessment": Assessment,
    "day": UserDay,
    "session": Session,
}
FILES = {"consent": "statement", "unlearning": "request", "day": "user-day"}
READERS = {kind.name: kind.read for kind in KINDS}
GOLDEN = [
    pytest.param(name, entry["item"], id=f"{path.stem}-{place}")
    for name in FORMS
    for path in sorted(FOLDER.glob(f"{FILES.get(name, name)}.*.json"))
    for place, entry in enumerate(load(path.stem))
]


def told(name: str, noun: Any) -> Any:
    """What the export says of it, after JSON."""
    return json.loads(json.dumps(FORMS[name].make(noun).model_dump(mode="json")))


@often
@pytest.mark.parametrize("name", NOUNS)
@given(data=st.data())
def test_any_value_of_a_noun_can_be_exported(name: str, data: st.DataObject) -> None:
    its = told(name, data.draw(of(NOUNS[name])))
    assert its.keys() == FORMS[name].model.model_fields.keys()


@pytest.mark.parametrize(("name", "item"), GOLDEN)
def test_every_item_that_was_ever_stored_can_be_exported(name: str, item: Any) -> None:
    noun = READERS[name](item)
    assert isinstance(noun, Marker) or told(name, noun)


@often
@given(profile=of(Profile))
def test_what_a_user_set_comes_back_as_it_is(profile: Profile) -> None:
    its = told("profile", profile)
    assert its["pauses"] == [{name: _time(at) for name, at in pause._asdict().items()} for pause in profile.pauses]
    assert [tuple(given.values()) for given in its["assessments"]] == [
        (str(day), *scores) for day, *scores in profile.assessments
    ]
    assert its["without"] == [int(action) for action in profile.without]
    assert its["facts"]["sums"] == list(profile.facts.sums)


@often
@given(day=of(UserDay))
def test_a_days_types_are_named(day: UserDay) -> None:
    its = told("day", day)
    kinds = its["figures"]["types"] if its["figures"] else {}
    found = [(kind["assigned"], kind["completed"], kind["minutes"]) for kind in kinds.values()]
    expected = [(t.assigned, t.completed, t.minutes) for t in day.figures.types] if day.figures else []
    assert found == expected


def _time(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))
