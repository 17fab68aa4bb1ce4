"""Shows how far a segment's past is folded anew, until that is done."""

from datetime import datetime
from typing import NamedTuple

import streamlit as st

from operate.console import seat
from operate.console.acting.outcome import summary
from operate.console.reading import UNITS, sentence
from operate.console.signs import ago, moment
from rl_core.errors import FettleError
from rl_core.models import Policy, Refold, Segment
from rl_core.store import Hold, Watch

EVERY = 3  # seconds


class Progress(NamedTuple):
    """Holds how many of how many versions are folded, why, since when, and whether a run works on it."""

    folded: int
    versions: int
    reason: str
    since: datetime
    works: bool


def progress_of(refold: Refold, version: int, now: datetime) -> Progress:
    """Returns how far a refold is, for a policy that has come to `version`."""
    before = refold.first - 1
    folded, versions = max(0, refold.folded.version - before), max(1, version - before)
    works = refold.until is not None and refold.until > now
    return Progress(min(folded, versions), versions, refold.reason, refold.since, works)


def show_progress(segment: Segment) -> None:
    """Shows how far the segment's past is folded anew, while it is, and then that it is done; else nothing."""
    found, key = _read(segment), _key(segment)
    if isinstance(found, Progress):
        st.session_state[key] = found.since
        _follow(segment)
    elif key in st.session_state:
        _ended(segment, found)


def _key(segment: Segment) -> str:
    return f"folding {segment.name}"


def _read(segment: Segment) -> Progress | Policy | FettleError:
    """Returns how far the refold is, the policy if none holds it, or the error that stands in the way."""
    source = seat.current()
    watch = Watch(source.store(), UNITS, users=False)
    partitions = source.settings().index_shards
    try:
        policy, hold = watch.policy(segment), Hold.of(watch, segment, partitions)
        if hold is None and policy.hold is not None:  # it may have ended between the two reads
            policy = watch.policy(segment)
    except FettleError as error:
        return error
    if hold is None or hold.refold.hold != policy.hold:
        return policy
    return progress_of(hold.refold, policy.version, source.now())


@st.fragment(run_every=EVERY)
def _follow(segment: Segment) -> None:
    found = _read(segment)
    if isinstance(found, FettleError):
        st.error(sentence(found), icon=":material/help:")
        st.caption(f"Tried again each {EVERY} seconds.")
        return
    if isinstance(found, Policy):
        st.rerun()
    now = seat.current().now()
    told = f"{found.folded} of {found.versions} versions are folded ({found.reason})"
    st.progress(found.folded / found.versions, text=f"The segment's past is folded anew: {told}.")
    if found.works:
        st.markdown("A run works on it now. Learning goes on meanwhile.")
    else:
        st.markdown("No run works on it now: the erasure's job, which runs each minute, goes on with it.")
    st.caption(f"Under way since {moment(found.since)} ({ago(now - found.since)}). Read each {EVERY} seconds.")


def _ended(segment: Segment, found: Policy | FettleError) -> None:
    """Shows what became of a refold that was seen under way."""
    if isinstance(found, FettleError):
        st.error(sentence(found), icon=":material/help:")
        return
    if found.hold is not None or found.refolding is not None:
        st.warning("The progress of the fold is lost. The erasure's job begins it anew, within a minute.")
        return
    st.success(f"Done: the segment's past is folded anew. Now stands {summary(found)}.", icon=":material/check_circle:")
    if st.button("Close", key=f"close {_key(segment)}"):
        del st.session_state[_key(segment)]
        st.rerun()
