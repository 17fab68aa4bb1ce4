"""detect-secrets over every file in git; what is known to be none stands in .secrets.baseline.

That is: the sample events' ids and claims, the local stack's and the tests' made-up credentials, a long name of a test,
the golden items' packed bytes.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.security.tools import ROOT, Outcome, run

BASELINE = ".secrets.baseline"
NOTHING, MOVED = 0, 3  # exit codes: no secrets; none either, but known ones stand on other lines
# Planted outside the repository, each time: a scan that finds nothing must be one that would have.
PLANTED = ("AKIA" + "Q3EG" * 4, "ghp_" + "aB3" * 12, "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAK")


def scan() -> Outcome:
    """Secrets in the files under git, new ones in the folder included, unless the baseline says that they are none."""
    if missed := [secret for secret in PLANTED if not _finds(secret)]:
        return Outcome(False, f"{len(missed)} planted secrets were not found: the scan proves nothing", asked=False)
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    present = [name for name in files if (ROOT / name).is_file() and name != BASELINE]
    with tempfile.TemporaryDirectory(prefix="fettle-baseline-") as folder:
        copy = shutil.copy(ROOT / BASELINE, folder)  # line numbers that moved would be written to it
        done = run("detect-secrets-hook", "--no-verify", "--baseline", copy, *present)
    clean = done.returncode in (NOTHING, MOVED)
    return Outcome(clean, f"{len(present)} files" if clean else (done.stdout + done.stderr).strip())


def _finds(secret: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="fettle-planted-") as folder:
        (Path(folder) / "settings.py").write_text(f"KEY = '{secret}'\n")
        return run("detect-secrets-hook", "--no-verify", "settings.py", folder=Path(folder)).returncode != 0
