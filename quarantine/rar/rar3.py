"""Headers of RAR 1.5 to 4.

Source: technote.txt of RAR 3.93 and the reader of UnRAR 3 (arcread.cpp, headers.hpp, encname.cpp).
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from quarantine.rar.blocks import FILE_TYPE, MAGIC_3, Block, BlockKind, DamagedRarError, read_exactly

_BASE: Final = struct.Struct("<HBHH")  # sum, kind, flags, size
_FILE: Final = struct.Struct("<IIBIIBBHI")  # packed, size, system, CRC, time, version, method, name's size, attributes
_MAIN_SIZE: Final = 13  # bytes with the base; a comment may follow, outside of the sum

_MAIN, _FILE_KIND, _SERVICE, _END = 0x73, 0x74, 0x7A, 0x7B
_OLD: Final = frozenset({0x75, 0x76, 0x77, 0x78, 0x79})  # comment, authenticity, sub-block, recovery, signature
_OLD_AUTHENTICITY, _OLD_SUB, _OLD_RECOVERY = 0x76, 0x77, 0x78
_OLD_UNIX_OWNER: Final = 0x101  # kind of an old sub-block; its data lies inside the header's sum
_LONG: Final = 0x8000
_VOLUME, _COMMENT, _SOLID, _RECOVERY, _PASSWORD = 0x01, 0x02, 0x08, 0x40, 0x80  # flags of an archive
_SPLIT, _ENCRYPTED, _FILE_COMMENT, _FILE_SOLID = 0x03, 0x04, 0x08, 0x10  # flags of a file
_DICTIONARY, _LARGE, _UNICODE, _SALT, _VERSION, _EXACT_TIME = 0xE0, 0x100, 0x200, 0x400, 0x800, 0x1000
_NEXT_VOLUME: Final = 0x01  # flag of the end
_UNIX: Final = 3
_STORED: Final = 0x30
_METHODS: Final = range(0x30, 0x36)
_VERSIONS: Final = frozenset({20, 26, 29})  # of the packer, which unar masters; 15 it gets wrong


def read_rar3_blocks(stream: BinaryIO) -> Iterator[Block]:
    """See blocks.ReadBlocks."""
    end = stream.seek(0, 2)
    at = len(MAGIC_3)
    while at < end:
        stream.seek(at)
        base = read_exactly(stream, _BASE.size)
        size = _BASE.unpack(base)[3]
        if size < _BASE.size:
            raise DamagedRarError
        header = base + read_exactly(stream, size - _BASE.size)
        block, summed = _parse_header(header, at)
        if summed is not None and zlib.crc32(header[2:summed]) & 0xFFFF != _BASE.unpack(base)[0]:
            raise DamagedRarError
        yield block
        if block.kind is BlockKind.END or (block.kind is BlockKind.MAIN and block.is_encrypted):
            return
        at = block.data_offset + block.data_size
        if at > end:
            raise DamagedRarError


def _parse_header(header: bytes, at: int) -> tuple[Block, int | None]:
    """Return the block, and how many of its header's bytes its sum covers; None for all and its data."""
    _, kind, flags, size = _BASE.unpack_from(header)
    try:
        data_size = struct.unpack_from("<I", header, _BASE.size)[0] if flags & _LONG else 0
        block = Block(BlockKind.OTHER, at, header, at + size, data_size)
        if kind == _MAIN:
            return _main(block, flags), min(size, _MAIN_SIZE)
        if kind in {_FILE_KIND, _SERVICE}:
            block.kind = BlockKind.FILE if kind == _FILE_KIND else BlockKind.SERVICE
            summed = _parse_file(block, flags)
            return block, summed if kind == _FILE_KIND and flags & _FILE_COMMENT else size
        if kind == _END:
            block.kind, block.is_volume = BlockKind.END, bool(flags & _NEXT_VOLUME)
            return block, size
    except struct.error:
        raise DamagedRarError from None
    if kind not in _OLD:
        raise DamagedRarError  # an unknown block could carry anything
    block.has_recovery = kind == _OLD_RECOVERY
    if kind == _OLD_SUB:
        block.has_owner = header[11:13] == _OLD_UNIX_OWNER.to_bytes(2, "little")
        return block, None
    return block, min(size, {_OLD_AUTHENTICITY: 15, _OLD_RECOVERY: size}.get(kind, 14))


def _main(block: Block, flags: int) -> Block:
    block.kind = BlockKind.MAIN
    block.is_volume, block.is_solid = bool(flags & _VOLUME), bool(flags & _SOLID)
    block.has_comment, block.has_recovery = bool(flags & _COMMENT), bool(flags & _RECOVERY)
    block.is_encrypted = bool(flags & _PASSWORD)
    return block


def _parse_file(block: Block, flags: int) -> int:
    """Fill `block`; return where the fields end."""
    packed, size, system, crc32, _, version, method, name_size, attributes = _FILE.unpack_from(block.header, _BASE.size)
    at = _BASE.size + _FILE.size
    if flags & _LARGE:
        high_packed, high = struct.unpack_from("<II", block.header, at)
        packed, size, at = packed | high_packed << 32, size | high << 32, at + 8
    name = block.header[at : at + name_size]
    if len(name) != name_size:
        raise DamagedRarError
    at += name_size + (8 if flags & _SALT else 0)
    block.data_size, block.size, block.crc32 = packed, size, crc32
    block.name, block.name_is_valid = _name(name, is_unicode=bool(flags & _UNICODE))
    block.mode = attributes & FILE_TYPE if system == _UNIX else 0
    block.is_folder = flags & _DICTIONARY == _DICTIONARY and not stat.S_ISLNK(block.mode)
    block.is_split, block.is_encrypted = bool(flags & _SPLIT), bool(flags & _ENCRYPTED)
    block.is_solid, block.is_old_version = bool(flags & _FILE_SOLID), bool(flags & _VERSION)
    block.has_comment, block.has_exact_time = bool(flags & _FILE_COMMENT), bool(flags & _EXACT_TIME)
    block.is_stored = method == _STORED
    block.is_known_method = method in _METHODS and (block.is_stored or version in _VERSIONS)
    # RAR 3's largest is 4 MiB.
    block.dictionary = 0 if block.is_stored else 65536 << (flags >> 5 & 7)
    return int(at) + (_exact_time_size(block.header, at) if flags & _EXACT_TIME else 0)


def _exact_time_size(header: bytes, at: int) -> int:
    """Bytes of the extended time field."""
    (flags,) = struct.unpack_from("<H", header, at)
    size = 2
    for index in range(4):
        bits = flags >> (3 - index) * 4
        if bits & 8:
            # The first time's seconds stand in the header already.
            size += (4 if index else 0) + (bits & 3)
    return size


def _name(untrusted_name: bytes, *, is_unicode: bool) -> tuple[str, bool]:
    if not is_unicode:
        try:
            return untrusted_name.decode("utf-8"), True
        except UnicodeDecodeError:
            return untrusted_name.decode("cp437"), True
    plain, zero, packed = untrusted_name.partition(b"\x00")
    if not zero:
        text = plain.decode("utf-8", "replace")
        return text, text.encode() == plain
    return _unpacked_name(plain, packed)


def _unpacked_name(plain: bytes, packed: bytes) -> tuple[str, bool]:
    """Return a name in UTF-16, packed against its plain form (encname.cpp); and whether the packing made sense."""
    units: list[int] = []
    left = iter(packed)
    try:
        high = next(left)
        flags = bits = 0
        for _ in packed:  # each step takes one of its bytes, or more
            if not bits:
                flags, bits = next(left), 8
            bits -= 2
            match flags >> bits & 3:
                case 0:
                    units.append(next(left))
                case 1:
                    units.append(next(left) | high << 8)
                case 2:
                    units.append(next(left) | next(left) << 8)
                case _:
                    _copy(units, plain, left, high)
    except (StopIteration, IndexError):
        pass  # the end; the last flags may ask for more than there is
    text = b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "replace")
    return text, "\ufffd" not in text


def _copy(units: list[int], plain: bytes, left: Iterator[int], high: int) -> None:
    """Take a run of characters from the plain form, some of them corrected."""
    length = next(left)
    correction = next(left) if length & 0x80 else None
    for _ in range((length & 0x7F) + 2):
        byte = plain[len(units)]
        units.append(byte if correction is None else (byte + correction) & 0xFF | high << 8)
