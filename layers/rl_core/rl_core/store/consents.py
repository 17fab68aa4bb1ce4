"""Reads and writes what users say of consent, and drops their sessions from what waits or what was learned.

Sessions are dropped as they are stored, attribute by attribute, so that one that cannot be parsed is dropped too.
"""

from rl_core.models import Choice, Request, Statement, Status, Why
from rl_core.store import keys
from rl_core.store.codecs import TAUGHT
from rl_core.store.fields import (
    BYTES,
    FLAG,
    TEXT,
    TIME,
    WHOLE,
    Codec,
    Field,
    FieldTable,
    Item,
    Put,
    Stored,
    number,
    read_time,
    same_revision,
    strict,
    string,
    time,
    unknown,
    written,
)

STATEMENT_FORM, REQUEST_FORM = 1, 2

CHOICE = Codec(
    "map of granted (flag), since (time), text (its version)",
    lambda its: {"M": {"granted": FLAG.write(its.granted), "since": time(its.since), "text": string(its.text_version)}},
    lambda v: Choice(v["M"]["granted"]["BOOL"], read_time(v["M"]["since"]), v["M"]["text"]["S"]),
)
STATEMENT = FieldTable(
    (
        Field("at", "at", TIME, "when the user said it"),
        Field("text_version", "text", TEXT, "version of the text that the user had read"),
        Field("personalise", "personalise", CHOICE, "what holds of personal plans since then", None),
        Field("learn", "learn", CHOICE, "what holds of learning from the user since then", None),
        Field("unlearn", "unlearn", FLAG, "whether the user asked for what was learned to be taken back", False),
    )
)
REQUEST = FieldTable(
    (
        Field("key", "key", BYTES, "the profile's key"),
        Field("upto", "upto", WHOLE, "number of the last session that is unlearned"),
        Field("due_at", "due_at", TIME, "when the user asked, or the next try"),
        Field("taught", "taught", TAUGHT, "where the user was learned from, once the job has looked", None),
        Field("failures", "failures", WHOLE, "how often it was put off", 0),
        Field("asked_at", "asked", TIME, "when the user asked", None, since=2),
    )
)
_PLACE = frozenset({"pk", "sk", "revision", "due_shard"})
_LEARNING = frozenset({"due_shard", "due_at", "parked", "learned", "episodes"})  # attributes of a session


def statement_write(statement: Statement) -> Put:
    """Returns the write of a statement.

    The write has no condition: the condition of the profile's write in the same transaction guards it.
    """
    place = {"pk": string(keys.user_pk(statement.user)), "sk": string(keys.statement_sk(statement.number))}
    return Put("statement", written(STATEMENT_FORM, place | STATEMENT.write(statement), statement.rest))


@strict
def read_statement(item: Stored) -> Statement:
    """Returns the statement. Raises UnreadableItemError."""
    return Statement(
        user=item["pk"]["S"].removeprefix(keys.user_pk("")),
        number=int(item["sk"]["S"].removeprefix(keys.CONSENT_PREFIX)),
        rest=unknown(item, STATEMENT_FORM, STATEMENT.attributes, _PLACE),
        **STATEMENT.read(item),
    )


def request_write(request: Request, partitions: int) -> Put:
    """Returns the write of a request under the condition `same-revision`, or `new-item`.

    The item waits in the index partition of erasures, out of `partitions`, where the job finds it.
    """
    place: Item = {"pk": string(keys.user_pk(request.user)), "sk": string(keys.REQUEST_SK)}
    place["revision"] = number(request.revision + 1)
    place["due_shard"] = string(keys.erasing_partition(keys.partition_of(request.user, partitions)))
    item = written(REQUEST_FORM, place | REQUEST.write(request), {})
    return same_revision("request", item, request.revision, request.key if request.revision else b"")


@strict
def read_request(item: Stored) -> Request:
    """Returns the request. Raises UnreadableItemError."""
    user, revision = item["pk"]["S"].removeprefix(keys.user_pk("")), int(item["revision"]["N"])
    return Request(user=user, revision=revision, **REQUEST.read(item))


def session_number(session: Stored) -> int:
    """Returns the number of a session as stored."""
    return int(session["sk"]["S"].removeprefix(keys.SESSION_PREFIX))


def waits(session: Stored) -> bool:
    """Returns whether a session, as stored, waits to be learned from, or would but for a failure.

    One that was set aside while it was open does not wait: when it closes, it is asked what then stands.
    """
    still_open = session.get("status", {}).get("S") == Status.OPEN
    return keys.is_to_be_learned(session.get("due_shard", {}).get("S", "")) and not still_open


def dropped_write(session: Stored) -> Put:
    """Returns the write of a closed session, as stored, from which nothing is to be learned any more.

    The condition is `same-revision`, or that the session still waits where it was found, if it has no revision.
    """
    left: Item = {name: dict(value) for name, value in session.items() if name not in _LEARNING}
    left |= {"status": string(Status.CLOSED), "why": string(Why.CONSENT)}
    if "revision" not in session:
        values = {":partition": dict(session["due_shard"])}
        return Put("session", left, "due_shard = :partition", values)
    revision = int(session["revision"]["N"])
    return same_revision("session", left | {"revision": number(revision + 1)}, revision)
