"""How much more the spool may take: the quota, the reserve for small submissions, and the disk itself.

What is used is counted by `room`, for all processes of a spool together, and so is what they have promised: the quota
is never exceeded, whichever process asks. Of what a sibling's uploads have written already its last promise tells, so
the disk may seem a little fuller than it is, never emptier.
"""

import contextlib
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from transfer.errors import TransferError
from transfer.spool.room import Room, Usage

SMALL_MAX: Final = 1024 * 1024  # bytes of text and files which may use the reserve
FORM_ALLOWANCE: Final = 128 * 1024  # bytes around them: multipart headers, form fields
SEAL_ALLOWANCE: Final = 256 * 1024  # bytes: header stanzas, ZIP directory, manifest, the floor of the padding
PADDING_SHARE: Final = 16  # Padmé adds at most 1/16 above 1 KiB; the tags of the chunks vanish in it


class SpoolFullError(TransferError):
    """There is no space for this packet now; nothing of it was kept."""


class Admission:
    """Bytes promised to one submission, in bytes of the sealed packet, until `release`."""

    def __init__(self, account: "SpoolQuota", *, small: bool) -> None:
        self.reserved = 0
        self.small = small
        self.written = 0
        self._account = account

    def cover(self, total: int) -> None:
        """Make sure that `total` bytes may be written, asking for more where the promise was too small.

        Raises:
            SpoolFullError: The spool or the disk is full.
        """
        if total > self.reserved:
            self._account.promise(self, total)

    def release(self) -> None:
        """Give the space back. May be called again."""
        self._account.release(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class SpoolQuota:
    """The account of one spool folder; safe to use from several threads."""

    def __init__(self, root: Path, room: Room, *, quota: int, reserve: int) -> None:
        self._root = root
        self._room = room
        self._quota = quota
        self._reserve = reserve
        self._lock = threading.Lock()
        self._admitted: set[Admission] = set()

    def admit(self, length: int, *, may_use_reserve: bool = True) -> Admission:
        """Promise space for a submission of `length` bytes; see Spool.admit."""
        admission = Admission(self, small=may_use_reserve and length <= SMALL_MAX + FORM_ALLOWANCE)
        self.promise(admission, sealed_bound(length))
        return admission

    def promise(self, admission: Admission, need: int) -> None:
        """Promise `need` bytes in all to `admission`.

        Raises:
            SpoolFullError: Neither the quota nor the disk may give that much; the old promise stands.
            OSError: What is used cannot be known.
        """
        kept = 0 if admission.small else self._reserve
        with self._lock:
            more = need - admission.reserved
            promised, unwritten = (own + more for own in self._own())
            if unwritten > _free(self._root) - kept:
                raise SpoolFullError("the disk that holds the spool is full")

            def allow(used: Usage) -> bool:
                fits = unwritten + used.unwritten <= _free(self._root) - kept
                return fits and used.stored + used.promised + promised <= self._quota - kept

            if not self._room.promise(promised=promised, unwritten=unwritten, allow=allow):
                raise SpoolFullError("the spool is full: packets have to be moved away first")
            admission.reserved = need
            self._admitted.add(admission)

    def fill(self) -> float:
        """Return how much of what large submissions may use is used or promised: 1 and above is full."""
        self._room.sweep()  # what a killed process had promised fills nothing
        with self._lock:
            promised, unwritten = self._own()
        used = self._room.usage()
        most = self._quota - self._reserve
        if most <= 0 or _free(self._root) - unwritten - used.unwritten <= self._reserve:
            return 1.0
        return (used.stored + used.promised + promised) / most

    def release(self, admission: Admission) -> None:
        """Forget a promise."""
        with self._lock:
            if admission in self._admitted:
                self._admitted.remove(admission)
                promised, unwritten = self._own()
                # Where it cannot be noted now, the next promise does it: the whole sum is written each time.
                with contextlib.suppress(OSError):
                    self._room.promise(promised=promised, unwritten=unwritten)

    def _own(self) -> tuple[int, int]:
        """Return what this process has promised, and how much of it is not written yet."""
        promised = sum(other.reserved for other in self._admitted)
        return promised, sum(max(0, other.reserved - other.written) for other in self._admitted)


def sealed_bound(length: int) -> int:
    """Return the bytes that the sealed packet of a submission of `length` bytes takes at most."""
    return length + length // PADDING_SHARE + SEAL_ALLOWANCE


def _free(root: Path) -> int:
    disk = os.statvfs(root)
    return disk.f_bavail * disk.f_frsize
