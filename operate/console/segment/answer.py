"""Answers whether a segment got worse, and why: three signs, the latest act, and a headline."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from operate.console.segment.course import BEFORE, LATE, Lately, lately
from operate.console.segment.found import Found
from operate.console.segment.lessons import OTHERS, teachers, weight
from operate.console.segment.past import told
from operate.console.signs import moment
from operate.intervals import Estimate
from rl_core.days import LESSONS, RULE, Colour, Replay, Replayed, worst

_DAY = timedelta(days=1)
_WRONG = {Replayed.DIFFERS: "is not its replay, bit for bit", Replayed.UNREADABLE: "could not be read"}


class Sign(NamedTuple):
    """Holds what one light says of this segment alone: its colour, a sentence, and what to do if it is not green."""

    name: str
    colour: Colour
    says: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Holds the headline, the signs, and what happened last in words, "" if nothing but learning is known."""

    colour: Colour
    headline: str
    signs: tuple[Sign, ...]
    last: str


def answer(found: Found, now: datetime) -> Answer:
    """Returns the answer. It is green only where every sign is."""
    signs = (_policy(found), _reward(found, now), _weight(found), _replay(found, now))
    colour = worst(sign.colour for sign in signs)
    return Answer(colour, _headline(colour, *signs), signs, _last(found))


def in_figures(mean: Estimate | None) -> str:
    """Returns a mean with its 95 % interval in words."""
    if mean is None:
        return "not shown (fewer than five users on a day)"
    return f"{mean.value:.3f} (95 %: {mean.low:.3f} to {mean.high:.3f}, {mean.n} sessions)"


def _headline(colour: Colour, policy: Sign, reward: Sign, weighed: Sign, replay: Sign) -> str:
    if policy.colour is Colour.RED:
        return "The policy cannot be read, so every plan here is drawn evenly and nothing is learned."
    if reward.colour in {Colour.RED, Colour.YELLOW}:
        if weighed.colour in {Colour.RED, Colour.YELLOW}:
            return "It got worse, and one person taught much of what was learned lately."
        if replay.colour is Colour.RED:
            return "It got worse, and the policy is not what its records say."
        return "It got worse; neither one person's weight nor a changed policy says why."
    if weighed.colour in {Colour.RED, Colour.YELLOW}:
        return "One person taught much of what was learned lately."
    if replay.colour is Colour.RED:
        return "The policy is not what its records say."
    if colour is Colour.GREY:
        return "Nothing says that it got worse, but not all is known."
    return "Nothing says that it got worse."


def _policy(found: Found) -> Sign:
    if found.policy is None:
        return Sign("policy", Colour.RED, f"It cannot be read: {found.trouble}.", "mend it, below")
    n = found.policy.episodes
    held = "; its past is being folded anew" if found.policy.hold is not None else ""
    return Sign("policy", Colour.GREEN, f"Version {found.policy.version} can be read; {n} sessions are learned{held}.")


def _reward(found: Found, now: datetime) -> Sign:
    its = lately(found.segment, found.course, found.final, now)
    if its is None:
        why = found.no_course or "no day of the last eight is final: see the light `waiting` and `DailySilentAlarm`."
        return Sign("reward", Colour.GREY, f"Not known: {why[0].lower()}{why[1:]}")
    return Sign("reward", its.colour, _of_days(its), RULE["reward"].do)


def _of_days(its: Lately) -> str:
    days = f"in the latest {LATE} final days, up to {its.final}"
    if its.change is None:
        return f"Nothing was done {days}, nor in the {BEFORE} before."
    if its.change.difference is None:
        return f"The change is not known: {RULE['reward'].grey}. Mean reward {in_figures(its.now)} {days}."
    how = f"{its.change.difference:+.3f} against the {BEFORE} before"
    sure = "" if its.colour is not Colour.GREEN or its.change.difference >= 0 else ", within what chance does"
    return f"**{how}**{sure}: mean reward {in_figures(its.now)} {days}; before, {in_figures(its.before)}."


def _weight(found: Found) -> Sign:
    excluded = found.policy.excluded if found.policy else ()
    its = teachers(found.lessons, excluded)
    colour, first = weight(its)
    others = sum(teacher.share is not None for teacher in its) - 1
    if first is None or first.share is None:
        said = f"Not known: {found.read.why}" if found.read.why else "Nothing was learned yet."
        return Sign("weight", Colour.GREY, said)
    n = sum(teacher.sessions for teacher in its if teacher.share is not None)
    which = f"latest {n}" if len(found.lessons) >= LESSONS else f"{n}"
    said = f"**{RULE['weight'].told(first.share)}** of the {which} sessions learned are of one person"
    beside = (
        f", beside {others} others" if others >= OTHERS else f"; fewer than {OTHERS} others teach, so it says little"
    )
    named = f": `{first.person.hex()}`" if colour not in {Colour.GREEN, Colour.GREY} else ""
    return Sign("weight", colour, f"{said}{beside}{named}.", RULE["weight"].do)


def _replay(found: Found, now: datetime) -> Sign:
    if found.guard is None:
        return Sign("replay", Colour.GREY, "Not known: what the guard keeps cannot be read.")
    its = found.guard.replays.get(found.segment)
    if its is None:
        return Sign("replay", Colour.GREY, "Not known: the guard has not come to this segment yet.")
    if its.result in _WRONG:
        return Sign(
            "replay", Colour.RED, f"Version {its.version} {_WRONG[its.result]} {_seen(its)}.", RULE["replay"].do
        )
    if its.result is not Replayed.EQUAL:
        return Sign("replay", Colour.GREY, f"Not known: the check was not finished {_seen(its)}.")
    late = now - its.at > _DAY
    draws = f"{its.draws} draws came out again" if its.draws else "no draw was recomputed"
    said = f"Version {its.version} was its replay, bit for bit, {_seen(its)}; {draws}"
    more = ", but that is more than a day ago" if late else ""
    return Sign("replay", Colour.GREY if late else Colour.GREEN, f"{said}{more}.")


def _seen(its: Replay) -> str:
    return f"when the guard looked at {moment(its.at)}"


def _last(found: Found) -> str:
    act, now = found.act, found.policy.version if found.policy else None
    if act is None:
        return ""
    since = f", {now - act.version} versions ago" if now is not None and now > act.version else ""
    return f"Version {act.version}{since}: {told(act)}."
