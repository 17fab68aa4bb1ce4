"""Reads a user's session and a policy's past for one request, within the read units that the request may take."""

from collections.abc import Iterator
from typing import Any

from rl_core.errors import PolicyUnreadableError, TooMuchToReadError
from rl_core.models import Policy, Segment, VersionRecord
from rl_core.store import keys
from rl_core.store.budget import ReadBudget
from rl_core.store.fields import Stored
from rl_core.store.policies import SNAPSHOT_BYTES, is_counted, read_policy, read_record
from rl_core.store.table import Store, between

LARGEST_RECORD = 5  # read units of a record of ninety sessions, and one unit for what a newer release adds
_UNIT = 4096
_ALL_COUNTED = SNAPSHOT_BYTES / _UNIT + 1  # read units of the records after a snapshot; a refold may add some bytes
_POLICY = 2  # read units of a policy or a snapshot, and one unit for what a newer release adds


class FrugalStore(Store):
    """Reads as the store does, and takes the units of each call off a budget.

    Policies, snapshots and records are read eventually consistent, for half the units: only a refold changes what is
    past. What may not be there yet is asked for once more, strongly consistent. Methods that read them raise
    TooMuchToReadError instead of a call that the budget might not cover.
    """

    def __init__(self, store: Store, budget: ReadBudget) -> None:
        super().__init__(store.name, store.client)
        self.budget = budget

    def call(self, operation: str, budget: ReadBudget | None = None, **arguments: Any) -> Any:
        """Makes one call to DynamoDB, and takes its units off this store's budget."""
        return super().call(operation, budget or self.budget, **arguments)

    def policy(self, segment: Segment, *, consistent: bool = False) -> Policy:
        """Returns the segment's policy as Store does; the version may be a moment old."""
        self._keep(LARGEST_RECORD + 2 * _POLICY)  # where the item is gone, the last record is looked for
        return super().policy(segment, consistent=consistent)

    def snapshot(self, segment: Segment, version: int) -> Policy:
        """Returns the latest snapshot at or before this version; an empty policy of version 0 if there is none."""
        found = self._snapshots(segment, 0, version, forward=False)
        return read_policy(found[0]) if found else Policy(segment)

    def records(self, segment: Segment, after: int = 0, last: int = keys.LAST_VERSION) -> Iterator[VersionRecord]:
        """Yields the records of the versions from `after` + 1 to `last`, in order; `after` is the snapshot before."""
        counted, consistent = after < last and self._is_counted(segment, last), False
        while after < last:
            found = self._page(segment, after, last, counted, consistent)
            if not found and consistent:
                return
            consistent = not found
            for record in map(read_record, found):
                yield record
                after = record.version

    def _page(self, segment: Segment, after: int, last: int, counted: bool, consistent: bool) -> list[Stored]:
        """Returns records after `after`: all where they were counted, else as many as the budget surely covers."""
        share = 1.0 if consistent else 0.5
        query = between(keys.segment_pk(segment), keys.version_sk(after + 1), keys.version_sk(last))
        if not counted or self.budget.left < share * _ALL_COUNTED:
            self._keep(share * LARGEST_RECORD)
            query["Limit"] = int(self.budget.left // (share * LARGEST_RECORD))
        found: list[Stored] = self.call("query", **query | {"ConsistentRead": consistent})["Items"]
        return found

    def _is_counted(self, segment: Segment, version: int) -> bool:
        """Returns whether the records between the snapshots around this version were counted when they were written.

        The next snapshot says so; where there is none yet, the policy does.
        """
        try:
            later = self._snapshots(segment, version + 1, keys.LAST_VERSION, forward=True)
            return is_counted(read_policy(later[0]) if later else self.policy(segment))
        except PolicyUnreadableError:
            return False

    def _snapshots(self, segment: Segment, first: int, last: int, *, forward: bool) -> list[Stored]:
        """Returns the first of the snapshots of these versions, or, if not `forward`, the last, if there is one."""
        self._keep(_POLICY)
        query = between(keys.segment_pk(segment), keys.snapshot_sk(first), keys.snapshot_sk(last))
        query |= {"ConsistentRead": False, "ScanIndexForward": forward, "Limit": 1}
        found: list[Stored] = self.call("query", **query)["Items"]
        return found

    def _keep(self, units: float) -> None:
        """Raises TooMuchToReadError when the budget does not cover so many units."""
        if self.budget.left < units:
            raise TooMuchToReadError(f"{self.budget.left} read units are left, and {units} may be needed")
