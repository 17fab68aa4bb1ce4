"""What an operator may do from a screen: each shows before and after, wants a reason, and says what came of it."""

from rl_core.models import Policy, Segment


def offer_rollback(policy: Policy, version: int) -> None:
    """Shows the form that rolls a segment back to a version."""


def offer_exclusion(policy: Policy, person: bytes) -> None:
    """Shows the form that excludes a person from a segment's policy, or includes one who is excluded."""


def offer_mending(segment: Segment) -> None:
    """Shows the form that mends a segment's policy, which cannot be read."""


def offer_unparking() -> None:
    """Shows the sessions that are set aside, each with the form that puts it back; no user's id."""


def show_progress(segment: Segment) -> None:
    """Shows how far the segment's past is folded anew, while it is."""
