"""The check of RAR archives: their headers, compared with each other and with what they hide.

It lists and does not unpack: `unar` does that in a cage of its own, and each member's sum proves its bytes.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from quarantine.archive.content import promise_of
from quarantine.archive.names import NameBook, executable_finding, name_findings, points_outside
from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError
from quarantine.examination import SIZE_MAX, ArchiveMember, Examination, ExamineMember
from quarantine.findings import Code, Finding
from quarantine.rar.blocks import MAGIC_5, Block, BlockKind, DamagedRarError
from quarantine.rar.quick_open import shows_another_list
from quarantine.rar.rar3 import read_rar3_blocks
from quarantine.rar.rar5 import read_rar5_blocks

_EMPTY_PACKED: Final = 32  # bytes that an empty file may take when it is packed; RAR 3 needs 8, encryption 16
QUICK_OPEN_MAX: Final = 16 * 1024 * 1024  # bytes
TARGET_MAX: Final = 4096  # bytes of a link's target; Linux PATH_MAX
_LINK, _FOLDER, _FILE = 0xA000, 0x4000, 0x8000  # file types of Unix modes; stat(2)
_ORDINARY: Final = frozenset({0, _LINK, _FOLDER, _FILE})
_PIECE: Final = 1024 * 1024  # bytes


def examine_rar(stream: BinaryIO, budgets: Budgets, _: ExamineMember) -> Examination:
    """See quarantine.check_of_type."""
    size = stream.seek(0, 2)
    stream.seek(0)
    is_rar5 = stream.read(len(MAGIC_5)) == MAGIC_5
    blocks = (read_rar5_blocks if is_rar5 else read_rar3_blocks)(stream)
    archive = _Archive(stream, budgets, is_rar5=is_rar5)
    try:
        for block in blocks:
            archive.add(block)
        archive.finish(size)
    except (OverBudgetError, MemoryError):
        archive.find(Code.ARCHIVE_BUDGET)
    except DamagedRarError:
        archive.find(Code.RAR_UNREADABLE)
    return archive.examination()


class _Archive:
    """Collects what the blocks of one archive show."""

    def __init__(self, stream: BinaryIO, budgets: Budgets, *, is_rar5: bool) -> None:
        self._stream = stream
        self._is_rar5 = is_rar5
        self._budgets = budgets
        self._codes: dict[Code, None] = {}  # in order of discovery
        self._members: list[ArchiveMember] = []
        self._names = NameBook()
        self._headers: dict[int, bytes] = {}  # by offset; as many as members are allowed
        self._main: Block | None = None
        self._last: Block | None = None
        self._quick_open: Block | None = None
        self._recovery_at = 0

    def find(self, code: Code) -> None:
        """Note a finding once."""
        self._codes[code] = None

    def add(self, block: Block) -> None:
        """Take one block."""
        if len(self._headers) >= 4 * self._budgets.members:
            raise OverBudgetError
        self._headers[block.offset] = block.header
        self._last = block
        match block.kind:
            case BlockKind.MAIN:
                # A second one would change what the first states about the files.
                self.find(Code.RAR_UNREADABLE) if self._main else None
                self._main = self._main or block
                self.find(Code.RAR_ENCRYPTED_HEADERS) if block.is_encrypted else None
            case BlockKind.ENCRYPTION:
                self.find(Code.RAR_ENCRYPTED_HEADERS)
            case BlockKind.SERVICE:
                self._add_service(block)
            case BlockKind.FILE:
                self._add_file(block)
            case BlockKind.END | BlockKind.OTHER:
                pass
        for is_so, code in (
            (block.is_volume or block.is_split, Code.RAR_VOLUME),
            (block.is_solid, Code.RAR_SOLID),
            (block.has_recovery, Code.RAR_RECOVERY),
            (block.has_comment, Code.ARCHIVE_COMMENT),
            (block.has_owner, Code.PRIVACY_ARCHIVE_OWNER),
            (block.has_exact_time, Code.PRIVACY_ARCHIVE_TIMES),
            (block.is_old_version, Code.RAR_OLD_VERSIONS),
        ):
            if is_so:
                self.find(code)

    def finish(self, size: int) -> None:
        """Judge what only the whole archive shows; `size` is the file's, in bytes."""
        for code in self._names.findings():
            self.find(code)
        if self._main is None and Code.RAR_ENCRYPTED_HEADERS not in self._codes:
            self.find(Code.RAR_UNREADABLE)
        last = self._last
        if last is None or last.kind is not BlockKind.END:
            # RAR 2 wrote no end block; from RAR 5 it was cut off, with whatever stood before it.
            if self._is_rar5 and last is not None and last.kind is not BlockKind.ENCRYPTION:
                self.find(Code.RAR_UNREADABLE)
            return
        behind = last.data_offset + last.data_size
        if behind < size and not self._is_zero_from(behind):
            self.find(Code.RAR_TRAILING)
        self._check_locator()

    def examination(self) -> Examination:
        """Return what was found. Of a volume, or beyond the budgets, nothing is unpacked."""
        unpackable = not {Code.RAR_VOLUME, Code.ARCHIVE_BUDGET} & self._codes.keys()
        return Examination(tuple(map(Finding, self._codes)), tuple(self._members) if unpackable else ())

    def _add_service(self, block: Block) -> None:
        match block.name:
            case "CMT":
                self.find(Code.ARCHIVE_COMMENT)
            case "RR":
                self.find(Code.RAR_RECOVERY)
                self._recovery_at = block.offset
            case "UOW" | "ACL" | "AV":  # an account, access rights, whom the archiver is licensed to
                self.find(Code.PRIVACY_ARCHIVE_OWNER)
            case "QO":
                self._quick_open = block
            case _:
                # STM, a stream beside a file, which Windows would restore; or something that only its writer knows.
                self.find(Code.RAR_ALTERNATE_STREAM)

    def _add_file(self, block: Block) -> None:
        is_link = block.mode == _LINK or block.target is not None
        # Earlier versions are called like the last one.
        if not block.is_old_version:
            self._names.add(block.name, is_folder=block.is_folder, is_link=is_link)
        for code in self._name_findings(block):
            self.find(code)
        if block.mode not in _ORDINARY:
            self.find(Code.ARCHIVE_DEVICE)
        if is_link:
            self.find(Code.RAR_LINK)
            if points_outside(block.name, self._target(block)):
                self.find(Code.ARCHIVE_LINK_OUTSIDE)
        carries_nothing = block.is_folder or block.target is not None or block.size == 0
        if carries_nothing and block.data_size > _EMPTY_PACKED:
            # unar unpacks nothing of what a folder, a link or an empty file carries; another program might.
            self.find(Code.RAR_UNREADABLE)
        if block.is_encrypted:
            self.find(Code.RAR_ENCRYPTED)
        elif not block.is_folder:
            self._add_content(block)

    def _add_content(self, block: Block) -> None:
        if not block.is_known_method or block.size is None:
            self.find(Code.RAR_METHOD)
        if block.dictionary > self._budgets.dictionary_bytes:
            self.find(Code.RAR_DICTIONARY)
        # A link of RAR 5 has no bytes of its own; the bytes of one of RAR 3 are its target.
        if block.target is None and block.size != 0:
            self._add_member(block)

    def _name_findings(self, block: Block) -> Iterator[Code]:
        yield from name_findings(block.name)
        if not block.name_is_valid:
            yield Code.ARCHIVE_NAME_UNUSABLE
        program = None if block.is_folder else executable_finding(block.name)
        if program is not None:
            yield program

    def _add_member(self, block: Block) -> None:
        if len(self._members) >= self._budgets.members:
            raise OverBudgetError
        size = min(block.size or 0, SIZE_MAX)
        if block.is_stored and block.size != block.data_size and not block.is_split:
            self.find(Code.RAR_UNREADABLE)
        if block.crc32 is not None:
            self._members.append(ArchiveMember(size, crc32=block.crc32, promise=promise_of(block.name)))
        elif block.blake2sp is not None:
            self._members.append(ArchiveMember(size, blake2sp=block.blake2sp, promise=promise_of(block.name)))
        else:
            # Nothing would prove which bytes are this member's.
            self.find(Code.RAR_UNREADABLE)

    def _target(self, block: Block) -> str:
        """Return what a link points to, where that can be read without unpacking."""
        if block.target is not None:
            return block.target
        if not block.is_stored or block.is_encrypted or block.data_size > TARGET_MAX:
            return ""
        self._stream.seek(block.data_offset)
        return self._stream.read(block.data_size).decode("utf-8", "replace")

    def _is_zero_from(self, offset: int) -> bool:
        self._stream.seek(offset)
        return not any(piece.strip(b"\x00") for piece in iter(lambda: self._stream.read(_PIECE), b""))

    def _check_locator(self) -> None:
        quick_open = self._quick_open
        if quick_open is not None:
            self._stream.seek(quick_open.data_offset)
            copies = self._stream.read(min(quick_open.data_size, QUICK_OPEN_MAX))
            if not quick_open.is_stored or shows_another_list(copies, quick_open.offset, self._headers):
                self.find(Code.RAR_QUICK_OPEN)
        if self._main is None:
            return
        for distance, offset in zip(
            self._main.locator, (quick_open.offset if quick_open else 0, self._recovery_at), strict=True
        ):
            if distance and self._main.offset + distance != offset:
                self.find(Code.RAR_LOCATOR)
