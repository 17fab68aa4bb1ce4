"""Rolls a segment's policy back to an earlier version."""

from typing import NamedTuple

import streamlit as st

from operate.console.acting.deed import Deed, confirm, is_stale, keep, kept, tell
from operate.console.acting.outcome import persons, since
from operate.console.acting.showing import before_and_after, best_actions
from operate.console.reading import UNITS, view
from rl_core.config import Settings
from rl_core.errors import SpentError
from rl_core.models import Act, Policy
from rl_core.store import Store
from rl_core.work import policy_at, roll_back

_HELD = "Nothing can be rolled back while the segment's past is folded anew. Look again when that is done."


class _Seen(NamedTuple):
    """Holds the policy as shown, and the earlier one; None where the view's read units do not suffice for that."""

    policy: Policy
    earlier: Policy | None


@st.fragment
def offer_rollback(policy: Policy, version: int) -> None:
    """Shows the form that rolls a segment back to a version."""
    key = f"rollback {policy.segment.name} {version}"
    deed = kept(key)
    with st.container(border=True):
        st.markdown(f"**Roll back to version {version}**")
        if deed is not None and deed.begun:
            tell(deed)
        elif policy.hold is not None or policy.refolding is not None:
            st.info(_HELD, icon=":material/hourglass_top:")
        elif not 0 <= version < policy.version:
            st.info(f"Version {version} is not before the present one, {policy.version}.")
        elif (deed := deed or _look(key, policy, version)) and not is_stale(deed, policy):
            _ask(deed, version)


def _look(key: str, policy: Policy, version: int) -> Deed[_Seen] | None:
    with view() as its:
        try:
            earlier = policy_at(its.watch, policy.segment, version, excluded=policy.excluded)
        except SpentError:
            return keep(key, _Seen(policy, None))
        return keep(key, _Seen(policy, earlier))
    return None


def _ask(deed: Deed[_Seen], version: int) -> None:
    policy, earlier = deed.shown
    excluded = persons(len(policy.excluded))
    before_and_after(
        (
            ("Version", f"{policy.version}", f"a new one, which holds what {version} held"),
            ("Episodes learned", f"{policy.episodes}", f"{policy.episodes}, and what is learned meanwhile"),
            ("Excluded", excluded, "nobody" if not policy.excluded else f"the same {excluded}"),
        )
    )
    if earlier is None:
        st.markdown(f"To say whose best action changes takes more than {UNITS:.0f} read units, so it is not shown.")
    else:
        best_actions(policy, earlier)
    st.markdown("Sessions stay on record. Learning goes on from the restored values.")

    def does(store: Store, act: Act, settings: Settings) -> tuple[str, ...]:
        now = roll_back(store, policy.segment, version, act, policy.acted, settings)
        stands = f"Version {now.version} now holds what {version} held. {now.episodes} episodes stay learned"
        stays = f"{stands}, {persons(len(now.excluded))} excluded."
        return ("It is done.", stays, since(store, policy.segment, policy.version))

    confirm(deed, f"Roll back to version {version}", does)
