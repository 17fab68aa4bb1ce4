"""The page Now: is the service well; if not, what is wrong, since when, where, and what to do."""

from datetime import datetime, timedelta

import streamlit as st

from operate.console.acting import offer_unparking, show_unparked
from operate.console.reading import View, view
from operate.console.screens.places import link
from operate.console.signs import WORDS, ago, badge, moment
from rl_core.days import RULE, Colour, Guard, Light, Standing, worst
from rl_core.work import UNITS, Look, glance, look

_HEADLINES = {
    Colour.GREEN: "All lights are green.",
    Colour.GREY: "Something is not known.",
    Colour.YELLOW: "Something needs a look.",
    Colour.RED: "Something is wrong.",
}
_NAMED = 3  # segments of a light, the worst first, that have a link
_LATE = timedelta(hours=2)  # the guard runs each hour
_ORDER = (Colour.RED, Colour.YELLOW, Colour.GREY, Colour.GREEN)


def show() -> None:
    """Shows the lights, the worst first."""
    st.title("Now")
    full = st.button(
        "Check now",
        icon=":material/refresh:",
        help=f"Weighs who teaches and replays one segment, as the guard does each hour. Reads up to {UNITS:.0f} units.",
    )
    with view(UNITS) if full else view() as its:
        _lights(its, (look if full else glance)(its.watch, its.settings, its.now))


def _lights(its: View, seen: Look) -> None:
    worst_of_all = worst(light.colour for light in seen.lights)
    st.subheader(f"{badge(worst_of_all)} {_HEADLINES[worst_of_all]}")
    _guard(its, seen.ran)
    for light in sorted(seen.lights, key=lambda light: _ORDER.index(light.colour)):
        if light.colour is Colour.GREEN:
            continue
        with st.container(border=True):
            _trouble(its, light, seen.guard.lights[light.name])
    green = [light for light in seen.lights if light.colour is Colour.GREEN]
    if green:
        st.subheader("Well")
    for light in green:
        rule = RULE[light.name]
        notes = "; ".join(filter(None, (light.note, _looked(light, seen.guard))))
        note = f" ({notes})" if notes else ""
        st.markdown(f"{badge(light.colour)} **{light.name}** {rule.told(light.value)}: {rule.measures}{note}")
        if light.name == "parked":
            show_unparked()


def _looked(light: Light, guard: Guard) -> str:
    """Returns when the segments were looked at that make up a light which is not read anew at each view."""
    weighed, replayed = (its.at for its in guard.weights.values()), (its.at for its in guard.replays.values())
    looked = list({"weight": weighed, "replay": replayed}.get(light.name, ()))
    return f"looked at since {moment(min(looked))}" if looked else ""


def _guard(its: View, ran: datetime | None) -> None:
    """Says when the guard has not run lately: what only the guard reads is that old."""
    if ran is None:
        st.info(
            "The guard has not run yet, so what only the guard reads is not known.", icon=":material/hourglass_empty:"
        )
    elif its.now - ran > _LATE:
        st.warning(
            f"The guard runs each hour, but it ran last at {moment(ran)}, {ago(its.now - ran)} ago. Who teaches how "
            "much and the replays are as it saw them then. `GuardrailsRedAlarm` tells of it, too.",
            icon=":material/alarm_off:",
        )


def _trouble(its: View, light: Light, standing: Standing) -> None:
    """Shows a light that is not green: what it measures, since when, where, and what to do."""
    rule = RULE[light.name]
    yellow, red = rule.thresholds()
    st.markdown(f"{badge(light.colour)} **{light.name}: {rule.told(light.value)}** (yellow {yellow}, red {red})")
    st.markdown(f"{rule.measures[0].upper()}{rule.measures[1:]}. {_since(its, light, standing)}")
    if light.colour is Colour.GREY:
        st.markdown(f"Not known: {rule.grey}.{f' {light.note}.' if light.note else ''}")
    else:
        st.markdown(f"**What to do:** {rule.do}.{f' ({light.note})' if light.note else ''}")
    for segment in light.segments[:_NAMED]:
        link(light, segment)
    if more := light.segments[_NAMED:]:
        st.markdown(f"And {len(more)} more: {', '.join(segment.value for segment in more)}.")
    if light.name == "parked":
        offer_unparking()


def _since(its: View, light: Light, standing: Standing) -> str:
    as_of = "" if light.as_of is None or isinstance(light.as_of, datetime) else f" As of {light.as_of}."
    since = f"{moment(standing.since)} ({ago(its.now - standing.since)})"
    return f"{WORDS[light.colour].capitalize()} since {since}.{as_of}"
