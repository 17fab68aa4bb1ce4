"""Names where people with high anxiety find help, as the deployment says, on the answers that they see first."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel

from rl_core.config import settings
from rl_core.errors import RequestError
from rl_core.models import Level, Profile


class Support(BaseModel):
    """Where to find help: a text, and the address of a page; one of the two may be null."""

    text: str | None
    url: str | None


def support_of(profile: Profile) -> Support | None:
    """Returns what the deployment says to everybody whose anxiety level is High; None to others, or if it says nothing.

    It depends on the profile's segment alone. Notes and answers are not looked at.
    """
    its = settings()
    if profile.segment.anxiety is not Level.HIGH or not (its.support_text or its.support_url):
        return None
    return Support(text=its.support_text or None, url=its.support_url or None)


@contextmanager
def refusals_with_support(profile: Profile) -> Iterator[None]:
    """Adds `support`, null or not, to the problem of every refusal in this block."""
    try:
        yield
    except RequestError as error:
        support = support_of(profile)
        error.members["support"] = support.model_dump() if support else None
        raise
