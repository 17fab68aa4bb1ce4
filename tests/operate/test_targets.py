"""Policies as probabilities: those of the log itself, of the table's past, and of a learner taught anew."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from random import Random

import numpy as np
import pytest

from operate import evaluate
from operate.log import Log, write_csv
from operate.log_sources import ExportedStore
from operate.ope import targets
from operate.ope.calibration import calibrate
from operate.ope.estimators import logged
from operate.ope.sample import sample_of
from operate.ope.specs import SpecError, target_of
from operate.ope.targets import as_of_each_decision, fixed, greedy, relearned, uniform
from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import VersionError
from rl_core.models import ACTIONS, Action, Policy, Segment, State
from rl_core.work.versions import policy_at
from tests.believing import Believing
from tests.operate.table import SEGMENTS, SESSIONS, USERS, lived_table

CONSTANTS = Settings(table_name="t", exploration="epsilon", sessions_per_day=1000, learned_per_day=1000)
PERSONAL = Settings(table_name="t", sessions_per_day=1000, learned_per_day=1000)


@pytest.fixture(autouse=True)
def _by_epsilon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command, too, reads the table of an epsilon-greedy service."""
    monkeypatch.setenv("EXPLORATION", "epsilon")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of a table in which users of two segments lived through sessions, with a rollback on the way."""
    return lived_table(tmp_path_factory.mktemp("export"), CONSTANTS)


@pytest.fixture(scope="module")
def store(folder: Path) -> ExportedStore:
    return ExportedStore(folder)


@pytest.fixture(scope="module")
def log(store: ExportedStore) -> Log:
    return store.found().log


def test_greedy_shares_among_the_best_of_those_that_are_eligible() -> None:
    values = np.array([[0.3, 0.1, 0.3, 0.9], [0.0, 0.0, 0.0, 0.0]])
    eligible = np.array([[True, True, True, False], [True, False, True, True]])
    assert greedy(values, eligible).tolist() == [[0.5, 0.0, 0.5, 0.0], pytest.approx([1 / 3, 0.0, 1 / 3, 1 / 3])]


def test_a_fixed_action_gives_way_where_it_is_barred() -> None:
    eligible = np.array([[True, True, False], [True, True, True]])
    assert fixed(eligible, 2).tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    assert uniform(eligible)[1].tolist() == pytest.approx([1 / 3] * 3)


def test_each_decision_by_its_own_version_has_the_propensity_that_was_logged(store: ExportedStore, log: Log) -> None:
    chosen = as_of_each_decision(store, log, CONSTANTS)
    assert len(log) == USERS * SESSIONS
    assert logged(chosen, log.action).tolist() == pytest.approx(log.propensity.tolist(), abs=1e-12)


def test_the_log_of_a_service_that_tries_half_the_time_is_not_refused(tmp_path: Path) -> None:
    bold = CONSTANTS.model_copy(update={"epsilon_start": 0.5, "epsilon_min": 0.5})
    found = calibrate(sample_of(ExportedStore(lived_table(tmp_path, bold)).found().log))
    assert any(count.name.startswith("off the best") for count in found.counts)
    assert not found.rejected


def test_another_setting_explores_as_it_says(store: ExportedStore, log: Log) -> None:
    other = target_of("setting:epsilon_start=0,epsilon_min=0", log, store, CONSTANTS).probabilities
    assert (other.max(1) == 1.0).mean() > 0.9
    half = target_of("setting:epsilon_start=0.5,epsilon_min=0.5", log, store, CONSTANTS).probabilities
    assert half[log.eligible].min() == pytest.approx(0.5 / 6)


@pytest.mark.parametrize("changed", [{"exploration": "posterior", "min_probability": "0.02"}, {"epsilon_min": "0.2"}])
def test_a_policy_is_judged_by_the_probabilities_with_which_it_draws(
    store: ExportedStore, log: Log, changed: dict[str, str]
) -> None:
    at = Settings.model_validate({"table_name": "t", "exploration": "epsilon"} | changed)
    spec = "setting:" + ",".join(f"{name}={value}" for name, value in changed.items())
    chosen = target_of(spec, log, store, CONSTANTS).probabilities
    assert chosen.sum(1).tolist() == pytest.approx([1.0] * len(log))
    for segment in SEGMENTS:
        early = takewhile(lambda policy: policy.version < 100, targets._past(store, segment, learner.fold_of(at)))
        versions = {0: Policy(segment)} | {policy.version: policy for policy in early}
        rows = np.flatnonzero((log.segment == list(Segment).index(segment)) & (log.version < 100))
        for row in rows[::17]:
            options = tuple(a for a in ACTIONS if log.eligible[row, a])
            policy, state = versions[int(log.version[row])], State.from_row(int(log.state[row]))
            drawn = learner.decide(policy, state, options, at, Random(int(row)))
            assert chosen[row, list(options)].tolist() == pytest.approx(drawn.chances, rel=1e-9)


def test_another_constant_of_the_learner_folds_the_records_anew(store: ExportedStore, log: Log) -> None:
    usual = as_of_each_decision(store, log, CONSTANTS)
    assert (target_of("setting:discount=0", log, store, CONSTANTS).probabilities != usual).any()
    assert (target_of("setting:pooling_visits=1", log, store, CONSTANTS).probabilities != usual).any()


def test_a_version_is_judged_only_on_what_it_had_not_learned_from(store: ExportedStore, log: Log) -> None:
    target = target_of("version:HIGH_LOW:200", log, store, CONSTANTS)
    assert target.judged is not None
    last = store.policy(SEGMENTS[0]).version
    assert set(log.learned[target.judged].tolist()) <= set(range(201, last + 1))
    policy = policy_at(store, SEGMENTS[0], 200)
    best = Action(int(np.array(learner.estimates(policy)).mean(0).argmax()))
    assert best is Action.MEDITATION
    rows = target.judged & log.eligible[:, best]
    assert (target.probabilities[rows].argmax(1) == best).mean() > 0.9


def test_nobody_is_judged_by_a_policy_that_learned_from_them(log: Log) -> None:
    moved = replace(log, reward=np.where(log.user == 3, 50.0, log.reward))
    usual, other = (relearned(its, learner.fold_of(CONSTANTS)) for its in (log, moved))
    assert (usual[log.user == 3] == other[log.user == 3]).all()
    assert (usual != other).any()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("fixed:9", "an action is 0-5"),
        ("version:HIGH:3", "such as version:HIGH_LOW:120"),
        ("setting:epsilon=1", "no setting epsilon"),
        ("setting:discount=2", "less than 1"),
        ("best", "no such policy"),
    ],
)
def test_a_policy_that_is_none_is_refused_in_words(store: ExportedStore, log: Log, spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        target_of(spec, log, store, CONSTANTS)


def test_a_record_that_is_missing_is_said(folder: Path, log: Log) -> None:
    holed = ExportedStore(folder)
    holed.every = [item for item in holed.every if item["sk"]["S"] != "VERSION#0000000007"]
    with pytest.raises(VersionError, match="version 7 is missing"):
        as_of_each_decision(holed, log, CONSTANTS)


# The command.


def test_the_command_judges_an_export(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plot = tmp_path / "values.svg"
    asked = ["--policy", "uniform", "--policy", "greedy", "--policy", "setting:epsilon_min=0.1"]
    assert evaluate.main(["--export", str(folder), *asked, "--replicates", "50", "--plot", str(plot), "--json"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{USERS * SESSIONS} decisions of {USERS} users; none left out"
    assert said[1] == "every propensity is that of its policy version, recomputed"
    assert said[2].startswith("propensities match what was drawn")
    assert "flattered" in next(line for line in said if line.startswith("greedy"))
    uniform, greedy, _ = json.loads(said[-1])["policies"]
    assert greedy["value"]["DR"]["low"] > uniform["value"]["DR"]["high"]
    assert plot.read_text().count("<svg") == 1


def test_propensities_of_other_settings_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSILON_MIN", "0.2")
    evaluate.main(["--export", str(folder), "--policy", "uniform", "--replicates", "20"])
    assert "are not those of their policy version under today's settings" in capsys.readouterr().out


def test_a_policy_that_cannot_be_judged_is_refused_by_the_command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main(["--export", str(folder), "--policy", "version:LOW_HIGH:795", "--replicates", "50"]) == 1
    assert "users to judge it on" in capsys.readouterr().out


def test_an_exported_csv_is_judged_as_the_table_is(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    csv = tmp_path / "log.csv"
    assert evaluate.main(["export", "--export", str(folder), "--out", str(csv)]) == 0
    assert "user-" not in csv.read_text()
    values = []
    for source in (["--csv", str(csv)], ["--export", str(folder)]):
        capsys.readouterr()
        assert evaluate.main([*source, "--policy", "fixed:2", "--replicates", "20"]) == 0
        values.append(capsys.readouterr().out.splitlines()[-1].split()[1])
    assert values[0] == values[1]


def test_a_csv_without_propensities_is_refused_by_the_command(
    store: ExportedStore, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_csv(tmp_path / "log.csv", [row._replace(propensity=float("nan")) for row in store.found().rows])
    assert evaluate.main(["--csv", str(tmp_path / "log.csv")]) == 1
    assert f"of {USERS * SESSIONS} decisions have no propensity" in capsys.readouterr().err


def test_a_log_that_cannot_be_read_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert evaluate.main(["--csv", str(tmp_path / "none.csv")]) == 2
    assert evaluate.main(["--export", str(tmp_path)]) == 2
    assert "LogError" in capsys.readouterr().err


@pytest.fixture(scope="module")
def personal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExportedStore]:
    """An export of a table whose learner goes by each person's own rewards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(learner.ALGORITHMS, "posterior/2", Believing)
        yield ExportedStore(lived_table(tmp_path_factory.mktemp("personal"), PERSONAL))


def test_each_decision_is_judged_by_what_its_draw_knew_of_the_person(personal: ExportedStore) -> None:
    log = personal.found().log
    chosen = as_of_each_decision(personal, log, PERSONAL)
    assert logged(chosen, log.action).tolist() == pytest.approx(log.propensity.tolist(), abs=1e-12)
    strange = as_of_each_decision(personal, replace(log, facts=(None,) * len(log)), PERSONAL)
    assert (np.abs(strange - chosen).max(1) > 0.01).mean() > 0.3


@pytest.mark.parametrize("spec", ["greedy", "version:HIGH_LOW:200", "relearned", "setting:posterior_scale=0.5"])
def test_every_policy_of_the_learner_knows_of_a_person_what_the_draw_knew(personal: ExportedStore, spec: str) -> None:
    log = personal.found().log
    rows = log.segment == list(Segment).index(SEGMENTS[0])
    knowing, strange = (
        target_of(spec, its, personal, PERSONAL).probabilities[rows]
        for its in (log, replace(log, facts=(None,) * len(log)))
    )
    assert (knowing != strange).any(1).mean() > 0.1


def test_who_is_relearned_from_teaches_with_the_facts_of_the_draw(log: Log) -> None:
    assert [targets.transition(log, row).facts for row in range(50)] == list(log.facts[:50])
    assert any(log.facts[:50])
