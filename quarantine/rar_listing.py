"""What a RAR archive says it holds. Runs in the worker only, on a stranger's bytes.

rarfile reads headers well, but its list of files leaves out old versions, and reading a compressed comment
would write it to a temporary file and start `unrar`. So every block is taken as it is parsed, and comments
stay packed.
"""

import os
from typing import Any, BinaryIO, Final

import rarfile

from quarantine.budgets import Budgets
from quarantine.examination import Examination, Member
from quarantine.verdict import Code, Finding

_RAR3_METHODS: Final = frozenset({20, 26, 29})  # versions of the unpacker that unar masters; 15 it gets wrong
_RAR5_VERSION: Final = 0x3F  # mask in a RAR 5 file's compression flags; 0 is RAR 5.0, 1 is RAR 7
_RAR5_DICTIONARY: Final = 128 * 1024  # bytes, times 2 to the power of bits 10 to 13
_RAR5_UNKNOWN_SIZE: Final = 0x0008  # file flag: the unpacked size is not known


class _OverBudgetError(Exception):
    """More members than are looked at."""


def list_rar(stream: BinaryIO, budgets: Budgets) -> Examination:
    """Findings of the archive's structure, and its members that can be unpacked.

    Args:
        stream: Headers are read from it only; to unpack, rarfile would copy it to a temporary file.
        budgets: The limits.
    """
    blocks = _Blocks(budgets)
    rarfile.rar3_decompress = _leave_comment_packed
    try:
        # part_only: never go looking for files that would be called like the next volume.
        with rarfile.RarFile(stream, info_callback=blocks.add, part_only=True) as archive:
            # RAR 3 says so in its first block, and rarfile stops before it hands that block out.
            if archive.needs_password() and not blocks.codes:
                blocks.hide()
    except (_OverBudgetError, MemoryError):
        blocks.find(Code.ARCHIVE_BUDGET)
    except Exception:  # noqa: BLE001 - parsing hostile bytes; this process lives for this file only
        blocks.find(Code.RAR_UNREADABLE)
    # rarfile stops in silence at a block that it does not know or that is damaged; whatever stands behind it
    # would stay unseen.
    stopped = blocks.ended or blocks.hidden or Code.ARCHIVE_BUDGET in blocks.codes
    if not stopped and blocks.end != stream.seek(0, os.SEEK_END):
        blocks.find(Code.RAR_UNREADABLE)
    members = () if {Code.RAR_VOLUME, Code.ARCHIVE_BUDGET} & blocks.codes.keys() else tuple(blocks.members)
    return Examination(tuple(map(Finding, blocks.codes)), members)


def _leave_comment_packed(*_: object) -> bytes:
    return b""


class _Blocks:
    """Collects what the blocks of one archive say."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._seen = 0  # blocks
        self.codes: dict[Code, None] = {}  # in order of discovery
        self.members: list[Member] = []
        self.ended = False  # an end-of-archive block was there
        self.hidden = False  # the headers that follow are encrypted
        self.end = 0  # offset of the first byte after the last block

    def find(self, code: Code) -> None:
        """Note a finding once."""
        self.codes[code] = None

    def add(self, block: Any) -> None:
        """Take one block, as rarfile parsed it (it has no types)."""
        self._seen += 1
        if self._seen > 4 * self._budgets.members:
            raise _OverBudgetError
        self.end = block.data_offset + block.add_size
        if block.type == rarfile.RAR_BLOCK_MAIN:
            self._add_main(block)
        elif block.type == rarfile.RAR5_BLOCK_ENCRYPTION:
            self.hide()
        elif block.type == rarfile.RAR_BLOCK_ENDARC:
            self.ended = True
        elif block.type == rarfile.RAR_BLOCK_SUB:
            # Named by the format: "STM" is a stream beside a file, which Windows would restore.
            if getattr(block, "filename", None) == "STM":
                self.find(Code.RAR_ALTERNATE_STREAM)
        elif block.type == rarfile.RAR_BLOCK_FILE:
            self._add_file(block)

    def hide(self) -> None:
        """Note that no header from here on can be read."""
        self.hidden = True
        self.find(Code.RAR_ENCRYPTED_HEADERS)

    def _add_main(self, block: Any) -> None:
        if block.flags & rarfile.RAR_MAIN_VOLUME:
            self.find(Code.RAR_VOLUME)
        if block.flags & rarfile.RAR_MAIN_PASSWORD:
            self.hide()

    def _add_file(self, block: Any) -> None:
        if block.flags & (rarfile.RAR_FILE_SPLIT_BEFORE | rarfile.RAR_FILE_SPLIT_AFTER):
            self.find(Code.RAR_VOLUME)
        if block.is_symlink() or block.file_redir:
            self.find(Code.RAR_LINK)
        if block.is_dir():
            return
        if block.needs_password():
            self.find(Code.RAR_ENCRYPTED)
            return
        self._check_method(block)
        # A link of RAR 5 has no bytes of its own; one of RAR 3 holds its target as its bytes.
        if not block.file_redir and block.file_size:
            self._add_member(block)

    def _add_member(self, block: Any) -> None:
        if len(self.members) >= self._budgets.members:
            raise _OverBudgetError
        if block.CRC is not None:
            self.members.append(Member(block.file_size, crc32=block.CRC))
        elif block.blake2sp_hash is not None:
            self.members.append(Member(block.file_size, blake2sp=bytes(block.blake2sp_hash)))
        else:
            # Nothing would prove which bytes are this member's.
            self.find(Code.RAR_UNREADABLE)

    def _check_method(self, block: Any) -> None:
        stored = block.compress_type == rarfile.RAR_M0
        if not rarfile.RAR_M0 <= block.compress_type <= rarfile.RAR_M5:
            self.find(Code.RAR_METHOD)
        flags = getattr(block, "file_compress_flags", None)
        if flags is None:
            if not stored and block.extract_version not in _RAR3_METHODS:
                self.find(Code.RAR_METHOD)
            return
        if block.file_flags & _RAR5_UNKNOWN_SIZE or flags & _RAR5_VERSION:
            self.find(Code.RAR_METHOD)
        if not stored and _RAR5_DICTIONARY << (flags >> 10 & 0xF) > self._budgets.dictionary_bytes:
            self.find(Code.RAR_DICTIONARY)
