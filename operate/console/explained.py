"""Says what is to be said of one decision: each action's row, why it was masked, whether the draw comes out again."""

from typing import NamedTuple, TypeVar

from rl_core.days import Colour
from rl_core.models import ACTIONS, MILLION, Action, EndedBy, Facts, Learning, Profile, Session, Status, Why
from rl_core.sessions import Drawn, drawn_of, is_known, learning_of, why_not
from rl_core.work import Because, Recomputed

T = TypeVar("T")

COOL_DOWN = "the cool-down: it was in one of the latest plans"
WISH = "the person's wish, as it stands today"
BOTH = "the cool-down, or the person's wish as it stands today"
EITHER = "the cool-down, or a wish of that day"

HOW = {
    Drawn.BEST: "Its estimate was the greatest of those that could be drawn",
    Drawn.TRY: "It is a try: another one had a greater estimate",
    Drawn.EVEN: "Each was as likely as the others",
    Drawn.FALLBACK: "It is a fallback: no policy could be read, so each was as likely as the others",
}
ENDED = {
    EndedBy.COMPLETIONS: "every activity was answered",
    EndedBy.BATCH: "the person ended it with their feedback",
    EndedBy.EXPIRY: "it expired",
}
NOT_LEARNED = {
    Why.FALLBACK: "it was drawn without a policy",
    Why.CONSENT: "the person does not want to be learned from",
    Why.EXCLUDED: "the person is excluded",
    Why.PAUSED: "the person had paused",
    Why.OVER_WEIGHT: "the person had taught their share of that day",
}


class Row(NamedTuple):
    """Holds one action: its chance, None if it was masked, and why; what was held of it; the person's own sessions."""

    action: Action
    drawn: bool
    chance: float | None
    masked: str
    estimate: float | None
    visits: int | None
    own: int | None
    mean: float | None


class Verdict(NamedTuple):
    """Says whether a decision comes out again: green yes, red no, grey it cannot be told."""

    colour: Colour
    text: str


def rows(session: Session, profile: Profile, found: Recomputed, cooldown: int) -> list[Row]:
    """Returns a row for each action that this release knows or that could be drawn, in the order of their ids."""
    its = session.decision
    chances = dict(zip(its.eligible, its.chances, strict=True))
    return [
        Row(
            action=action,
            drawn=action == its.action,
            chance=chances.get(action),
            masked="" if action in chances else masked(action, its.facts, profile.without, cooldown),
            estimate=_at(found.estimates, action),
            visits=_at(found.visits, action),
            own=_own(its.facts, action),
            mean=_mean(its.facts, action),
        )
        for action in sorted({*ACTIONS, *its.eligible})
    ]


def masked(action: Action, facts: Facts | None, without: tuple[Action, ...], cooldown: int) -> str:
    """Returns why an action could not be drawn, as far as it can be known.

    A session does not say it. The facts have the latest plans that the person saw, and not those that nobody saw; the
    profile has today's wishes.
    """
    lately = facts.latest[-cooldown:] if facts and cooldown else ()
    if action in lately:
        return BOTH if action in without else COOL_DOWN
    return WISH if action in without else EITHER


def _at(values: tuple[T, ...] | None, action: Action) -> T | None:
    return values[action] if values is not None and action < len(values) else None


def _own(facts: Facts | None, action: Action) -> int | None:
    return _at(facts.counts, action) if facts else None


def _mean(facts: Facts | None, action: Action) -> float | None:
    count = _own(facts, action)
    return facts.sums[action] / count / MILLION if facts and count else None


def verdict(session: Session, found: Recomputed) -> Verdict:
    """Returns whether the decision comes out again, and if not, why."""
    its = session.decision
    if found.because is None:
        if found.agrees(its):
            return Verdict(Colour.GREEN, "It comes out again, bit for bit: the same chances, and the same draw.")
        return Verdict(
            Colour.RED,
            "It comes out otherwise, though the policy and the settings are those of then: "
            "the session was changed by hand, or is damaged.",
        )
    return Verdict(Colour.GREY, _untold(session, found.because))


def _untold(session: Session, because: Because) -> str:
    version = f"version {session.decision.policy_version}"
    if because is Because.SETTINGS:
        return "It was drawn under other settings than today's, so it cannot be drawn again, and no estimate is told."
    if because is Because.REWRITTEN:
        return (
            f"An erasure or an exclusion has rewritten {version} since, or a record of it is missing: "
            "what the draw knew is gone, and no estimate is told."
        )
    if because is Because.TOO_MUCH:
        return (
            f"To rebuild {version} takes more reading than one view may do. "
            "`python -m operate explain` on the command line has no such bound."
        )
    if not set(session.decision.eligible) <= set(ACTIONS):
        return "A newer release drew it, from an action that this one does not know, so it cannot be drawn again."
    if not session.decision.settings:
        return (
            "The session is of an earlier form, which does not say under which settings it was drawn; under today's, "
            "it comes out otherwise or cannot be drawn."
        )
    return (
        f"What {version} was made of cannot be read or folded by this release: a record or a snapshot is damaged, "
        "or a newer release wrote it. See the light replay on the page Now."
    )


def how_drawn(session: Session) -> str:
    """Returns how the action was drawn, and what else is to be known of the draw."""
    its = session.decision
    said = [HOW[drawn_of(its)]]
    if its.impersonal:
        said = ["No plan is to be personal, by the person's wish: each was as likely as the others"]
    if its.own:
        said.append("it is the greatest by the person's own rewards, and would not be without them")
    return f"{'; '.join(said)}."


def forms(session: Session) -> list[str]:
    """Returns what is to be known of how the session is stored: an earlier form, a newer one, an unknown entry."""
    said = []
    if "form" in session.rest:
        said.append("A newer release wrote this session; what it added is not shown.")
    if session.decision.facts is None:
        said.append("The session is of an earlier form, which did not keep what the draw knew of the person.")
    if not is_known(session):
        said.append("The session has a status, an action or an activity that this release does not know.")
    return said


def became(session: Session) -> str:
    """Returns what became of the session: whether it is over, how it ended, and what was learned."""
    if session.status is Status.OPEN:
        seen = "" if session.shown else " It was prefetched: the person has not seen it yet."
        return f"It is open, so nothing was learned from it yet.{seen}"
    if session.closing is None:
        unseen = (
            "It expired without an answer" if session.shown else "It was prefetched, and expired before it was seen"
        )
        reason = why_not(session)
        return f"{unseen}; nothing is learned from it{_because(reason)}."
    ended = ENDED.get(session.ended_by, "in a way that this release does not know") if session.ended_by else "it ended"
    return f"It is closed: {ended}. {_learned(session)}"


def _learned(session: Session) -> str:
    learning = learning_of(session)
    if learning is Learning.APPLIED:
        return (
            f"Version {session.learned_version} learned from it, as episode {session.learned_episodes} of its segment."
        )
    if session.parked:
        return "It was set aside, and waits to be put back: see the light parked on the page Now."
    if learning is Learning.QUEUED:
        return "It waits to be learned from."
    return f"Nothing is learned from it{_because(why_not(session))}."


def _because(reason: Why | None) -> str:
    if reason is None:
        return ""
    return f", because {NOT_LEARNED.get(reason, 'of a reason that this release does not know')}"
