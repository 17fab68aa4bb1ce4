"""What the stack writes on this machine goes with it."""

from pathlib import Path

import pytest

from local.engine import EngineError
from local.ministack import running
from local.scratch import workspace


def folders(folder: Path) -> list[Path]:
    return list(folder.glob("data-*"))


def test_a_workspace_is_removed_with_all_that_is_in_it(tmp_path: Path) -> None:
    with workspace(tmp_path, "data-") as own:
        (own / "sub").mkdir()
        assert folders(tmp_path) == [own]
    assert folders(tmp_path) == []


def test_what_a_dead_process_left_is_wiped_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "data-dead").mkdir()
    with workspace(tmp_path, "data-") as own:
        assert folders(tmp_path) == [own]


def test_what_another_stack_uses_is_left_alone(tmp_path: Path) -> None:
    with workspace(tmp_path, "data-") as first, workspace(tmp_path, "data-") as second:
        assert set(folders(tmp_path)) == {first, second}


def test_ministack_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path) as url:
        assert url.startswith("http://127.0.0.1:")
        assert any(tmp_path.glob("ministack-*"))
    assert not any(tmp_path.glob("ministack-*"))


def test_two_ministacks_run_side_by_side(tmp_path: Path) -> None:
    with running(tmp_path) as one, running(tmp_path) as other:
        assert one != other


def test_without_its_environment_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="make run"), running(tmp_path, tmp_path / "python"):
        pass


def test_a_ministack_that_does_not_come_up_shows_its_log(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho it is broken\nexit 1\n")
    broken.chmod(0o700)
    with pytest.raises(EngineError, match="it is broken"), running(tmp_path, broken):
        pass
