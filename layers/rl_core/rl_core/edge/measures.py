"""Publishes measurements to CloudWatch: counts of what just happened, and the figures of a day that is final.

docs/operations.md lists the measurements. Each function writes one line of the embedded metric format for each set of
dimensions. A count says that something happened, never to whom, in which segment or how it went: where few people use
the service, such a line could be joined with the access log by its time. How it went is published for whole days only.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from rl_core.days import SegmentDay, publishable, shown, shows
from rl_core.models import MILLION, Learning, Segment, Session, Why
from rl_core.sessions import learning_of, why_not

LATEST = timedelta(days=13)  # CloudWatch takes values of the last 14 days; one of them is left for late messages

_LEARNING = {Learning.APPLIED: "SessionsLearned", Learning.QUEUED: "SessionsQueued"}
_WHY = {
    Why.FALLBACK: "FallbackSessionsClosed",
    Why.CONSENT: "SessionsWithoutConsent",
    Why.EXCLUDED: "SessionsExcluded",
    Why.PAUSED: "SessionsPaused",
    Why.OVER_WEIGHT: "SessionsOverWeight",
}
_SHARES = {"DayReward", "DayCompletionRate"}


def session_issued(session: Session) -> None:
    """Counts a session that was just issued."""
    decision = session.decision
    tried = decision.explored and not decision.fallback and not decision.impersonal
    values = {"SessionsIssued": 1.0, "SessionsExplored": float(tried)}
    if decision.fallback:
        values["PolicyFallbacks"] = 1.0
    _publish(values)


def session_refused() -> None:
    """Counts a request for a session that was refused because the user's day has used up its sessions."""
    _publish({"SessionsRefused": 1.0})


def session_closed(session: Session, conflicts: int = 0) -> None:
    """Counts a session that a request just closed; `conflicts` is the number of races lost over the policy."""
    values = _why(session)
    if (learning := learning_of(session)) in _LEARNING:
        values[_LEARNING[learning]] = 1.0
    if conflicts:
        values["PolicyConflicts"] = float(conflicts)
    _publish(values)


def session_expired(session: Session) -> None:
    """Counts a session that the job just closed."""
    _publish(_why(session) | {"SessionsExpired": 1.0})


def _why(session: Session) -> dict[str, float]:
    """Returns the count for the reason why nothing is learned from the session; nothing without a reason."""
    return {_WHY[why]: 1.0} if (why := why_not(session)) in _WHY else {}


def day_final(day: date, segments: Mapping[Segment, SegmentDay], now: datetime, *, by_segment: bool) -> None:
    """Publishes the figures of a final day at the day's own midnight (UTC): in all and, if wanted, by segment.

    A line that is published twice does no harm: each metric has one value a day, which is read as a maximum. Publishes
    nothing of a day for which CloudWatch takes no values any more.
    """
    if now - _midnight(day) > LATEST:
        return
    total, each = publishable(segments, by_segment=by_segment)
    _publish(_figures(total), day)
    for segment, figures in each.items():
        _publish(_figures(figures), day, segment)


def _figures(its: SegmentDay) -> dict[str, float]:
    """Returns what may be shown of a day's sums."""
    if not shows(its):
        return {}
    sums = its.total()
    values = {"DayUsers": float(its.users), "DaySessions": float(sums.sessions)}
    if shown(sums.sessions):
        values["DayCompletionRate"] = sums.completed / sums.assigned
    if shown(sums.rewarded):
        values["DayReward"] = sums.rewards / MILLION / sums.rewarded
    return values


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _publish(values: Mapping[str, float], day: date | None = None, segment: Segment | None = None) -> None:
    """Writes the values, if there are any, for the service or for a segment: of this moment, or of a day."""
    if not values:
        return
    line = AmazonCloudWatchEMFProvider()
    for name, value in values.items():
        line.add_metric(name=name, unit=MetricUnit.NoUnit if name in _SHARES else MetricUnit.Count, value=value)
    line.add_dimension(name="service", value=line.service or "")
    if segment is not None:
        line.add_dimension(name="segment", value=segment.value)
    if day is not None:
        line.timestamp = int(_midnight(day).timestamp() * 1000)  # set_timestamp would ask the machine's clock
    line.flush_metrics()
