"""People and sessions as the tests of the functions have them, for the tests of a table that was restored."""

from tests.functions.conftest import world

__all__ = ["world"]
