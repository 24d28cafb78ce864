"""How much more the spool may take: the quota, the reserve for small submissions, and the disk itself.

Admissions are counted per process. Of a sibling's uploads only the bytes already written are seen, so with N processes
the quota may be exceeded by what the N - 1 others have promised. The disk's own limit is checked too.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from transfer.errors import TransferError
from transfer.names import Lane, parse_packet_id

SMALL_MAX: Final = 1024 * 1024  # bytes of text and files which may use the reserve
FORM_ALLOWANCE: Final = 128 * 1024  # bytes around them: multipart headers, form fields
SEAL_ALLOWANCE: Final = 256 * 1024  # bytes: header stanzas, ZIP directory, manifest, the floor of the padding
PADDING_SHARE: Final = 16  # Padmé adds at most 1/16 above 1 KiB; the tags of the chunks vanish in it
RACY_MTIME: Final = 100_000_000  # ns; a folder changed so recently may change again within one clock step
INCOMING: Final = "incoming"


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

    def __init__(self, root: Path, *, quota: int, reserve: int) -> None:
        self._root = root
        self._quota = quota
        self._reserve = reserve
        self._lock = threading.Lock()
        self._admitted: set[Admission] = set()
        self._own_parts: set[str] = set()
        self._sizes: dict[Lane, dict[str, int]] = {lane: {} for lane in Lane}
        self._seen: dict[Lane, int] = dict.fromkeys(Lane, -1)

    def admit(self, length: int, *, may_use_reserve: bool = True) -> Admission:
        """Promise space for a submission of `length` bytes; see Spool.admit."""
        admission = Admission(self, small=may_use_reserve and length <= SMALL_MAX + FORM_ALLOWANCE)
        self.promise(admission, sealed_bound(length))
        return admission

    def promise(self, admission: Admission, need: int) -> None:
        """Promise `need` bytes in all to `admission`.

        Raises:
            SpoolFullError: Neither the quota nor the disk may give that much; the old promise stands.
        """
        kept = 0 if admission.small else self._reserve
        with self._lock:
            more = need - admission.reserved
            taken = sum(self._used(lane) for lane in Lane) + self._siblings_parts()
            promised = sum(other.reserved for other in self._admitted)
            if taken + promised + more > self._quota - kept:
                raise SpoolFullError("the spool is full: packets have to be moved away first")
            unwritten = sum(max(0, other.reserved - other.written) for other in self._admitted)
            disk = os.statvfs(self._root)
            if unwritten + more > disk.f_bavail * disk.f_frsize - kept:
                raise SpoolFullError("the disk that holds the spool is full")
            admission.reserved = need
            self._admitted.add(admission)

    def fill(self) -> float:
        """Return how much of what large submissions may use is used or promised: 1 and above is full."""
        with self._lock:
            taken = sum(self._used(lane) for lane in Lane) + self._siblings_parts()
            promised = sum(other.reserved for other in self._admitted)
            unwritten = sum(max(0, other.reserved - other.written) for other in self._admitted)
        disk = os.statvfs(self._root)
        most = self._quota - self._reserve
        if most <= 0 or disk.f_bavail * disk.f_frsize - unwritten <= self._reserve:
            return 1.0
        return (taken + promised) / most

    def release(self, admission: Admission) -> None:
        """Forget a promise."""
        with self._lock:
            self._admitted.discard(admission)

    def own(self, part: str) -> None:
        """Count the file `part` in `incoming/` by its admission from now on."""
        with self._lock:
            self._own_parts.add(part)

    def disown(self, part: str) -> None:
        """Note that the file `part` has left `incoming/`."""
        with self._lock:
            self._own_parts.discard(part)

    def _used(self, lane: Lane) -> int:
        """Return the bytes in a lane. A packet never changes, so only the sizes of new names are read."""
        folder = self._root / lane
        changed = folder.stat().st_mtime_ns
        if changed != self._seen[lane]:
            started = time.time_ns()
            known, fresh = self._sizes[lane], dict[str, int]()
            for entry in packets_in(folder):
                with contextlib.suppress(FileNotFoundError):  # acknowledged in another process meanwhile
                    size = known.get(entry.name)
                    fresh[entry.name] = entry.stat(follow_symlinks=False).st_size if size is None else size
            self._sizes[lane] = fresh
            # A folder's time moves in steps of the kernel's clock: one changed just now is read again.
            self._seen[lane] = changed if started - changed > RACY_MTIME else -1
        return sum(self._sizes[lane].values())

    def _siblings_parts(self) -> int:
        total = 0
        with os.scandir(self._root / INCOMING) as entries:
            for entry in entries:
                if entry.name not in self._own_parts:
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_size
        return total


def sealed_bound(length: int) -> int:
    """Return the bytes that the sealed packet of a submission of `length` bytes takes at most."""
    return length + length // PADDING_SHARE + SEAL_ALLOWANCE


def packets_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the sealed packets in a lane's folder; a file of another name is not ours and is left alone."""
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, _, suffix = entry.name.partition(".")
            with contextlib.suppress(ValueError):
                if suffix == "age" and parse_packet_id(stem):
                    yield entry
