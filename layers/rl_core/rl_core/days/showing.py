"""Says which figures of a segment's day may be shown: none that rest on fewer than five users."""

from collections.abc import Sequence

FEWEST = 5


def may_show(users: int) -> bool:
    """Returns whether a figure that rests on so many users may be shown or published.

    Who knows that a person was active could read the figures of one to four users as that person's.
    """
    return users >= FEWEST


def count_shown(users: int) -> str:
    """Returns a count of users as it may be shown: one to four as "<5"."""
    return str(users) if users == 0 or may_show(users) else f"<{FEWEST}"


def withheld(users: Sequence[int]) -> set[int]:
    """Returns the places of the rows, given each row's users, that must not be shown beside the total of all rows.

    These are rows of one to four users; and as long as those withheld have fewer than five together, the next larger
    one too, because the total less the rows that are shown would tell their figures. A user may be in several rows, so
    this keeps out a simple subtraction and no more.
    """
    places: set[int] = set()
    for place in sorted((n for n, its in enumerate(users) if its), key=lambda n: users[n]):
        together = sum(users[n] for n in places)
        if may_show(users[place]) and (not places or may_show(together)):
            break
        places.add(place)
    return places
