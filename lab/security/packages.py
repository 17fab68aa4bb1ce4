"""Runs pip-audit over every pinned requirement; it needs PyPI's vulnerability service."""

import json
from typing import Any

from lab.security.tools import ROOT, Outcome, run

_QUIET = ("--progress-spinner", "off", "--no-deps", "--disable-pip", "--format", "json")


def audit() -> Outcome:
    """Looks up the known vulnerabilities of all pins, development's included.

    The outcome has `asked=False` when the service could not be reached, or does not know a package.
    """
    files = [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "layers" / "rl_core" / "requirements.txt"]
    vulnerable: set[str] = set()
    unknown: set[str] = set()
    audited = 0
    for requirements in files:
        done = run("pip-audit", *_QUIET, "--requirement", str(requirements))
        if not done.stdout.startswith("{"):
            return Outcome(False, f"{requirements.name}: {done.stderr.strip()[-300:]}", asked=False)
        for package in json.loads(done.stdout)["dependencies"]:
            audited += "vulns" in package
            unknown |= set() if "vulns" in package else {package["name"]}
            vulnerable |= {_line(package, each) for each in package.get("vulns", ())}
    if vulnerable:
        return Outcome(False, "\n".join(sorted(vulnerable)))
    if unknown:
        shown = ", ".join(sorted(unknown)[:5])
        return Outcome(False, f"{audited} packages audited, {len(unknown)} not: {shown}, ...", asked=False)
    return Outcome(True, f"{audited} pins in {len(files)} files, no known vulnerability")


def _line(package: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}"
