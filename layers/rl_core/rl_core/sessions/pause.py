"""Says whether a user is paused, and moves a profile by what the user says of a pause."""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from rl_core.errors import InvalidRequestError, TooManyPausesError
from rl_core.models import Pause, Profile
from rl_core.sessions.calendar import counted, day_ends

LONGEST_PAUSE = timedelta(days=180)
MOST_PAUSES = 8


def pause_at(pauses: Iterable[Pause], moment: datetime) -> Pause | None:
    """Returns the pause that holds at this moment; None if none does."""
    return next((pause for pause in pauses if pause.since <= moment < pause.until), None)


def pause_until(profile: Profile, until: datetime, now: datetime) -> Profile:
    """Returns the profile with a pause from now on; a pause that holds already, or ends just now, lasts until then.

    Raises InvalidRequestError when `until` is not after now or is more than 180 days away, TooManyPausesError when the
    profile keeps as many pauses as it can.
    """
    if not now < until <= now + LONGEST_PAUSE:
        raise InvalidRequestError("A pause ends in the future, at most 180 days from now.")
    over = [pause for pause in profile.pauses if pause.until < now]
    since = min([now, *(pause.since for pause in profile.pauses[len(over) :])])
    if len(over) >= MOST_PAUSES:
        today = counted(profile, now)
        raise TooManyPausesError(math.ceil((day_ends(today, now) - now).total_seconds()))
    return replace(profile, pauses=(*over, Pause(since, until)))


def pause_ended(profile: Profile, now: datetime) -> Profile:
    """Returns the profile with the pause that holds ended now; one that would have no length is gone."""
    ended = (Pause(since, min(until, now)) for since, until in profile.pauses)
    return replace(profile, pauses=tuple(pause for pause in ended if pause.since < pause.until))
