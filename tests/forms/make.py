"""Makes the golden items of each present form that has no file yet: the service's own writers on a small world.

`python -m tests.forms.make` after a form was raised. A file that is there is never written again.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from rl_core import learner
from rl_core.config import Settings
from rl_core.days import (
    Colour,
    Course,
    Guard,
    Replay,
    Replayed,
    SegmentDay,
    Share,
    Standing,
    Weight,
    added,
    figures_of,
    merged,
    of_dropout,
    of_user,
)
from rl_core.models import (
    ACTIONS,
    Act,
    Action,
    Assessment,
    Bridge,
    Choice,
    EndedBy,
    Facts,
    Marker,
    Pause,
    Policy,
    Profile,
    Refold,
    Request,
    Segment,
    Session,
    State,
    Statement,
    Status,
    Streak,
    Transition,
    Unlearning,
    VersionRecord,
)
from rl_core.sessions import Answer, Ending, excluded, expire, issue, learned, record, show, transition_of
from rl_core.store import UserDay
from rl_core.store.assessments import ASSESSMENT_FORM, assessment_item, read_assessment
from rl_core.store.audit import AUDIT_FORM, act_item, read_act
from rl_core.store.consents import (
    REQUEST_FORM,
    STATEMENT_FORM,
    read_request,
    read_statement,
    request_write,
    statement_write,
)
from rl_core.store.day_table import (
    ABSENCE_FORM,
    absence_item,
    absence_of,
    read_absence,
    read_segment_day,
    segment_day_item,
)
from rl_core.store.erasures import ERASURE_FORM, KEPT, Erasure, erasure_item, life_of, read_erasure
from rl_core.store.guards import GUARD_FORM, guard_item, read_guard
from rl_core.store.items import (
    PROFILE_FORM,
    SESSION_FORM,
    USER_DAY_FORM,
    marker_item,
    profile_item,
    read_profile,
    read_session,
    read_user_day,
    session_item,
    user_day_item,
)
from rl_core.store.keys import day_sk
from rl_core.store.policies import (
    POLICY_FORM,
    RECORD_FORM,
    policy_item,
    read_policy,
    read_record,
    record_item,
    snapshot_item,
)
from rl_core.store.refolds import REFOLD_FORM, read_refold, refold_item
from rl_core.store.sums import SEGMENT_DAY_FORM
from rl_core.store.trends import TREND_FORM, read_trend, trend_item
from rl_core.work import ERASURE, next_version
from tests.forms.golden import SHARDS, save

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OUT = (b"person-1", b"person-2")
POSTERIOR = Settings(table_name="none")
EPSILON = Settings(table_name="none", exploration="epsilon")
ANA = Profile("ana", bytes(range(16)), Segment.HIGH_LOW, NOW)
RICH = replace(
    ANA,
    engagement=0.1 + 0.2,
    motivation=-1 / 3,
    timezone="Pacific/Kiritimati",
    avoid=("breath_hold", "floor"),
    sessions=41,
    recent=ACTIONS[:5],
    streak=Streak(12, date(2026, 11, 22)),
    seen=date(2026, 11, 22),
    day=date(2026, 11, 23),
    issued=11,
    learned=2,
    facts=Facts(
        (3, 0, 5, 1, 130, 2), (1_350_000, 0, -400_000, 90_000, 117_000_001, 5), (0, 7, 0, 300, 0, 1), ACTIONS[1:]
    ),
    revision=97,
)
CHOSEN = replace(
    RICH,
    grants=2,
    personalise=False,
    learn=True,
    statements=5,
    unlearning=Unlearning.PENDING,
    unlearned=39,
    queued_from=40,
)
STEERED = replace(
    CHOSEN,
    without=(Action.JOURNALING, Action.INTENSITY),
    pauses=(Pause(NOW - timedelta(days=9), NOW - timedelta(days=8)), Pause(NOW, NOW + timedelta(days=180))),
    assessments=(Assessment(date(2026, 9, 1), 21, 0), Assessment(date(2026, 11, 23), 4, 10_080)),
    bridges=(Bridge(date(2026, 11, 17), date(2026, 11, 19)), Bridge(date(2026, 11, 20), date(2026, 11, 22))),
)
WITHDRAWN = Choice(granted=False, since=NOW - timedelta(days=1), text_version="2026-10")


def sessions() -> list[Session]:
    """One session in each state that it can be stored in."""
    opened = issue(ANA, None, Policy(Segment.HIGH_LOW), POSTERIOR, NOW, shown=False)
    prefetched = opened.session
    shown = show(prefetched, opened.profile, NOW + timedelta(hours=1))
    said = Answer(completed=True, motivation_before=2, motivation_after=4, difficulty_rating=3, notes="Felt great")
    later = NOW + timedelta(hours=20)
    half = record(shown.session, shown.profile, {1: said, 2: Answer(completed=False)}, POSTERIOR, later)
    ending = Ending(EndedBy.BATCH, 4, "Good workout, tired now")
    closed = record(half.session, half.profile, {3: said}, POSTERIOR, later, ending).session
    unseen, _ = expire(prefetched, opened.profile, POSTERIOR, prefetched.expires_at)
    fallback = issue(RICH, None, None, POSTERIOR, NOW, shown=True).session
    parked = replace(closed, parked="ValidationException")
    done = learned(closed, Policy(Segment.HIGH_LOW, version=15, episodes=17))
    over, _ = excluded(closed, half.profile)
    second = replace(shown.session, done_before=3, issued_on=date(2026, 11, 23), number=2)
    known = issue(RICH, None, Policy(Segment.HIGH_LOW), POSTERIOR, NOW, shown=True).session
    own = replace(known, decision=replace(known.decision, own=True, explored=False))
    earlier = replace(second, decision=replace(second.decision, facts=None, settings=b""))
    impersonal = issue(CHOSEN, None, Policy(Segment.HIGH_LOW), POSTERIOR, NOW, shown=True)
    refusing = replace(impersonal.profile, learn=False)
    refused = record(impersonal.session, refusing, {1: said}, POSTERIOR, later, ending).session
    with_policy = [prefetched, shown.session, half.session, closed, done, unseen]
    return [*with_policy, fallback, parked, over, second, own, earlier, impersonal.session, refused]


def statements() -> list[Statement]:
    """What a user said first, and what a user said who takes everything back."""
    granted = Choice(granted=True, since=NOW, text_version="2026-11")
    return [
        Statement("ana", 1, NOW, "2026-11", learn=granted),
        Statement("ana", 5, NOW, "2026-11", WITHDRAWN, replace(WITHDRAWN, since=NOW), unlearn=True),
    ]


def requests() -> list[Request]:
    """A request as it came, and one that the job has looked at and put off."""
    new = Request("ana", ANA.key, 41, NOW, revision=1)
    put_off = replace(new, due_at=NOW + timedelta(minutes=2), taught={Segment.LOW_LOW: (7, 7)}, failures=1)
    return [new, put_off, replace(put_off, asked_at=NOW)]


def acts_of_operators() -> list[Act]:
    """A rollback, the exclusion of a person, and the same once that person was erased."""
    who, then = "arn:aws:sts::123456789012:assumed-role/fettle-operator/jo", NOW + timedelta(microseconds=1)
    before, after = "version 77, 130 episodes", "version 78, which holds what 60 held"
    back = Act("0a1b2c3d", NOW, who, "rollback", Segment.HIGH_LOW, before, after, "a trial's wrong rewards")
    out = replace(back, id="ffffffff", at=then, what="exclude", reason="one answer for all", person=b"person-1")
    return [back, out, replace(out, reason="", person=b"")]


def transitions(seed: int, count: int) -> list[Transition]:
    """Sessions that taught something, drawn so that some actions do better."""
    rng, taught = Random(seed), transition_of(sessions()[3])
    return [
        replace(
            taught,
            key=bytes([seed % 256, n % 256]) * 8,
            state=State.from_row(rng.randrange(9)),
            action=(action := Action(rng.randrange(6))),
            reward=min(max(rng.gauss(0.2 + 0.1 * action, 0.2), -0.4), 0.9),
            next_state=State.from_row(rng.randrange(9)),
            barred=(action,),
            facts=_facts(rng),
        )
        for n in range(count)
    ]


def _facts(rng: Random) -> Facts:
    """Facts of somebody who had some sessions here and some elsewhere."""
    counts = tuple(rng.randrange(9) for _ in ACTIONS)
    sums = tuple(round(n * rng.uniform(-100_000, 600_000)) for n in counts)
    earlier, latest = (rng.choices(range(6), k=k) for k in (6, 5))
    return Facts(counts, sums, tuple(earlier), tuple(map(Action, latest)))


def lived_versions() -> tuple[list[VersionRecord], list[Policy]]:
    """A segment's past: learned by one learner, rolled back, locked and rewritten, adopted by the other."""
    policy, records, policies = Policy(Segment.LOW_HIGH), list[VersionRecord](), list[Policy]()

    def publish(after: Policy, made: VersionRecord) -> None:
        nonlocal policy
        policy = after
        records.append(made)
        policies.append(after)

    for version in range(1, 131):
        how = EPSILON if version <= 40 else POSTERIOR
        if version == 20:
            restored = replace(policies[9], version=20, episodes=policy.episodes)
            publish(restored, VersionRecord(20, learner.fold_of(how), restored=10, reason="a trial's wrong rewards"))
        elif version == 90:
            hold = VersionRecord(90, learner.fold_of(how), rewritten=30, reason="erasure under way", excluded=OUT[:1])
            publish(replace(policy, version=90, hold=90, excluded=OUT[:1]), hold)
        elif version == 91:
            end = VersionRecord(91, learner.fold_of(how), rewritten=30, reason="erasure")
            publish(replace(policy, version=91, hold=None), end)
        else:
            publish(*next_version(policy, transitions(version, 1 + version % 3), how))
    return records, policies


def user_days() -> list[UserDay]:
    """A day with its mark alone, one that is computed and settled, and one with an activity of unknown type."""
    issued = issue(RICH, None, Policy(Segment.HIGH_LOW), POSTERIOR, NOW, shown=True)
    said = {n: Answer(completed=n % 2 == 0, motivation_before=3, motivation_after=4) for n in (1, 2, 3)}
    ended = record(issued.session, issued.profile, said, POSTERIOR, NOW, Ending(EndedBy.BATCH, 2)).session
    if issued.mark is None:
        raise ValueError("a new day has a mark")
    newer = replace(ended, activities=(replace(ended.activities[0], slug="a-newer-releases"), *ended.activities[1:]))
    mark = issued.mark
    settled, open_ended = (figures_of(mark, [session]) for session in (ended, newer))
    steered = replace(mark, pauses=STEERED.pauses, assessments=STEERED.assessments, bridges=STEERED.bridges)
    counted, gone = Share(1, of_user(mark, [ended])), Share(4, of_dropout(mark.segment, Action.MEDITATION))
    return [
        UserDay(mark),
        UserDay(mark, settled, 1, counted, gone),
        UserDay(steered, settled, 1, Share(1, of_user(steered, [ended]))),
        UserDay(steered, settled, 1, counted, late=gone, postponed=180),
        UserDay(mark, open_ended, 2, Share(3, of_user(mark, [newer]))),
    ]


def segment_day() -> SegmentDay:
    """A day of two users, one of them new and with two assessments, one dropped out."""
    mark = user_days()[2].mark
    day = replace(mark, first_ever=True, day=NOW.date())
    mine = [replace(s, day=day.day) for s in sessions() if s.status is not Status.UNSEEN]
    parts = added(of_user(day, mine), of_user(replace(day, first_ever=False, assessments=()), mine[:2]))
    return added(parts, of_dropout(Segment.HIGH_LOW, Action.MEDITATION))[Segment.HIGH_LOW]


def courses() -> list[Course]:
    """What TREND holds of a segment in which nothing happened, and of one with two days far apart."""
    upto, day = date(2026, 11, 26), segment_day()
    nothing = Course(upto)
    return [nothing, nothing.moved(upto, {date(2026, 7, 30): merged([day, day]), date(2026, 11, 23): day})]


def guards() -> list[Guard]:
    """What the guard saw: every colour, a value and none; a check of each result."""
    hour = timedelta(hours=1)
    lights = {
        "fallbacks": Standing(Colour.GREEN, 0.0, NOW - 99 * hour, NOW),
        "tries": Standing(Colour.GREY, None, NOW, NOW),
        "reward": Standing(Colour.YELLOW, -0.1 - 0.2, NOW - hour, NOW),
        "replay": Standing(Colour.RED, 1.0, NOW, NOW),
    }
    replays = {s: Replay(its, 41, n, NOW) for n, (s, its) in enumerate(zip(Segment, Replayed, strict=False))}
    weights = {Segment.HIGH_LOW: Weight(1 / 3, 5, NOW), Segment.LOW_LOW: Weight(0.0, 0, NOW - hour)}
    return [Guard(), Guard(lights, replays, weights, 8)]


def main() -> None:
    """Writes the files."""
    marker = Marker("ana", bytes(range(16)), NOW, NOW + timedelta(days=1), 98)
    held = replace(marker, day=date(2026, 11, 23), held_until=NOW + timedelta(hours=1))
    ready = replace(marker, taught={Segment.HIGH_LOW: (3, 41), Segment.LOW_LOW: (7, 7)}, failures=2)
    bare = Marker("ana", b"", None, NOW + timedelta(hours=1), 99, date(2026, 11, 23))
    dated = replace(ready, asked_at=NOW)
    markers: list[dict[str, Any]] = [marker_item(its, SHARDS) for its in (marker, held, ready, bare, dated)]
    profiles: list[dict[str, Any]] = [*map(profile_item, (ANA, RICH, CHOSEN, STEERED)), *markers]
    save("profile", PROFILE_FORM, [(item, read_profile(item)) for item in profiles])
    items = [session_item(session, SHARDS) for session in sessions()]
    save("session", SESSION_FORM, [(item, read_session(item)) for item in items])
    records, policies = lived_versions()
    excluded = replace(policies[-1], excluded=OUT, hold=77, acted=91)
    counted = [replace(policies[-1], counted=130, since=30_517), replace(policies[-1], counted=128, since=50_001)]
    kept = [policies[0], policies[19], policies[40], policies[89], policies[-1], excluded, *counted]
    save("policy", POLICY_FORM, [(policy_item(p), read_policy(policy_item(p))) for p in kept])
    wholes = [policies[99], replace(policies[99], counted=100, since=49_321)]
    save("snapshot", POLICY_FORM, [(snapshot_item(p), read_policy(snapshot_item(p))) for p in wholes])
    under_way = Refold(
        90,
        30,
        dict(zip(OUT, (88, 2**33), strict=True)),
        ERASURE,
        policies[40],
        NOW,
        "a run",
        NOW + timedelta(minutes=15),
    )
    refolds = [refold_item(r, SHARDS) for r in (under_way, replace(under_way, persons={}, until=None))]
    save("refold", REFOLD_FORM, [(item, read_refold(item)) for item in refolds])
    past = [record_item(Segment.LOW_HIGH, r) for r in records]
    save("record", RECORD_FORM, [(item, read_record(item)) for item in past])
    days = [user_day_item(day) for day in user_days()]
    save("user-day", USER_DAY_FORM, [(item, read_user_day(item)) for item in days])
    absence = absence_item(absence_of(user_days()[3]))
    save("absence", ABSENCE_FORM, [(absence, read_absence(absence))])
    whole = segment_day_item(Segment.HIGH_LOW, day_sk(date(2026, 11, 23)), segment_day())
    erased = erasure_item(Erasure(life_of(ANA.key), NOW, NOW + KEPT))
    save("erasure", ERASURE_FORM, [(erased, read_erasure(erased))])
    said = [statement_write(its).item for its in statements()]
    save("statement", STATEMENT_FORM, [(item, read_statement(item)) for item in said])
    asked = [request_write(replace(its, revision=its.revision - 1), SHARDS).item for its in requests()]
    save("request", REQUEST_FORM, [(item, read_request(item)) for item in asked])
    acts = [act_item(act) for act in acts_of_operators()]
    save("audit", AUDIT_FORM, [(item, read_act(item)) for item in acts])
    given = [assessment_item("ana", its) for its in STEERED.assessments]
    save("assessment", ASSESSMENT_FORM, [(item, read_assessment(item)) for item in given])
    trends = [trend_item(Segment.HIGH_LOW, course) for course in courses()]
    save("trend", TREND_FORM, [(item, read_trend(item)) for item in trends])
    looked = [guard_item(guard) for guard in guards()]
    save("guard", GUARD_FORM, [(item, read_guard(item)) for item in looked])
    save("segment-day", SEGMENT_DAY_FORM, [(whole, read_segment_day(whole))])


if __name__ == "__main__":
    main()
