"""The check of ZIP archives: their structure, their names, and every member's bytes, ZIPs inside included.

A member that this worker cannot judge itself (a RAR, or one too large for its memory) is handed back by its place.
What clamd sees of a ZIP it sees in the outer file.
"""

import io
import re
import stat
from collections.abc import Iterator
from typing import BinaryIO, Final

from quarantine.archive.content import ContentSearch, kind_to_check, promise_of
from quarantine.archive.names import NameBook, executable_finding, extension_of, name_findings, points_outside
from quarantine.archive.spending import Expenses
from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError
from quarantine.examination import ArchiveMember, Examination, ExamineMember, Promise
from quarantine.file_types import HEAD_SIZE, FileType
from quarantine.findings import Code, Finding
from quarantine.zip.directory import Directory, DirectoryEntry, UnreadableZipError, read_directory
from quarantine.zip.extra_fields import extra_findings, unicode_path
from quarantine.zip.members import (
    DEFLATED,
    STORED,
    DamagedMemberError,
    check_layout,
    decoded_name,
    is_encrypted,
    unpacked,
)

TARGET_MAX: Final = 4096  # bytes of a link's target; Linux PATH_MAX
PROPERTIES_MAX: Final = 1024 * 1024  # bytes of an office document's properties that are searched

_AUTHOR: Final = re.compile(
    rb"<(?:dc:creator|cp:lastModifiedBy|meta:initial-creator)(?:\s[^<>]*)?>\s*[^<\s]", re.IGNORECASE
)
_PROPERTIES: Final = frozenset({"docProps/core.xml", "meta.xml"})
_UNIX: Final = frozenset({3, 19})  # systems in "version made by" with Unix modes; APPNOTE.TXT 4.4.2, macOS
_ORDINARY: Final = frozenset({stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK})


def examine_zip(stream: BinaryIO, budgets: Budgets, examine_member: ExamineMember) -> Examination:
    """See quarantine.check_of_type."""
    search = _Search(budgets, examine_member, stream.seek(0, 2))
    try:
        search.examine(stream, ())
    except (OverBudgetError, MemoryError):
        search.find(Code.ARCHIVE_BUDGET)
    return search.examination()


class _Search:
    """One search through an archive and what is nested in it, under one budget."""

    def __init__(self, budgets: Budgets, examine_member: ExamineMember, size: int) -> None:
        self._budgets = budgets
        self._examine_member = examine_member
        self._spent = Expenses(budgets, size)
        self._findings: dict[Finding, None] = {}  # in order of discovery
        self._handed_back: list[ArchiveMember] = []

    def find(self, code: Code) -> None:
        """Note a finding once."""
        self._findings[Finding(code)] = None

    def examination(self) -> Examination:
        """Return what was found. Members that are handed back are paid for by the broker, which unpacks them."""
        back = self._handed_back
        members, size = self._spent.members - len(back), self._spent.bytes - sum(member.size for member in back)
        return Examination(tuple(self._findings), tuple(back), members, size)

    def examine(self, stream: BinaryIO, place: tuple[int, ...]) -> None:
        """Examine the archive in `stream`, which lies at `place`."""
        self._spent.go_down(len(place) + 1)
        try:
            directory = read_directory(stream, self._spent.members_left, self._spent.check_time)
        except UnreadableZipError:
            self.find(Code.ZIP_UNREADABLE)
            return
        try:
            check_layout(stream, directory, self._spent.check_time)
            self._examine_members(stream, directory, place)
        finally:
            for code in directory.codes:
                self.find(code)

    def _examine_members(self, stream: BinaryIO, directory: Directory, place: tuple[int, ...]) -> None:
        names = NameBook()
        for entry in directory.entries:
            self._spent.count_member()
            name = self._name(entry)
            mode = stat.S_IFMT(entry.attributes >> 16) if entry.made_by >> 8 in _UNIX else 0
            names.add(name, is_folder=name.endswith(("/", "\\")), is_link=stat.S_ISLNK(mode))
            for code in extra_findings(entry.extra):
                self.find(code)
            # `zip archive.zip -` stores what came through a pipe as a pipe, with its content.
            if mode and not (mode in _ORDINARY or (stat.S_ISFIFO(mode) and entry.size)):
                self.find(Code.ARCHIVE_DEVICE)
            if is_encrypted(entry):
                self.find(Code.ZIP_ENCRYPTED)
            elif entry.method not in {STORED, DEFLATED}:
                self.find(Code.ZIP_METHOD)
            else:
                self._examine_content(stream, entry, name, place, is_link=stat.S_ISLNK(mode))
        for code in names.findings():
            self.find(code)

    def _name(self, entry: DirectoryEntry) -> str:
        """Judge the member's name, or both of them; return the one that newer programs show."""
        name, is_valid = decoded_name(entry)
        try:
            second = unicode_path(entry.extra, entry.name)
        except UnicodeDecodeError:
            second, is_valid = None, False
        if not is_valid:
            self.find(Code.ARCHIVE_NAME_UNUSABLE)
        if second is not None and (extension_of(second), second.count("/")) != (extension_of(name), name.count("/")):
            self.find(Code.ZIP_TWO_NAMES)
        for each in {name, second or name}:
            for code in name_findings(each):
                self.find(code)
            program = None if each.endswith("/") else executable_finding(each)
            if program is not None:
                self.find(program)
            if each.casefold().endswith("vbaproject.bin"):
                self.find(Code.ARCHIVE_MACRO)
        return second or name

    def _examine_content(
        self, stream: BinaryIO, entry: DirectoryEntry, name: str, place: tuple[int, ...], *, is_link: bool
    ) -> None:
        promise = Promise.OTHER if is_link or name.endswith("/") else promise_of(name)
        search = ContentSearch(promise)
        kept = io.BytesIO()
        head, keeps, wanted = b"", True, True
        try:
            for piece in self._counted(unpacked(stream, entry)):
                if not head:
                    head = piece[:HEAD_SIZE]
                    keeps = self._is_kept(head, entry, name, promise, is_link=is_link)
                wanted = wanted and search.feed(piece)
                if keeps:
                    kept.write(piece)
                    self._spent.keep(len(piece))
        except DamagedMemberError:
            self.find(Code.ZIP_UNREADABLE)
        else:
            self._judge(kept, entry, (name, promise, head), (*place, entry.number), is_link=is_link)
        finally:
            self._spent.keep(-len(kept.getbuffer()))
        for code in search.findings():
            self.find(code)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            self._spent.unpack(len(piece), of_member=size)
            yield piece

    def _is_kept(self, head: bytes, entry: DirectoryEntry, name: str, promise: Promise, *, is_link: bool) -> bool:
        """Return whether the member's bytes are kept together: its claims decide, and counting corrects them."""
        if is_link:
            return entry.size <= TARGET_MAX
        if name in _PROPERTIES:
            return entry.size <= PROPERTIES_MAX
        kind = kind_to_check(head, promise)
        if kind in {None, FileType.RAR} or not self._spent.fits_in_memory(entry.size):
            return False
        # A text costs less here than a worker of its own would.
        return kind in {FileType.ZIP, FileType.TXT} or self._spent.has_time_for_a_check()

    def _judge(
        self,
        kept: io.BytesIO,
        entry: DirectoryEntry,
        known: tuple[str, Promise, bytes],
        place: tuple[int, ...],
        *,
        is_link: bool,
    ) -> None:
        """Judge a member whose bytes are those that the directory promises."""
        name, promise, head = known
        if is_link:
            self.find(Code.ZIP_LINK)
            # No system follows a target that is too long to be kept.
            if points_outside(name, kept.getvalue().decode("utf-8", "replace")):
                self.find(Code.ARCHIVE_LINK_OUTSIDE)
            return
        if name in _PROPERTIES and _AUTHOR.search(kept.getvalue()):
            self.find(Code.PRIVACY_OFFICE_AUTHOR)
        kind = kind_to_check(head, promise)
        if kind is None or not head:
            return
        kept.seek(0)
        if kind is FileType.RAR or kept.getbuffer().nbytes != entry.size:
            self._handed_back.append(ArchiveMember(entry.size, crc32=entry.crc32, place=place, promise=promise))
        elif kind is FileType.ZIP:
            self.examine(kept, place)
        else:
            for finding in self._examine_member(kept, kind, self._budgets).findings:
                self._findings[finding] = None
