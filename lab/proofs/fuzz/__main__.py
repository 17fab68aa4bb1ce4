"""`make fuzz`: requests drawn from docs/openapi.json, valid and invalid, to the real handlers over HTTP.

schemathesis runs in `.venv-security` and checks each answer against the document. The stack
is this process: MiniStack, all functions of the template, its schedules. The seed is printed, and can be given.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import httpx

from local.pages import OPENAPI
from local.stack import UNCAPPED, Stack

ROOT = Path(__file__).parents[3]
SCHEMATHESIS = ROOT / ".venv-security" / "bin" / "schemathesis"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
USERS = 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Starts the stack, then schemathesis; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.proofs.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=250, help="drawn for each operation in each phase")
    parser.add_argument("--seed", type=int, help="repeats a run's data")
    parser.add_argument("more", nargs="*", help="further options for schemathesis")
    options = parser.parse_args(arguments)
    with Stack(quiet=True, parameters=UNCAPPED) as stack, tempfile.TemporaryDirectory(prefix="fettle-fuzz-") as folder:
        tokens = [_newcomer(stack, f"fuzz-{number}") for number in range(USERS)]
        report = Path(folder) / "report.json"
        variables = {
            "FETTLE_FUZZ_URL": stack.url,
            "FETTLE_FUZZ_TOKENS": json.dumps(tokens),
            "FETTLE_FUZZ_REPORT": str(report),
        }
        seed = ["--seed", str(options.seed)] if options.seed is not None else []
        command = [str(SCHEMATHESIS), "--config-file", str(CONFIGURATION), "run", str(OPENAPI), "--url", stack.url]
        flags = ["--max-examples", str(options.examples), *seed, *options.more]
        code = subprocess.run([*command, *flags], cwd=ROOT, env=os.environ | variables, check=False).returncode
        return code or shallow(json.loads(report.read_text()))


def _newcomer(stack: Stack, user: str) -> str:
    """A user with a profile; the token."""
    token = stack.token(user)
    with httpx.Client(base_url=stack.url, trust_env=False, headers={"Authorization": f"Bearer {token}"}) as client:
        client.put("/profile/", json={"segment": "High Anxiety, Low Activity"}).raise_for_status()
    return token


def shallow(answered: dict[str, dict[str, int]]) -> int:
    """Prints what was answered; 1 when an operation never succeeded: then nothing behind its checks was tried."""
    described = json.loads(OPENAPI.read_text())["paths"]
    operations = [f"{method.upper()} {path}" for path, methods in described.items() for method in methods]
    for operation in operations:
        counts = sorted(answered.get(operation, {}).items())
        print(f"{operation:32}", "  ".join(f"{status}: {count}" for status, count in counts))
    print("requests in all:", sum(sum(counts.values()) for counts in answered.values()))
    never = [each for each in operations if not {"200", "204"} & answered.get(each, {}).keys()]
    if never:
        print("never answered with success:", *never, file=sys.stderr)
    return int(bool(never))


if __name__ == "__main__":
    sys.exit(main())
