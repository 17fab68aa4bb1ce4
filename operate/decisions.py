"""The command that recomputes one decision."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from rl_core.config import Settings
from rl_core.models import ACTIONS, MILLION, Facts, Session
from rl_core.store import Store
from rl_core.work import explain


def explanation(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Recomputes one decision from stored facts and checks that it comes out the same."""
    session = store.session(options.user, options.session)
    if session is None:
        print("no such session", file=sys.stderr)
        return 2
    found = explain(store, session, settings)
    _print_decision(session, found.estimates, found.visits)
    if found.agrees(session.decision):
        print("recomputed: the same, bit for bit")
        return 0
    if found.other_settings:
        print("not recomputed: drawn under other settings")
        return 0
    why = "an erasure rewrote that version" if found.rewritten else "settings of another time?"
    print(f"recomputed: DIFFERS ({why}): {found.again}")
    return 0 if found.rewritten else 1


def _print_decision(session: Session, estimates: Sequence[float], visits: Sequence[int]) -> None:
    d = session.decision
    print(
        f"session {session.number}, {session.segment.value}, state {tuple(d.state)}, policy version {d.policy_version}"
    )
    for action in ACTIONS:
        mark = "served" if action is d.action else "" if action in d.eligible else "not eligible"
        print(
            f"  {int(action)} {action.title:<30} estimate {estimates[action]:+.6f}  visits {visits[action]:>6}  {mark}"
        )
    if d.facts is not None:
        print(f"  {_known(d.facts)}")
    best = "the best by the person's own rewards" if d.own else "the best known"
    how = "fallback" if d.fallback else "a try" if d.explored else best
    print(f"  epsilon {d.epsilon!r}, propensity {d.propensity!r}, {how}")


def _known(facts: Facts) -> str:
    """Returns what the draw knew of the person, by action."""
    pairs = zip(facts.counts, facts.sums, strict=True)
    own = ", ".join(f"{n} of {total / n / MILLION:+.3f}" if n else "0" for n, total in pairs)
    latest = " ".join(str(int(action)) for action in facts.latest) or "none"
    return f"the person's sessions {own}; elsewhere {', '.join(map(str, facts.earlier))}; latest actions {latest}"


def add_to(commands: Any) -> None:
    """Adds the command to a parser's."""
    added = commands.add_parser("explain", help=explanation.__doc__)
    added.set_defaults(command=explanation)
    added.add_argument("user")
    added.add_argument("session", type=int)
