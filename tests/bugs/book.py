"""The bugs made by hand, in *.toml beside this file: each is one change of one file, with the tests that must fail."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "layers" / "rl_core" / "rl_core"


@dataclass(frozen=True)
class Bug:
    """`wrong` says what goes wrong with it; `killed_by` are node ids: of each, at least one test must fail."""

    name: str
    file: str
    old: str
    new: str
    wrong: str
    killed_by: tuple[str, ...]

    def made_in(self, source: str) -> str:
        """Returns the source with the bug. Raises ValueError when its line is not there exactly once."""
        if source.count(self.old) != 1:
            how = "has moved" if self.old not in source else "stands there more than once"
            raise ValueError(f"bug {self.name!r}: this bug's line in {self.file} {how}: update it in tests/bugs/")
        return source.replace(self.old, self.new)


def read() -> list[Bug]:
    """Returns all of them."""
    tables = [table for path in sorted(HERE.glob("*.toml")) for table in tomllib.loads(path.read_text())["bug"]]
    return [Bug(**table | {"killed_by": tuple(table["killed_by"])}) for table in tables]
