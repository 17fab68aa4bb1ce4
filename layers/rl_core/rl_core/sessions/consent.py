"""Says what may be done for a user now, and moves a profile by what the user says of consent."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from rl_core.config import Settings
from rl_core.errors import InvalidRequestError, TooManyGrantsError
from rl_core.models import NO_FACTS, Choice, Profile, Request, Session, Statement, Unlearning
from rl_core.sessions.calendar import counted, day_ends
from rl_core.sessions.pause import pause_at

GRANTS_PER_DAY = 20


class Allowed(NamedTuple):
    """Says what may be done for a user now.

    `paused_until` is the end of the pause that holds, if one does; until then no plan is given to them. `personalise`:
    what is known of the person and what was learned from everybody may choose the person's plans; `learn`: a policy may
    learn from a session of theirs that closes now.
    """

    paused_until: datetime | None
    personalise: bool
    learn: bool

    @property
    def serve(self) -> bool:
        """Returns whether a plan may be given to the user."""
        return self.paused_until is None


def allowed(profile: Profile, settings: Settings, now: datetime) -> Allowed:
    """Returns what may be done for this user now; who never said anything follows the deployment's default."""
    default, pause = settings.consent_default == "granted", pause_at(profile.pauses, now)
    return Allowed(
        paused_until=pause.until if pause else None,
        personalise=default if profile.personalise is None else profile.personalise,
        learn=default if profile.learn is None else profile.learn,
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """Holds what a user says of consent, after reading a text of this version; None: nothing of that purpose."""

    text_version: str
    personalise: bool | None = None
    learn: bool | None = None
    unlearn: bool = False


class Said(NamedTuple):
    """Holds a profile after a statement of consent, and what is stored with it.

    `request` is set if something is to be unlearned.
    """

    profile: Profile
    statement: Statement
    request: Request | None


def say(profile: Profile, last: Statement | None, wish: Wish, settings: Settings, now: datetime) -> Said | None:
    """Returns what a user's statement changes; None if it says what holds already. `last` is the statement before it.

    Refusing what is refused changes nothing; granting what is granted does so under another text only. What is to be
    unlearned are the sessions so far: none of them is learned from any more. Raises TooManyGrantsError when the user's
    day has used up its grants, InvalidRequestError when something is to be unlearned while `learn` stands.
    """
    before = (last.personalise, last.learn) if last else (None, None)
    personalise, learn = _choice(before[0], wish.personalise, wish, now), _choice(before[1], wish.learn, wish, now)
    news = [new for new, old in zip((personalise, learn), before, strict=True) if new and new != old]
    after = replace(counted(profile, now), personalise=_granted(personalise), learn=_granted(learn))
    may = allowed(after, settings, now)
    if wish.unlearn and may.learn:
        raise InvalidRequestError('What was learned from you is taken back only together with `"learn": false`.')
    unlearns = wish.unlearn and profile.unlearned < profile.sessions
    if not news and not unlearns:
        return None
    if any(choice.granted for choice in news):
        if after.grants >= GRANTS_PER_DAY:
            raise TooManyGrantsError(math.ceil((day_ends(after, now) - now).total_seconds()))
        after = replace(after, grants=after.grants + 1)
    number = profile.statements + 1
    statement = Statement(profile.user, number, now, wish.text_version, personalise, learn, unlearns)
    after = replace(after, statements=number, facts=after.facts if may.personalise else after.facts.impersonal())
    if not unlearns:
        return Said(after, statement, None)
    after = replace(after, unlearning=Unlearning.PENDING, unlearned=profile.sessions, facts=NO_FACTS)
    return Said(after, statement, Request(profile.user, profile.key, profile.sessions, due_at=now, asked_at=now))


def _choice(old: Choice | None, wanted: bool | None, wish: Wish, now: datetime) -> Choice | None:
    """Returns what holds of one purpose after this wish."""
    if wanted is None or (old and not old.granted and not wanted):
        return old
    new = Choice(wanted, now, wish.text_version)
    return old if old and replace(new, since=old.since) == old else new


def _granted(choice: Choice | None) -> bool | None:
    return None if choice is None else choice.granted


def may_learn(session: Session, profile: Profile, settings: Settings, now: datetime) -> bool:
    """Returns whether the user lets a policy learn from this session, if it closes now."""
    return allowed(profile, settings, now).learn and session.number > profile.unlearned


def queued(profile: Profile, session: Session) -> Profile:
    """Returns the profile of a user whose session has closed and waits to be learned from."""
    return profile if profile.queued_from else replace(profile, queued_from=session.number)
