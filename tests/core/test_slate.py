"""The plans: every segment x action x set of `avoid` tags, and what each action leans to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain, combinations, pairwise
from random import Random
from statistics import mean, pstdev

import pytest

from rl_core.models import ACTIONS, LEVELS, Action, ActivityStats, Level, Segment
from rl_core.sessions.catalogue import Entry, catalogue
from rl_core.sessions.slate import assign, normal

Stats = Mapping[int, ActivityStats]

# Every ordered pair of actions, the same twice in a row included, once each.
WALK = [*chain.from_iterable([a, *chain.from_iterable((a, b) for b in ACTIONS[a + 1 :])] for a in ACTIONS), ACTIONS[0]]


@cache
def ways_to_avoid(segment: Segment) -> tuple[frozenset[str], ...]:
    """Of all 2^10 sets of tags, one for each pool of entries that they leave over."""
    tags = sorted(catalogue().tags)
    avoids = [frozenset(some) for size in range(len(tags) + 1) for some in combinations(tags, size)]
    pools = {frozenset(e.slug for e in catalogue().by_segment[segment] if e.tags.isdisjoint(a)): a for a in avoids}
    return tuple(pools.values())


def plan(
    segment: Segment,
    action: Action,
    seed: int = 0,
    avoid: frozenset[str] = frozenset(),
    previous: Sequence[Entry] = (),
    stats: Stats | None = None,
) -> tuple[Entry, ...]:
    names = {e.name for e in previous}
    return assign(segment, catalogue().by_segment[segment], action, avoid, names, stats or {}, Random(seed))


def favourites(segment: Segment) -> Stats:
    """Statistics in which a few entries of each type win every draw."""
    best, worst = ActivityStats(9000, 9000, 9000, 36_000), ActivityStats(assigned=9000)
    ranks: Counter[str] = Counter()
    stats = {}
    for entry in catalogue().by_segment[segment]:
        ranks[entry.type] += 1
        stats[entry.code] = best if ranks[entry.type] <= 4 else worst
    return stats


def check(session: Sequence[Entry], previous: Sequence[Entry], segment: Segment, avoid: frozenset[str]) -> None:
    names = {e.name for e in session}
    assert 5 <= len(session) <= 7
    assert len(names) == len(session)
    assert all(segment in e.segments and not e.tags & avoid for e in session)
    assert len(names & {e.name for e in previous}) <= len(session) / 2


@pytest.mark.no_cover
@pytest.mark.parametrize("known", [False, True], ids=["nothing known", "the same always best"])
@pytest.mark.parametrize("segment", Segment)
def test_under_any_avoid_every_action_after_every_other_fills_a_varied_session(segment: Segment, known: bool) -> None:
    stats = favourites(segment) if known else {}
    for avoid in ways_to_avoid(segment):
        previous: tuple[Entry, ...] = ()
        for seed, action in enumerate(WALK):
            session = plan(segment, action, seed, avoid, previous, stats)
            check(session, previous, segment, avoid)
            previous = session


def test_the_walk_above_takes_every_action_after_every_other() -> None:
    assert set(pairwise(WALK)) == {(a, b) for a in ACTIONS for b in ACTIONS}


@pytest.mark.parametrize("segment", Segment)
def test_the_best_known_come_back_as_often_as_variety_lets_them(segment: Segment) -> None:
    stats = favourites(segment)
    first = plan(segment, Action.MEDITATION, 1, stats=stats)
    again = plan(segment, Action.MEDITATION, 2, previous=first, stats=stats)
    assert len({e.name for e in first} & {e.name for e in again}) == 3
    assert Counter(e.type for e in again) == Counter(e.type for e in first)


def plans(segment: Segment, action: Action) -> list[tuple[Entry, ...]]:
    return [plan(segment, action, seed) for seed in range(40)]


@pytest.mark.parametrize("segment", Segment)
@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Action.PHYSICAL, "exercise"),
        (Action.MEDITATION, "meditation"),
        (Action.JOURNALING, "journaling"),
        (Action.INTENSITY, "exercise"),
    ],
)
def test_the_wanted_type_comes_first_and_makes_more_than_half(segment: Segment, action: Action, kind: str) -> None:
    for session in plans(segment, action):
        kinds: list[str] = [e.type for e in session]
        assert kinds[: kinds.count(kind)] == [kind] * kinds.count(kind)
        assert kinds.count(kind) > len(kinds) / 2


@pytest.mark.parametrize("segment", Segment)
def test_maintaining_balances_physical_and_mental(segment: Segment) -> None:
    balances = [Counter(e.category for e in session) for session in plans(segment, Action.MAINTAIN)]
    assert {b["physical"] - b["mental"] for b in balances} <= {-1, 0, 1}


def exercise_levels(segment: Segment, action: Action) -> set[Level]:
    return {e.intensity for session in plans(segment, action) for e in session if e.type == "exercise"}


@pytest.mark.parametrize("segment", Segment)
def test_more_intensity_means_exercise_at_the_top_of_what_the_segment_may_be_given(segment: Segment) -> None:
    offered = {e.intensity for e in catalogue().by_segment[segment] if e.type == "exercise"}
    assert exercise_levels(segment, Action.INTENSITY) == {max(offered, key=LEVELS.index)}


@pytest.mark.parametrize("segment", Segment)
def test_more_intensity_takes_the_most_intense_that_the_user_does_not_avoid(segment: Segment) -> None:
    for avoid in ways_to_avoid(segment):
        offered = [e for e in catalogue().by_segment[segment] if e.type == "exercise" and not e.tags & avoid]
        session = plan(segment, Action.INTENSITY, avoid=avoid)
        given = sorted(LEVELS.index(e.intensity) for e in session if e.type == "exercise")
        assert given == sorted(LEVELS.index(e.intensity) for e in offered)[-len(given) :]


@pytest.mark.parametrize("segment", Segment)
def test_more_exercise_stays_at_one_usual_intensity_below_the_top(segment: Segment) -> None:
    (usual,) = exercise_levels(segment, Action.PHYSICAL)
    (top,) = exercise_levels(segment, Action.INTENSITY)
    assert LEVELS.index(usual) < LEVELS.index(top)


@pytest.mark.parametrize("segment", Segment)
def test_a_lightened_plan_is_shorter_and_never_at_high_intensity(segment: Segment) -> None:
    minutes = {a: mean(sum(e.duration_minutes for e in session) for session in plans(segment, a)) for a in ACTIONS}
    assert max(ACTIONS, key=lambda a: -minutes[a]) is Action.LIGHTEN
    assert minutes[Action.LIGHTEN] < 0.7 * min(minutes[a] for a in ACTIONS[:5])
    assert all(e.intensity is not Level.HIGH for session in plans(segment, Action.LIGHTEN) for e in session)


@pytest.mark.parametrize("segment", Segment)
def test_what_a_lightened_plan_holds_is_among_the_shorter_and_gentler_half_of_its_type(segment: Segment) -> None:
    for e in {e for session in plans(segment, Action.LIGHTEN) for e in session}:
        same = [o for o in catalogue().by_segment[segment] if o.type == e.type]
        gentle = [o for o in same if o.intensity in (Level.LOW, e.intensity)]
        assert sum(o.duration_minutes < e.duration_minutes for o in gentle) < len(same) / 2


def test_where_the_wanted_type_is_all_in_the_previous_session_others_fill_in() -> None:
    journaling = [e for e in catalogue().by_segment[Segment.HIGH_LOW] if e.type == "journaling"]
    session = plan(Segment.HIGH_LOW, Action.JOURNALING, previous=journaling)
    assert Counter(e.type for e in session)["journaling"] == 3
    assert len(session) == 6


def test_a_normal_draw_has_mean_0_and_variance_1() -> None:
    rng = Random(3)
    draws = [normal(rng) for _ in range(5_000)]
    assert mean(draws) == pytest.approx(0, abs=0.05)
    assert pstdev(draws) == pytest.approx(1, abs=0.05)


def meditations_but_first(segment: Segment, first: ActivityStats) -> tuple[str, Stats]:
    """Meditations that are well known and mostly done, beside one with these statistics."""
    entries = [e for e in catalogue().by_segment[segment] if e.type == "meditation"]
    known = {e.code: ActivityStats(assigned=400, completed=300, rated=300, lift_points=150) for e in entries}
    return entries[0].slug, known | {entries[0].code: first}


def times_chosen(slug: str, stats: Stats) -> int:
    drawn = (plan(Segment.MODERATE_HIGH, Action.MAINTAIN, seed, stats=stats) for seed in range(400))
    return sum(slug in {e.slug for e in session} for session in drawn)


def test_a_new_entry_is_tried_now_and_then_beside_well_known_good_ones() -> None:
    slug, stats = meditations_but_first(Segment.MODERATE_HIGH, ActivityStats())
    assert 10 < times_chosen(slug, stats) < 200


def test_an_entry_that_nobody_completes_is_not_chosen_beside_well_known_good_ones() -> None:
    slug, stats = meditations_but_first(Segment.MODERATE_HIGH, ActivityStats(assigned=400))
    assert times_chosen(slug, stats) == 0


def test_an_entry_that_lifts_motivation_most_is_chosen_nearly_always() -> None:
    lifted = ActivityStats(assigned=400, completed=300, rated=300, lift_points=900)
    slug, stats = meditations_but_first(Segment.MODERATE_HIGH, lifted)
    assert times_chosen(slug, stats) > 390


def test_the_same_seed_fills_the_same_session() -> None:
    first, second = (plan(Segment.LOW_HIGH, Action.PHYSICAL, seed=5) for _ in range(2))
    assert first == second
    assert first != plan(Segment.LOW_HIGH, Action.PHYSICAL, seed=6)
