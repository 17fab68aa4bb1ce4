"""`python -m operate.release`: what a deployment needs to know of the source, and what it is made of.

`sha NAME=VALUE ...`   the hash over all that is deployed, with these parameters: the template's CodeSha256
`sizes FOLDER`         what `sam build` made: unpacked and zipped, the layer's packages by size
"""

import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEPLOYED = ("functions", "infra", "layers")
MADE_HERE = ("__pycache__", ".egg-info")
LAYER_LIMIT = 250_000_000  # bytes, unpacked, function and layers together


def code_sha(root: Path, parameters: Mapping[str, str]) -> str:
    """Returns a hash over all that is deployed: code, layer, requirements, template and parameters.

    Parameters count because a published version keeps the variables that it was published with.
    """
    digest = hashlib.sha256()
    for path in _sources(root):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    for name, value in sorted(parameters.items()):
        if name != "CodeSha256":
            digest.update(f"{name}={value}\0".encode())
    return digest.hexdigest()


def _sources(root: Path) -> Iterator[Path]:
    for path in sorted(it for folder in DEPLOYED for it in (root / folder).rglob("*")):
        if path.is_file() and not any(mark in part for mark in MADE_HERE for part in path.parts):
            yield path


def sizes(built: Path) -> Iterator[str]:
    """Yields the size of each function and the layer, then of the layer's packages, largest first.

    Raises ValueError when a function and the layer together are too large.
    """
    folders = sorted(it for it in built.iterdir() if it.is_dir())
    yield f"{'':<24}{'unpacked':>10}{'zipped':>10}  KB"
    for folder in folders:
        yield f"{folder.name:<24}{_kilobytes(_bytes(folder)):>10}{_kilobytes(_zipped(folder)):>10}"
    for layer in (it / "python" for it in folders if (it / "python").is_dir()):
        packages = {it.name: _bytes(it) for it in layer.iterdir() if it.suffix != ".dist-info"}
        for name, size in sorted(packages.items(), key=lambda it: -it[1]):
            yield f"  {name:<22}{_kilobytes(size):>10}"
        compiled = sum(1 for _ in layer.rglob("*.pyc"))
        yield f"bytecode: {compiled} files" if compiled else "NO BYTECODE: see the build's output"
        if _bytes(layer) > LAYER_LIMIT:
            raise ValueError(f"the layer is larger than the {LAYER_LIMIT} bytes that Lambda unpacks")


def _kilobytes(size: int) -> int:
    return round(size / 1000)


def _bytes(path: Path) -> int:
    return sum(it.stat().st_size for it in ([path] if path.is_file() else path.rglob("*")) if it.is_file())


def _zipped(folder: Path) -> int:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in (it for it in folder.rglob("*") if it.is_file()):
            file.write(path, str(path.relative_to(folder)))
    return archive.tell()


def main(command: str, *arguments: str) -> None:
    """Prints what the command asks for."""
    if command == "sha":
        print(code_sha(ROOT, dict(it.split("=", 1) for it in arguments)))
    elif command == "sizes":
        print("\n".join(sizes(Path(arguments[0]))))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or ("help",))
