"""Bounds what one request reads of the table, in the units that DynamoDB says it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Read units of the largest session: seven activities with 2,000 characters of notes each, and as many of its own; one
# unit more for what a newer release adds.
LARGEST_SESSION = 17


@dataclass(slots=True)
class ReadBudget:
    """Holds the read units (4 KB, strongly consistent) that a request may still take."""

    left: float

    def take(self, answer: Mapping[str, Any]) -> None:
        """Takes off what DynamoDB says that this answer took."""
        self.left -= answer["ConsumedCapacity"]["CapacityUnits"]

    def sessions(self, most: int) -> int:
        """Returns how many sessions, at most `most`, may be read next however large they are."""
        return max(0, min(most, int(self.left // LARGEST_SESSION)))
