"""A packet that is being written: it grows in `incoming/<id>.part` and becomes a packet in its lane, or nothing.

Whoever writes a `.part` has a flock on it, so a starting process removes what a crash left, and nothing else.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE, is_disk_full
from disk.lock import lock, try_lock
from transfer.names import Lane, PacketId
from transfer.spool.lanes import TickFolder
from transfer.spool.moves import PacketMoves
from transfer.spool.quota import Admission, SpoolFullError
from transfer.spool.withdrawals import Withdrawals

_IOV_MAX: Final = 1024  # buffers in one writev; Linux UIO_MAXIOV

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class SpooledPacket:
    """One sealed packet in its lane; `size` in bytes, `start` of its tick in seconds since the epoch."""

    id: PacketId
    lane: Lane
    size: int
    path: Path
    start: int

    @property
    def order(self) -> tuple[int, PacketId]:
        """Sorts packets as they leave: the oldest tick first, then by id (which is random)."""
        return self.start, self.id


class IncomingPacket:
    """One packet being written. Ends with `commit` or `discard`; a `discard` after either does nothing.

    `fd` can be read with os.pread while the packet grows, from any thread, until it is ended.
    """

    def __init__(
        self,
        packet_id: PacketId,
        path: Path,
        admission: Admission,
        *,
        moves: PacketMoves,
        withdrawals: Withdrawals,
        tick_start: Callable[[], int],
    ) -> None:
        """Create the file. The packet owns the admission from here on, also when this raises OSError."""
        self.packet_id = packet_id
        self.size = 0  # bytes written so far
        self._path = path
        self._admission = admission
        self._moves = moves
        self._withdrawals = withdrawals
        self._tick_start = tick_start
        try:
            self.fd = _create_locked(path)
        except OSError as error:
            admission.release()
            raise translated(error) from None

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
                raise translated(error) from None
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
        folder = TickFolder(self._tick_start(), lane)
        start = folder.start * 1_000_000_000
        try:
            os.utime(self.fd, ns=(start, start))
            # Not fdatasync: after it a power cut could bring back the time of the last write.
            os.fsync(self.fd)
            if withdrawal:
                self._withdrawals.keep(self.packet_id, withdrawal, stamp=folder.start)
            self._moves.arrive(self._path, self.packet_id, self.size, folder)
        except OSError as error:
            with contextlib.suppress(OSError), self._withdrawals.locked():
                self._withdrawals.forget([self.packet_id])
            self.discard()
            raise translated(error) from None
        self._end()
        path = self._moves.path(folder, self.packet_id)
        return SpooledPacket(self.packet_id, lane, self.size, path, folder.start)

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
        self._admission.release()


def remove_if_abandoned(path: Path) -> bool:
    """Remove a `.part` that no living process writes; return whether it was one."""
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


def translated(error: OSError) -> Exception:
    """Return what a full disk means to a submission; other errors as they are."""
    if is_disk_full(error):
        return SpoolFullError("the disk that holds the spool is full")
    return error


def _create_locked(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        fd = os.open(path, flags, PRIVATE)
        lock(fd)
        # A process that starts just now may have taken the still unlocked file for an abandoned one.
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)
