"""The page Segments: nine cards by anxiety and activity; above them, which segments got worse."""

import streamlit as st

from operate.console.reading import View, view
from operate.console.screens.places import page
from operate.console.segment.card import Card, cards, worst_first
from operate.console.segment.course import BEFORE, LATE, Lately
from operate.console.segment.found import policy_of, readable
from operate.console.signs import badge
from rl_core.days import Colour, Guard
from rl_core.errors import PolicyUnreadableError
from rl_core.models import LEVELS, Policy, Segment

_NAMED = 3  # segments that are named above the cards, the worst first


def show() -> None:
    """Shows the nine segments, the worst named first."""
    st.title("Segments")
    with view() as its:
        found = _read(its)
        _worst(found)
        by_segment = {card.segment: card for card in found}
        for anxiety in LEVELS:
            for column, activity in zip(st.columns(len(LEVELS)), LEVELS, strict=True):
                with column, st.container(border=True):
                    _card(by_segment[Segment.of(anxiety, activity)])
        st.caption(
            f"Mean reward: of the latest {LATE} final days, then how it differs from the {BEFORE} before. The colour "
            "is that of the difference, or of what else is wrong. Favourite: the action that somebody new would be "
            "given most often, over all states as often as each was met, and in which share of the plans. What one "
            "person taught, and replays, are as the guard saw them last."
        )


def _read(its: View) -> tuple[Card, ...]:
    policies = {segment: _policy(its, segment) for segment in Segment}
    mark = its.watch.watermark()
    courses = its.watch.lately()
    guard, why = readable(its.watch.guard)
    if why:
        st.warning(f"What the guard keeps is not known, so no card tells of it. {why}")
    return cards(policies, courses, mark.day if mark else None, guard or Guard(), its.settings, its.now)


def _policy(its: View, segment: Segment) -> Policy | None:
    try:
        return policy_of(its.watch, segment)
    except PolicyUnreadableError:
        return None


def _worst(found: tuple[Card, ...]) -> None:
    bad, grey = worst_first(found), sum(card.colour is Colour.GREY for card in found)
    unknown = f" Of {grey} segments it is not known." if grey else ""
    if not bad:
        sign = Colour.GREY if grey else Colour.GREEN
        st.subheader(f"{badge(sign)} No segment is known to have got worse.{unknown}")
        return
    need = "1 segment needs" if len(bad) == 1 else f"{len(bad)} segments need"
    st.subheader(f"{badge(bad[0].colour)} {need} a look.{unknown}")
    for card in bad[:_NAMED]:
        with st.container(horizontal=True, vertical_alignment="center"):
            _link(card, card.segment.value)
            st.markdown(_in_short(card), width="content")
    if more := bad[_NAMED:]:
        st.markdown(f"And {len(more)} more, marked below.")


def _in_short(card: Card) -> str:
    change = card.lately.change if card.lately else None
    if change and change.difference is not None and change.colour() is not Colour.GREEN:
        return f"mean reward {change.difference:+.3f}"
    return card.troubles[0].rstrip(".")


def _link(card: Card, label: str) -> None:
    st.page_link(
        page("Segment"), label=label, icon=":material/arrow_forward:", query_params={"segment": card.segment.name}
    )


def _card(card: Card) -> None:
    st.markdown(f"**{card.segment.value}**")
    st.markdown(f"{badge(card.colour)} {_reward(card.lately)}")
    for trouble in card.troubles:
        st.markdown(trouble)
    sessions = "not known" if card.sessions is None else f"**{card.sessions:,}**"
    liked = card.favourite
    favourite = f"**{liked.action.title}**, {liked.share:.0%} of the plans" if liked else "not known"
    st.markdown(f"Sessions learned: {sessions}  \nFavourite: {favourite}")
    _link(card, "Look at it")


def _reward(its: Lately | None) -> str:
    if its is None:
        return "Mean reward: not known"
    if its.change is None:
        return "Nothing was done lately"
    change = "change not known" if its.change.difference is None else f"**{its.change.difference:+.3f}**"
    if its.now is None:
        return f"Mean reward: not shown (fewer than five users on a day), {change}"
    return f"Mean reward **{its.now.value:.3f}** (95 %: {its.now.low:.3f} to {its.now.high:.3f}), {change}"
