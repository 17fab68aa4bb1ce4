"""Lives of users, put into the table as they would be after so many days, with sessions as large as they can be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from rl_core.config import settings
from rl_core.days import Figures, TypeFigures
from rl_core.models import EndedBy, Mark, Profile, Session, Streak
from rl_core.sessions import Answer, Ending, record
from rl_core.store import Store, UserDay, profile_write
from rl_core.store.items import session_item, user_day_item

NOTES = "n" * 2000
LARGEST = "\N{GRINNING FACE}" * 2000  # no other 2,000 characters take more bytes
_BATCH = 25


@dataclass(frozen=True, slots=True)
class Life:
    """A user who has a profile and one open session, and lives on from there."""

    store: Store
    profile: Profile
    first: Session

    @classmethod
    def of(cls, store: Store, user: str) -> "Life":
        """The life of a user as it is stored."""
        head = store.head(user)
        assert head.profile is not None
        return cls(store, head.profile, head.sessions[0])

    def lived(
        self,
        sessions: Mapping[date, int],
        notes: str = "",
        stored: Mapping[date, Figures] | None = None,
        since: date = date.min,
    ) -> None:
        """Puts so many closed sessions on each day, with these notes wherever notes go, and each day's figures.

        Of days before `since` only the marks and figures are put.
        """
        found = self._items(sessions, self._closed(notes), stored or {})
        self.put(*(item for day, item in found if day >= since or "timezone" in item))
        number = sum(sessions.values())
        self.store.write(profile_write(replace(self.profile, sessions=number, seen=max(sessions))))

    def _items(
        self, sessions: Mapping[date, int], closed: Session, stored: Mapping[date, Figures]
    ) -> Iterator[tuple[date, dict[str, Any]]]:
        numbers = count(1)
        for day, number in sorted(sessions.items()):
            at = datetime.combine(day, self.first.issued_at.timetz())
            its = [replace(closed, number=next(numbers), day=day, issued_at=at, closed_at=at) for _ in range(number)]
            yield day, user_day_item(UserDay(self._mark(its[0], at), stored.get(day)))
            yield from ((day, session_item(session, 1)) for session in its)

    def _closed(self, notes: str) -> Session:
        """Seven activities, all done and noted, and ended by a batch."""
        seven = replace(self.first, activities=(self.first.activities * 2)[:7])
        full: dict[int, Answer] = {n: {"completed": True, "notes": notes} for n in range(1, 8)}
        at = self.first.issued_at + timedelta(minutes=1)
        return record(seven, self.profile, full, settings(), at, Ending(EndedBy.BATCH, 4, notes)).session

    def _mark(self, first: Session, at: datetime) -> Mark:
        its = self.profile
        return Mark(its.user, its.key, at.date(), at, its.segment, "UTC", False, first.number, 0.5, 0.0, Streak())

    def put(self, *found: dict[str, Any]) -> None:
        """Writes items as they are."""
        for n in range(0, len(found), _BATCH):
            requests = [{"PutRequest": {"Item": item}} for item in found[n : n + _BATCH]]
            self.store.client.batch_write_item(RequestItems={self.store.name: requests})


def counted(sessions: int, settled: bool) -> Figures:
    """What the daily job stored of a day."""
    return Figures(sessions, (TypeFigures(),) * 3, 0, 0, 0.25, 0.0, 1, settled)
