"""A small writer of stored RAR 1.5 to 4 archives, true or lying, for tests.

Source: technote.txt of RAR 3.93 ("Archive file format").
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"Rar!\x1a\x07\x00"

MAIN, FILE, OLD_COMMENT, OLD_AUTHENTICITY, OLD_SUB, OLD_RECOVERY, SERVICE, END = (
    0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x7A, 0x7B,
)  # fmt: skip
IS_VOLUME, HAS_COMMENT, IS_SOLID, HAS_RECOVERY, HAS_PASSWORD = 0x01, 0x02, 0x08, 0x40, 0x80  # flags of an archive
LONG: Final = 0x8000  # flag of every block: data follows
SPLIT_BEFORE, SPLIT_AFTER, ENCRYPTED, FILE_COMMENT, FILE_SOLID = 0x01, 0x02, 0x04, 0x08, 0x10  # flags of a file
FOLDER, LARGE, UNICODE, SALT, VERSION, EXACT_TIME = 0xE0, 0x100, 0x200, 0x400, 0x800, 0x1000
DOS, UNIX = 0, 3


@dataclass(frozen=True)
class Rar3Entry:
    """One file of an archive."""

    name: bytes
    data: bytes = b""
    flags: int = 0
    size: int | None = None  # the claimed one
    name_size: int | None = None  # the claimed one
    attributes: int = 0o100644
    system: int = UNIX
    version: int = 29
    method: int = 0x30
    optional: bytes = b""  # what the flags announce behind the name: salt, times
    behind: bytes = b""  # in the header, outside of its sum: a comment
    kind: int = FILE


def block(
    kind: int,
    flags: int = 0,
    body: bytes = b"",
    *,
    data: bytes = b"",
    summed: int | None = None,
    size: int | None = None,
) -> bytes:
    """One block; `summed` is how many bytes of its header its sum covers (all), `size` the claimed size."""
    claimed = 7 + len(body) if size is None else size
    header = bytes([kind]) + flags.to_bytes(2, "little") + claimed.to_bytes(2, "little") + body
    covered = header[: len(header) if summed is None else summed - 2]
    return (zlib.crc32(covered) & 0xFFFF).to_bytes(2, "little") + header + data


def file_block(entry: Rar3Entry) -> bytes:
    """A file's header and its bytes."""
    size = len(entry.data) if entry.size is None else entry.size
    name_size = len(entry.name) if entry.name_size is None else entry.name_size
    body = struct.pack(
        "<IIBIIBBHI", len(entry.data), size, entry.system, zlib.crc32(entry.data), 0x5A21_0000, entry.version,
        entry.method, name_size, entry.attributes,
    )  # fmt: skip
    if entry.flags & LARGE:
        body += struct.pack("<II", 0, 0)
    body += entry.name + entry.optional
    summed = 7 + len(body)
    return block(entry.kind, LONG | entry.flags, body + entry.behind, data=entry.data, summed=summed)


def main_block(flags: int = 0, *, behind: bytes = b"") -> bytes:
    """The archive's own block; `behind` stands in it outside of its sum."""
    return block(MAIN, flags, bytes(6) + behind, summed=13)


def rar3(*blocks: Rar3Entry | bytes, flags: int = 0, end: bytes | None = None) -> bytes:
    """An archive of files and of blocks that were made already."""
    made = b"".join(file_block(part) if isinstance(part, Rar3Entry) else part for part in blocks)
    return MAGIC + main_block(flags) + made + (block(END, 0x4000) if end is None else end)
