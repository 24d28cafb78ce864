"""Unpacks the members of a RAR, one after the other, each into a memfd of its own.

`unar` unpacks the whole archive in one pass into a pipe (a process for each member would unpack a solid
archive once for each of them). Where one member ends and the next begins, the archive's own list gives, and
each member's CRC32 or BLAKE2sp proves it: a stream that was cut elsewhere could split malware in two.
"""

import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

from quarantine.archive.allowance import Allowance, DamagedArchiveError, collect
from quarantine.budgets import Budgets
from quarantine.cage import confine
from quarantine.cage.confined_process import ConfinedProcess
from quarantine.errors import UndecidableError
from quarantine.examination import ArchiveMember
from quarantine.memfd import SealedMemfd
from quarantine.verdict import Reason

# For every RAR 3 GNUstep asks whose home directory there is, and gives up without an answer (seen with unar 1.10.1).
READABLE: Final = "/etc/passwd"
UNAR_PATHS: Final = "/usr/bin:/usr/local/bin"
_UNAR_FAILED: Final = frozenset({0, 1})  # exit codes with which unar itself reports on an archive


def unpack_rar(
    fd: int, members: tuple[ArchiveMember, ...], allowance: Allowance, budgets: Budgets, *, deadline: float
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


def _read_member(unar: ConfinedProcess, member: ArchiveMember) -> SealedMemfd:
    def read(size: int) -> bytes:
        piece = unar.answer.read(size)
        if not piece:
            _check_end(unar)
        return piece

    return collect(read, member)


def _check_end(unar: ConfinedProcess) -> None:
    """Tell an archive that is damaged from an unar that is."""
    code = unar.exit_code()
    if code not in _UNAR_FAILED:
        raise UndecidableError(Reason.UNPACKER_FAILED)
    if code != 0:
        raise DamagedArchiveError("the archive cannot be unpacked")
