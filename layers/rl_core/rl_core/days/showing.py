"""Says what may be shown of figures of people: nothing that tells of fewer than five of them."""

from collections.abc import Mapping

from rl_core.days.tally import SegmentDay, merged
from rl_core.models import Segment

FEWEST = 5


def shown(users: int) -> bool:
    """Returns whether a figure of so many users may be shown."""
    return users >= FEWEST


def publishable(
    segments: Mapping[Segment, SegmentDay], *, by_segment: bool
) -> tuple[SegmentDay, dict[Segment, SegmentDay]]:
    """Returns the sum over a day's segments, and with `by_segment` each segment that may be shown beside it.

    The sum leaves out the segments that may not be shown when they have fewer than five users together: their figures
    would be the difference between the sum and the segments beside it.
    """
    if not by_segment:
        return merged(segments.values()), {}
    each = {segment: day for segment, day in segments.items() if shown(day.users)}
    hidden = merged(day for segment, day in segments.items() if segment not in each)
    whole = merged(each.values())
    return (whole.plus(hidden) if shown(hidden.users) else whole), each
