"""The ledger of the catalogue: each released entry's slug with the hash of its text.

`python -m operate.ledger` enters what is new, and refuses when a released entry is gone or reads otherwise: stored
sessions name entries by slug, so its text may never change under them.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from rl_core.sessions import Catalogue, Entry, catalogue

LEDGER = Path(__file__).with_name("catalogue.ledger")
_TEXT = ("name", "type", "category", "duration_minutes", "intensity", "description", "instructions")


def hash_of(entry: Entry) -> str:
    """Returns the hash of what a user reads of an entry; to whom it is given (segments, tags, retired) may change."""
    text = [getattr(entry, name) for name in _TEXT]
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()[:16]


def read(path: Path = LEDGER) -> dict[str, str]:
    """Returns the released entries' hashes by slug."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines)


def objections(released: Mapping[str, str], book: Catalogue) -> list[str]:
    """Returns a sentence for each released entry that is gone or reads otherwise."""
    found = []
    for slug, its in released.items():
        if slug not in book.by_slug:
            found.append(f'{slug} was released and is gone: put it back, with "retired": true')
        elif hash_of(book.by_slug[slug]) != its:
            found.append(
                f"{slug} was released with another text: put that back, and give the new text a slug of its own"
            )
    return found


def unentered(released: Mapping[str, str], book: Catalogue) -> list[str]:
    """Returns a sentence for each entry that the ledger does not have yet."""
    return [f"{slug} is not in the ledger: `make ledger` enters it" for slug in book.by_slug if slug not in released]


def main() -> int:
    """Enters new entries; the exit code is 1 when a released one is gone or changed, and then nothing is written."""
    released, book = read(), catalogue()
    if wrong := objections(released, book):
        print("\n".join(wrong), file=sys.stderr)
        return 1
    lines = (f"{slug} {hash_of(book.by_slug[slug])}\n" for slug in sorted(book.by_slug))
    LEDGER.write_text("".join(lines), encoding="utf-8")
    print(f"{len(book.by_slug)} entries, {len(unentered(released, book))} of them new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
