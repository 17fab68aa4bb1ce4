"""Does what an operator's commands do, through a client that may fail, and again as an operator would repeat it."""

import io
import secrets
from argparse import Namespace
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import datetime
from typing import Any

from operate.after_restore import after_restore
from operate.unlearning import unlearning
from rl_core.config import Settings, settings
from rl_core.errors import ActedError, ConflictError, VersionError
from rl_core.models import Act, Segment
from rl_core.store import Due, Store, act_write, keys, latest_acts
from rl_core.work import Turn, exclude, include, mend, roll_back

OPERATE = "operate"
WHY = "one answer for all"  # by which operators know their own act
Wish = dict[str, Any]


def wish(what: str, at: datetime, segment: str, acted: int, **more: Any) -> Wish:
    """Returns what an operator wants done, as of what the operator saw; a repeat is the same wish."""
    return {"what": what, "at": at, "segment": Segment(segment), "acted": acted, **more}


def carry_out(table: str, client: Any, its: Wish) -> None:
    """Does it. An operator who is refused looks into the audit, and is content when their own act is there."""
    store = Store(table, client)
    act = Act(secrets.token_hex(4), its["at"], "an operator", reason=WHY, person=its.get("person", b""))
    try:
        _do(store, act, its)
    except (ActedError, ConflictError, VersionError):
        if WHY not in {done.reason for done in latest_acts(store, 9)}:
            raise


def _do(store: Store, act: Act, its: Wish) -> None:
    segment, acted = its["segment"], its["acted"]
    turn = Turn.of("an operator", its["at"], lambda: 900_000)
    if its["what"] == "unlearn":
        _typed(unlearning, store, its, user=its["user"])
    elif its["what"] == "after-restore":
        _typed(after_restore, store, its, erasures=its["erasures"], old_table=None)
    elif its["what"] == "rollback":
        roll_back(store, segment, its["to"], act, acted, settings())
    elif its["what"] == "mend":
        mend(store, segment, its["shown"], act, settings())
    elif its["what"] == "unpark":
        place = Due(keys.PARKED, its["pk"], its["sk"], its["at"])
        done = replace(act, what="unpark")
        store.unpark(place, settings().index_shards, act_write(done), revision=its["revision"])
    else:
        {"exclude": exclude, "include": include}[its["what"]](store, segment, act, acted, settings(), turn)


def _typed(command: Callable[[Store, Settings, Namespace], int], store: Store, its: Wish, **given: Any) -> None:
    """Does what the command line does with these options. Raises RuntimeError when that leaves something to do."""
    options = Namespace(now=its["at"], local=True, dry_run=False, reason=WHY, **given)
    with redirect_stdout(io.StringIO()) as told:
        if command(store, settings(), options):
            raise RuntimeError(told.getvalue())
