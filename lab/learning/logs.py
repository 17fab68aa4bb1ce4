"""`python -m lab.learning.logs --out log.csv`: decisions of a run in the simulated world, as `operate.log` has them.

For trying out what reads logs (`operate.evaluate`, `operate.permutation`) where the truth is known. Fettle decides,
learning as it goes on; with `--uniform` every eligible action is drawn evenly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.learning.methods import Fettle, Method, Uniform
from lab.world.crowd import Crowd, Feedback
from lab.world.tastes import Tastes, World, draw_tastes
from operate.log import Row, write_csv
from rl_core.config import Settings

SETTINGS = Settings(table_name="none")


def logged(tastes: Mapping[str, Tastes], sessions: int, seed: int = 1, method: Method | None = None) -> list[Row]:
    """Returns the closed ones of `sessions` sessions that the method decides, or uniform play if no method is given."""
    crowd, chosen, rows = Crowd(tastes, seed, SETTINGS), method or Uniform(seed), []
    for _ in range(sessions):
        caller = crowd.call()
        crowd.serve(caller, chosen.decide(caller))
        for feedback in crowd.heard():
            rows.append(_row(feedback))
            chosen.learn(feedback)
    return rows


def _row(feedback: Feedback) -> Row:
    """Returns the log's row.

    A session is learned from as soon as it closes; the version that learned from it is left empty.
    """
    made, t = feedback.decision, feedback.transition
    return Row(
        user=feedback.user,
        session=feedback.session,
        segment=feedback.segment,
        state=made.state.row,
        eligible=made.eligible,
        action=made.action,
        propensity=made.propensity,
        epsilon=made.epsilon,
        version=made.policy_version,
        explored=made.explored,
        fallback=False,
        reward=t.reward,
        next=t.next_state.row,
        barred=t.barred,
        learned=None,
        facts=t.facts,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.learning.logs", description=__doc__)
    parser.add_argument("--world", type=World, choices=list(World), default=World.BASE)
    parser.add_argument("--sessions", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--uniform", action="store_true")
    parser.add_argument("--alike", action="store_true", help="the first segment's tastes for everybody")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    tastes = draw_tastes(options.world, options.seed)
    if options.alike:
        tastes = dict.fromkeys(tastes, next(iter(tastes.values())))
    method = Uniform(options.seed) if options.uniform else Fettle(SETTINGS)
    rows = logged(tastes, options.sessions, options.seed, method)
    write_csv(options.out, rows)
    print(f"{len(rows)} decisions written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
