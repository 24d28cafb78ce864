"""The packets that wait for a batch, oldest first, without ever listing the whole spool.

A pass takes the oldest packets only, up to a fixed number; when those are used up, the next pass finds the next. What
is in a batch already lies aside (`spool.set_aside`), so a pass over a million packets costs what one over a thousand
does.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from transfer.batch.batch import PACKETS_MAX
from transfer.low_side.outbox import Outbox
from transfer.names import Lane, PacketId
from transfer.spool.spool import Spool, SpooledPacket

WINDOW: Final = 2 * PACKETS_MAX  # packets that one pass takes; their sources can no longer take these back


class Waiting:
    """One lane's packets that are ready and in no batch."""

    def __init__(self, spool: Spool, outbox: Outbox, lane: Lane, *, window: int = WINDOW) -> None:
        self._spool = spool
        self._outbox = outbox
        self._lane = lane
        self._window = window
        self._oldest: list[SpooledPacket] = []  # the oldest last
        self._unreadable: set[PacketId] = set()  # in no batch, and not to be tried again
        self._exhausted = False

    def peek(self, count: int) -> list[SpooledPacket]:
        """Return up to `count` of the oldest, without taking them."""
        if len(self._oldest) < count and not self._exhausted:
            self._refill()
        return self._oldest[-count:][::-1]

    def drop(self, count: int, *, unreadable: Iterable[PacketId]) -> None:
        """Take the `count` oldest out: they are in the ledger now, except those that cannot be read here."""
        self._unreadable.update(unreadable)
        del self._oldest[len(self._oldest) - count :]

    def _refill(self) -> None:
        # Replaced, not added to: what is still known is among the oldest again.
        strays = list[PacketId]()
        with self._spool.withdrawals.locked():
            # By id within what is taken: the order in which a folder lists its files may be that of their arrival.
            found = sorted(islice(self._candidates(strays), self._window), key=lambda packet: packet.order)
            # From here on their sources can no longer take them back: they may be carried away.
            self._spool.withdrawals.forget(packet.id for packet in found)
            self._spool.withdrawals.forget_finished()
        self._spool.set_aside(self._lane, strays)
        self._exhausted = len(found) < self._window
        self._oldest = found[::-1]

    def _candidates(self, strays: list[PacketId]) -> Iterator[SpooledPacket]:
        """Yield what no batch has; note as `strays` what one has and still lies here, as an earlier version left it."""
        with self._outbox.taken() as is_taken:
            for packet in self._spool.scan_due(self._lane):
                if is_taken(packet.id):
                    strays.append(packet.id)
                elif packet.id not in self._unreadable:
                    yield packet


def count_waiting(spool: Spool, lane: Lane) -> int:
    """Return how many packets of a lane have waited for their tick and are in no batch."""
    folders = (one for one in spool.counts() if one.folder.lane is lane and not one.folder.is_batched)
    return sum(one.packets for one in folders if spool.is_due(one.folder.start))
