"""Where the implementations differ: values in, values out."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ACCEPTED = Path(__file__).with_name("accepted.toml")


class Result(NamedTuple):
    """How a test went on one implementation: `outcome` in one word, `why` if it did not pass."""

    outcome: str
    why: str = ""


PASSED, NOT_RUN = Result("passed"), Result("not run")

Results = Mapping[str, Result]  # by test


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be said of the results of all implementations, each a test with its results by implementation.

    differences: neither the same everywhere nor accepted. failed: the same everywhere, and wrong.
    accepted: different, with the reason why that may be. stale: accepted, but the same everywhere.
    """

    tests: int
    differences: dict[str, dict[str, Result]]
    failed: dict[str, dict[str, Result]]
    accepted: dict[str, str]
    stale: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.differences or self.failed or self.stale)


def accepted_differences(path: Path = ACCEPTED) -> dict[str, str]:
    """The reasons in the file, by test. Raises ValueError when a test has none, or two."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
    reasons = {str(entry["test"]): str(entry.get("reason", "")).strip() for entry in entries}
    if len(reasons) < len(entries) or not all(reasons.values()):
        raise ValueError(f"{path.name}: every test stands there once, with its reason")
    return reasons


def compare(found: Mapping[str, Results], reasons: Mapping[str, str]) -> Comparison:
    """The comparison of these results, by implementation. A test that did not run on one of them is a difference."""
    tests = sorted({test for results in found.values() for test in results})
    of = {test: {name: results.get(test, NOT_RUN) for name, results in found.items()} for test in tests}
    different = {test for test, results in of.items() if len({result.outcome for result in results.values()}) > 1}
    return Comparison(
        tests=len(tests),
        differences={test: of[test] for test in tests if test in different and test not in reasons},
        failed={test: of[test] for test in tests if test not in different and _is_wrong(of[test])},
        accepted={test: reason for test, reason in reasons.items() if test in different},
        stale=tuple(test for test in reasons if test in of and test not in different),
    )


def _is_wrong(results: Mapping[str, Result]) -> bool:
    return any(result.outcome in {"failed", "error"} for result in results.values())
