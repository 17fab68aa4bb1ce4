"""`make daily` prints a day's figures, and none of fewer than five users."""

from operate.daily import compute, table
from rl_core.config import settings
from rl_core.days import ActionSums, EntrySums, SegmentDay
from rl_core.models import MILLION, Segment, entry_code
from rl_core.store import DayTable, Store
from tests.functions.conftest import World
from tests.functions.test_daily_job import FINAL, MONDAY, Diary


def printed(store: Store, whole: SegmentDay) -> list[str]:
    """The table of a day on which one segment came to this."""
    days = DayTable(store.name, store.client)
    days.save_segment_day(Segment.HIGH_LOW, MONDAY, whole, 0)
    return [line.strip() for line in table(days, MONDAY, entries=True)]


def served(users: int, sessions: int) -> ActionSums:
    """Sessions of five activities, three of them done, with a reward of 0.6."""
    n, r = sessions, 6 * MILLION // 10
    return ActionSums(n, 5 * n, 3 * n, 25 * n, 9 * n, 15 * n, n, n * r, n * r * r, users)


def day(*actions: ActionSums, users: int, dropouts: tuple[int, ...] = (0,) * 6) -> SegmentDay:
    """A day of so many users, two of them new, of whom all had one activity, four another and one a third."""
    entries = {
        entry_code("body-scan-10"): EntrySums(9, 6, 4, 6, 12, users=users),
        entry_code("478-breathing-5"): EntrySums(4, 1, 1, 2, 4, users=4),
        entry_code("childs-pose-3"): EntrySums(1, 1, 1, 1, 1, users=1),
    }
    rest = (ActionSums(),) * (6 - len(actions))
    return SegmentDay(users, 2, dropouts, (*actions, *rest), entries, served=users)


def anxiety(store: Store, changes: dict[Segment, list[int]]) -> list[list[str]]:
    """The part of the table on GAD-7, on a day on which this was the change of each segment's users with two scores."""
    days = DayTable(store.name, store.client)
    for segment, its in changes.items():
        whole = SegmentDay(9, assessed=len(its), gad7_change=sum(its), gad7_change_squares=sum(c * c for c in its))
        days.save_segment_day(segment, MONDAY, whole, 0)
    lines = list(table(days, MONDAY))
    heads = [n for n, line in enumerate(lines) if line.startswith("GAD-7")]
    return [line.rsplit("  ", 1) for line in lines[heads[0] + 1 :]] if heads else []


def row(lines: list[str], name: str) -> list[str]:
    (found,) = [line for line in lines if line.startswith(name)]
    return found.removeprefix(name).split()


def test_a_day_of_four_users_is_withheld(store: Store) -> None:
    diary = Diary(World(store))
    for n in range(4):
        diary.finish(f"user-{n}")
    assert compute(diary.days, MONDAY, FINAL, settings())["users"] == 4
    assert list(table(diary.days, MONDAY, entries=True)) == [
        "2026-11-23: figures are value (95 % interval) n",
        "",
        "High Anxiety, Low Activity: <5 active, <5 new, 0 dropped out, withheld sessions",
    ]


def test_a_day_of_five_users_is_printed(store: Store) -> None:
    lines = printed(store, day(served(5, 7), users=5))
    assert "High Anxiety, Low Activity: 5 active, <5 new, 0 dropped out, 7 sessions" in lines
    assert row(lines, "reward") == ["+0.600", "(+0.600", "to", "+0.600)", "n=7"]
    assert row(lines, "Maintain Current Plan")[:2] == ["7", "60%"]


def test_an_action_of_fewer_users_is_withheld_and_so_is_what_would_tell_of_it(store: Store) -> None:
    lines = printed(store, day(served(9, 9), served(5, 6), served(1, 6), users=9))
    assert row(lines, "Maintain Current Plan")[0] == "9"
    assert row(lines, "Increase Physical Activity") == ["withheld", "withheld", "0"]
    assert row(lines, "Increase Meditation Frequency") == ["withheld", "withheld", "0"]


def test_a_figure_of_fewer_than_five_observations_is_withheld(store: Store) -> None:
    lines = printed(store, day(served(9, 9), users=9))
    assert row(lines, "Body Scan Meditation")[-2:] == ["n=9", "withheld"]


def test_activities_of_fewer_users_are_counted_and_not_named(store: Store) -> None:
    lines = printed(store, day(served(9, 9), users=9))
    assert "2 more activities: withheld" in lines
    assert not [line for line in lines if line.startswith("4-7-8")]


def test_dropouts_of_fewer_than_five_are_withheld(store: Store) -> None:
    lines = printed(store, day(served(9, 9), users=9, dropouts=(5, 1, 0, 0, 0, 0)))
    assert "9 active, <5 new, 6 dropped out, 9 sessions" in lines[2]
    assert [row(lines, name)[-1] for name in ("Maintain Current Plan", "Increase Physical Activity")] == [
        "withheld"
    ] * 2


def test_a_day_without_a_user_says_so(store: Store) -> None:
    assert "0 active, 0 new, 0 dropped out, 0 sessions" in printed(store, SegmentDay())[2]


def test_the_change_of_gad7_is_printed_for_five_users_with_its_interval(store: Store) -> None:
    ((name, told),) = anxiety(store, {Segment.HIGH_LOW: [-6, -2, -4, 0, -3]})
    assert (name.strip(), told) == ("High Anxiety, Low Activity", "-3.000 (-5.776 to -0.224) n=5")


def test_the_change_of_gad7_of_fewer_than_five_is_withheld_and_so_is_what_would_tell_of_it(store: Store) -> None:
    five, four = [-1] * 5, [-2] * 4
    told = anxiety(store, {Segment.LOW_LOW: [0] * 6, Segment.HIGH_LOW: five, Segment.HIGH_HIGH: four})
    assert [(name.strip(), its.split()[0]) for name, its in told] == [
        ("Low Anxiety, Low Activity", "+0.000"),
        ("High Anxiety, Low Activity", "withheld"),
        ("High Anxiety, High Activity", "withheld"),
        ("all segments", "-0.867"),
    ]


def test_of_four_users_with_two_scores_nothing_is_told(store: Store) -> None:
    told = anxiety(store, {Segment.LOW_LOW: [-3, -3], Segment.HIGH_LOW: [-9, -9], Segment.HIGH_HIGH: []})
    assert {its for _, its in told} == {"withheld"}


def test_where_nobody_has_two_scores_there_is_no_such_table(store: Store) -> None:
    assert anxiety(store, {Segment.LOW_LOW: []}) == []
