"""Logged decisions out of a table, an export of it and a CSV."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from operate.log import LogError, Row, log_of, pseudonymous, read_csv, write_csv
from operate.log_sources import ExportedStore, found_in, scanned
from rl_core.config import settings
from rl_core.models import ACTIONS, NO_FACTS, EndedBy, Facts, Profile, Segment, Session
from rl_core.sessions import Answer, Ending, issue, record
from rl_core.store import Store, profile_write, session_write
from rl_core.work import close_and_learn, policy_at
from tests.operate.table import export

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEGMENT = Segment.HIGH_LOW
ROW = Row(
    "ana", 1, SEGMENT, 4, (0, 1, 3, 4, 5), 3, 0.1 + 0.2, 0.3, 7, True, False, -0.0625, 5, (3,), learned=8,
    facts=Facts((1, 0, 0, 2, 0, 0), (450_000, 0, 0, -7, 0, 0), (0, 3, 0, 0, 0, 0), (ACTIONS[3], ACTIONS[0])),
)  # fmt: skip


def issued(store: Store, user: str, number: int, fallback: bool = False) -> tuple[Session, Profile]:
    """The user's next session, shown, as the handler issues it."""
    profile = store.head(user).profile or Profile(user, f"life-{user}".encode(), SEGMENT, NOW)
    policy = None if fallback else store.policy(SEGMENT)
    at = NOW + timedelta(hours=number)
    session, profile, *_ = issue(profile, None, policy, settings(), at, shown=True)
    store.write(session_write(session, 1), profile_write(profile))
    return replace(session, revision=1), replace(profile, revision=profile.revision + 1)


def live(store: Store, user: str, number: int, fallback: bool = False) -> None:
    """One session from issue to learning, its first activity done, with notes that no log may hold."""
    session, profile = issued(store, user, number, fallback)
    said, at = {1: Answer(completed=True, notes="private")}, NOW + timedelta(hours=number)
    closed, moved, _ = record(session, profile, said, settings(), at, Ending(EndedBy.BATCH))
    close_and_learn(store, closed, moved, settings())


@pytest.fixture
def lived(store: Store) -> Store:
    """Two users with four learned sessions, one fallback and one still open."""
    for number in (1, 2):
        live(store, "ana", number)
        live(store, "ben", number)
    live(store, "ana", 3, fallback=True)
    issued(store, "ben", 3)
    return store


def exported(store: Store, folder: Path, promised: int | None = None) -> Path:
    """The whole table as DynamoDB exports it to S3."""
    return export(store.call("scan")["Items"], folder, promised)


def test_a_scan_finds_every_decision_that_came_to_a_reward_and_counts_the_others(lived: Store) -> None:
    log = scanned(lived).log
    assert (len(log), log.users, dict(log.left_out)) == (4, 2, {"fallback": 1, "open": 1})
    stored = [lived.session(user, number) for user in ("ana", "ben") for number in (1, 2)]
    assert [s.decision.propensity for s in stored if s] == log.propensity.tolist()
    assert [s.closing.reward for s in stored if s and s.closing] == log.reward.tolist()
    assert [s.learned_version for s in stored if s] == log.learned.tolist() == [1, 3, 2, 4]
    assert log.facts == tuple(s.decision.facts for s in stored if s)
    assert [facts and sum(facts.counts) for facts in log.facts] == [0, 1, 0, 1]
    assert [[int(a) for a in ACTIONS if log.eligible[i, a]] for i in (1, 3)] == [
        list(map(int, s.decision.eligible)) for s in (stored[1], stored[3]) if s
    ]


def test_a_scan_goes_on_where_a_page_ends(lived: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    once = scanned(lived)
    call: Callable[..., Any] = lived.call
    pages: list[int] = []

    def two_at_a_time(operation: str, **arguments: Any) -> Any:
        answer = call(operation, **arguments, Limit=2)
        pages.append(len(answer["Items"]))
        return answer

    monkeypatch.setattr(lived, "call", two_at_a_time)
    assert sorted(scanned(lived).rows) == sorted(once.rows)
    assert len(pages) > 3


def test_an_export_holds_the_same_rows_and_rebuilds_the_same_policies(lived: Store, tmp_path: Path) -> None:
    export = ExportedStore(exported(lived, tmp_path))
    assert sorted(export.found().rows) == sorted(scanned(lived).rows)
    assert export.policy(SEGMENT) == lived.policy(SEGMENT)
    assert policy_at(export, SEGMENT, 3) == policy_at(lived, SEGMENT, 3)


def test_an_export_that_was_cut_short_is_refused(lived: Store, tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"the manifest says 99"):
        ExportedStore(exported(lived, tmp_path, promised=99)).found()
    with pytest.raises(LogError, match=r"no \.json\.gz"):
        ExportedStore(tmp_path / "elsewhere").found()


def test_a_csv_gives_back_what_was_written_bit_for_bit(tmp_path: Path) -> None:
    rows = [
        ROW,
        ROW._replace(session=2, learned=None, eligible=(), explored=False, facts=NO_FACTS),
        ROW._replace(user="ben", facts=None),
    ]
    write_csv(tmp_path / "log.csv", rows)
    read, written = read_csv(tmp_path / "log.csv"), log_of(rows)
    for name in ("user", "state", "eligible", "propensity", "reward", "barred", "learned", "explored"):
        assert getattr(read, name).tolist() == getattr(written, name).tolist()
    assert read.learned.tolist() == [8, 0, 8]
    assert read.facts == (ROW.facts, NO_FACTS, None)


def test_a_csv_of_an_earlier_form_has_no_facts(tmp_path: Path) -> None:
    write_csv(tmp_path / "log.csv", [ROW])
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0].endswith(",facts")
    (tmp_path / "log.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))
    assert read_csv(tmp_path / "log.csv").facts == (None,)


def test_a_csv_keeps_fallback_sessions_and_a_log_leaves_them_out(tmp_path: Path) -> None:
    write_csv(tmp_path / "log.csv", [ROW, ROW._replace(session=2, fallback=True)])
    log = read_csv(tmp_path / "log.csv")
    assert (len(log), log.left_out) == (1, {"fallback": 1})


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("action", "6", "line 2: 6 is not within 0-5"),
        ("reward", "nan", "line 2: nan is not"),
        ("state", "x", "line 2"),
        ("facts", "1 2;3;;", "line 2: '1 2;3;;' are no facts"),
        ("facts", "1", "line 2: not enough"),
    ],
)
def test_a_csv_that_does_not_fit_is_refused_with_its_line(tmp_path: Path, column: str, text: str, message: str) -> None:
    write_csv(tmp_path / "log.csv", [ROW])
    names, cells = (line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines())
    cells[names.index(column)] = text
    (tmp_path / "log.csv").write_text(",".join(names) + "\n" + ",".join(cells) + "\n")
    with pytest.raises(LogError, match=message):
        read_csv(tmp_path / "log.csv")


def test_a_csv_without_propensities_can_be_read_and_says_so(tmp_path: Path) -> None:
    write_csv(tmp_path / "log.csv", [ROW._replace(propensity=float("nan"))])
    assert str(read_csv(tmp_path / "log.csv").propensity.tolist()) == "[nan]"
    (tmp_path / "log.csv").write_text("user,action\nana,1\n")
    with pytest.raises(LogError, match="no column barred"):
        read_csv(tmp_path / "log.csv")


def test_an_export_to_csv_names_nobody_and_quotes_nobody(lived: Store, tmp_path: Path) -> None:
    write_csv(tmp_path / "log.csv", pseudonymous(scanned(lived).rows, Random(1)))
    text = (tmp_path / "log.csv").read_text()
    assert not any(word in text for word in ("ana", "ben", "private"))
    assert read_csv(tmp_path / "log.csv").users == 2


def test_an_unreadable_session_is_refused_by_its_key_alone(lived: Store) -> None:
    item = {"pk": {"S": "USER#ana"}, "sk": {"S": "SESSION#00000001"}, "status": {"S": "learned"}}
    with pytest.raises(Exception, match="SESSION#00000001: KeyError"):
        found_in([item])
