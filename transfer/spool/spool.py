"""Sealed packets waiting to leave: `incoming/`, `clear/` and `held/`. Sees ciphertext only.

A packet grows in `incoming/<id>.part` and becomes `<lane>/<tick>/<id>.age` by a rename, after its bytes were synced
and before anyone is told of it. Several gateway processes share one spool.

The folder of a waiting packet is named for the start of its tick, and that is the modification time of the packet, of
its folder and of nothing finer: they do not reveal when within a tick a source was here. The inode's change and birth
times cannot be set and do reveal it, until the packet is removed. A source may take its packet back until the tick has
passed (`withdrawals`). A packet from a clock that was ahead may leave.
"""

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from disk.durable import make_private_folder, sync_folder
from transfer.names import Lane, PacketId
from transfer.spool.incoming import IncomingPacket, SpooledPacket, remove_if_abandoned
from transfer.spool.lanes import TickFolder, find, folders_of, sized_packets_in, take_over
from transfer.spool.moves import PacketMoves
from transfer.spool.quota import Admission, SpoolFullError, SpoolQuota
from transfer.spool.room import FolderCount, Room
from transfer.spool.withdrawals import Withdrawals

__all__ = ["Admission", "IncomingPacket", "Spool", "SpoolFullError", "SpooledPacket"]

INCOMING: Final = "incoming"


class Spool:
    """The folder of waiting packets. Safe to use from several threads and several processes.

    Args:
        root: Holds the three folders; what is counted of them lies beside it, in `<root>.room`.
        quota: Bytes that all packets together may take.
        reserve: Bytes of the quota, and of the disk, that only small submissions may use.
        tick: Seconds a packet waits at least before it may leave, unless the clock is put back by more than that.
        now: Seconds since the epoch; decides ticks.
    """

    def __init__(
        self, root: Path, *, quota: int, reserve: int, tick: int, now: Callable[[], float] = time.time
    ) -> None:
        if tick < 1 or not 0 <= reserve <= quota:
            raise ValueError("a spool needs a tick of at least a second and a reserve within its quota")
        self.root = root
        self._tick = tick
        self._now = now
        self._room = Room(root)
        self._quota = SpoolQuota(root, self._room, quota=quota, reserve=reserve)
        self._moves = PacketMoves(root, self._room, lambda start: start + tick <= now())
        self.withdrawals = Withdrawals(root, self._moves)

    def prepare(self) -> int:
        """Create the folders and remove what a crash left in `incoming/`; return how many were removed.

        After a restart of the machine the packets are counted: with very many of them that takes seconds.
        """
        for name in (INCOMING, *Lane):
            make_private_folder(self.root / name)
        sync_folder(self.root)
        abandoned = [path for path in (self.root / INCOMING).glob("*.part") if remove_if_abandoned(path)]
        if abandoned:
            sync_folder(self.root / INCOMING)
        self.withdrawals.prepare(PacketId(path.stem) for path in abandoned)
        self.take_over()
        self._room.sweep()
        self._room.join()
        return len(abandoned)

    def take_over(self) -> None:
        """Move what an earlier version left into the folders of its ticks; costs nothing when it left nothing."""
        if take_over(self.root):
            self._room.recount()

    def recount(self) -> None:
        """List every packet, correct the count, remove the empty folders of past ticks: in a thread, now and then.

        Nobody has to wait for it: between two of them each move of a packet is counted.
        """
        self._room.recount()
        self._moves.tidy()

    def admit(self, length: int, *, may_use_reserve: bool = True) -> Admission:
        """Promise space for a submission of `length` bytes (its Content-Length), or refuse at once.

        `may_use_reserve` is false for what must never take the reserve, however small it is.

        Raises:
            SpoolFullError: Quota or disk are used up but for the reserve; for a small submission, the reserve too.
        """
        return self._quota.admit(length, may_use_reserve=may_use_reserve)

    def fill(self) -> float:
        """Return how much of what large submissions may use is used or promised: 1 and above is full."""
        return self._quota.fill()

    def counts(self) -> list[FolderCount]:
        """Return how many packets each tick's folder has, the oldest tick first; takes as long as there are ticks."""
        return self._room.counts()

    def create(self, packet_id: PacketId, admission: Admission) -> IncomingPacket:
        """Open a new packet in `incoming/`. The packet owns the admission from here on."""
        path = self.root / INCOMING / f"{packet_id}.part"
        return IncomingPacket(
            packet_id,
            path,
            admission,
            moves=self._moves,
            withdrawals=self.withdrawals,
            tick_start=self.tick_start,
        )

    def ready(self, lane: Lane) -> list[SpooledPacket]:
        """Return the packets whose tick has passed, oldest tick first, then by id (which is random).

        From here on their sources can no longer take them back: the caller may carry them away.
        """
        with self.withdrawals.locked():
            ready = self.due(lane)
            self.withdrawals.forget(packet.id for packet in ready)
            self.withdrawals.forget_finished()
        return ready

    def due(self, lane: Lane) -> list[SpooledPacket]:
        """Return the same packets as `ready`, but only to look: a source may still take one back."""
        return sorted(self.scan_due(lane), key=lambda packet: packet.order)

    def waiting(self, lane: Lane) -> list[SpooledPacket]:
        """Return every packet of the lane, in the same order."""
        return sorted(self.scan(lane), key=lambda packet: packet.order)

    def scan(self, lane: Lane, *, until: float = math.inf) -> Iterator[SpooledPacket]:
        """Yield every packet of the lane, the oldest ticks first, and in no order within a tick.

        Those of ticks that began after `until` (seconds since the epoch) are not even listed.
        """
        return self._scan(folder for folder in folders_of(self.root, lane) if folder.start <= until)

    def scan_due(self, lane: Lane) -> Iterator[SpooledPacket]:
        """Yield the same of the packets whose tick has passed and that are not aside in a batch.

        A source may still take one back. Only as many are listed as are taken from here.
        """
        folders = folders_of(self.root, lane)
        return self._scan(one for one in folders if not one.is_batched and self.is_due(one.start))

    def is_due(self, start: int) -> bool:
        """Return whether the tick that began at `start` has passed, or whether nobody can know (`is_ahead`)."""
        return start + self._tick <= self._now() or self.is_ahead(start)

    def is_ahead(self, start: int) -> bool:
        """Return whether a clock that was ahead stamped this: its tick begins after the next one, by the present clock.

        Such a packet would wait until that day, and would have no age. A clock that is put back by less than a tick
        makes no difference: what it stamped waits for two ticks at most.
        """
        return start > self.tick_start() + self._tick

    def holds(self, packet_id: PacketId) -> bool:
        """Return whether a packet of that id waits in a lane."""
        return find(self.root, packet_id) is not None

    def remove(self, lane: Lane, packet_id: PacketId) -> bool:
        """Delete a packet durably; return whether it was there."""
        return self.remove_all(lane, [packet_id]) == 1

    def remove_all(self, lane: Lane, packets: Iterable[PacketId]) -> int:
        """Delete packets durably, with one sync for each tick; return how many were there."""
        return self._moves.remove(lane, packets)

    def set_aside(self, lane: Lane, packets: Collection[PacketId]) -> None:
        """Move packets that are in a batch now to where no export looks for others. May be repeated."""
        self._moves.set_aside(lane, packets)

    def put_back(self, lane: Lane, packets: Collection[PacketId]) -> None:
        """Move packets back among those that wait: they did not arrive. May be repeated."""
        self._moves.put_back(lane, packets)

    def put_all_back(self) -> None:
        """Move back whatever is aside: no batch is left that could have it."""
        self._moves.put_all_back()

    def now(self) -> float:
        """Return the time by which ticks are decided, in seconds since the epoch."""
        return self._now()

    def path(self, lane: Lane, packet_id: PacketId) -> Path:
        """Return where a packet of that id lies in that lane; a path where nothing is when it is not there."""
        folder = find(self.root, packet_id, (lane,)) or TickFolder(self.tick_start(), lane)
        return folder.file(self.root, packet_id)

    def tick_start(self) -> int:
        """Return the start of the present tick, in seconds since the epoch."""
        return int(self._now()) // self._tick * self._tick

    def _scan(self, folders: Iterable[TickFolder]) -> Iterator[SpooledPacket]:
        for folder in folders:
            for packet, size in sized_packets_in(folder.path(self.root)):
                yield SpooledPacket(packet, folder.lane, size, folder.file(self.root, packet), folder.start)
