"""The screen Now: the lights, the worst first, and grey where the table is out of reach."""

from tests.console.conftest import Opened, words
from tests.functions.conftest import World


def test_an_empty_table_has_lights_that_are_not_known_and_none_that_is_red(opened: Opened, world: World) -> None:
    said = words(opened("Now"))
    assert "Something is not known." in said
    assert "dangerous" not in said
