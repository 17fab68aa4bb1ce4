"""Finds what was learned from a user who asked to be unlearned, and makes these sessions as if never learned from."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rl_core.errors import UnreadableItemError
from rl_core.models import Marker, Request, Segment, Unlearning
from rl_core.store import keys
from rl_core.store.codecs import TAUGHT
from rl_core.store.consents import dropped_write, read_request, waits
from rl_core.store.erasing import lesson_of
from rl_core.store.fields import Item, Put, Stored, number, string
from rl_core.store.items import read_profile
from rl_core.store.table import Due, Table, between

_PAGE = 90  # sessions in one transaction, beside the check of the request
_BATCH = 50  # requests of one read, each with its user's profile


@dataclass(frozen=True)
class Unlearner:
    """Unlearns a user under the request that was read; a later request of the user is another one's work.

    While the user is being erased, the erasure does this work.
    """

    table: Table
    request: Request
    stays = True  # the user may teach again

    @classmethod
    def among(cls, table: Table, places: Sequence[Due]) -> "tuple[dict[Due, Unlearner], list[tuple[Due, str]]]":
        """Returns the users at these places, and the places of requests that cannot be parsed with the reason.

        Leaves out users who are being erased.
        """
        found, broken = dict[Due, Unlearner](), list[tuple[Due, str]]()
        for start in range(0, len(places), _BATCH):
            batch = places[start : start + _BATCH]
            items = table.items([(due.pk, sk) for due in batch for sk in (due.sk, keys.PROFILE_SK)])
            for due in batch:
                item, profile = items.get((due.pk, due.sk)), items.get((due.pk, keys.PROFILE_SK))
                try:
                    if item and profile and not isinstance(read_profile(profile), Marker):
                        found[due] = cls(table, read_request(item))
                except UnreadableItemError as error:
                    broken.append((due, str(error)))
        return found, broken

    @property
    def person(self) -> bytes:
        return self.request.person

    @property
    def taught(self) -> Mapping[Segment, tuple[int, int]] | None:
        return self.request.taught

    @property
    def failures(self) -> int:
        return self.request.failures

    def prepare(self, now: datetime) -> "Unlearner":
        """Drops the sessions that still wait to be learned from, and notes on the request where others were learned.

        After that nothing more is learned from the sessions that the request names. Returns the user with `taught`.
        Raises ConflictError when one of these sessions changes meanwhile or another request came, UnreadableItemError
        when it cannot be read where a session was learned.
        """
        del now
        if self.taught is not None:
            return self
        taught: dict[Segment, tuple[int, int]] = {}
        for page in self._pages():
            for segment, version in (lesson for lesson in map(lesson_of, page) if lesson):
                first, last = taught.get(segment, (version, version))
                taught[segment] = min(first, version), max(last, version)
            self._write(dropped_write(item) for item in page if waits(item))
        self._note(taught)
        return replace(self, request=replace(self.request, taught=taught))

    def remove(self, now: datetime, partitions: int) -> bool:
        """Closes all sessions that were learned from as not learned from, then the request. Returns True.

        Raises ConflictError when a session or the profile changes meanwhile or another request came.
        """
        del now, partitions
        for page in self._pages():
            self._write(dropped_write(item) for item in page if lesson_of(item))
        profile = {
            "TableName": self.table.name,
            "Key": self._key(keys.PROFILE_SK),
            "UpdateExpression": "SET unlearning = :done, #revision = #revision + :one",
            "ConditionExpression": "#key = :key AND unlearned = :upto AND attribute_not_exists(erasing)",
            "ExpressionAttributeNames": {"#key": "key", "#revision": "revision"},
            "ExpressionAttributeValues": {
                ":done": string(Unlearning.DONE),
                ":one": number(1),
                ":key": {"B": self.request.key},
                ":upto": number(self.request.upto),
            },
        }
        request = {"TableName": self.table.name, "Key": self._key(keys.REQUEST_SK), **self._guard()}
        self._transact([{"Update": profile}, {"Delete": request}])
        return True

    def _pages(self) -> Iterator[list[Stored]]:
        """Yields the sessions that the request names, as stored, in pages that fit in a transaction."""
        query = between(keys.user_pk(self.request.user), keys.session_sk(0), keys.session_sk(self.request.upto))
        yield from self.table.pages(**query, Limit=_PAGE)

    def _note(self, taught: Mapping[Segment, tuple[int, int]]) -> None:
        guard = self._guard()
        guard["ExpressionAttributeValues"] |= {":taught": TAUGHT.write(taught)}
        self.table.call("update_item", Key=self._key(keys.REQUEST_SK), UpdateExpression="SET taught = :taught", **guard)

    def _write(self, puts: Iterable[Put]) -> None:
        """Makes the writes in one transaction, only while the request stands; without any write it does nothing."""
        if writes := [{"Put": {"TableName": self.table.name, **put.arguments()}} for put in puts]:
            check = {"TableName": self.table.name, "Key": self._key(keys.REQUEST_SK), **self._guard()}
            self._transact([{"ConditionCheck": check}, *writes])

    def _transact(self, writes: list[dict[str, Any]]) -> None:
        self.table.call("transact_write_items", TransactItems=writes, ClientRequestToken=secrets.token_hex(16))

    def _key(self, sk: str) -> Item:
        return {"pk": string(keys.user_pk(self.request.user)), "sk": string(sk)}

    def _guard(self) -> dict[str, Any]:
        """Returns the condition that the request that was read still stands."""
        return {
            "ConditionExpression": "#key = :key AND #revision = :revision",
            "ExpressionAttributeNames": {"#key": "key", "#revision": "revision"},
            "ExpressionAttributeValues": {":key": {"B": self.request.key}, ":revision": number(self.request.revision)},
        }
