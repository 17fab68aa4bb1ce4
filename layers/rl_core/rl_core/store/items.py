"""Profiles and sessions in their wire form: dataclass <-> DynamoDB attribute values.

What has no value is not stored. Names are short where a session holds many: an item within 1 KB costs one write unit.
"""

from datetime import date, datetime, timedelta

from rl_core.models import (
    Action,
    Activity,
    Closing,
    Decision,
    EndedBy,
    Profile,
    Segment,
    Session,
    State,
    Status,
    Streak,
)
from rl_core.sessions import lifecycle
from rl_core.store import keys
from rl_core.store.attributes import (
    Item,
    Stored,
    actions,
    maybe_date,
    maybe_int,
    number,
    read_actions,
    read_float,
    read_int,
    read_time,
    strict,
    string,
    time,
)


def profile_item(profile: Profile) -> Item:
    """The item as it will stand; its revision is one more than was read."""
    item: Item = {
        "pk": string(keys.user_pk(profile.user)),
        "sk": string(keys.PROFILE_SK),
        "revision": number(profile.revision + 1),
        "key": {"B": profile.key},
        "created_at": time(profile.created_at),
        "segment": string(profile.segment.name),
        "engagement": number(profile.engagement),
        "motivation": number(profile.motivation),
        "timezone": string(profile.timezone),
        "avoid": {"L": [string(tag) for tag in profile.avoid]},
        "sessions": number(profile.sessions),
        "recent": actions(profile.recent),
        "streak_days": number(profile.streak.days),
    }
    for name, day in (("streak_last", profile.streak.last), ("seen", profile.seen)):
        if day is not None:
            item[name] = string(day.isoformat())
    return item


@strict
def read_profile(item: Stored) -> Profile:
    if "erasing" in item:
        return _read_marker(item)
    return Profile(
        user=item["pk"]["S"].removeprefix(keys.user_pk("")),
        key=item["key"]["B"],
        segment=Segment[item["segment"]["S"]],
        created_at=read_time(item, "created_at"),
        engagement=read_float(item, "engagement"),
        motivation=read_float(item, "motivation"),
        timezone=item["timezone"]["S"],
        avoid=tuple(tag["S"] for tag in item["avoid"]["L"]),
        sessions=read_int(item, "sessions"),
        recent=read_actions(item, "recent"),
        streak=Streak(read_int(item, "streak_days"), maybe_date(item, "streak_last")),
        seen=maybe_date(item, "seen"),
        revision=read_int(item, "revision"),
    )


def erasing_item(profile: Profile, at: datetime) -> Item:
    """The marker that takes the profile's place until a job has removed every item of the user: it says no more."""
    return {
        "pk": string(keys.user_pk(profile.user)),
        "sk": string(keys.PROFILE_SK),
        "revision": number(profile.revision + 1),
        "key": {"B": profile.key},
        "created_at": time(profile.created_at),
        "erasing": {"BOOL": True},
        "due_shard": string(keys.erasing_shard(keys.shard_of(profile.user))),
        "due_at": time(at),
    }


def _read_marker(item: Stored) -> Profile:
    """The marker as a profile that is being erased; the segment of such a one means nothing."""
    return Profile(
        user=item["pk"]["S"].removeprefix(keys.user_pk("")),
        key=item["key"]["B"],
        segment=Segment.LOW_LOW,
        created_at=read_time(item, "created_at"),
        revision=read_int(item, "revision"),
        erasing=True,
    )


def session_item(session: Session) -> Item:
    """The item as it will stand; its revision is one more than was read."""
    d = session.decision
    item: Item = {
        "pk": string(keys.user_pk(session.user)),
        "sk": string(keys.session_sk(session.number)),
        "revision": number(session.revision + 1),
        "key": {"B": session.key},
        "status": string(session.status),
        "segment": string(session.segment.name),
        "state": number(d.state.row),
        "eligible": actions(d.eligible),
        "action": number(int(d.action)),
        "propensity": number(d.propensity),
        "epsilon": number(d.epsilon),
        "version": number(d.policy_version),
        "explored": {"BOOL": d.explored},
        "shown": {"BOOL": session.shown},
        "engagement": number(session.engagement),
        "issued_at": time(session.issued_at),
        "expires_at": time(session.expires_at),
        "activities": {"L": [{"M": _activity_map(a, session.day)} for a in session.activities]},
    }
    if d.fallback:
        item["fallback"] = {"BOOL": True}
    if session.closed_at is not None and session.ended_by is not None:
        item |= {"closed_at": time(session.closed_at), "ended_by": string(session.ended_by)}
    if session.closing is not None:
        item |= _closing_item(session.closing)
    if session.learned_version is not None and session.learned_episodes is not None:
        item |= {"learned": number(session.learned_version), "episodes": number(session.learned_episodes)}
    if session.parked is not None:
        item["parked"] = string(session.parked)
    if session.day is not None:
        item["day"] = string(session.day.isoformat())
    return item | _index(session)


@strict
def read_session(item: Stored) -> Session:
    day = maybe_date(item, "day")
    return Session(
        user=item["pk"]["S"].removeprefix(keys.user_pk("")),
        number=int(item["sk"]["S"].removeprefix(keys.SESSION_PREFIX)),
        key=item["key"]["B"],
        segment=Segment[item["segment"]["S"]],
        decision=Decision(
            state=State.from_row(read_int(item, "state")),
            eligible=read_actions(item, "eligible"),
            action=Action(read_int(item, "action")),
            propensity=read_float(item, "propensity"),
            epsilon=read_float(item, "epsilon"),
            policy_version=read_int(item, "version"),
            explored=item["explored"]["BOOL"],
            fallback="fallback" in item,
        ),
        activities=tuple(_read_activity(a["M"], day) for a in item["activities"]["L"]),
        engagement=read_float(item, "engagement"),
        issued_at=read_time(item, "issued_at"),
        expires_at=read_time(item, "expires_at"),
        shown=item["shown"]["BOOL"],
        status=Status(item["status"]["S"]),
        revision=read_int(item, "revision"),
        closed_at=read_time(item, "closed_at") if "closed_at" in item else None,
        ended_by=EndedBy(item["ended_by"]["S"]) if "ended_by" in item else None,
        closing=_read_closing(item) if "reward" in item else None,
        learned_version=maybe_int(item, "learned"),
        learned_episodes=maybe_int(item, "episodes"),
        parked=item["parked"]["S"] if "parked" in item else None,
        day=day,
    )


def _index(session: Session) -> Item:
    shard = keys.waiting_shard(session, lifecycle.is_due(session))
    if shard is None:
        return {}
    return {"due_shard": string(shard), "due_at": time(session.closed_at or session.expires_at)}


def _closing_item(closing: Closing) -> Item:
    item: Item = {
        "reward": number(closing.reward),
        "engaged": number(closing.engagement_after),
        "next": number(closing.next_state.row),
        "barred": actions(closing.barred),
    }
    for name, value in (("rating", closing.rating), ("motivated", closing.motivation_after)):
        if value is not None:
            item[name] = number(value)
    if closing.notes:
        item["notes"] = string(closing.notes)
    if closing.rated_at is not None:
        item["rated_at"] = time(closing.rated_at)
    return item


def _read_closing(item: Stored) -> Closing:
    return Closing(
        reward=read_float(item, "reward"),
        engagement_after=read_float(item, "engaged"),
        next_state=State.from_row(read_int(item, "next")),
        barred=read_actions(item, "barred"),
        rating=maybe_int(item, "rating"),
        notes=item["notes"]["S"] if "notes" in item else "",
        motivation_after=read_float(item, "motivated") if "motivated" in item else None,
        rated_at=read_time(item, "rated_at") if "rated_at" in item else None,
    )


def _activity_map(activity: Activity, day: date | None) -> Item:
    """Of a session of this day; a completion on a later one says by how many days."""
    item: Item = {"s": string(activity.slug)}
    if activity.completed is not None:
        item["c"] = {"BOOL": activity.completed}
    if activity.completed_at is not None:
        item["t"] = time(activity.completed_at)
    if day is not None and activity.completed_on is not None and activity.completed_on != day:
        item["o"] = number((activity.completed_on - day).days)
    for name, rating in (
        ("b", activity.motivation_before),
        ("a", activity.motivation_after),
        ("d", activity.difficulty_rating),
    ):
        if rating is not None:
            item[name] = number(rating)
    if activity.notes:
        item["n"] = string(activity.notes)
    return item


def _read_activity(item: Stored, day: date | None) -> Activity:
    later = timedelta(days=read_int(item, "o") if "o" in item else 0)
    return Activity(
        slug=item["s"]["S"],
        completed=item["c"]["BOOL"] if "c" in item else None,
        completed_at=read_time(item, "t") if "t" in item else None,
        completed_on=day + later if day is not None and "t" in item else None,
        motivation_before=maybe_int(item, "b"),
        motivation_after=maybe_int(item, "a"),
        difficulty_rating=maybe_int(item, "d"),
        notes=item["n"]["S"] if "n" in item else "",
    )
