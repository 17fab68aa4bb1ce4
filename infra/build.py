"""Fills the folder of a built function or layer with code, requirements and bytecode. infra/Makefile runs this.

`build.py function FOLDER`   the function in the working folder
`build.py layer FOLDER`      the layer two folders up; the working folder, wheels/<architecture>, says which wheels
`build.py python`            prints this machine's interpreter of the target's version, if it has one

Any Python with pip can build: the packages are wheels for Lambda's Python and processor, whatever runs here. Bytecode
is made by Lambda's own Python version, if this machine has it. TARGET_PYTHON names another than the template's.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TARGET = os.environ.get("TARGET_PYTHON", "3.13")
RUNTIME_HAS = ("boto3", "botocore", "s3transfer")  # a second copy would only be slower to load
NEEDLESS = ("tests", "test", "__pycache__", "bin")
NEEDLESS_FILES = ("*.pyi", "*.pxd", "*.h", "*.a", "*.c")
NEEDLESS_METADATA = ("RECORD", "WHEEL", "INSTALLER", "REQUESTED", "top_level.txt", "direct_url.json", "sboms")
COMPILE = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")


def main(kind: str, artifacts: str = "") -> None:
    """Fills the folder of artifacts."""
    folder = Path(artifacts)
    if kind == "python":
        print(_target_python() or "")
    elif kind == "layer":
        _layer(Path.cwd().parents[1], Path("platforms").read_text().split(), folder / "python")
        _compile(folder / "python", "/opt/python")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy("handler.py", folder)
        _compile(folder, "/var/task")


def _layer(source: Path, platforms: list[str], folder: Path) -> None:
    """Installs the packages of requirements.txt and copies our own into the layer."""
    tags = [f"--platform={platform}" for platform in platforms]
    exactly = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile"]
    # without the last, pip would check this machine's Python, but the pins were made for the target's
    python = [f"--python-version={TARGET}", "--implementation=cp", "--ignore-requires-python"]
    target = ["--target", str(folder), "--requirement", str(source / "requirements.txt")]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
    ]
    subprocess.run([*pip, *exactly, *python, *tags, *target], check=True)
    _strip(folder)
    shutil.copytree(source / "rl_core", folder / "rl_core", ignore=shutil.ignore_patterns("__pycache__"))
    if doubled := [name for name in RUNTIME_HAS if (folder / name).exists()]:
        sys.exit(f"build: the layer must not carry {', '.join(doubled)}: Lambda's runtime has it")


def _strip(folder: Path) -> None:
    """Deletes what no import needs; of a package's metadata, version, licence and entry points stay."""
    for path in sorted(folder.rglob("*"), reverse=True):
        metadata = path.parent.suffix == ".dist-info" and path.name in NEEDLESS_METADATA
        if path.is_dir() and (path.name in NEEDLESS or metadata):
            shutil.rmtree(path)
        elif path.is_file() and (metadata or any(map(path.match, NEEDLESS_FILES))):
            path.unlink()


def _compile(folder: Path, deployed: str) -> None:
    """Compiles bytecode that is never checked against its source; tracebacks name the deployed path.

    SAM dates every file 1980, and Lambda's folders are read-only: bytecode of another kind would be compiled again at
    each cold start.
    """
    python = _target_python()
    if python is None:
        print(
            f"build: this machine has no Python {TARGET}, so {deployed} is built without bytecode: each cold start will"
            f" compile it, which about doubles its time. Install Python {TARGET}, or build with --use-container.",
            file=sys.stderr,
        )
        return
    subprocess.run([python, *COMPILE, "-s", str(folder), "-p", deployed, str(folder)], check=True)


def _target_python() -> str | None:
    """Returns an interpreter of the Python version that Lambda will run."""
    return next((path for path in _interpreters() if _version_of(path) == TARGET), None)


def _interpreters() -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{TARGET}"):
        yield found
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        yield from sorted(map(str, Path(root).glob(f"versions/{TARGET}*/bin/python{TARGET}")))
    if uv := shutil.which("uv"):
        yield subprocess.run([uv, "python", "find", TARGET], capture_output=True, text=True, check=False).stdout.strip()


def _version_of(python: str) -> str:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
