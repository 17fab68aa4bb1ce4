"""Runs cfn-lint and Checkov over infra/template.yaml; suppressions.toml lists the findings that are intended."""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.security.tools import Outcome, run

SUPPRESSIONS = Path(__file__).with_name("suppressions.toml")
TEMPLATE = "infra/template.yaml"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A check that a resource fails."""

    check: str
    resource: str
    means: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """Intended findings of one check, with the reason."""

    check: str
    resources: frozenset[str]
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Returns whether the finding is one of them."""
        return self.check == finding.check and bool({"*", finding.resource} & self.resources)


def lint() -> Outcome:
    """Runs cfn-lint; a warning fails too."""
    done = run("cfn-lint", TEMPLATE)
    return Outcome(done.returncode == 0, done.stdout.strip())


def policies() -> Outcome:
    """Runs Checkov, without the findings in suppressions.toml."""
    done = run("checkov", "-f", TEMPLATE, "--framework", "cloudformation", "--skip-download", "-o", "json")
    if "results" not in done.stdout:
        return Outcome(False, done.stdout + done.stderr)
    report = json.loads(done.stdout)
    failed = report["results"]["failed_checks"]
    findings = [Finding(f["check_id"], f["resource"].rpartition(".")[2], f["check_name"]) for f in failed]
    complaints = unexplained(findings, suppressions())
    looked = report["summary"]["passed"] + len(findings)
    if report["summary"]["parsing_errors"] or not looked:
        complaints.append("Checkov could not read the template")
    return Outcome(not complaints, "\n".join([*complaints, f"{looked} checks, {len(findings)} findings"]))


def suppressions(path: Path = SUPPRESSIONS) -> list[Suppression]:
    """Returns the suppressions in the file's order. Raises KeyError when one has no reason."""
    read = tomllib.loads(path.read_text())["suppression"]
    return [Suppression(each["check"], frozenset(each["resources"]), each["reason"]) for each in read]


def unexplained(findings: Iterable[Finding], explained: Iterable[Suppression]) -> list[str]:
    """Returns a sentence for each finding that is not suppressed, and for each suppression that is not found."""
    findings, explained = sorted(findings), list(explained)
    complaints = [
        f"{finding.check} {finding.resource}: {finding.means}"
        for finding in findings
        if not any(suppression.covers(finding) for suppression in explained)
    ]
    for suppression in explained:
        found = {finding.resource for finding in findings if suppression.covers(finding)}
        if gone := suppression.resources - found - {"*"}:
            complaints.append(f"{suppression.check} is suppressed, but not found, for {', '.join(sorted(gone))}")
        elif not found:
            complaints.append(f"{suppression.check} is suppressed, but not found")
    return complaints
