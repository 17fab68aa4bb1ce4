"""Mends a segment's policy item that cannot be read, is gone or is older than its records."""

from typing import NamedTuple

import streamlit as st

from operate.console.acting.deed import Deed, confirm, keep, kept, tell
from operate.console.acting.outcome import persons
from operate.console.acting.showing import before_and_after
from operate.console.reading import UNITS, view
from rl_core.config import Settings
from rl_core.errors import SpentError, VersionError
from rl_core.models import Act, Segment
from rl_core.store import Store, Stored
from rl_core.work import Damage, damage_of, mend


class _Seen(NamedTuple):
    """Holds the item as shown, None if it was gone, and its damage; None where the view's units do not suffice."""

    item: Stored | None
    damage: Damage | None


@st.fragment
def offer_mending(segment: Segment) -> None:
    """Shows the form that mends a segment's policy, which cannot be read."""
    key = f"mend {segment.name}"
    deed = kept(key)
    with st.container(border=True):
        st.markdown("**Mend the policy from the records of its versions**")
        if deed is not None and deed.begun:
            tell(deed)
        elif deed := deed or _look(key, segment):
            _ask(deed, segment)


def _look(key: str, segment: Segment) -> Deed[_Seen] | None:
    with view() as its:
        item = its.watch.stored_policy(segment)
        try:
            return keep(key, _Seen(item, damage_of(its.watch, segment, item)))
        except SpentError:
            return keep(key, _Seen(item, None))
        except VersionError as error:
            st.info(f"It is not mended: {error}.", icon=":material/info:")
    return None


def _ask(deed: Deed[_Seen], segment: Segment) -> None:
    item, damage = deed.shown
    if damage is None:
        found, says = "it cannot be told within the read units of a view", f"takes more than {UNITS:.0f} units to read"
    else:
        policy = damage.policy
        found = damage.found
        says = f"version {policy.version}, {policy.episodes} episodes, {persons(len(policy.excluded))} excluded"
    before_and_after((("Policy item", found, "a new version, which holds what the records say"),))
    st.markdown(f"The records say: {says}. Nothing that was learned is lost; sessions that wait are learned then.")

    def does(store: Store, act: Act, settings: Settings) -> tuple[str, ...]:
        now = mend(store, segment, item, act, settings)
        stands = f"Version {now.version} holds what the records say: {now.episodes} episodes learned"
        return ("It is mended.", f"{stands}, {persons(len(now.excluded))} excluded.")

    confirm(deed, "Mend the policy", does)
