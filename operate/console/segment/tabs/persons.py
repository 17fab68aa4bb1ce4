"""The tab `Persons`: who taught the latest sessions, and what one person taught."""

from itertools import chain

import streamlit as st

from operate.console import acting
from operate.console.segment import beliefs, lessons
from operate.console.segment.found import Found
from operate.console.segment.tabs.frame import frame
from rl_core.days import LESSONS, Colour


def show(found: Found) -> None:
    """Shows who taught the latest sessions, and what one person taught."""
    excluded = found.policy.excluded if found.policy else ()
    taught = lessons.teachers(found.lessons, excluded)
    if taught:
        n = len(found.lessons)
        st.markdown(f"**Who taught the latest {n} sessions**, the greatest share first")
        frame([_teacher(its) for its in taught], "Persons by their share of the lessons")
        st.caption(
            "A person is one life of an account, and leads back to none. Share: of the sessions of all who are not "
            "excluded. Others' mean: the mean reward of everybody else's sessions."
        )
    else:
        st.info("Nobody taught this segment yet.")
    if found.read.why and len(found.lessons) < LESSONS:
        st.warning(found.read.why)
    listed = dict.fromkeys(chain((its.person.hex() for its in taught), (person.hex() for person in excluded)))
    colour, _ = lessons.weight(taught)
    typed = st.selectbox(
        "Person",
        list(listed),
        index=0 if colour in {Colour.RED, Colour.YELLOW} else None,
        accept_new_options=True,
        placeholder="Choose from the list, or type 16 hexadecimal digits",
        key=f"person-{found.segment.name}",
    )
    if typed:
        _person(found, typed)


def _teacher(its: lessons.Teacher) -> dict[str, object]:
    return {
        "Person": its.person.hex(),
        "Share": "excluded" if its.share is None else f"{its.share:.1%}",
        "Sessions": its.sessions,
        "Mean reward": its.mean,
        "Others' mean": its.others,
    }


def _person(found: Found, typed: str) -> None:
    person = lessons.person_of_text(typed)
    if person is None:
        st.warning("A person is 16 hexadecimal digits, as the list above has them.")
        return
    own = [lesson for lesson in found.lessons if lesson.person == person]
    if own:
        st.markdown(f"**What `{person.hex()}` taught** of these: {len(own)} sessions")
        rows = [_by_action(row) for row in lessons.by_action(found.lessons, person)]
        frame(rows, "The person's sessions and mean reward by action, beside the others'")
        with st.expander("Session by session"):
            frame([_lesson(its) for its in own], "The person's sessions, newest first")
    else:
        st.markdown(f"`{person.hex()}` taught none of the latest {len(found.lessons)} sessions here.")
    if found.policy is not None:
        acting.offer_exclusion(found.policy, person)


def _by_action(row: lessons.ByAction) -> dict[str, object]:
    return {
        "Action": row.action.title,
        "Sessions": row.sessions,
        "Mean reward": row.mean,
        "Others' mean": row.others_mean,
        "Others' sessions": row.others,
    }


def _lesson(its: lessons.Lesson) -> dict[str, object]:
    return {
        "Version": its.version,
        "Engagement, motivation": beliefs.in_words(its.state),
        "Action": its.action.title,
        "Reward": its.reward,
    }
