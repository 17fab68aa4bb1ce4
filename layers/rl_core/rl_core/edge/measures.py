"""What is measured of sessions, for CloudWatch: by segment, and over all of them. docs/operations.md lists it.

Each measurement is one line of the embedded metric format, with dimensions of its own; none names a user.
"""

from collections.abc import Mapping

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from rl_core.models import Learning, Policy, Segment, Session, Why
from rl_core.sessions import learning_of, outcome_of, why_not


def session_issued(session: Session, policy: Policy | None) -> None:
    """Counts a session that was just issued by this policy; None: without one, a fallback."""
    decision = session.decision
    values = {"SessionsIssued": 1.0, "SessionsExplored": float(decision.explored and not decision.fallback)}
    if policy is None:
        values["PolicyFallbacks"] = 1.0
    else:
        values |= {"Epsilon": decision.epsilon, "Episodes": float(policy.episodes)}
    _publish(session.segment, values)
    _publish(session.segment, {"ActionsChosen": 1.0}, action=decision.action.title)


_LEARNING = {Learning.APPLIED: "SessionsLearned", Learning.QUEUED: "SessionsQueued"}
_WHY = {
    Why.FALLBACK: "FallbackSessionsClosed",
    Why.EXCLUDED: "SessionsExcluded",
    Why.OVER_WEIGHT: "SessionsOverWeight",
}


def session_refused() -> None:
    """Counts a request for a session that the user's day has no place left for."""
    line = AmazonCloudWatchEMFProvider()
    line.add_metric(name="SessionsRefused", unit=MetricUnit.Count, value=1)
    line.add_dimension(name="service", value=line.service or "")
    line.flush_metrics()


def session_closed(session: Session, conflicts: int = 0) -> None:
    """Counts a session that a request just closed; `conflicts`: races lost over the policy."""
    values = {_LEARNING[learning]: 1.0} if (learning := learning_of(session)) in _LEARNING else {}
    if conflicts:
        values["PolicyConflicts"] = float(conflicts)
    _closed(session, values)


def session_expired(session: Session) -> None:
    """Counts a session that the job just closed."""
    _closed(session, {"SessionsExpired": 1.0})


def _closed(session: Session, values: dict[str, float]) -> None:
    """Publishes the values, with the reason why nothing is learned, if there is one, and what the session came to."""
    if (why := why_not(session)) in _WHY:
        values[_WHY[why]] = 1.0
    if session.closing is not None:
        values["Reward"] = session.closing.reward
        values["CompletionRate"] = outcome_of(session.activities, session.closing.rating).completion_rate
    _publish(session.segment, values)


def _publish(segment: Segment, values: Mapping[str, float], **more: str) -> None:
    """Writes the values for the segment and these dimensions; without any, for the service as a whole too."""
    line = AmazonCloudWatchEMFProvider()
    for name, value in values.items():
        unit = MetricUnit.NoUnit if name in {"Epsilon", "Reward", "CompletionRate"} else MetricUnit.Count
        line.add_metric(name=name, unit=unit, value=value)
    for name, dimension in {"segment": segment.value, **more}.items():
        line.add_dimension(name=name, value=dimension)
    if not more:
        line.add_dimensions(service=line.service or "")
    line.flush_metrics()
