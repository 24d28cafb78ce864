"""The broker's side of a budget: what may still be unpacked of one file, and members counted while they are.

Knows no format of archives. What the worker spends inside one of them is counted in `spending`.
"""

import dataclasses
import zlib
from collections.abc import Callable

from quarantine.archive.blake2sp import Blake2sp
from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError, QuarantineError
from quarantine.examination import ArchiveMember
from quarantine.file_types import FileType
from quarantine.memfd import MemfdWriter, SealedMemfd


class DamagedArchiveError(QuarantineError):
    """What was unpacked is not what the archive's own list promises."""


class Allowance:
    """What may still be unpacked of one file of a submission, shared by all archives inside it."""

    def __init__(self, budgets: Budgets, file_size: int) -> None:
        self._budgets = budgets
        self._members = budgets.members
        self._bytes = min(budgets.unpacked_bytes, max(budgets.ratio_free, budgets.ratio * file_size))
        self._resident = budgets.resident_bytes

    def left(self, file_type: FileType, *, depth: int) -> Budgets:
        """Return what the worker of a file at this depth may use; the file that was sent has the depth 0.

        Raises:
            OverBudgetError: It is an archive, and too deep.
        """
        if file_type in {FileType.ZIP, FileType.RAR} and depth >= self._budgets.depth:
            raise OverBudgetError("an archive lies too deep in archives")
        # Budgets are above zero; `charge` or `spend` then finds a worker that uses one too many.
        return dataclasses.replace(
            self._budgets,
            depth=max(1, self._budgets.depth - depth),
            members=max(1, self._members),
            unpacked_bytes=max(1, self._bytes),
        )

    def charge(self, members: int, size: int) -> None:
        """Pay for what a worker reports to have unpacked itself; raises OverBudgetError when it was too much."""
        self._members -= members
        self._bytes -= size
        if self._members < 0 or self._bytes < 0:
            raise OverBudgetError("an archive unpacks to more than is inspected here")

    def spend(self, members: tuple[ArchiveMember, ...], *, depth: int) -> None:
        """Pay for one archive's members before the first is unpacked.

        Raises:
            OverBudgetError: It is too much.
        """
        self._members -= len(members)
        self._bytes -= sum(member.size for member in members)
        too_large = any(member.size > self._budgets.member_bytes for member in members)
        if too_large or self._members < 0 or self._bytes < 0 or depth > self._budgets.depth:
            raise OverBudgetError("an archive unpacks to more than is inspected here")

    def occupy(self, size: int) -> None:
        """Take `size` bytes of memory; raises OverBudgetError when there are not as many."""
        if size > self._resident:
            raise OverBudgetError("an archive needs more memory than is allowed")
        self._resident -= size

    def vacate(self, size: int) -> None:
        """Give `size` bytes of memory back."""
        self._resident += size


def collect(read: Callable[[int], bytes], member: ArchiveMember) -> SealedMemfd:
    """Read `member`'s bytes into memory of their own, no more than it promises.

    Args:
        read: Gives at most that many untrusted bytes, b"" at their end.
        member: Its size and sum.

    Raises:
        DamagedArchiveError: They end before, or the sum is another.
    """
    crc32, blake2sp = 0, Blake2sp()
    left = member.size
    with MemfdWriter(member.size) as writer:
        while left:
            piece = read(left)
            if not piece:
                raise DamagedArchiveError("an archive unpacks to less than its list promises")
            left -= len(piece)
            writer.write(piece)
            if member.blake2sp is not None:
                blake2sp.update(piece)
            else:
                crc32 = zlib.crc32(piece, crc32)
        if (blake2sp.digest() != member.blake2sp) if member.blake2sp is not None else (crc32 != member.crc32):
            raise DamagedArchiveError("a member is not what the archive's list promises")
        return writer.seal()
