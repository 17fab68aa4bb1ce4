"""Holds what the console of this process looks at: one source for all who look, and who they act as."""

from operate.source import Source

_taken: list[Source] = []


def take(source: Source) -> None:
    """Lets the console look at this source from now on."""
    _taken[:] = [source]


def current() -> Source:
    """Returns the source. Raises LookupError when none was taken."""
    if not _taken:
        raise LookupError("the console is started by `make console`")
    return _taken[0]
