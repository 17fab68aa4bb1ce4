"""What an operator may do from a screen: each shows before and after, wants a reason, and says what came of it.

A screen calls these functions; each shows a part of a page that reads and reruns on its own.
"""

from operate.console.acting.excluding import offer_exclusion
from operate.console.acting.following import show_progress
from operate.console.acting.mending import offer_mending
from operate.console.acting.rolling_back import offer_rollback
from operate.console.acting.unparking import offer_unparking, show_unparked

__all__ = [
    "offer_exclusion",
    "offer_mending",
    "offer_rollback",
    "offer_unparking",
    "show_progress",
    "show_unparked",
]
