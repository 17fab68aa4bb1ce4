"""Says what the page Audit shows of an act, as plain text: who acts may write a reason, and no reason is Markdown."""

import re
from collections.abc import Iterable, Sequence

from rl_core.models import Act, Segment
from rl_core.store import OnRecord

# What is done about one person; such an act has none any more only if an erasure took the person out of it.
PERSONAL = frozenset({"exclude", "include", "unpark", "unlearn"})
GONE = "removed by an erasure, with the reason if there was one"
UNREADABLE = "This act cannot be read: it is damaged, or a newer release wrote it."
NEWER = "A newer release wrote this act; what it added is not shown."
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~&])")


def lines_of(act: Act) -> list[str]:
    """Returns what is known of an act beside when, what and where, a line each."""
    told = (("by", act.who), ("person", person_of(act)), ("before", act.before), ("after", act.after))
    return [f"{name}: {' '.join(text.split())}" for name, text in (*told, ("reason", act.reason)) if text]


def person_of(act: Act) -> str:
    """Returns the person as 16 hexadecimal digits, that an erasure removed the person, or nothing."""
    if act.person:
        return act.person.hex()
    return GONE if act.what in PERSONAL else ""


def kinds(page: Iterable[OnRecord]) -> list[str]:
    """Returns what was done on this page, each once."""
    return sorted({its.act.what for its in page if its.act})


def chosen(page: Sequence[OnRecord], kind: str | None, segment: Segment | None) -> list[OnRecord]:
    """Returns the acts of one kind and of one segment; None stands for all, and only then is what is unreadable in."""
    if kind is None and segment is None:
        return list(page)
    acts = [its for its in page if its.act is not None and kind in (None, its.act.what)]
    return [its for its in acts if its.act and segment in (None, its.act.segment)]


def plain(text: str) -> str:
    """Returns a text that means itself in Markdown."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
