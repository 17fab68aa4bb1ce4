"""The console's signs: a shape and a word beside each colour, and a palette that colour-blind people can tell apart."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from rl_core.days import Colour

# Okabe and Ito's palette (Color Universal Design, 2008); text on white has a contrast of 4.5 or more.
BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#6b7280"
ACTIONS_COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, RED)

_BADGES: dict[Colour, tuple[str, Literal["green", "gray", "orange", "red"]]] = {
    Colour.GREEN: (":material/check_circle:", "green"),
    Colour.GREY: (":material/help:", "gray"),
    Colour.YELLOW: (":material/warning:", "orange"),
    Colour.RED: (":material/dangerous:", "red"),
}
ORDER = (Colour.RED, Colour.YELLOW, Colour.GREY, Colour.GREEN)  # the worst first
WORDS = {Colour.GREEN: "green", Colour.GREY: "not known", Colour.YELLOW: "yellow", Colour.RED: "red"}


def badge(colour: Colour) -> str:
    """Returns the sign of a colour in Markdown: a shape, and the word."""
    icon, hue = _BADGES[colour]
    return f":{hue}-badge[{icon} {WORDS[colour]}]"


def moment(at: datetime) -> str:
    """Returns a moment as the console writes it, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def ago(span: timedelta) -> str:
    """Returns a span of time in its largest unit."""
    seconds = span.total_seconds()
    for size, word in _units():
        if seconds >= size:
            n = int(seconds // size)
            return f"{n} {word}{'s' if n > 1 else ''}"
    return "less than a minute"


def _units() -> Iterator[tuple[int, str]]:
    yield from ((86_400, "day"), (3_600, "hour"), (60, "minute"))
