"""Sealed packets waiting to leave: `incoming/`, `clear/` and `held/`. Sees ciphertext only.

A packet grows in `incoming/<id>.part` and becomes `<lane>/<id>.age` by a rename, after its bytes were synced
and before anyone is told of it. Several gateway processes share one spool: whoever writes a `.part` has a
flock on it, so a starting process removes what a crash left, and nothing else.

The modification time of a waiting packet is the start of its tick, so it does not reveal when within a tick a source
was here. The inode's change and birth times cannot be set and do reveal it, until the packet is removed. A source may
take its packet back until the tick has passed (`withdrawals`). A packet from a clock that was ahead may leave.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE, is_disk_full, make_private_folder, sync_folder
from disk.lock import lock, try_lock
from transfer.names import Lane, PacketId
from transfer.spool.quota import INCOMING, Admission, SpoolFullError, SpoolQuota, packets_in
from transfer.spool.withdrawals import Withdrawals

__all__ = ["Admission", "IncomingPacket", "Spool", "SpoolFullError", "SpooledPacket"]

_IOV_MAX: Final = 1024  # buffers in one writev; Linux UIO_MAXIOV

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class SpooledPacket:
    """One sealed packet in its lane; `size` in bytes."""

    id: PacketId
    lane: Lane
    size: int
    path: Path


class Spool:
    """The folder of waiting packets. Safe to use from several threads and several processes.

    Args:
        root: Holds the three folders.
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
        self._quota = SpoolQuota(root, quota=quota, reserve=reserve)
        self.withdrawals = Withdrawals(root)

    def prepare(self) -> int:
        """Create the folders and remove what a crash left in `incoming/`; return how many were removed."""
        for name in (INCOMING, *Lane):
            make_private_folder(self.root / name)
        sync_folder(self.root)
        removed = sum(_remove_if_abandoned(path) for path in (self.root / INCOMING).glob("*.part"))
        if removed:
            sync_folder(self.root / INCOMING)
        self.withdrawals.prepare()
        return removed

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

    def create(self, packet_id: PacketId, admission: Admission) -> "IncomingPacket":
        """Open a new packet in `incoming/`. The packet owns the admission from here on."""
        path = self.root / INCOMING / f"{packet_id}.part"
        self._quota.own(path.name)
        try:
            fd = _create_locked(path)
        except OSError as error:
            self._quota.disown(path.name)
            admission.release()
            raise _translated(error) from None
        return IncomingPacket(self, packet_id, path, fd, admission)

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
        return self._sorted(lane, self.scan_due(lane))

    def waiting(self, lane: Lane) -> list[SpooledPacket]:
        """Return every packet of the lane, in the same order."""
        return self._sorted(lane, self.scan(lane))

    def scan(self, lane: Lane) -> Iterator[tuple[int, PacketId, int]]:
        """Yield of every packet the start of its tick (seconds since the epoch), its id and its size, in no order."""
        for entry in packets_in(self.root / lane):
            with contextlib.suppress(FileNotFoundError):  # acknowledged in another process meanwhile
                stat = entry.stat(follow_symlinks=False)
                yield int(stat.st_mtime), PacketId(entry.name[:-4]), stat.st_size

    def scan_due(self, lane: Lane) -> Iterator[tuple[int, PacketId, int]]:
        """Yield the same of the packets whose tick has passed; a source may still take one back."""
        return ((start, packet, size) for start, packet, size in self.scan(lane) if self.is_due(start))

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
        return any(self.path(lane, packet_id).exists() for lane in Lane)

    def remove(self, lane: Lane, packet_id: PacketId) -> bool:
        """Delete a packet durably; return whether it was there."""
        return self.remove_all(lane, [packet_id]) == 1

    def remove_all(self, lane: Lane, packets: Iterable[PacketId]) -> int:
        """Delete packets durably, with one sync for all; return how many were there."""
        removed = 0
        for packet_id in packets:
            with contextlib.suppress(FileNotFoundError):
                self.path(lane, packet_id).unlink()
                removed += 1
        if removed:
            sync_folder(self.root / lane)
        return removed

    def now(self) -> float:
        """Return the time by which ticks are decided, in seconds since the epoch."""
        return self._now()

    def path(self, lane: Lane, packet_id: PacketId) -> Path:
        """Return where a packet of that id lies when it is in that lane."""
        return self.root / lane / f"{packet_id}.age"

    def tick_start(self) -> int:
        """Return the start of the present tick, in seconds since the epoch."""
        return int(self._now()) // self._tick * self._tick

    def left(self, part: str) -> None:
        """Note that `part` is no longer in `incoming/`; called by the packet itself when it ends."""
        self._quota.disown(part)

    def _sorted(self, lane: Lane, found: Iterator[tuple[int, PacketId, int]]) -> list[SpooledPacket]:
        return [SpooledPacket(packet, lane, size, self.path(lane, packet)) for _, packet, size in sorted(found)]


class IncomingPacket:
    """One packet being written. Ends with `commit` or `discard`; a `discard` after either does nothing.

    `fd` can be read with os.pread while the packet grows, from any thread, until it is ended.
    """

    def __init__(self, spool: Spool, packet_id: PacketId, path: Path, fd: int, admission: Admission) -> None:
        self.packet_id = packet_id
        self.fd = fd
        self.size = 0  # bytes written so far
        self._spool = spool
        self._path = path
        self._admission = admission

    def write(self, data: Buffer) -> None:
        """Append `data` whole.

        Raises:
            SpoolFullError: Quota or disk are used up. The packet has to be discarded.
            OSError: The disk failed.
        """
        self.writev((data,))

    def writev(self, buffers: Sequence[Buffer]) -> None:
        """Append all `buffers`, in order; errors as for `write`."""
        left = [view for buffer in buffers if len(view := memoryview(buffer).cast("B"))]
        self._admission.cover(self.size + sum(map(len, left)))
        while left:
            try:
                done = os.writev(self.fd, left[:_IOV_MAX])
            except OSError as error:
                raise _translated(error) from None
            self.size += done
            self._admission.written = self.size
            while left and done >= len(left[0]):
                done -= len(left.pop(0))
            if done:
                left[0] = left[0][done:]

    def commit(self, lane: Lane, *, withdrawal: str = "") -> SpooledPacket:
        """Make the packet durable in its lane, then return it. Blocks on the disk: call it in an executor.

        `withdrawal` is the digest of the token that takes it back; without one nobody can. Only after
        this has returned may anyone be told that the packet was received.

        Raises:
            SpoolFullError, OSError: Not durable. What had reached its lane by then stays there.

        Invariant G1.
        """
        target = self._spool.path(lane, self.packet_id)
        start = self._spool.tick_start() * 1_000_000_000
        try:
            os.utime(self.fd, ns=(start, start))
            # Not fdatasync: after it a power cut could bring back the time of the last write.
            os.fsync(self.fd)
            if withdrawal:
                self._spool.withdrawals.keep(self.packet_id, withdrawal, stamp=self._spool.tick_start())
            os.rename(self._path, target)  # noqa: PTH104 - beside the os.fsync calls whose order matters
            sync_folder(target.parent)
            sync_folder(self._path.parent)
        except OSError as error:
            with contextlib.suppress(OSError), self._spool.withdrawals.locked():
                self._spool.withdrawals.forget([self.packet_id])
            self.discard()
            raise _translated(error) from None
        self._end()
        return SpooledPacket(self.packet_id, lane, self.size, target)

    def discard(self) -> None:
        """Remove what was written and give its space back."""
        if self.fd >= 0:
            try:
                self._path.unlink(missing_ok=True)
            finally:
                self._end()

    def _end(self) -> None:
        fd, self.fd = self.fd, -1
        os.close(fd)  # releases the flock with it
        self._spool.left(self._path.name)
        self._admission.release()


def _create_locked(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        fd = os.open(path, flags, PRIVATE)
        lock(fd)
        # A process that starts just now may have taken the still unlocked file for an abandoned one.
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)


def _remove_if_abandoned(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        if not try_lock(fd):
            return False  # a living process writes it
        path.unlink(missing_ok=True)
    finally:
        os.close(fd)
    return True


def _translated(error: OSError) -> Exception:
    if is_disk_full(error):
        return SpoolFullError("the disk that holds the spool is full")
    return error
