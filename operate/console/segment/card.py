"""Says in one card how a segment is: sessions learned, mean reward and how it changed, the favourite action."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from operate.console.segment.beliefs import Favourite, favourite
from operate.console.segment.course import Lately, lately
from operate.console.segment.lessons import OTHERS
from rl_core.config import Settings
from rl_core.days import RULE, Colour, Course, Guard, Replayed, Weight, worst
from rl_core.models import Policy, Segment


@dataclass(frozen=True, slots=True)
class Card:
    """Holds what is shown of a segment.

    `colour` is that of the reward's change; red if the policy cannot be read or is not its replay, and where one
    person teaches too much that light's, if it is worse. `sessions` is None where the policy cannot be read.
    """

    segment: Segment
    colour: Colour
    sessions: int | None
    lately: Lately | None
    favourite: Favourite | None
    troubles: tuple[str, ...]

    @property
    def worse(self) -> bool:
        """Returns whether something is wrong with the segment."""
        return self.colour in {Colour.RED, Colour.YELLOW}


def cards(
    policies: Mapping[Segment, Policy | None],
    courses: Mapping[Segment, Course | None],
    final: date | None,
    guard: Guard,
    settings: Settings,
    now: datetime,
) -> tuple[Card, ...]:
    """Returns a card for each segment whose policy was read; a policy is None where it cannot be read."""
    return tuple(
        _card(segment, policy, lately(segment, courses.get(segment), final, now), guard, settings, now)
        for segment, policy in policies.items()
    )


def worst_first(found: tuple[Card, ...]) -> list[Card]:
    """Returns the cards of segments with which something is wrong: red before yellow, the greatest loss first."""
    bad = [card for card in found if card.worse]
    return sorted(bad, key=lambda card: (card.colour is not Colour.RED, _difference(card)))


def _difference(card: Card) -> float:
    change = card.lately.change if card.lately else None
    return change.difference if change and change.difference is not None else 0.0


def _card(
    segment: Segment,
    policy: Policy | None,
    its: Lately | None,
    guard: Guard,
    settings: Settings,
    now: datetime,
) -> Card:
    troubles, colours = [], [its.colour if its else Colour.GREY]
    if policy is None:
        troubles.append("The policy cannot be read: mend it.")
        colours.append(Colour.RED)
    elif (replay := guard.replays.get(segment)) and replay.result is Replayed.DIFFERS:
        troubles.append(f"The guard found that version {replay.version} is not its replay.")
        colours.append(Colour.RED)
    weighed = _weighed(guard.weights.get(segment), now)
    if weighed is not None and (of_weight := RULE["weight"].colour(weighed)) is not Colour.GREEN:
        troubles.append(f"One person taught {RULE['weight'].told(weighed)} of the latest sessions.")
        colours.append(of_weight)
    liked = favourite(policy, settings) if policy else None
    return Card(segment, worst(colours), policy.episodes if policy else None, its, liked, tuple(troubles))


def _weighed(weight: Weight | None, now: datetime) -> float | None:
    """Returns the share of the person who taught most, if enough others teach and the guard weighed within a day."""
    if weight is None or weight.others < OTHERS or (now - weight.at).days >= 1:
        return None
    return weight.share
