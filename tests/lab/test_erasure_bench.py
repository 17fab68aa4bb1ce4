"""A twentieth of the erasure's bench: runs that are killed and overlap erase everybody, while learning goes on."""

from pathlib import Path

from lab.bench.erasure import Size, measure


def test_runs_that_are_killed_and_overlap_erase_everybody_while_learning_goes_on(tmp_path: Path) -> None:
    size = Size(versions=1_000, leavers=3, lessons=100, most=300.0)
    figures = measure(size, tmp_path)
    assert figures.wrong == ()
    assert figures.erased == size.leavers
