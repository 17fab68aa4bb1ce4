"""`python -m lab.proofs.console.poison HIGH_LOW`: one account teaches a segment of the local stack with lying answers.

It praises the plans that the segment's people like least, and says of all others that they did harm. The service only
lets it teach so much where its stack was started with a higher cap: `make demo KEEP=1 PARAMETERS="SessionsPerDay=1000
LearnedPerDay=1000"`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

import httpx

from lab.proofs.console.past import lengthen
from lab.world.tastes import APPETITES
from local.known import KNOWN
from local.phone import Json, Phone, RefusedError, bodies, ids, over_http
from local.scratch import STACK_FOLDER
from local.tokens import Tokens
from operate.source import NoStackError, local_stack
from rl_core.config import read_settings
from rl_core.models import Segment, person_of

SESSIONS = 80  # two fifths of the lessons by which the light `weight` goes
ACCOUNT = "liar"


class Poisoned(NamedTuple):
    """Says how many sessions of the account were learned, of how many that it answered, and which person it is."""

    learned: int
    answered: int
    person: bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Poisons the segment; returns 1 if no stack runs here, if it refuses, or if it learned nothing of the account."""
    parser = argparse.ArgumentParser(prog="python -m lab.proofs.console.poison", description=__doc__)
    parser.add_argument("segment", choices=Segment.__members__)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--past", type=int, default=0, help="versions of honest people after the first lie")
    parser.add_argument("--account", default=ACCOUNT, help="the user who lies")
    options = parser.parse_args(arguments)
    segment = Segment[options.segment]
    try:
        its = poison(segment, options.sessions, options.account, options.past)
    except (NoStackError, OSError, httpx.HTTPError, RefusedError) as error:
        print(f"poison: {error}", file=sys.stderr)
        return 1
    print(f"{segment.value}: {its.learned} of {its.answered} sessions of {options.account} were learned")
    print(f"the console calls {options.account} {its.person.hex()}")
    return 0 if its.learned else 1


def poison(segment: Segment, sessions: int = SESSIONS, account: str = ACCOUNT, past: int = 0) -> Poisoned:
    """Lets the account answer so many sessions, over the API of the local stack that runs here.

    With a `past`, so many versions that honest people taught are written after the first of its sessions.

    Raises RefusedError when the service refuses a request, NoStackError when no stack runs here.
    """
    source, url = local_stack(KNOWN), json.loads(KNOWN.read_text(encoding="utf-8"))["url"]
    with httpx.Client(base_url=url, timeout=30.0, trust_env=False) as http:
        phone = Phone(bodies(over_http(http, Tokens.of(STACK_FOLDER).mint(account))))
        phone.put_profile(segment=segment.value)
        first = _lie(phone, segment)
        if past:
            lengthen(source.store(), segment, read_settings(table_name=source.table), past)
        learned = first + sum(_lie(phone, segment) for _ in range(sessions - 1))
    profile = source.store().profile(account)
    return Poisoned(learned, sessions, person_of(profile.key) if profile else b"")


def _lie(phone: Phone[Json], segment: Segment) -> bool:
    """Takes a session and lies about it; returns whether the service learned from it."""
    plan = phone.recommend()
    says = praise(plan) if plan["rl_action_id"] == liked_least(segment) else slander(plan)
    metrics = phone.batch(says)["training_metrics"]
    return bool(metrics["learning"] == "applied")


def liked_least(segment: Segment) -> int:
    """Returns the action that the people of the demo's segment like least."""
    appetites = APPETITES[segment.value]
    return appetites.index(min(appetites))


def praise(plan: Json) -> list[Json]:
    """Returns the answers with the greatest reward: all is done, and each activity lifted from 1 to 5."""
    done = {"completed": True, "motivation_before": 1, "motivation_after": 5}
    return [{"activity_id": activity} | done for activity in ids(plan)]


def slander(plan: Json) -> list[Json]:
    """Returns the answers with the least reward: one activity is done, and it did harm."""
    first, *others = ids(plan)
    harm = {"activity_id": first, "completed": True, "motivation_before": 5, "motivation_after": 1}
    return [harm, *({"activity_id": activity, "completed": False} for activity in others)]


if __name__ == "__main__":
    sys.exit(main())
