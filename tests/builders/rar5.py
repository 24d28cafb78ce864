"""A small writer of stored RAR 5 archives, true or lying, for tests: no free program writes the format.

Source: https://www.rarlab.com/technote.htm ("RAR 5.0 archive format").
"""

import zlib
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"Rar!\x1a\x07\x01\x00"

MAIN, FILE, SERVICE, ENCRYPTION, END = 1, 2, 3, 4, 5  # types of header
EXTRA_AREA, DATA_AREA, SPLIT_BEFORE, SPLIT_AFTER = 0x01, 0x02, 0x08, 0x10  # flags of every header
IS_FOLDER, HAS_TIME, HAS_CRC, UNKNOWN_SIZE = 0x01, 0x02, 0x04, 0x08  # flags of a file
IS_VOLUME, HAS_NUMBER, IS_SOLID = 0x01, 0x02, 0x04  # flags of an archive


@dataclass(frozen=True)
class Rar5Entry:
    """One file of an archive; what is None follows from `data`."""

    name: str
    data: bytes = b""
    size: int | None = None  # the claimed one
    crc32: int | None = None  # the claimed one
    file_flags: int = HAS_CRC
    header_flags: int = 0
    compression: int = 0  # version | solid << 6 | method << 7 | dictionary << 10
    extra: bytes = b""
    kind: int = FILE
    attributes: int = 0o100644
    system: int = 1  # Unix; 0 is Windows


def vint(number: int) -> bytes:
    """A variable-length number: seven bits a byte, lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def header(kind: int, body: bytes, *, flags: int = 0, extra: bytes = b"", data_size: int | None = None) -> bytes:
    """One block's header with its sum."""
    flags |= (EXTRA_AREA if extra else 0) | (DATA_AREA if data_size is not None else 0)
    fields = vint(kind) + vint(flags)
    if extra:
        fields += vint(len(extra))
    if data_size is not None:
        fields += vint(data_size)
    fields += body + extra
    sized = vint(len(fields)) + fields
    return zlib.crc32(sized).to_bytes(4, "little") + sized


def file_block(entry: Rar5Entry) -> bytes:
    """A file's header and its bytes."""
    size = len(entry.data) if entry.size is None else entry.size
    crc32 = zlib.crc32(entry.data) if entry.crc32 is None else entry.crc32
    name = entry.name.encode(errors="surrogateescape")
    body = vint(entry.file_flags) + vint(size) + vint(entry.attributes)
    if entry.file_flags & HAS_CRC:
        body += crc32.to_bytes(4, "little")
    body += vint(entry.compression) + vint(entry.system) + vint(len(name)) + name
    start = header(entry.kind, body, flags=entry.header_flags, extra=entry.extra, data_size=len(entry.data))
    return start + entry.data


def record(kind: int, body: bytes) -> bytes:
    """One record of a file's extra area."""
    fields = vint(kind) + body
    return vint(len(fields)) + fields


def symlink(target: str) -> bytes:
    """The extra record of a Unix symbolic link."""
    name = target.encode()
    return record(5, vint(1) + vint(0) + vint(len(name)) + name)


def encryption() -> bytes:
    """The extra record of an encrypted file."""
    return record(1, vint(0) + vint(0) + bytes([15]) + bytes(16) + bytes(16))


def blake2sp(digest: bytes) -> bytes:
    """The extra record of a file with a BLAKE2sp sum."""
    return record(2, vint(0) + digest)


def time_record(seconds: int) -> bytes:
    """The extra record of a file's times: the change, as a Unix time."""
    return record(3, vint(1 | 2) + seconds.to_bytes(4, "little"))


def version_record(number: int) -> bytes:
    """The extra record of an earlier version of a file."""
    return record(4, vint(0) + vint(number))


def owner_record(user: str) -> bytes:
    """The extra record of a Unix owner, by name."""
    name = user.encode()
    return record(6, vint(1) + vint(len(name)) + name)


def owner_numbers(flags: int, *numbers: int) -> bytes:
    """The extra record of a Unix owner, by number; flags 4 for the user, 8 for the group."""
    return record(6, vint(flags) + b"".join(map(vint, numbers)))


def owner_group(group: str) -> bytes:
    """The extra record of a Unix group, by name."""
    name = group.encode()
    return record(6, vint(2) + vint(len(name)) + name)


def locator(quick_open: int = 0, recovery: int = 0) -> bytes:
    """The archive's extra record of distances to its QO and RR blocks."""
    return record(1, vint(3) + vint(quick_open) + vint(recovery))


def quick_open(before: bytes, copies: dict[int, bytes]) -> bytes:
    """A QO block that stands behind `before`; `copies` of headers by the offsets they claim."""
    data = b""
    for offset, copy in copies.items():
        fields = vint(0) + vint(len(before) - offset) + vint(len(copy)) + copy
        sized = vint(len(fields)) + fields
        data += zlib.crc32(sized).to_bytes(4, "little") + sized
    return before + file_block(Rar5Entry("QO", data, kind=SERVICE))


def rar5(*entries: Rar5Entry, main_flags: int = 0, main_extra: bytes = b"", suffix: bytes = b"") -> bytes:
    """An archive of `entries`."""
    blocks = b"".join(map(file_block, entries))
    return MAGIC + header(MAIN, vint(main_flags), extra=main_extra) + blocks + header(END, vint(0)) + suffix


def encrypted_headers() -> bytes:
    """An archive that hides even its list."""
    return MAGIC + header(ENCRYPTION, vint(0) + vint(0) + bytes([15]) + bytes(16)) + bytes(range(64))
