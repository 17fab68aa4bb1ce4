"""What `make mutants` draws, and that its tree has what mutmut and the tests need; a run takes half an hour."""

import tomllib
from pathlib import Path

import pytest

from lab.proofs.mutants import stage
from lab.proofs.mutants.__main__ import draw, mutants_of

ALL = [f"rl_core.work.train.x_learn_due__mutmut_{n}" for n in range(300)]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree of a run, elsewhere."""
    monkeypatch.setattr(stage, "STAGE", tmp_path / "mutants")
    stage.build()
    monkeypatch.chdir(tmp_path / "mutants")
    return tmp_path / "mutants"


def test_the_same_seed_draws_the_same_mutants() -> None:
    assert draw(ALL, 40, 1) == draw(ALL, 40, 1)
    assert draw(ALL, 40, 1) != draw(ALL, 40, 2)
    assert len(set(draw(ALL, 40, 1))) == 40


def test_a_larger_sample_holds_a_smaller_one() -> None:
    assert set(draw(ALL, 40, 1)) < set(draw(ALL, 80, 1))
    assert draw(ALL, 1000, 1) == sorted(ALL)


# Of a room all files, of the others one: mutating them all takes a quarter of a minute.
PARTS = {"learner": "epsilon.py", "sessions": "outcome.py", "days": "", "work": "refold.py", "store": "keys.py"}


def test_every_room_has_mutants_under_the_names_that_mutmut_gives_them(tree: Path) -> None:
    assert PARTS.keys() == {*stage.ROOMS, stage.STORE}
    for room, part in PARTS.items():
        names = mutants_of([room], part)
        assert len(names) > 20
        assert all(name.startswith(f"rl_core.{room}.{part.removesuffix('.py')}") for name in names)


def test_the_tree_holds_the_package_the_tests_and_the_settings(tree: Path) -> None:
    settings = tomllib.loads((tree / "pyproject.toml").read_text())["tool"]
    assert (tree / stage.SOURCE / "models.py").exists()
    assert all((tree / folder).is_dir() for folder in (*settings["mutmut"]["also_copy"], *stage.TESTS))
    assert "pytest" in settings
