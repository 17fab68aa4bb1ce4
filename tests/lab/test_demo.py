"""The demo as a whole, small; and that it fails when the service surprises it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import lab.demo.__main__ as demo
from lab.demo.__main__ import START, TICK, diary_of, main
from lab.demo.consent import Held, Row
from lab.demo.drive import SurpriseError, User
from lab.demo.held import held
from lab.demo.log import Log
from lab.world.people import Ending, population
from lab.world.steps import Step, Steps
from lab.world.tastes import APPETITES, DEMO_WEAR, REMEMBERED
from lab.world.wishes import Wish
from local.phone import Answer, Request, Send
from rl_core.store import Store

NOW = datetime(2026, 10, 6, tzinfo=UTC)
PLAN = {
    "session_id": 1,
    "reason": "Based on what is known: the best kind of plan known so far.",
    "rl_action_id": 2,
    "expires_at": "2026-10-08T00:00:00Z",
    "activities": [{"id": 10 + n, "type": "exercise", "duration_minutes": 5, "intensity": "Low"} for n in range(1, 7)],
}


def service(*answers: tuple[int, dict[str, Any]]) -> Send:
    """A service that gives these answers, one after the other."""
    waiting = iter(answers)

    def answer(_: Request) -> Answer:
        status, body = next(waiting)
        return Answer(status, {}, json.dumps(body).encode())

    return answer


def user(*answers: tuple[int, dict[str, Any]], wishes: Sequence[Wish] = (), steps: Sequence[Step] = ()) -> User:
    """A user whose service gives these answers."""
    person = population(seed=1, per_segment=1, days=30)[0]
    person.habit, person.unreliable = Ending.BATCH, 0.0
    return User(person, service(*answers), cooldown=1, wishes=wishes, steps=Steps(tuple(steps), exports=True))


def consent(personalise: bool = True, learn: bool = True, unlearning: str = "none") -> tuple[int, dict[str, Any]]:
    """What the service says that the user consents to."""
    said = {"personalise": {"granted": personalise}, "learn": {"granted": learn}, "unlearning": unlearning}
    return 200, said


PROFILE = (200, {"segment": next(iter(APPETITES))})
LEARNED = (200, {"training_metrics": {"learning": "applied", "why": None}})
REFUSED = (200, {"training_metrics": {"learning": "none", "why": "consent"}})
SECOND = (200, PLAN | {"session_id": 2, "rl_action_id": 3})


def test_the_demo_tells_what_was_learned_and_writes_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.html"
    assert main(["--days", "4", "--people", "1", "--report", str(report)]) == 0
    told = capsys.readouterr().out
    assert "of 9 segments prefer the truly best action" in told
    assert "withdrew their consent to learning" in " ".join(told.split())
    assert "is learned or says why not" in " ".join(told.split())
    assert all(f"<td>{segment}</td>" in report.read_text(encoding="utf-8") for segment in APPETITES)


def test_the_demo_fails_when_the_recount_disagrees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_reasons(store: Store, logs: Sequence[Log]) -> dict[str, Held]:
        every = held(store, logs)
        return {
            user: replace(its, sessions={n: Row(row.key, "closed", None) for n, row in its.sessions.items()}, taught=())
            for user, its in every.items()
        }

    monkeypatch.setattr(demo, "held", without_reasons)
    assert main(["--days", "4", "--people", "1", "--report", str(tmp_path / "report.html")]) == 1
    assert "neither learned nor with a reason why not" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_a_refusal_is_told_in_the_problems_own_words() -> None:
    with pytest.raises(SurpriseError, match=r"PUT /profile/ answered 422: .*The request is not valid"):
        user((422, {"title": "The request is not valid"})).visit(NOW)


def test_an_action_served_again_within_the_cool_down_is_a_surprise() -> None:
    again = user(PROFILE, (200, PLAN), LEARNED, (200, PLAN | {"session_id": 2}))
    assert again.visit(NOW)
    with pytest.raises(SurpriseError, match="action 2 is excluded, or was served within the cool-down"):
        again.visit(NOW)


UNTIL = "2026-10-08T00:00:00Z"
PAUSED, TOLD = (200, {"until": UNTIL}), (409, {"type": "paused", "until": UNTIL})


def test_who_pauses_is_refused_until_the_pause_is_over() -> None:
    someone = user(PROFILE, (200, PLAN), LEARNED, PAUSED, TOLD, SECOND, LEARNED, steps=[Step(1, pause=2)])
    assert [someone.visit(NOW + timedelta(days=n)) for n in range(3)] == [True, False, True]
    assert (someone.log.told_paused, len(someone.log.issued)) == (1, 2)


def test_a_plan_in_a_pause_is_a_surprise() -> None:
    someone = user(PROFILE, (200, PLAN), LEARNED, PAUSED, SECOND, steps=[Step(1, pause=2)])
    assert someone.visit(NOW)
    with pytest.raises(SurpriseError, match="pauses, and was answered"):
        someone.visit(NOW + timedelta(days=1))


def test_an_excluded_kind_of_plan_is_a_surprise() -> None:
    someone = user(PROFILE, (200, {"without": [2]}), (200, PLAN), steps=[Step(1, without=(2,))])
    with pytest.raises(SurpriseError, match="action 2 is excluded"):
        someone.visit(NOW)


def explained(**other: Any) -> tuple[int, dict[str, Any]]:
    actions = [{"rl_action_id": n, "probability": 1 / 6} for n in range(6)]
    return 200, {"actions": actions, "drawn": "best", "exact": True, "sentence": "It is the best known so far."} | other


def test_an_explanation_has_to_fit_the_plan() -> None:
    asks = [Step(1, asks=True)]
    someone = user(PROFILE, (200, PLAN), explained(), LEARNED, steps=asks)
    assert someone.visit(NOW)
    assert (someone.log.explained, someone.log.exact) == (1, 1)
    wrongs: list[dict[str, Any]] = [{"actions": []}, {"sentence": "word " * 21}]
    for wrong in wrongs:
        with pytest.raises(SurpriseError):
            user(PROFILE, (200, PLAN), explained(**wrong), steps=asks).visit(NOW)


def test_an_export_without_a_session_is_a_surprise() -> None:
    page = {"sessions": [{"session_id": 1}], "consents": [], "next_token": None}
    someone = user(PROFILE, (200, PLAN), LEARNED, (200, page), (200, page | {"sessions": []}))
    assert someone.visit(NOW)
    someone.take_along()
    assert someone.log.exported
    with pytest.raises(SurpriseError, match="took"):
        someone.take_along()


def test_feedback_that_is_not_learned_from_is_a_surprise() -> None:
    with pytest.raises(SurpriseError, match="learning was queued"):
        user(PROFILE, (200, PLAN), (200, {"training_metrics": {"learning": "queued", "why": None}})).visit(NOW)


def test_who_withdrew_is_not_learned_from_and_what_they_said_is_on_their_log() -> None:
    someone = user(PROFILE, (200, PLAN), LEARNED, consent(learn=False), SECOND, REFUSED, wishes=[Wish(2, learn=False)])
    assert someone.visit(NOW)
    assert someone.visit(NOW)
    assert [(said.at, said.sessions, said.learn) for said in someone.log.said] == [(NOW, 1, False)]
    assert someone.log.withdrew


def test_a_session_that_is_learned_after_a_withdrawal_is_a_surprise() -> None:
    someone = user(PROFILE, (200, PLAN), LEARNED, consent(learn=False), SECOND, LEARNED, wishes=[Wish(2, learn=False)])
    assert someone.visit(NOW)
    with pytest.raises(SurpriseError, match="learning was applied"):
        someone.visit(NOW)


@pytest.mark.parametrize("wish", [Wish(1, learn=False), Wish(1, personalise=False), Wish(1, learn=False, unlearn=True)])
def test_an_answer_that_does_not_do_what_was_said_is_a_surprise(wish: Wish) -> None:
    with pytest.raises(SurpriseError):
        user(PROFILE, consent(), wishes=[wish]).visit(NOW)


def test_a_personal_plan_for_who_wants_none_is_a_surprise() -> None:
    with pytest.raises(SurpriseError, match="the best kind of plan"):
        user(PROFILE, consent(personalise=False), (200, PLAN), wishes=[Wish(1, personalise=False)]).visit(NOW)


def test_who_is_away_may_still_say_something_of_consent() -> None:
    someone = user(PROFILE, (200, PLAN), LEARNED, SECOND, *[(200, {})] * 3, wishes=[Wish(3, learn=False)])
    someone.person.unreliable = 1.0
    assert someone.visit(NOW)
    assert someone.visit(NOW)
    someone.send = service(consent(learn=False))
    assert not someone.visit(NOW)
    assert not someone.log.teaches(someone.log.issued[-1])


def test_a_plan_that_was_had_lately_is_liked_less_by_its_share_of_the_wear() -> None:
    course = [PLAN | {"session_id": number, "rl_action_id": action} for number, action in enumerate((2, 3, 4), start=1)]
    someone = user(PROFILE, *[answer for plan in course for answer in ((200, plan), LEARNED)])
    assert all(someone.visit(NOW) for _ in course)
    first, _, third = someone.log.issued
    assert first.expected == first.rested
    assert [action for action in range(6) if third.expected[action] < third.rested[action]] == [2]
    appetite = someone.person.tastes.appetites[2] + someone.person.deviation[2]
    spell = third.liking[2] + DEMO_WEAR * REMEMBERED[1] - appetite
    assert abs(spell) < 0.05


def test_who_leaves_a_session_behind_stays_away_until_it_has_expired() -> None:
    left = user(PROFILE, (200, PLAN), LEARNED, (200, PLAN | {"session_id": 2, "rl_action_id": 3}), *[(200, {})] * 3)
    left.person.unreliable = 1.0
    assert left.visit(NOW)
    assert left.visit(NOW)
    before = left.requests
    assert not left.visit(datetime(2026, 10, 7, 21, tzinfo=UTC))
    assert left.requests == before


def test_everybody_opens_the_app_after_the_clock_starts_and_on_a_tick() -> None:
    diary = diary_of([User(person, service(), cooldown=1) for person in population(seed=1, per_segment=8, days=30)])
    assert min(diary) >= START
    assert all((moment - START) % TICK == TICK * 0 for moment in diary)
