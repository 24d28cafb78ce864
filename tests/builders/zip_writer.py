"""A small writer of ZIP archives, true or lying, for tests: no honest program writes the lies.

Source: APPNOTE.TXT 6.3.10, 4.3.
"""

import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any, Final

STORED, DEFLATED = 0, 8
UNIX, DOS = 3 << 8, 0
ENCRYPTED, DESCRIPTOR, STRONG, UTF8, MASKED = 0x1, 0x8, 0x40, 0x800, 0x2000
FULL_16, FULL_32 = 0xFFFF, 0xFFFFFFFF
LOCAL, CENTRAL, END, END64, LOCATOR64 = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
TIME: Final = 0x5A210000  # 2025-01-01 00:00, local time


@dataclass(frozen=True)
class ZipEntry:
    """One member; `local` and `central` override what follows from the rest, each in its own header only."""

    name: bytes | str
    data: bytes = b""
    method: int = STORED
    flags: int = 0
    extra: bytes = b""
    local_extra: bytes | None = None
    comment: bytes = b""
    mode: int = 0o100644
    made_by: int = UNIX
    packed: bytes | None = None
    descriptor: bytes | None = None  # what stands behind the data
    before: bytes = b""  # bytes of nobody, before the local header
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)


def deflate(data: bytes) -> bytes:
    """Raw deflate."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packing.compress(data) + packing.flush()


def extra(kind: int, body: bytes) -> bytes:
    """One extra field."""
    return struct.pack("<HH", kind, len(body)) + body


def _fields(entry: ZipEntry) -> dict[str, Any]:
    packed = (
        entry.packed if entry.packed is not None else (deflate(entry.data) if entry.method == DEFLATED else entry.data)
    )
    return {
        "flags": entry.flags,
        "method": entry.method,
        "crc32": zlib.crc32(entry.data),
        "packed": len(packed),
        "size": len(entry.data),
        "name": entry.name.encode() if isinstance(entry.name, str) else entry.name,
        "bytes": packed,
    }


def local(entry: ZipEntry) -> bytes:
    """A member: header, data, descriptor."""
    own = _fields(entry)
    known = own if not entry.flags & DESCRIPTOR else own | {"crc32": 0, "packed": 0, "size": 0}
    known = known | entry.local
    area = entry.extra if entry.local_extra is None else entry.local_extra
    header = struct.pack(
        "<4s5H3I2H", LOCAL, 20, known["flags"], known["method"], TIME & FULL_16, TIME >> 16,
        known["crc32"], known["packed"], known["size"], len(known["name"]), len(area),
    )  # fmt: skip
    after = entry.descriptor
    if after is None:
        sums = struct.pack("<4s3I", b"PK\x07\x08", own["crc32"], own["packed"], own["size"])
        after = sums if entry.flags & DESCRIPTOR else b""
    return b"".join((header, known["name"], area, own["bytes"], after))


def central(entry: ZipEntry, offset: int) -> bytes:
    """An entry of the directory."""
    known = _fields(entry) | {"offset": offset, "disk": 0} | entry.central
    header = struct.pack(
        "<4s6H3I5H2I", CENTRAL, entry.made_by | 30, 20, known["flags"], known["method"], TIME & FULL_16, TIME >> 16,
        known["crc32"], known["packed"], known["size"], len(known["name"]), len(entry.extra), len(entry.comment),
        known["disk"], 0, entry.mode << 16, known["offset"],
    )  # fmt: skip
    return b"".join((header, known["name"], entry.extra, entry.comment))


def end(count: int, size: int, offset: int, /, *, comment: bytes = b"", **lies: int) -> bytes:
    """The end record."""
    known = {"disk": 0, "start_disk": 0, "here": count, "count": count, "size": size, "offset": offset}
    known |= {"comment_size": len(comment)} | lies
    return END + struct.pack("<4H2IH", *known.values()) + comment


def end64(at: int, count: int, size: int, offset: int, /, **lies: int) -> bytes:
    """ZIP64's end record, which stands at `at`, and its locator."""
    known = {"record": 44, "disk": 0, "here": count, "count": count, "size": size, "offset": offset}
    known |= {"at": at, "disks": 1} | lies
    record = struct.pack(
        "<4sQHHIIQQQQ", END64, known["record"], 45, 45, known["disk"], 0,
        known["here"], known["count"], known["size"], known["offset"],
    )  # fmt: skip
    return record + struct.pack("<4sIQI", LOCATOR64, 0, known["at"], known["disks"])


def make_zip(
    *entries: ZipEntry,
    prefix: bytes = b"",
    before_directory: bytes = b"",
    after_directory: bytes = b"",
    suffix: bytes = b"",
    comment: bytes = b"",
    zip64: dict[str, int] | None = None,
    **lies: int,
) -> bytes:
    """An archive of `entries`; `lies` go into its end record, `zip64` asks for one of ZIP64 and lies in it."""
    body, offsets = bytearray(), []
    for entry in entries:
        body += entry.before
        offsets.append(len(body))
        body += local(entry)
    body += before_directory
    directory = b"".join(central(entry, at) for entry, at in zip(entries, offsets, strict=True))
    start, count = len(body), len(entries)
    body += directory + after_directory
    if zip64 is not None:
        body += end64(len(body), count, len(directory), start, **zip64)
    body += end(count, len(directory), start, comment=comment, **lies)
    return prefix + bytes(body) + suffix


HELLO: Final = ZipEntry("hello.txt", b"hello")


def named(name: bytes | str, **more: Any) -> bytes:
    """An archive of one harmless text with this name."""
    return make_zip(replace(HELLO, name=name, **more))
