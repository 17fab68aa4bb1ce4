"""Counts what people did to steer the service: pauses, kinds of plan excluded, questions, data taken along."""

from __future__ import annotations

from collections.abc import Sequence

from lab.demo.log import Log


def what_was_steered(logs: Sequence[Log]) -> str:
    """Returns in sentences what these people did; `User` has checked what the service answered."""
    pausing = [log for log in logs if log.pauses]
    left = sum(log.paused(session) for log in pausing for session in log.issued)
    without = sum(bool(log.without) for log in logs)
    asked, exact = sum(log.explained for log in logs), sum(log.exact for log in logs)
    assessed = sum(log.assessed > 0 for log in logs)
    return (
        f"{len(pausing)} people paused for some days: {sum(log.told_paused for log in pausing)} plans were refused "
        f"meanwhile, and {left} that they had left open closed as if nobody had seen them. {without} people excluded a "
        f"kind of plan or two, and were given none of these any more. {asked} times somebody asked why they had been "
        f"given a plan; {exact} of the answers had exact estimates. {assessed} people filled in the "
        f"assessment again, and {sum(log.exported for log in logs)} took their data along."
    )
