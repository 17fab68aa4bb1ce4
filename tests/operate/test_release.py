"""The hash that publishes new versions, and the sizes that the build prints."""

from pathlib import Path

import pytest

from operate import release
from operate.release import code_sha, main, sizes


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source with one file of each kind that is deployed, and some that are not."""
    for name in ("functions/f/handler.py", "layers/l/l.py", "layers/l/requirements.txt", "infra/template.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "functions/f/__pycache__").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "name", ["functions/f/handler.py", "layers/l/l.py", "layers/l/requirements.txt", "infra/template.yaml"]
)
def test_whatever_is_deployed_changes_the_hash(source: Path, name: str) -> None:
    before = code_sha(source, {})
    (source / name).write_text("changed")
    assert code_sha(source, {}) != before


def test_a_file_that_moves_changes_the_hash(source: Path) -> None:
    before = code_sha(source, {})
    (source / "layers/l/l.py").rename(source / "layers/l/m.py")
    assert code_sha(source, {}) != before


def test_a_parameter_changes_the_hash_but_the_hash_itself_does_not(source: Path) -> None:
    plain = code_sha(source, {})
    assert code_sha(source, {"EpsilonMin": "0.1"}) != plain
    assert code_sha(source, {"CodeSha256": plain}) == plain


def test_what_is_not_deployed_changes_nothing(source: Path) -> None:
    before = code_sha(source, {})
    (source / "functions/f/__pycache__/handler.pyc").write_text("made here")
    (source / "README.md").write_text("prose")
    assert code_sha(source, {}) == before


def test_the_command_prints_the_hash_of_this_source(capsys: pytest.CaptureFixture[str]) -> None:
    main("sha", "EpsilonMin=0.1")
    assert capsys.readouterr().out.strip() == code_sha(release.ROOT, {"EpsilonMin": "0.1"})


@pytest.fixture
def built(tmp_path: Path) -> Path:
    for name in ("Learn/handler.py", "Layer/python/small.py", "Layer/python/large/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * (9000 if "large" in name else 2000))
    return tmp_path


def test_sizes_are_told_by_folder_and_by_package_largest_first(built: Path) -> None:
    lines = [line.split() for line in sizes(built)]
    assert lines[1][:2] == ["Layer", "11"]
    assert lines[2][:2] == ["Learn", "2"]
    assert lines[3:5] == [["large", "9"], ["small.py", "2"]]


def test_missing_bytecode_is_told(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main("sizes", str(built))
    assert "NO BYTECODE" in capsys.readouterr().out
    (built / "Layer/python/small.pyc").touch()
    assert "bytecode: 1 files" in "\n".join(sizes(built))


def test_a_layer_that_lambda_would_refuse_is_refused(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "LAYER_LIMIT", 10_000)
    with pytest.raises(ValueError, match="larger than the 10000 bytes"):
        list(sizes(built))


def test_any_other_command_says_what_there_is() -> None:
    with pytest.raises(SystemExit, match="CodeSha256"):
        main("help")
