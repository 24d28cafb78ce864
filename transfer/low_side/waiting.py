"""The packets that wait for a batch, oldest first, without ever having the whole spool in memory.

A pass over a lane keeps its oldest packets only, up to a fixed number; when those are used up, the next pass finds
the next. So a spool of a hundred thousand takes a few passes and no more memory than one of ten thousand.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Final

from transfer.low_side.outbox import Outbox
from transfer.names import Lane, PacketId
from transfer.spool.spool import Spool, SpooledPacket

WINDOW: Final = 20_000  # packets that one pass keeps; some 5 MB


class Waiting:
    """One lane's packets that are ready and in no batch."""

    def __init__(self, spool: Spool, outbox: Outbox, lane: Lane, *, window: int = WINDOW) -> None:
        self._spool = spool
        self._outbox = outbox
        self._lane = lane
        self._window = window
        self._oldest: list[tuple[int, PacketId, int]] = []  # the oldest last
        self._unreadable: set[PacketId] = set()  # in no batch, and not to be tried again
        self._exhausted = False

    def peek(self, count: int) -> list[SpooledPacket]:
        """Return up to `count` of the oldest, without taking them."""
        if len(self._oldest) < count and not self._exhausted:
            self._refill()
        return [self._spooled(packet, size) for _, packet, size in reversed(self._oldest[-count:])]

    def drop(self, count: int, *, unreadable: Iterable[PacketId]) -> None:
        """Take the `count` oldest out: they are in the ledger now, except those that cannot be read here."""
        self._unreadable.update(unreadable)
        del self._oldest[len(self._oldest) - count :]

    def _refill(self) -> None:
        # Replaced, not added to: what is still known is among the oldest again.
        with self._spool.withdrawals.locked():
            found = heapq.nsmallest(self._window, self._candidates())
            # From here on their sources can no longer take them back: they may be carried away.
            self._spool.withdrawals.forget(packet for _, packet, _ in found)
            self._spool.withdrawals.forget_finished()
        self._exhausted = len(found) < self._window
        self._oldest = found[::-1]

    def _candidates(self) -> Iterator[tuple[int, PacketId, int]]:
        with self._outbox.taken() as is_taken:
            for start, packet, size in self._spool.scan_due(self._lane):
                if packet not in self._unreadable and not is_taken(packet):
                    yield start, packet, size

    def _spooled(self, packet: PacketId, size: int) -> SpooledPacket:
        return SpooledPacket(packet, self._lane, size, self._spool.path(self._lane, packet))


def count_waiting(spool: Spool, outbox: Outbox, lane: Lane) -> int:
    """Return how many packets of a lane have waited for their tick and are in no batch."""
    with outbox.taken() as is_taken:
        return sum(1 for _, packet, _ in spool.scan_due(lane) if not is_taken(packet))
