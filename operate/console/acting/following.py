"""Shows how far a segment's past is folded anew, until that is done."""

import streamlit as st

from operate.console import seat
from operate.console.acting.outcome import summary
from operate.console.reading import UNITS, sentence
from operate.console.signs import ago, moment
from operate.folding import LOST, Folding, folding_of
from rl_core.errors import FettleError
from rl_core.models import Segment
from rl_core.store import Watch

EVERY = 3  # seconds


def show_progress(segment: Segment, watch: Watch) -> None:
    """Shows how far the segment's past is folded anew, while it is, and then that it is done; else nothing."""
    found, key = _read(segment, watch), _key(segment)
    if isinstance(found, Folding) and found.progress is not None:
        st.session_state[key] = found.progress.since
        _follow(segment)
    elif key in st.session_state:
        _ended(segment, found)


def _key(segment: Segment) -> str:
    return f"folding {segment.name}"


def _read(segment: Segment, watch: Watch) -> Folding | FettleError:
    """Returns the policy and how far its refold is, or the error that stands in the way."""
    source = seat.current()
    try:
        return folding_of(watch, segment, source.settings().index_shards, source.now())
    except FettleError as error:
        return error


@st.fragment(run_every=EVERY)
def _follow(segment: Segment) -> None:
    found = _read(segment, Watch(seat.current().store(), UNITS, users=False))
    if isinstance(found, FettleError):
        st.error(sentence(found), icon=":material/help:")
        st.caption(f"Tried again each {EVERY} seconds.")
        return
    its = found.progress
    if its is None:
        st.rerun()
    now = seat.current().now()
    st.progress(its.folded / its.versions, text=f"The segment's past is folded anew: {its.told}.")
    st.markdown(f"{its.worker} Learning goes on meanwhile." if its.works else its.worker)
    st.caption(f"Under way since {moment(its.since)} ({ago(now - its.since)}). Read each {EVERY} seconds.")


def _ended(segment: Segment, found: Folding | FettleError) -> None:
    """Shows what became of a refold that was seen under way."""
    if isinstance(found, FettleError):
        st.error(sentence(found), icon=":material/help:")
        return
    if found.lost:
        st.warning(LOST)
        return
    st.success(
        f"Done: the segment's past is folded anew. Now stands {summary(found.policy)}.", icon=":material/check_circle:"
    )
    if st.button("Close", key=f"close {_key(segment)}"):
        del st.session_state[_key(segment)]
        st.rerun()
