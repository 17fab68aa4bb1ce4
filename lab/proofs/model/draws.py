"""Says among which users, requests and settings Hypothesis chooses."""

from hypothesis import strategies as st

from lab.proofs.formulas import Said
from lab.proofs.model.consent import GRANTS
from rl_core.models import Segment

SEGMENTS = (Segment.HIGH_LOW, Segment.MODERATE_MODERATE)
USERS = ("ana", "ben", "cem")

users = st.sampled_from(USERS)
segments = st.sampled_from(SEGMENTS)
positions = st.integers(1, 7)
points = st.none() | st.integers(1, 5)
notes = st.sampled_from([None, "", "fine"])
saids: st.SearchStrategy[Said] = st.fixed_dictionaries(
    {"completed": st.sampled_from([True, True, False])},
    optional={"motivation_before": points, "motivation_after": points, "difficulty_rating": points, "notes": notes},
)
batches = st.dictionaries(st.sampled_from([1, 2, 3, 4, 5, 6]), saids, min_size=1, max_size=4)
mores: st.SearchStrategy[Said] = st.fixed_dictionaries({}, optional={"overall_session_rating": points, "notes": notes})
profiles: st.SearchStrategy[Said] = st.fixed_dictionaries(
    {},
    optional={
        "segment": st.sampled_from([s.value for s in SEGMENTS]),
        "timezone": st.sampled_from(["Asia/Tokyo", "America/Los_Angeles"]),
        "avoid": st.sampled_from([[], ["floor"], ["breath_hold", "floor"]]),
        "without": st.sampled_from([[], [1], [4, 5], [0, 2, 3, 5]]),
    },
)
cooldowns = st.sampled_from([1, 1, 0, 3, 5])
bounds = st.sampled_from([(1000, 1000), (12, 2), (4, 1), (2, 2), (3, 0)])  # a day's sessions: issued, learned from
hours = st.sampled_from([-1, 0, 0.5, 8, 24, 30, 49, 100, 180 * 24, 180 * 24 + 1])  # until a pause ends
minutes = st.sampled_from([1, 30, 240, 1000, 48 * 60 - 1, 48 * 60, 100 * 60])

GRANTED: Said = {"personalise": True, "learn": True, "text_version": "1"}
WITHDRAWN: Said = {"learn": False, "text_version": "1"}
UNLEARN: Said = WITHDRAWN | {"unlearn": True}
mostly = st.sampled_from([True, True, False])
wishes: st.SearchStrategy[Said] = st.fixed_dictionaries(
    {"text_version": st.sampled_from(["1", "1", "2"])},
    optional={"personalise": mostly, "learn": mostly, "unlearn": st.booleans()},
).filter(lambda wish: wish.keys() & {"personalise", "learn"} or wish.get("unlearn"))
first_wishes = st.sampled_from([None, GRANTED, GRANTED | {"personalise": False}])
withdrawals = st.sampled_from([WITHDRAWN, UNLEARN, {"personalise": False, "text_version": "1"}])
times = st.sampled_from([1, 1, 1, 1, 1, 1, 1, GRANTS + 1])
malformed = st.sampled_from(
    [
        {"text_version": "1"},
        {"text_version": "", "learn": False},
        {"text_version": "1" * 65, "learn": False},
        {"text_version": "1", "learn": None},
        {"text_version": "1", "learn": 0},
        {"text_version": "1", "learn": False, "share": True},
        {"text_version": "1", "learn": True, "unlearn": True},
        {"learn": False},
    ]
)
drops = st.sampled_from([1, 2, 90])  # sessions dropped in one transaction
reads = st.sampled_from([18, 50, 50])  # units in which one request looks for sessions to drop
