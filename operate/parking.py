"""The commands about sessions that were set aside: list them, put one back."""

import argparse
import sys
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from operate import audit
from rl_core.config import Settings
from rl_core.models import PERSON, Act, Segment, Session
from rl_core.store import Due, Store, act_write


class SetAside(NamedTuple):
    """Holds a session that was set aside: where it is, why, of which segment and person, and its revision.

    Says what can be read of it, for a session that cannot be parsed is set aside, too.
    """

    place: Due
    reason: str
    segment: Segment | None
    person: bytes
    revision: int

    @property
    def since(self) -> datetime:
        """Returns since when the session waits."""
        return self.place.at


def set_aside(store: Store, place: Due) -> SetAside | None:
    """Returns the session at this place; None if it is not set aside any more."""
    item = store.get(place.pk, place.sk)
    if item is None or "parked" not in item:
        return None
    code = item.get("segment", {}).get("S", "")
    return SetAside(
        place,
        item["parked"].get("S", ""),
        next((segment for segment in Segment if segment.code == code), None),
        bytes(item.get("key", {}).get("B", b""))[:PERSON],
        int(item.get("revision", {}).get("N", "0")),
    )


def put_back(store: Store, its: SetAside, act: Act, settings: Settings) -> Session:
    """Puts the session back where the jobs find it, with the act; returns the session.

    Raises ConflictError when the session has changed since it had that revision, UnreadableItemError when it cannot be
    parsed.
    """
    before, after = f"set aside: {its.reason}", "it waits again"
    done = replace(act, what="unpark", segment=its.segment, person=its.person, before=before, after=after)
    return store.unpark(its.place, settings.index_shards, act_write(done), revision=its.revision)


def parked(store: Store, *_: object) -> int:
    """Lists the sessions that were set aside, with the reason and the session's revision."""
    for place in store.parked():
        if its := set_aside(store, place):
            where = f"{place.user}  session {place.number}  since {its.since.isoformat()}"
            print(f"{where}  {its.reason}  revision {its.revision}")
    return 0


def unpark(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Puts a session that was set aside back, so that the jobs try it again."""
    place = next((d for d in store.parked() if (d.user, d.number) == (options.user, options.session)), None)
    shown = set_aside(store, place) if place else None
    if shown is None:
        print("no such session is set aside: `parked` lists them", file=sys.stderr)
        return 2
    if options.revision is not None:
        shown = shown._replace(revision=options.revision)
    session = put_back(store, shown, audit.begin(store, options), settings)
    print(f"session {session.number} is {session.status} and waits again")
    return 0


def add_to(commands: Any) -> None:
    """Adds the commands to a parser's."""
    listing = commands.add_parser("parked", help=parked.__doc__)
    listing.set_defaults(command=parked)
    added = commands.add_parser("unpark", help=unpark.__doc__)
    added.set_defaults(command=unpark)
    added.add_argument("user")
    added.add_argument("session", type=int)
    told = "as `parked` printed it: refuse if the session changed since; without, as it now stands"
    added.add_argument("--revision", type=int, default=None, metavar="N", help=told)
    audit.add_reason(added)
