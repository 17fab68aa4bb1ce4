"""Excludes a person from a segment's policy, or includes them again."""

from dataclasses import dataclass

import streamlit as st

from operate.console import seat
from operate.console.acting.deed import Deed, confirm, is_stale, keep, kept, tell
from operate.console.acting.outcome import persons, since, standing
from operate.console.acting.showing import before_and_after, best_actions
from operate.console.reading import UNITS, sentence
from operate.persons import turn_of
from operate.unlearning import VERSIONS_PER_SECOND
from rl_core.config import Settings
from rl_core.errors import FettleError
from rl_core.models import Act, Policy
from rl_core.store import Store
from rl_core.work import Preview, exclude, include, preview

SECONDS = 6.0  # of folding while the page waits; the erasure's job does the rest


@dataclass(slots=True)
class _Seen:
    """Holds the policy as shown, and what would change, once that was worked out."""

    policy: Policy
    person: bytes
    preview: Preview | None = None

    @property
    def excludes(self) -> bool:
        """Returns whether the form excludes the person; it includes whom the policy excludes."""
        return self.person not in self.policy.excluded


@st.fragment
def offer_exclusion(policy: Policy, person: bytes) -> None:
    """Shows the form that excludes a person from a segment's policy, or includes one who is excluded."""
    key = f"exclusion {policy.segment.name} {person.hex()}"
    deed: Deed[_Seen] = kept(key) or keep(key, _Seen(policy, person))
    with st.container(border=True):
        verb = "Exclude" if deed.shown.excludes else "Include again"
        st.markdown(f"**{verb}: person {person.hex()}**")
        if deed.begun:
            tell(deed)
        elif not is_stale(deed, policy):
            _ask(deed)


def _ask(deed: Deed[_Seen]) -> None:
    seen = deed.shown
    n = len(seen.policy.excluded)
    _would_change(deed)
    counts = ("What they taught", *(("counts", "counts no more") if seen.excludes else ("does not count", "counts")))
    before_and_after((counts, ("Excluded", persons(n), persons(n + 1 if seen.excludes else n - 1)), *_episodes(seen)))
    if seen.preview:
        best_actions(seen.preview.before, seen.preview.after)
    st.markdown(
        "Nothing is deleted. The segment's past is folded anew while learning goes on: "
        f"here for some {SECONDS:.0f} seconds; the erasure's job, which runs each minute, does the rest."
    )

    def does(store: Store, act: Act, settings: Settings) -> tuple[str, ...]:
        segment, change = seen.policy.segment, exclude if seen.excludes else include
        turn = turn_of(seat.current().now(), SECONDS)
        folded = change(store, segment, act, seen.policy.acted, settings, turn)
        what = "The person is excluded" if seen.excludes else "The person is not excluded any more"
        so = "the past is folded anew" if folded else "the erasure's job goes on to fold the past anew"
        return (f"{what}; {so}.", standing(store, segment), since(store, segment, seen.policy.version))

    confirm(deed, "Exclude this person" if seen.excludes else "Include this person again", does, person=seen.person)


def _would_change(deed: Deed[_Seen]) -> None:
    """Offers to work out what would change, for that reads the segment's whole past."""
    seen, version = deed.shown, deed.shown.policy.version
    if seen.preview is not None:
        return
    seconds = version / VERSIONS_PER_SECOND
    about = "a moment" if seconds < 1 else f"about {seconds:.0f} seconds"
    offer = st.empty()
    with offer.container():
        st.markdown(
            f"To work out what would change reads up to {version} version records, all that the segment has. "
            f"That takes {about}, and may take far more than the {UNITS:.0f} read units of a view."
        )
        if not st.button("Work out what would change", key=f"{deed.id} preview", icon=":material/calculate:"):
            return
    try:
        with st.spinner("Folding the segment's past", show_time=True):
            seen.preview = preview(seat.current().store(), seen.policy.segment, seen.person, excluded=seen.excludes)
        offer.empty()
    except FettleError as error:
        st.error(sentence(error), icon=":material/help:")


def _episodes(seen: _Seen) -> list[tuple[str, str, str]]:
    if seen.preview is None:
        return []
    before, after, sessions = seen.preview
    return [
        ("Sessions of the person on record", f"{sessions}", f"{sessions}"),
        ("Episodes learned", f"{before.episodes}", f"{after.episodes}"),
    ]
