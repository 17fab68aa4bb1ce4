"""Reads a restored table once, and takes out of it whoever was erased after the backup."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rl_core.config import Settings
from rl_core.errors import ErasingError, FettleError, UnavailableError
from rl_core.models import Segment, person_of
from rl_core.sessions import erased
from rl_core.store import Erasures, Leaver, Store, Stored, keys, life_of, marker_write, profile_write
from rl_core.store.fields import Item
from rl_core.work import Turn, attempts, unlearn

_USER = keys.user_pk("")
_READ = ("key", "erasing", "sessions", "segment", "learned", "taught", "person")


class Place(NamedTuple):
    """Names a session."""

    user: str
    number: int


class Lesson(NamedTuple):
    """Says where a session was learned from, according to the session."""

    place: Place
    segment: Segment
    version: int


@dataclass
class Survey:
    """Holds what one reading of the table found; sessions by their keys.

    `lives` are the keys of the users' profiles, `leaving` those of the markers of erasures; of the users in `prepared`
    the marker says where they were learned from. `remains` are the items of users without profile or marker. `learned`
    leaves out what was learned up to the versions in `after`; of the `unreadable` sessions it is not known. `concerned`
    are the persons of whom acts of operators speak.
    """

    after: Mapping[Segment, int]
    lives: dict[str, bytes] = field(default_factory=dict)
    leaving: dict[str, bytes] = field(default_factory=dict)
    prepared: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    learned: dict[bytes, Lesson] = field(default_factory=dict)
    unreadable: list[Place] = field(default_factory=list)
    remains: dict[str, list[Item]] = field(default_factory=dict)
    concerned: set[bytes] = field(default_factory=set)

    @classmethod
    def of(cls, store: Store, after: Mapping[Segment, int]) -> "Survey":
        """Reads the whole table."""
        found, names = cls(after), {f"#{name}": name for name in _READ}
        projection = ", ".join(("pk", "sk", *names))
        pages = store.scan(ProjectionExpression=projection, ExpressionAttributeNames=names, ConsistentRead=True)
        for item in (item for page in pages for item in page):
            if item["pk"]["S"].startswith(_USER):
                found._add(item["pk"]["S"].removeprefix(_USER), item)
            elif item["pk"]["S"] == keys.AUDIT_PK and "person" in item:
                found.concerned.add(bytes(item["person"]["B"]))
        for user in found.counts.keys() & found.remains.keys():
            del found.remains[user]
        return found

    def _add(self, user: str, item: Stored) -> None:
        sk, key = item["sk"]["S"], bytes(item.get("key", {}).get("B", b""))
        if sk == keys.PROFILE_SK:
            self.counts[user] = int(item.get("sessions", {}).get("N", 0))
            (self.leaving if "erasing" in item else self.lives)[user] = key
            self.prepared |= {user} if "taught" in item else set()
            return
        self.remains.setdefault(user, []).append({"pk": dict(item["pk"]), "sk": dict(item["sk"])})
        if sk.startswith(keys.SESSION_PREFIX):
            self._add_session(Place(user, int(sk.removeprefix(keys.SESSION_PREFIX))), key, item)

    def _add_session(self, place: Place, key: bytes, item: Stored) -> None:
        self.latest[place.user] = max(place.number, self.latest.get(place.user, 0))
        try:
            segment, version = Segment.by_code(item["segment"]["S"]), int(item.get("learned", {}).get("N", 0))
        except (KeyError, ValueError):
            self.unreadable.append(place)
        else:
            if version > self.after[segment]:
                self.learned[key] = Lesson(place, segment, version)

    @property
    def persons(self) -> frozenset[bytes]:
        """Returns the persons whose lives are in the table and stay there."""
        return frozenset(person_of(key) for user, key in self.lives.items() if user not in self.leaving)

    @property
    def unknown(self) -> frozenset[bytes]:
        """Returns the persons of whom acts speak although neither profile nor marker is there any more."""
        return frozenset(self.concerned - {person_of(key) for key in (*self.lives.values(), *self.leaving.values())})

    @property
    def uncounted(self) -> dict[str, int]:
        """Returns the users whose profile counts fewer sessions than there are, with the number of the latest."""
        return {user: n for user, n in self.latest.items() if user in self.lives and n > self.counts[user]}

    def erased_since(self, erasures: Erasures, old: Store | None) -> dict[str, bytes]:
        """Returns the users whose lives were erased after the backup, with the lives' keys.

        With the old table, also the users who asked for it and still wait there.
        """
        known = {erasure.life for erasure in erasures.all()}
        waiting = Survey.of(old, dict.fromkeys(Segment, keys.LAST_VERSION)).leaving if old else {}
        known |= {life_of(key) for key in waiting.values() if key}
        return {user: key for user, key in self.lives.items() if life_of(key) in known}


def mark(store: Store, user: str, key: bytes, settings: Settings, turn: Turn) -> None:
    """Replaces this life's profile by a marker of erasure, as the user's DELETE did in the time that is lost."""
    for attempt in attempts():
        with attempt:
            try:
                profile = store.profile(user)
            except ErasingError:
                return
            if profile is not None and profile.key == key:
                store.write(marker_write(erased(profile, settings, turn.now), settings.index_shards))
            return
    raise UnavailableError


def erase(store: Store, erasures: Erasures, users: Iterable[str], settings: Settings, turn: Turn) -> Iterator[str]:
    """Erases the users who are under a marker, to the end; yields a sentence for what cannot be done."""
    ready, waits = dict[str, Leaver](), dict[str, set[Segment]]()
    for user in users:
        try:
            leaver = Leaver.of(store, erasures, keys.user_pk(user))
            if leaver is not None and leaver.marker.key:
                ready[user] = leaver.prepare(turn.now)
                waits[user] = set(ready[user].marker.taught or ())
        except FettleError as error:
            yield f"{user} cannot be erased: {type(error).__name__}: {error}"
    for segment in Segment:
        taught = {user: leaver for user, leaver in ready.items() if segment in waits[user]}
        try:
            forgotten = unlearn(store, segment, _versions(segment, taught.values()), settings, turn) if taught else ()
        except FettleError as error:
            yield f"{segment.value} cannot be folded anew: {type(error).__name__}: {error}"
            continue
        for user, leaver in taught.items():
            waits[user] -= {segment} if leaver.marker.person in forgotten else set()
    for user, leaver in ready.items():
        if waits[user]:
            yield f"{user} cannot be erased: {', '.join(sorted(waits[user]))} still holds what was learned from them"
            continue
        try:
            leaver.remove(turn.now, settings.index_shards)
        except FettleError as error:
            yield f"{user} cannot be erased: {type(error).__name__}: {error}"


def _versions(segment: Segment, leavers: Iterable[Leaver]) -> dict[bytes, tuple[int, int]]:
    return {leaver.marker.person: (leaver.marker.taught or {})[segment] for leaver in leavers}


def sweep(store: Store, remains: Iterable[Item]) -> None:
    """Removes items of a user of whom neither profile nor marker is there: the last of an erasure that was over."""
    for key in remains:
        store.call("delete_item", Key=key)


def count_up(store: Store, user: str, latest: int) -> None:
    """Raises the number of sessions in a user's profile, so that the next session finds its place free."""
    for attempt in attempts():
        with attempt:
            profile = store.profile(user)
            if profile is not None and profile.sessions < latest:
                store.write(profile_write(replace(profile, sessions=latest)))
            return
    raise UnavailableError
