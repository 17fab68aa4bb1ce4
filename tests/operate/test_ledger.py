"""A released catalogue entry stays as it was; what is new is entered."""

import pytest

from operate.ledger import hash_of, objections, read, unentered
from rl_core.models import Level, Segment
from rl_core.sessions import Catalogue, Entry, catalogue

ENTRY = catalogue().entries[0]
RELEASED = {ENTRY.slug: hash_of(ENTRY)}


def book(*entries: Entry) -> Catalogue:
    """A catalogue of these entries."""
    return Catalogue(tags=catalogue().tags, entries=entries)


def test_every_released_entry_of_the_catalogue_is_there_and_reads_as_it_did() -> None:
    assert objections(read(), catalogue()) == []


def test_every_entry_of_the_catalogue_is_in_the_ledger() -> None:
    assert unentered(read(), catalogue()) == []


def test_a_removed_entry_is_refused_and_says_what_to_do() -> None:
    (said,) = objections(RELEASED, book())
    assert said == f'{ENTRY.slug} was released and is gone: put it back, with "retired": true'


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Another"},
        {"duration_minutes": 59},
        {"intensity": Level.HIGH},
        {"description": "Something else."},
        {"instructions": (*ENTRY.instructions[:-1], f"{ENTRY.instructions[-1]} And breathe.")},
    ],
)
def test_an_edited_entry_is_refused_and_says_what_to_do(change: dict[str, object]) -> None:
    (said,) = objections(RELEASED, book(ENTRY.model_copy(update=change)))
    assert said.startswith(f"{ENTRY.slug} was released with another text")


@pytest.mark.parametrize(
    "change", [{"retired": True}, {"segments": frozenset(Segment)}, {"tags": frozenset({"floor"})}]
)
def test_to_whom_an_entry_is_given_may_change(change: dict[str, object]) -> None:
    assert objections(RELEASED, book(ENTRY.model_copy(update=change))) == []


def test_a_new_entry_is_named_with_the_command_that_enters_it() -> None:
    assert unentered({}, book(ENTRY)) == [f"{ENTRY.slug} is not in the ledger: `make ledger` enters it"]
