"""A ZIP's members: their local headers against the directory, the bytes they take, and those bytes unpacked.

APPNOTE.TXT 4.3.7 (local header), 4.3.9 (data descriptor), 4.4.4 (flags).
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from quarantine.budgets import MIB
from quarantine.findings import Code
from quarantine.zip.directory import END, Directory, DirectoryEntry, full_sizes, read_at
from quarantine.zip.extra_fields import parse_extra

STORED, DEFLATED = 0, 8  # 4.4.5; nothing else is expanded: 337 bytes of bzip2 can ask for 815 MB
PIECE: Final = MIB  # bytes that are unpacked at once

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000  # plain, strong, and masked local headers
_HAS_DESCRIPTOR: Final = 0x0008
_UTF8: Final = 0x0800
_COMPARED: Final = _ENCRYPTED | _HAS_DESCRIPTOR | _UTF8
_AES: Final = 99  # a method that only means "encrypted"
# Bytes of one read. Deflated ones are copied again for each PIECE that comes of them, stored ones never, and there each
# read costs three system calls, which seccomp filters.
_READ: Final = {STORED: 256 * 1024, DEFLATED: 64 * 1024}
# With and without its signature, with long and short sizes. The long ones first: a short one's neighbour is a
# signature, which no long one's upper half is.
_DESCRIPTORS: Final = tuple(map(struct.Struct, ("<4sIQQ", "<IQQ", "<4sIII", "<III")))


class DamagedMemberError(Exception):
    """A member's bytes are not what its directory entry promises."""


def is_encrypted(entry: DirectoryEntry) -> bool:
    """Return whether the member is encrypted."""
    return bool(entry.flags & _ENCRYPTED) or entry.method == _AES


def decoded_name(entry: DirectoryEntry) -> tuple[str, bool]:
    """Return the name as text, and whether it is valid in the encoding that it claims (4.4.4, bit 11)."""
    try:
        return entry.name.decode("utf-8"), True
    except UnicodeDecodeError:
        # cp437 has a character for every byte.
        return entry.name.decode("cp437"), not entry.flags & _UTF8


def check_layout(stream: BinaryIO, directory: Directory, go_on: Callable[[], None]) -> None:
    """Compare every local header with its entry, and find bytes that belong to two members or to none.

    `go_on` is called for each member, and may raise: ten thousand entries can share one header of 128 kB.
    """
    size = stream.seek(0, 2)
    ranges = list(directory.ranges)
    for entry in directory.entries:
        go_on()
        ranges.append(_check_local(stream, entry, directory))
    ranges.sort()
    reached = 0
    for start, end in ranges:
        if start < reached:
            directory.find(Code.ZIP_OVERLAP)
        elif reached < min(start, size):
            _check_gap(stream, reached, min(start, size), directory)
        reached = max(reached, end)
    if reached > size:
        directory.find(Code.ZIP_UNREADABLE)


def unpacked(stream: BinaryIO, entry: DirectoryEntry) -> Iterator[bytes]:
    """Yield the bytes of a stored or deflated member, at most PIECE at once.

    Whoever iterates counts them: the entry's claims are only compared at the end.

    Raises:
        DamagedMemberError: It has no local header, does not unpack, or unpacks to other than its size and CRC.
    """
    size = crc32 = 0
    for piece in _pieces(stream, entry):
        size += len(piece)
        crc32 = zlib.crc32(piece, crc32)
        yield piece
    if size != entry.size or crc32 != entry.crc32:
        raise DamagedMemberError


def _local(stream: BinaryIO, entry: DirectoryEntry) -> tuple[int, ...] | None:
    header = read_at(stream, entry.offset, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        return None
    return _LOCAL.unpack(header)[1:]


def _check_local(stream: BinaryIO, entry: DirectoryEntry, directory: Directory) -> tuple[int, int]:
    """Return the offsets that the member takes, header and descriptor included."""
    local = _local(stream, entry)
    if local is None:
        directory.find(Code.ZIP_UNREADABLE)
        return entry.offset, entry.offset
    _, flags, method, _, _, crc32, packed, size, n_name, n_extra = local
    name = stream.read(n_name)
    extra, sound = parse_extra(stream.read(n_extra))
    if not sound:
        directory.find(Code.ZIP_EXTRA)
    # Here the ZIP64 field has both sizes or none (4.5.3), the size first.
    size, packed = full_sizes((size, packed), extra, directory)
    end = entry.offset + _LOCAL.size + n_name + n_extra + entry.packed
    claimed, real = (crc32, packed, size), (entry.crc32, entry.packed, entry.size)
    same = name == entry.name and method == entry.method and not (flags ^ entry.flags) & _COMPARED
    if flags & _HAS_DESCRIPTOR:
        # Zeros, as they were not known yet; each by itself, as some writers know the size.
        same &= all(here in {0, there} for here, there in zip(claimed, real, strict=True))
        after = _descriptor_size(stream, end, entry)
        same &= after > 0
        end += after
    else:
        same &= claimed == real
    if not same:
        directory.find(Code.ZIP_HEADERS_DIFFER)
    return entry.offset, end


def _descriptor_size(stream: BinaryIO, at: int, entry: DirectoryEntry) -> int:
    """Bytes of the descriptor that agrees with `entry`; 0 when none does."""
    found = read_at(stream, at, _DESCRIPTORS[0].size)
    for form in _DESCRIPTORS:
        if len(found) >= form.size:
            values = form.unpack_from(found)
            if values[-3:] == (entry.crc32, entry.packed, entry.size) and values[0] in {b"PK\x07\x08", entry.crc32}:
                return form.size
    return 0


def _check_gap(stream: BinaryIO, start: int, end: int, directory: Directory) -> None:
    kept, is_zero, is_inside = b"", True, start > 0
    while start < end and (piece := read_at(stream, start, min(end - start, PIECE))):
        start += len(piece)
        is_zero = is_zero and not piece.strip(b"\x00")
        if END in kept + piece:
            directory.find(Code.ZIP_SEVERAL_ENDS)
        kept = piece[-3:]
    if is_zero:
        directory.find(Code.ZIP_PADDING)
    else:
        directory.find(Code.ZIP_GAP if is_inside else Code.ZIP_PREPENDED)


def _pieces(stream: BinaryIO, entry: DirectoryEntry) -> Iterator[bytes]:
    local = _local(stream, entry)
    if local is None:
        raise DamagedMemberError
    at = entry.offset + _LOCAL.size + local[-2] + local[-1]
    packed = _packed(stream, at, entry.packed, _READ[entry.method])
    yield from packed if entry.method == STORED else _inflated(packed)


def _packed(stream: BinaryIO, at: int, size: int, piece_size: int) -> Iterator[bytes]:
    end = at + size
    while at < end:
        # Sought each time: between two pieces others may read.
        piece = read_at(stream, at, min(piece_size, end - at))
        if not piece:
            raise DamagedMemberError
        at += len(piece)
        yield piece


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in packed:
            if inflating.eof:
                raise DamagedMemberError  # bytes that no inflater reads
            waiting, out = piece, b""
            # A full piece may leave more inside the inflater, though no input waits.
            while not inflating.eof and (waiting or len(out) == PIECE):
                out = inflating.decompress(waiting, PIECE)
                waiting = inflating.unconsumed_tail
                if out:
                    yield out
            if inflating.unused_data:
                raise DamagedMemberError
    except zlib.error:
        raise DamagedMemberError from None
    if not inflating.eof:
        raise DamagedMemberError
