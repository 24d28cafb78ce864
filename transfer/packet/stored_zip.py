"""A ZIP of stored members, written once and streaming (FORMAT.md, section 2). Does no input or output.

The standard library writes the same bytes (a test compares them). But it does not announce how long its directory will
be, which decides the padding, and its checksum takes a tenth of an upload's time.
"""

import struct
from dataclasses import dataclass
from typing import Final

from isal.isal_zlib import crc32

# APPNOTE 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3; all numbers little-endian.
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_ZIP64_LOCAL: Final = struct.Struct("<2H2Q")
_DESCRIPTOR: Final = struct.Struct("<4sL2Q")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_ZIP64_END: Final = struct.Struct("<4sQ2H2L4Q")
_ZIP64_LOCATOR: Final = struct.Struct("<4sLQL")
_END: Final = struct.Struct("<4s4H2LH")
_VERSION: Final = 45  # 4.5: ZIP64
_MADE_BY_UNIX: Final = 3 << 8 | _VERSION
_SIZES_FOLLOW: Final = 0x0008  # flag: CRC and sizes stand behind the data
_STORED: Final = 0
_TIME: Final = 0
_DATE: Final = 0x0021  # 1980-01-01: ZIP's own zero, and no word of when
_PRIVATE: Final = 0o600 << 16  # mode of a file, for Unix
_ELSEWHERE: Final = 0xFFFFFFFF  # the number stands in the ZIP64 field
_ZIP64_ID: Final = 1
ZIP64_LIMIT: Final = 2**31 - 1  # bytes; beyond it old readers may take a number for negative


@dataclass(frozen=True, slots=True)
class _Entry:
    """A member's line in the directory."""

    name: bytes
    offset: int
    size: int
    crc: int

    def encode(self) -> bytes:
        far = [self.size, self.size] if self.size > ZIP64_LIMIT else []
        far += [self.offset] if self.offset > ZIP64_LIMIT else []
        extra = struct.pack(f"<2H{len(far)}Q", _ZIP64_ID, 8 * len(far), *far) if far else b""
        size = _ELSEWHERE if self.size > ZIP64_LIMIT else self.size
        offset = _ELSEWHERE if self.offset > ZIP64_LIMIT else self.offset
        head = (b"PK\1\2", _MADE_BY_UNIX, _VERSION, _SIZES_FOLLOW, _STORED, _TIME, _DATE, self.crc, size, size)
        return _CENTRAL.pack(*head, len(self.name), len(extra), 0, 0, 0, _PRIVATE, offset) + self.name + extra


class StoredZip:
    """One ZIP under construction. What the methods return is to be written in order, the members' bytes between.

    Call `begin`, `take` for each piece of the member, `end`; at last `close`. Holds a line for each member.
    """

    def __init__(self) -> None:
        self.position = 0  # bytes written so far, the members' own included
        self._entries: list[_Entry] = []
        self._name = b""
        self._offset = self._start = self._crc = 0

    def begin(self, name: str) -> bytes:
        """Return the header of a new member, whose name is ASCII and ours."""
        self._name, self._offset, self._crc = name.encode("ascii"), self.position, 0
        head = (b"PK\3\4", _VERSION, _SIZES_FOLLOW, _STORED, _TIME, _DATE, 0, _ELSEWHERE, _ELSEWHERE)
        header = _LOCAL.pack(*head, len(self._name), _ZIP64_LOCAL.size) + self._name
        header += _ZIP64_LOCAL.pack(_ZIP64_ID, 16, 0, 0)
        self._start = self._count(header)
        return header

    def take(self, plaintext: bytes | bytearray | memoryview) -> None:
        """Note a piece of the member, which is written as it is."""
        self._crc = crc32(plaintext, self._crc)
        self.position += memoryview(plaintext).nbytes

    def end(self) -> bytes:
        """Return what stands behind a member."""
        size = self.position - self._start
        self._entries.append(_Entry(self._name, self._offset, size, self._crc))
        descriptor = _DESCRIPTOR.pack(b"PK\7\b", self._crc, size, size)
        self._count(descriptor)
        return descriptor

    def close(self) -> bytes:
        """Return the directory and the end of the ZIP."""
        start = self.position
        directory = b"".join(entry.encode() for entry in self._entries)
        ending = _encode_end(len(self._entries), start, len(directory))
        self._count(directory + ending)
        return directory + ending

    def cost_of_last(self, name: str, size: int) -> int:
        """Return the bytes up to the ZIP's end if one more member of `size` bytes is its last, less that size."""
        entry = _Entry(name.encode("ascii"), self.position, size, 0)
        member = _LOCAL.size + len(entry.name) + _ZIP64_LOCAL.size + _DESCRIPTOR.size
        directory = sum(len(known.encode()) for known in (*self._entries, entry))
        ending = _encode_end(len(self._entries) + 1, self.position + member + size, directory)
        return member + directory + len(ending)

    def _count(self, written: bytes) -> int:
        self.position += len(written)
        return self.position


def _encode_end(count: int, start: int, size: int) -> bytes:
    """Return what stands behind a directory of `count` lines and `size` bytes which begins at `start`."""
    if start <= ZIP64_LIMIT:
        return _END.pack(b"PK\5\6", 0, 0, count, count, size, start, 0)
    where = (count, count, size, start)
    zip64 = _ZIP64_END.pack(b"PK\6\6", _ZIP64_END.size - 12, _VERSION, _VERSION, 0, 0, *where)
    zip64 += _ZIP64_LOCATOR.pack(b"PK\6\7", 0, start + size, 1)
    return zip64 + _END.pack(b"PK\5\6", 0, 0, count, count, size, min(start, _ELSEWHERE), 0)
