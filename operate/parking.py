"""The commands about sessions that were set aside: list them, put one back."""

import argparse
import sys
from dataclasses import replace
from typing import Any

from operate import audit
from rl_core.config import Settings
from rl_core.models import PERSON, Segment
from rl_core.store import Store, act_write


def parked(store: Store, *_: object) -> int:
    """Lists the sessions that were set aside, with the reason and the session's revision."""
    for due in store.parked():
        item = store.get(due.pk, due.sk) or {}
        reason, revision = item.get("parked", {}).get("S", ""), item.get("revision", {}).get("N", "")
        print(f"{due.user}  session {due.number}  since {due.at.isoformat()}  {reason}  revision {revision}")
    return 0


def unpark(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Puts a session that was set aside back, so that the jobs try it again."""
    place = next((d for d in store.parked() if (d.user, d.number) == (options.user, options.session)), None)
    shown = store.get(place.pk, place.sk) if place else None
    if place is None or shown is None:
        print("no such session is set aside: `parked` lists them", file=sys.stderr)
        return 2
    act = audit.begin(store, options, person=bytes(shown.get("key", {}).get("B", b""))[:PERSON])
    act = replace(
        act, what="unpark", before=f"set aside: {shown.get('parked', {}).get('S', '')}", after="it waits again"
    )
    code = shown.get("segment", {}).get("S", "")
    act = replace(act, segment=next((segment for segment in Segment if segment.code == code), None))
    revision = int(shown["revision"]["N"]) if options.revision is None else options.revision
    session = store.unpark(place, settings.index_shards, act_write(act), revision=revision)
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
