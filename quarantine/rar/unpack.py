"""Unpacks the members of a RAR, one after the other, each into a memfd of its own.

`unar` unpacks the whole archive in one pass into a pipe (a process for each member would unpack a solid
archive once for each of them). Where one member ends and the next begins, the archive's own list says, and
each member's CRC32 or BLAKE2sp proves it: a stream that was cut elsewhere could split malware in two.
"""

import dataclasses
import shutil
import sys
import zlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

from quarantine.archive.blake2sp import Blake2sp
from quarantine.budgets import Budgets
from quarantine.cage import confine
from quarantine.cage.confined_process import ConfinedProcess
from quarantine.errors import QuarantineError, UndecidableError
from quarantine.examination import Member
from quarantine.file_types import FileType
from quarantine.memfd import MemfdWriter, SealedMemfd
from quarantine.verdict import Reason

# For every RAR 3 GNUstep asks whose home directory there is, and gives up without an answer (seen with unar 1.10.1).
READABLE: Final = "/etc/passwd"
UNAR_PATHS: Final = "/usr/bin:/usr/local/bin"
_UNAR_FAILED: Final = frozenset({0, 1})  # exit codes with which unar itself speaks about an archive


class OverBudgetError(QuarantineError):
    """An archive unpacks to more than the budgets allow."""


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
        """What the worker of a file at this depth may use; the file that was sent has the depth 0.

        Raises:
            OverBudgetError: It is an archive, and too deep.
        """
        if file_type in {FileType.ZIP, FileType.RAR} and depth >= self._budgets.depth:
            raise OverBudgetError("an archive lies too deep in archives")
        # Budgets are above zero; who then uses one too many is found by `charge` or `spend`.
        return dataclasses.replace(
            self._budgets,
            depth=max(1, self._budgets.depth - depth),
            members=max(1, self._members),
            unpacked_bytes=max(1, self._bytes),
        )

    def charge(self, members: int, size: int) -> None:
        """Pay for what a worker says that it unpacked itself; raises OverBudgetError when it was too much."""
        self._members -= members
        self._bytes -= size
        if self._members < 0 or self._bytes < 0:
            raise OverBudgetError("an archive unpacks to more than is looked at")

    def spend(self, members: tuple[Member, ...], *, depth: int) -> None:
        """Pay for one archive's members before the first is unpacked.

        Raises:
            OverBudgetError: It is too much.
        """
        self._members -= len(members)
        self._bytes -= sum(member.size for member in members)
        too_large = any(member.size > self._budgets.member_bytes for member in members)
        if too_large or self._members < 0 or self._bytes < 0 or depth > self._budgets.depth:
            raise OverBudgetError("an archive unpacks to more than is looked at")

    def occupy(self, size: int) -> None:
        """Take `size` bytes of memory; raises OverBudgetError when there are not as many."""
        if size > self._resident:
            raise OverBudgetError("an archive needs more memory than is given to it")
        self._resident -= size

    def vacate(self, size: int) -> None:
        """Give `size` bytes of memory back."""
        self._resident += size


def unpack(
    fd: int, members: tuple[Member, ...], allowance: Allowance, budgets: Budgets, *, deadline: float
) -> Generator[SealedMemfd, None, None]:
    """Unpack `members`; each memfd is closed when the next one is asked for.

    Close the iterator (contextlib.closing) so that unar ends at once when not all are wanted.

    Raises:
        OverBudgetError: Not enough memory is left of the budget.
        DamagedArchiveError: The bytes are not those that the list promises.
        UndecidableError: unar crashed, could not be started, or the deadline (time.monotonic) has passed.
    """
    with ConfinedProcess(_command(fd, budgets), fd=fd, deadline=deadline) as unar:
        for member in members:
            allowance.occupy(member.size)
            try:
                with _read_member(unar, member) as memfd:
                    yield memfd
            finally:
                allowance.vacate(member.size)
        if unar.answer.read(1):
            raise DamagedArchiveError("an archive unpacks to more than its list promises")
        _check_end(unar)


def _command(fd: int, budgets: Budgets) -> list[str]:
    unar = shutil.which("unar", path=UNAR_PATHS)
    if unar is None:
        raise UndecidableError(Reason.UNPACKER_FAILED)
    limits = [str(budgets.unpacker_cpu), str(budgets.unpacker_memory)]
    launcher = [sys.executable, "-I", "-S", "-B", str(Path(confine.__file__)), *limits, READABLE]
    # -nr: archives inside are opened by us, under the budget; -p: never ask; -k: no resource forks.
    return [*launcher, unar, "-q", "-nr", "-p", "x", "-k", "skip", "-o", "-", f"/proc/self/fd/{fd}"]


def _read_member(unar: ConfinedProcess, member: Member) -> SealedMemfd:
    def read(size: int) -> bytes:
        piece = unar.answer.read(size)
        if not piece:
            _check_end(unar)
        return piece

    return collect(read, member)


def collect(read: Callable[[int], bytes], member: Member) -> SealedMemfd:
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


def _check_end(unar: ConfinedProcess) -> None:
    """Tell an archive that is damaged from an unar that is."""
    code = unar.exit_code()
    if code not in _UNAR_FAILED:
        raise UndecidableError(Reason.UNPACKER_FAILED)
    if code != 0:
        raise DamagedArchiveError("the archive cannot be unpacked")
