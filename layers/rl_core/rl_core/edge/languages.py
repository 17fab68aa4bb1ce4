"""Chooses the language of an answer by the request's Accept-Language (RFC 9110, 12.5.4; RFC 4647, 3.4: lookup)."""

import re
from collections.abc import Collection

_QUALITY = r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?"
_RANGE = re.compile(
    rf"(?P<range>\*|[a-z]{{1,8}}(?:-[a-z0-9]{{1,8}})*)[ \t]*(?:;[ \t]*q[ \t]*=[ \t]*(?P<q>{_QUALITY}))?", re.IGNORECASE
)


def chosen_language(accepted: str, offered: Collection[str], otherwise: str) -> str:
    """Returns the offered language tag that the header's value asks for first, or `otherwise` if it asks for none.

    A range that is not offered is tried with fewer and fewer subtags: `de-AT` finds `de`. What is no language range is
    passed over; so is `*`, for which any language will do.
    """
    by_name = {tag.lower(): tag for tag in offered}
    found = filter(None, (_RANGE.fullmatch(part.strip(" \t")) for part in accepted.split(",")))
    weighed = [(float(match["q"] or 1), match["range"].lower()) for match in found]
    for _, wanted in sorted(((q, its) for q, its in weighed if q > 0), key=lambda pair: -pair[0]):
        for shorter in _lookup(wanted):
            if shorter in by_name:
                return by_name[shorter]
    return otherwise


def _lookup(wanted: str) -> list[str]:
    """Returns the range and its shorter forms, longest first; none ends with a subtag of one character."""
    subtags = wanted.split("-")
    forms = [subtags[:n] for n in range(len(subtags), 0, -1)]
    return ["-".join(form) for form in forms if len(form) == len(subtags) or len(form[-1]) > 1]
