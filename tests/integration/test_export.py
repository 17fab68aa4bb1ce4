"""What a user takes along, over HTTP."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.conftest import SEGMENT, Phone, done, ok, problem

Json = dict[str, Any]


def pages(phone: Phone) -> Iterator[Json]:
    page = ok(phone.export())
    yield page
    while page["next_token"] is not None:
        page = ok(phone.export(page["next_token"]))
        yield page


def test_a_new_user_has_a_profile_to_take_along(ana: Phone) -> None:
    page = ok(ana.export())
    assert (page["format"], page["next_token"], page["unreadable"]) == ("fettle.export/1", None, [])
    assert (page["profile"]["user"], page["profile"]["segment"]) == (ana.user, SEGMENT)
    assert [page[name] for name in ("consents", "assessments", "sessions", "days")] == [[]] * 4
    assert page["unlearning"] is None


def test_all_that_the_other_routes_show_is_in_it(ana: Phone) -> None:
    ok(ana.put_profile(gad7_score=16, active_minutes_per_week=30, avoid=["floor"], without=[3]))
    notes = "Quiet \N{SNOWMAN} \N{GRINNING FACE} \x01"
    ok(ana.batch(done(ana.plan(), 2, notes=notes), overall_session_rating=4, notes=notes))
    ok(ana.put_consent(personalise=False, text_version="1"))
    (page,) = pages(ana)
    profile, (session,), (shown,) = ok(ana.get_profile()), page["sessions"], ana.sessions()
    for name in ("segment", "engagement_score", "motivation_score", "timezone", "avoid", "without", "streak_days"):
        assert page["profile"][name] == profile[name]
    assert page["assessments"] == [{"day": its.pop("date"), **its} for its in ok(ana.assessments())["assessments"]]
    assert page["consents"][0]["personalise"]["granted"] is False
    for name, value in shown["activities"][0].items():
        assert session["activities"][0][name] == value
    assert (session["session_id"], session["closing"]["reward"]) == (shown["session_id"], shown["reward"])
    assert session["activities"][0]["notes"] == session["closing"]["notes"] == notes
    assert [day["day"] for day in page["days"]] == [day["date"] for day in ok(ana.stats())["daily"] if day["active"]]
    assert abs(sum(session["decision"]["chances"]) - 1) < 1e-9


@pytest.mark.parametrize("token", ["", "x", "12", "LQ==", "VkVSU0lPTiMwMDAwMDAwMDAx", "a" * 101, "%00"])
def test_a_token_that_is_not_of_ours_is_refused(ana: Phone, token: str) -> None:
    assert problem(ana.ask("GET", f"/export/?next_token={token}"), 422) == "invalid-request"


def test_before_a_profile_and_while_erasing_there_is_nothing(stranger: Callable[[], Phone]) -> None:
    nobody = stranger()
    assert problem(nobody.export(), 409) == "profile-required"
    ok(nobody.put_profile(segment=SEGMENT))
    assert nobody.delete_profile().status == 204
    assert problem(nobody.export(), 409) == "erasing"


def test_nothing_of_another_user_is_in_it(ana: Phone, newcomer: Callable[..., Phone]) -> None:
    bob = newcomer()
    bob.plan()
    page = ok(ana.export())
    assert (page["sessions"], page["days"]) == ([], [])
    assert bob.user not in str(page)
