"""Runs detect-secrets over every file in git; .secrets.baseline lists what only looks like a secret.

Those are the sample events' ids and claims, the made-up credentials of the local stack and the tests, a long name of a
test, and the golden items' packed bytes.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.security.tools import ROOT, Outcome, run

BASELINE = ".secrets.baseline"
NOTHING, MOVED = 0, 3  # exit codes: no new secrets; no new secrets, but known ones have moved to other lines
# Each scan must first find these, planted outside the repository; otherwise finding nothing proves nothing.
PLANTED = ("AKIA" + "Q3EG" * 4, "ghp_" + "aB3" * 12, "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAK")


def scan() -> Outcome:
    """Scans the files under git, new ones in the folder included, for secrets that the baseline does not list."""
    if missed := [secret for secret in PLANTED if not _finds(secret)]:
        return Outcome(False, f"{len(missed)} planted secrets were not found: the scan proves nothing", asked=False)
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    present = [name for name in files if (ROOT / name).is_file() and name != BASELINE]
    with tempfile.TemporaryDirectory(prefix="fettle-baseline-") as folder:
        copy = shutil.copy(ROOT / BASELINE, folder)  # a copy, because the hook writes changed line numbers to it
        done = run("detect-secrets-hook", "--no-verify", "--baseline", copy, *present)
    clean = done.returncode in (NOTHING, MOVED)
    return Outcome(clean, f"{len(present)} files" if clean else (done.stdout + done.stderr).strip())


def _finds(secret: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="fettle-planted-") as folder:
        (Path(folder) / "settings.py").write_text(f"KEY = '{secret}'\n")
        return run("detect-secrets-hook", "--no-verify", "settings.py", folder=Path(folder)).returncode != 0
