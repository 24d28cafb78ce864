"""What a ZIP archive holds that clamd cannot see. Runs in the worker only, on a stranger's bytes.

clamd unpacks ZIPs by itself, but no RAR, so a RAR inside a ZIP would pass unseen. And it stops reading a member
at its MaxFileSize and then answers OK (seen with 1.4.6, AlertExceedsMax on; gzip, bzip2, xz and tar are reported).
The deep checks of a ZIP's structure (overlap, local against central headers, names) fit here.
"""

import io
import zipfile
from typing import BinaryIO, Final

from quarantine.budgets import MIB, Budgets
from quarantine.examination import Examination
from quarantine.types import HEAD_SIZE, FileType, type_of_content
from quarantine.verdict import Code, Finding

NESTED_MAX: Final = 96 * MIB  # bytes of ZIPs in a ZIP that are unpacked here, all together; they lie in memory

_ENCRYPTED: Final = 0x1 | 0x40  # general purpose flags; APPNOTE.TXT 4.4.4
_DEFLATE_MOST: Final = 1032  # bytes that one byte of deflate can become; zlib's technical notes
# Anything else is not expanded: a few hundred bytes of bzip2 or LZMA can ask for most of a gigabyte.
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class _OverBudgetError(Exception):
    """More is in there than is looked at."""


def look_into_zip(stream: BinaryIO, budgets: Budgets) -> Examination:
    """Findings of the archive in `stream` and of the ZIPs inside it."""
    search = _Search(budgets)
    try:
        search.look(stream, depth=1)
    except (_OverBudgetError, MemoryError):
        search.codes[Code.ARCHIVE_BUDGET] = None
    except Exception:  # noqa: BLE001 - parsing hostile bytes; this process lives for this file only
        search.codes[Code.ZIP_UNREADABLE] = None
    return Examination(tuple(map(Finding, search.codes)))


class _Search:
    """One search through an archive and what is nested in it, under one budget."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._members = 0
        self._nested = 0  # bytes
        self._unpacked = 0  # bytes of all members
        self.codes: dict[Code, None] = {}  # in order of discovery

    def look(self, stream: BinaryIO, *, depth: int) -> None:
        """Look at every member's first bytes."""
        if depth > self._budgets.depth:
            raise _OverBudgetError
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                self._members += 1
                if self._members > self._budgets.members:
                    raise _OverBudgetError
                self._look_at(archive, member, depth)

    def _look_at(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, depth: int) -> None:
        if member.flag_bits & _ENCRYPTED:
            self.codes[Code.ZIP_ENCRYPTED] = None
            return
        if member.compress_type not in _METHODS:
            self.codes[Code.ZIP_METHOD] = None
            return
        real_size = self._real_size(archive, member)
        self._pay(real_size)
        if real_size != member.file_size:
            self.codes[Code.ZIP_UNREADABLE] = None
        with archive.open(member) as content:
            head = content.read(HEAD_SIZE)
            kind = type_of_content(head)
            if kind is FileType.RAR:
                self.codes[Code.ZIP_RAR_INSIDE] = None
            if kind is not FileType.ZIP:
                return
            # The size that the archive claims is not believed: one byte more than allowed is read.
            left = NESTED_MAX - self._nested
            nested = head + content.read(max(0, left - len(head)) + 1)
            self._nested += len(nested)
            if self._nested > NESTED_MAX:
                raise _OverBudgetError
        self.look(io.BytesIO(nested), depth=depth + 1)

    def _pay(self, size: int) -> None:
        self._unpacked += size
        if size > self._budgets.member_bytes or self._unpacked > self._budgets.unpacked_bytes:
            raise _OverBudgetError

    def _real_size(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
        """Bytes that `member` unpacks to; what it claims, where it cannot be too much anyway."""
        claimed, most = member.file_size, self._budgets.member_bytes
        if claimed > most or member.compress_size * _DEFLATE_MOST <= most:
            return claimed
        size = 0
        # zipfile reads no more than is claimed here, and compares the sum when it has: never below `most`.
        member.file_size = 2 * most
        with archive.open(member) as content:
            while size <= most and (piece := content.read(MIB)):
                size += len(piece)
        member.file_size = claimed
        return size
