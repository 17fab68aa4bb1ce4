"""Holds what the console of this process looks at: one source for all who look, and who they act as."""

from operate import audit
from operate.source import Source

_taken: list[Source] = []
_known: list[str] = []


def take(source: Source) -> None:
    """Lets the console look at this source from now on."""
    _taken[:] = [source]
    _known.clear()


def current() -> Source:
    """Returns the source. Raises LookupError when none was taken."""
    if not _taken:
        raise LookupError("the console is started by `make console`")
    return _taken[0]


def who() -> str:
    """Returns who acts here: `local`, or the caller's ARN, for which STS is asked once.

    Raises UnknownCallerError when STS does not say it.
    """
    if not _known:
        source = current()
        _known.append(audit.who(source.store(), local=source.local))
    return _known[0]
