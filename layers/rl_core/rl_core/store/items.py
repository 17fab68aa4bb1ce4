"""Reads and writes a user's items: profile, marker of an erasure, session, day. A write within 1 KB costs one unit."""

from dataclasses import astuple, dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from rl_core.days import Figures, Share, TypeFigures
from rl_core.models import (
    NO_FACTS,
    Activity,
    Closing,
    Decision,
    EndedBy,
    Mark,
    Marker,
    Profile,
    Rest,
    Session,
    Status,
    Streak,
    Unlearning,
    Why,
)
from rl_core.sessions import is_due
from rl_core.store import keys
from rl_core.store.codecs import ASSESSMENTS, BRIDGES, FACTS, PAUSES, SEGMENT, STATE, TAUGHT
from rl_core.store.fields import (
    ACTION,
    ACTIONS,
    BYTES,
    DATE,
    DAY_NUMBER,
    FLAG,
    FLOAT,
    FLOATS,
    TEXT,
    TEXTS,
    TIME,
    WHOLE,
    Codec,
    Field,
    FieldTable,
    Item,
    Put,
    Stored,
    enumerated,
    number,
    rest_of,
    same_revision,
    shifted,
    strict,
    string,
    time,
    unknown,
    written,
)
from rl_core.store.sums import PARTS

PROFILE_FORM = 6
SESSION_FORM = 4
USER_DAY_FORM = 4


@dataclass(frozen=True, slots=True)
class UserDay:
    """Holds a user's day as stored; `figures` is None until they are computed.

    `counted` is what the day has added to its shard, `gone` what it has added seven days later, as a dropout. If some
    of these days were paused, the user drops out `postponed` days later, and `late` is what was added then.
    """

    mark: Mark
    figures: Figures | None = None
    revision: int = 0
    counted: Share = field(default_factory=Share)
    gone: Share = field(default_factory=Share)
    late: Share = field(default_factory=Share)
    postponed: int = 0
    rest: Rest = field(default_factory=dict)


PROFILE = FieldTable(
    (
        Field("key", "key", BYTES, "16 random bytes that name one life of a user"),
        Field("created_at", "created_at", TIME, "when the first PUT came"),
        Field("segment", "segment", SEGMENT, "the user's segment: anxiety and activity level"),
        Field("engagement", "engagement", FLOAT, "engagement score as of `seen`; it decays for each day away since"),
        Field("motivation", "motivation", FLOAT, "motivation score"),
        Field("timezone", "timezone", TEXT, "IANA name", "UTC"),
        Field("avoid", "avoid", TEXTS, "tags to avoid", ()),
        Field("sessions", "sessions", WHOLE, "number of the latest session", 0),
        Field("recent", "recent", ACTIONS, "up to five latest actions, newest last", ()),
        Field("streak.days", "streak_days", WHOLE, "days of the streak", 0),
        Field("streak.last", "streak_last", DATE, "the streak's latest day", None),
        Field("seen", "seen", DATE, "the user's latest active day", None),
        Field("day", "day", DATE, "the user's day that `issued` and `learned` count", None, since=2),
        Field("issued", "issued", WHOLE, "sessions issued on that day", 0, since=2),
        Field("learned", "learned", WHOLE, "sessions closed on that day that are learned from", 0, since=2),
        Field("facts", "facts", FACTS, "what the next draw knows of the person", NO_FACTS, since=4),
        Field("grants", "grants", WHOLE, "grants of consent on that day", 0, since=5),
        Field("personalise", "personalise", FLAG, "whether personal plans are granted, if said", None, since=5),
        Field("learn", "learn", FLAG, "whether learning from the user is granted, if said", None, since=5),
        Field("statements", "statements", WHOLE, "number of the latest statement of consent", 0, since=5),
        Field("unlearning", "unlearning", enumerated(Unlearning), "`pending` or `done`", Unlearning.NONE, since=5),
        Field("unlearned", "unlearned", WHOLE, "nothing is learned from the sessions up to this number", 0, since=5),
        Field("queued_from", "queued", WHOLE, "no session before this one waits to be learned; 0: none", 0, since=5),
        Field("without", "without", ACTIONS, "actions that are never drawn", (), since=6),
        Field("pauses", "pauses", PAUSES, "pauses that are not over, or may matter after `seen`", (), since=6),
        Field("bridges", "bridges", BRIDGES, "between which active days all days were paused", (), since=6),
        Field("assessments", "assessed", ASSESSMENTS, "the first and the latest assessment", (), since=6),
    )
)
MARKER = FieldTable(
    (
        Field("key", "key", BYTES, "the profile's key; a bare marker has none", b""),
        Field("created_at", "created_at", TIME, "the profile's `created_at`; a bare marker has none", None),
        Field("due_at", "due_at", TIME, "when DELETE came, or the next try; for a bare marker, when its day is over"),
        Field("day", "day", DATE, "the user's day, if a cap of that day was used up", None, since=2),
        Field("held_until", "held_until", TIME, "when that day is over", None, since=2),
        Field("taught", "taught", TAUGHT, "where the user was learned from, once no session waits", None, since=3),
        Field("failures", "failures", WHOLE, "how often the erasure was put off", 0, since=3),
        Field("asked_at", "asked", TIME, "when DELETE came", None, since=6),
    )
)
SESSION = FieldTable(
    (
        Field("key", "key", BYTES, "the person's eight bytes, and eight of the session's own"),
        Field(
            "status", "status", enumerated(Status), "`open`, `closed`, `learned`, `unseen`; a newer release may add one"
        ),
        Field("segment", "segment", SEGMENT, "the segment in which the session was issued: anxiety and activity level"),
        Field("shown", "shown", FLAG, "whether the user saw the session", False),
        Field("engagement", "engagement", FLOAT, "engagement score when the session was issued"),
        Field("issued_at", "issued_at", TIME, "when the session was issued"),
        Field("expires_at", "expires_at", TIME, "from when on the session takes no answers"),
        Field("closed_at", "closed_at", TIME, "when the session closed", None),
        Field("ended_by", "ended_by", enumerated(EndedBy), "`completions`, `batch` or `expiry`", None),
        Field("learned_version", "learned", WHOLE, "the policy version that learned from the session", None),
        Field("learned_episodes", "episodes", WHOLE, "the segment's episodes after the session was learned", None),
        Field("parked", "parked", TEXT, "why the session was set aside", None),
        Field("day", "day", DAY_NUMBER, "the user's day when the session was first shown, or answered unseen", None),
        Field("why", "why", enumerated(Why), "why the session is not learned from: `over-weight`, ...", None, since=2),
        Field("changes", "changes", WHOLE, "how often the session's answers were changed", 0, since=2),
        Field("done_before", "before", WHOLE, "completions of the day `on` before the session was issued", 0, since=2),
        Field("issued_on", "on", DAY_NUMBER, "the user's day of issue, if the session has `before`", None, since=2),
    )
)
DECISION = FieldTable(
    (
        Field("state", "state", STATE, "the user's state when the session was issued"),
        Field("eligible", "eligible", ACTIONS, "the actions that could be drawn"),
        Field("chances", "chances", FLOATS, "the probability of each eligible action, in the order of `eligible`"),
        Field("action", "action", ACTION, "the action drawn"),
        Field("epsilon", "epsilon", FLOAT, "the share of decisions drawn evenly"),
        Field("policy_version", "version", WHOLE, "the policy version that decided", 0),
        Field("explored", "explored", FLAG, "whether the estimate was not the greatest, or all were alike", False),
        Field("fallback", "fallback", FLAG, "whether the action was drawn without a policy: nothing is learned", False),
        Field("own", "own", FLAG, "whether the estimate was the greatest by the person's own rewards", False, since=3),
        Field("impersonal", "even", FLAG, "whether it was drawn evenly, by the user's wish", False, since=4),
        Field("facts", "facts", FACTS, "the person's facts as the draw saw them", None, since=3),
        Field("settings", "hash", BYTES, "the first 4 bytes of a hash of the draw's settings", b"", since=3),
    )
)
CLOSING = FieldTable(
    (
        Field("reward", "reward", FLOAT, "the reward; only a session that closed seen has one"),
        Field("engagement_after", "engaged", FLOAT, "engagement score after the closing"),
        Field("motivation_after", "motivated", FLOAT, "motivation score after the closing"),
        Field("next_state", "next", STATE, "the user's state at the closing"),
        Field("barred", "barred", ACTIONS, "the actions that the cool-down bars in that state", ()),
        Field("rating", "rating", WHOLE, "the user's rating, 1-5", None),
        Field("notes", "notes", TEXT, "the session's notes", ""),
        Field("rated_at", "rated_at", TIME, "when the rating came, if it came after the closing", None),
    )
)
ACTIVITY = FieldTable(
    (
        Field("slug", "s", TEXT, "the catalogue entry"),
        Field("completed", "c", FLAG, "whether it was completed; missing until it is answered", None),
        Field("completed_at", "t", TIME, "when it was completed; stored in seconds after `issued_at`", None),
        Field("completed_on", "o", DAY_NUMBER, "the day of completion, if not `day`; stored in days after `day`", None),
        Field("motivation_before", "b", WHOLE, "motivation before, 1-5", None),
        Field("motivation_after", "a", WHOLE, "motivation after, 1-5", None),
        Field("difficulty_rating", "d", WHOLE, "difficulty, 1-5", None),
        Field("notes", "n", TEXT, "the activity's notes", ""),
    )
)
TYPE = Codec(
    "list of assigned, completed, minutes",
    lambda its: {"L": [number(n) for n in astuple(its)]},
    lambda v: TypeFigures(*[int(n["N"]) for n in v["L"]]),
)
TYPES = Codec(
    "list of exercise, meditation, journaling: a list of assigned, completed, minutes each",
    lambda types: {"L": [TYPE.write(its) for its in types]},
    lambda v: tuple([TYPE.read(its) for its in v["L"]]),
)
MARK = FieldTable(
    (
        Field("key", "key", BYTES, "the profile's key"),
        Field("at", "due_at", TIME, "the day's first moment; the index sorts by it"),
        Field("segment", "segment", SEGMENT, "the user's segment at that moment"),
        Field("timezone", "timezone", TEXT, "the user's time zone at that moment"),
        Field("first_ever", "first_ever", FLAG, "whether it is the user's first day", False),
        Field("session", "session", WHOLE, "number of the session that was shown or answered"),
        Field("engagement", "engagement", FLOAT, "engagement score at that moment, decayed to that day"),
        Field("motivation", "motivation", FLOAT, "motivation score at that moment"),
        Field("streak.days", "streak_days", WHOLE, "days of the streak at that moment", 0),
        Field("streak.last", "streak_last", DATE, "the streak's latest day", None),
        Field("pauses", "pauses", PAUSES, "the profile's pauses at that moment", (), since=4),
        Field("bridges", "bridges", BRIDGES, "the profile's bridges after that moment", (), since=4),
        Field("assessments", "assessed", ASSESSMENTS, "the first and the latest assessment by then", (), since=4),
    )
)
COUNTED = FieldTable(
    (
        Field("counted.parts", "counted", PARTS, "what the day has added to its shard's parts", {}, since=3),
        Field("counted.since", "counted_since", WHOLE, "the shard's `since` when it was added", 0, since=3),
        Field("gone.parts", "gone", PARTS, "what it has added seven days later, as a dropout", {}, since=3),
        Field("gone.since", "gone_since", WHOLE, "that shard's `since` when it was added", 0, since=3),
        Field("late.parts", "late", PARTS, "what it has added `postponed` days after that, as a dropout", {}, since=4),
        Field("late.since", "late_since", WHOLE, "that shard's `since` when it was added", 0, since=4),
        Field("postponed", "postponed", WHOLE, "paused days that put the dropout off", 0, since=4),
    )
)
FIGURES = FieldTable(
    (
        Field("sessions", "sessions", WHOLE, "sessions first shown on the day"),
        Field("types", "types", TYPES, "assigned, completed and minutes of each type"),
        Field("rated", "rated", WHOLE, "completions with both ratings"),
        Field("lift_points", "lift_points", WHOLE, "sum of the motivation change of these completions"),
        Field("engagement", "engagement", FLOAT, "engagement score as the day ended"),
        Field("motivation", "motivation", FLOAT, "motivation score as the day ended"),
        Field("streak_days", "streak_days", WHOLE, "days of the streak as the day ended"),
        Field("settled", "settled", FLAG, "whether the day is over and none of its sessions is open", False),
        Field("other", "other", TYPE, "assigned, completed and minutes of unknown types", TypeFigures(), since=2),
    )
)
_DAY_PLACE = frozenset({"pk", "sk", "revision", "due_shard", "figures"})
PLACE = frozenset({"pk", "sk", "due_shard", "due_at", "revision"})
_ACTIVITIES = frozenset({"activities"})


def profile_item(profile: Profile) -> Item:
    """Returns the profile's item as it will be stored; its revision is one more than the one read."""
    place = _place(profile.user, keys.PROFILE_SK, profile.revision)
    return written(PROFILE_FORM, place | PROFILE.write(profile), profile.rest)


@strict
def read_profile(item: Stored) -> Profile | Marker:
    """Returns the profile, or the marker in the profile's place. Raises UnreadableItemError."""
    user, revision = _user_and_revision(item)
    if "erasing" in item:
        return Marker(user=user, revision=revision, **MARKER.read(item))
    found = PROFILE.read(item)
    if "queued" not in item and int(item["form"]["N"]) < 5:
        found["queued_from"] = min(1, found["sessions"])  # earlier forms do not say which sessions wait
    streak = Streak(found.pop("streak.days"), found.pop("streak.last"))
    rest = unknown(item, PROFILE_FORM, PROFILE.attributes, PLACE)
    return Profile(user=user, revision=revision, streak=streak, rest=rest, **found)


def marker_item(marker: Marker, partitions: int) -> Item:
    """Returns the item of the marker that takes the profile's place; the item says nothing else of the person.

    `partitions` is the number of index partitions into which each kind of work is spread.
    """
    place = _place(marker.user, keys.PROFILE_SK, marker.revision)
    index = {"due_shard": string(keys.erasing_partition(keys.partition_of(marker.user, partitions)))}
    return written(PROFILE_FORM, place | MARKER.write(marker) | {"erasing": {"BOOL": True}} | index, {})


def session_item(session: Session, partitions: int) -> Item:
    """Returns the session's item as it will be stored; its revision is one more than the one read.

    `partitions` is the number of index partitions into which each kind of work is spread.
    """
    item = _place(session.user, keys.session_sk(session.number), session.revision)
    item |= SESSION.write(session) | DECISION.write(session.decision)
    item["activities"] = {"L": [{"M": _activity_map(a, session)} for a in session.activities]}
    if session.closing is not None:
        item |= CLOSING.write(session.closing)
    if (partition := keys.waiting_partition(session, is_due(session), partitions)) is not None:
        item |= {"due_shard": string(partition), "due_at": time(session.closed_at or session.expires_at)}
    return written(SESSION_FORM, item, session.rest)


@strict
def read_session(item: Stored) -> Session:
    """Returns the session. Raises UnreadableItemError."""
    user, revision = _user_and_revision(item)
    found = SESSION.read(item)
    known = (SESSION.attributes, DECISION.attributes, CLOSING.attributes, PLACE, _ACTIVITIES)
    return Session(
        user=user,
        number=int(item["sk"]["S"].removeprefix(keys.SESSION_PREFIX)),
        revision=revision,
        decision=Decision(**DECISION.read(item)),
        closing=Closing(**CLOSING.read(item)) if "reward" in item else None,
        activities=tuple([_read_activity(a["M"], found["issued_at"], found["day"]) for a in item["activities"]["L"]]),
        rest=unknown(item, SESSION_FORM, *known),
        **found,
    )


def _place(user: str, sk: str, revision: int) -> Item:
    return {"pk": string(keys.user_pk(user)), "sk": string(sk), "revision": number(revision + 1)}


def _user_and_revision(item: Stored) -> tuple[str, int]:
    return item["pk"]["S"].removeprefix(keys.user_pk("")), int(item["revision"]["N"])


def _activity_map(activity: Activity, session: Session) -> Item:
    """Returns the map of one activity of this session; stores its time and day as differences, which are short."""
    said = replace(activity, completed_on=None) if activity.completed_on == session.day else activity
    item = shifted(ACTIVITY.write(said), _origin(session.issued_at, session.day, -1))
    return item | dict(activity.rest)


def _read_activity(item: Stored, issued_at: datetime, day: date | None) -> Activity:
    found = ACTIVITY.read(shifted(item, _origin(issued_at, day, 1)))
    if found["completed_at"] is not None and found["completed_on"] is None:
        found["completed_on"] = day
    return Activity(**found, rest=rest_of(item, ACTIVITY.attributes))


def _origin(issued_at: datetime, day: date | None, sign: int) -> dict[str, int]:
    """Returns the time and day from which an activity's time and day are counted, times `sign`."""
    from_day = 0 if day is None else int(DAY_NUMBER.write(day)["N"])
    return {"t": sign * int(issued_at.timestamp()), "o": sign * from_day}


def mark_writes(mark: Mark | None) -> list[Put]:
    """Returns the write of the mark, if there is a mark.

    The write has no condition: the condition of the profile's write in the same transaction guards it.
    """
    return [Put("mark", user_day_item(UserDay(mark)))] if mark else []


def user_day_item(day: UserDay) -> Item:
    """Returns the day's item as it will be stored; its revision is one more than the one read."""
    mark = day.mark
    item: Item = {
        "pk": string(keys.user_pk(mark.user)),
        "sk": string(keys.day_sk(mark.day)),
        "revision": number(day.revision + 1),
        "due_shard": string(keys.day_partition(mark.day, keys.day_shard_of(mark.user))),
    }
    if day.figures is not None:
        item["figures"] = {"M": FIGURES.write(day.figures) | dict(day.figures.rest)}
    return written(USER_DAY_FORM, item | MARK.write(mark) | COUNTED.write(day), day.rest)


@strict
def read_user_day(item: Stored) -> UserDay:
    """Returns the user's day. Raises UnreadableItemError."""
    found = MARK.read(item)
    streak = Streak(found.pop("streak.days"), found.pop("streak.last"))
    user, day = item["pk"]["S"].removeprefix(keys.user_pk("")), keys.day_of_sk(item["sk"]["S"])
    shares = read_shares(item)
    return UserDay(
        mark=Mark(user=user, day=day, streak=streak, **found),
        figures=_read_figures(item["figures"]["M"]) if "figures" in item else None,
        revision=int(item["revision"]["N"]),
        counted=shares.counted,
        gone=shares.gone,
        late=shares.late,
        postponed=shares.postponed,
        rest=unknown(item, USER_DAY_FORM, MARK.attributes, COUNTED.attributes, _DAY_PLACE),
    )


class Shares(NamedTuple):
    """Holds what a user's day has added, as UserDay does."""

    counted: Share
    gone: Share
    late: Share
    postponed: int


def read_shares(item: Stored) -> Shares:
    """Returns what a user's day, as stored, has added to its shard and to those of later days."""
    its = COUNTED.read(item)
    counted, gone, late = (Share(its[f"{name}.since"], its[f"{name}.parts"]) for name in ("counted", "gone", "late"))
    return Shares(counted, gone, late, its["postponed"])


def _read_figures(item: Stored) -> Figures:
    return Figures(**FIGURES.read(item), rest=rest_of(item, FIGURES.attributes))


# The conditional writes; docs/data-model.md has the names of the conditions.


def session_write(session: Session, partitions: int) -> Put:
    """Returns the write of a session that is not, or no longer, set aside.

    The condition is `same-revision`, or `new-item` for a session that was just issued.
    """
    return parked_write(replace(session, parked=None), partitions)


def parked_write(session: Session, partitions: int) -> Put:
    """Returns the write of a session that is set aside with its reason; the conditions are those of `session_write`."""
    return same_revision("session", session_item(session, partitions), session.revision, session.key, session.key)


def profile_write(profile: Profile) -> Put:
    """Returns the write of a profile.

    The condition is `same-revision`, which fails when a marker of erasure took the profile's place, or `new-item`.
    """
    return same_revision("profile", profile_item(profile), profile.revision, profile.key)


def user_day_write(day: UserDay) -> Put:
    """Returns the write of a user's day under the condition `same-revision`."""
    return same_revision("day", user_day_item(day), day.revision, day.mark.key)


def marker_write(marker: Marker, partitions: int) -> Put:
    """Returns the write of a marker under the condition `same-revision` of the profile whose place it takes."""
    return same_revision("profile", marker_item(marker, partitions), marker.revision, marker.key)
