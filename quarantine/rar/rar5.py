"""Headers of RAR 5.

Source: https://www.rarlab.com/technote.htm ("RAR 5.0 archive format").
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from quarantine.rar.blocks import FILE_TYPE, MAGIC_5, Block, BlockKind, DamagedRarError, read_exactly

_KINDS: Final = {1: BlockKind.MAIN, 2: BlockKind.FILE, 3: BlockKind.SERVICE, 4: BlockKind.ENCRYPTION, 5: BlockKind.END}

_EXTRA, _DATA, _SPLIT = 0x01, 0x02, 0x08 | 0x10  # flags of every header
_VOLUME, _VOLUME_NUMBER, _SOLID, _RECOVERY = 0x01, 0x02, 0x04, 0x08  # flags of an archive
_FOLDER, _TIME, _CRC32, _UNKNOWN_SIZE = 0x01, 0x02, 0x04, 0x08  # flags of a file
_UNIX: Final = 1
_DICTIONARY: Final = 128 * 1024  # bytes, times 2 to the power of bits 10 to 13


class FieldReader:
    """Reads a header's fields one after the other; raises DamagedRarError where they end too early."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that were not read."""
        return len(self._body) - self._at

    def number(self) -> int:
        """Return a variable-length number of at most 64 bits."""
        value = 0
        for shift in range(0, 70, 7):
            (byte,) = self.bytes(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise DamagedRarError

    def bytes(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        if not 0 <= size <= self.left:
            raise DamagedRarError
        self._at += size
        return self._body[self._at - size : self._at]


def read_rar5_blocks(stream: BinaryIO) -> Iterator[Block]:
    """See blocks.ReadBlocks."""
    end = stream.seek(0, 2)
    at = len(MAGIC_5)
    while at < end:
        block = _read_block(stream, at)
        yield block
        if block.kind in {BlockKind.END, BlockKind.ENCRYPTION}:
            return
        at = block.data_offset + block.data_size
        if at > end:
            raise DamagedRarError


def _read_block(stream: BinaryIO, at: int) -> Block:
    stream.seek(at)
    crc32 = int.from_bytes(read_exactly(stream, 4), "little")
    # The size's own field has at most three bytes, so it is 2 MiB - 1 at most ("general archive block format").
    sized = stream.read(3)
    sizes = FieldReader(sized)
    size = sizes.number()
    length = len(sized) - sizes.left
    stream.seek(at + 4)
    header = read_exactly(stream, length + size)
    if zlib.crc32(header) != crc32:
        raise DamagedRarError
    return _parse_header(FieldReader(header[length:]), at, crc32.to_bytes(4, "little") + header)


def _parse_header(fields: FieldReader, at: int, header: bytes) -> Block:
    kind, flags = _KINDS.get(fields.number()), fields.number()
    if kind is None:
        raise DamagedRarError  # an unknown block could carry anything
    extra_size = fields.number() if flags & _EXTRA else 0
    data_size = fields.number() if flags & _DATA else 0
    body = FieldReader(fields.bytes(fields.left - extra_size))
    block = Block(kind, at, header, at + len(header), data_size, is_split=bool(flags & _SPLIT))
    if kind is BlockKind.MAIN:
        archive = body.number()
        block.is_volume = bool(archive & (_VOLUME | _VOLUME_NUMBER))
        block.is_solid, block.has_recovery = bool(archive & _SOLID), bool(archive & _RECOVERY)
    elif kind is BlockKind.END:
        block.is_volume = bool(body.number() & 1)
    elif kind in {BlockKind.FILE, BlockKind.SERVICE}:
        _parse_file(body, block)
    if kind is not BlockKind.ENCRYPTION:
        _parse_records(FieldReader(fields.bytes(extra_size)), block)
    return block


def _parse_file(body: FieldReader, block: Block) -> None:
    flags, size, attributes = body.number(), body.number(), body.number()
    block.is_folder = bool(flags & _FOLDER)
    block.size = None if flags & _UNKNOWN_SIZE else size
    block.has_exact_time = bool(flags & _TIME and body.bytes(4))  # Unix time: to the second, and UTC
    block.crc32 = int.from_bytes(body.bytes(4), "little") if flags & _CRC32 else None
    packing, system = body.number(), body.number()
    method = packing >> 7 & 7
    block.is_stored, block.is_solid = method == 0, bool(packing & 0x40)
    block.is_known_method = method <= 5 and packing & 0x3F == 0  # version 1 is RAR 7
    block.dictionary = 0 if block.is_stored else _DICTIONARY << (packing >> 10 & 0xF)
    # By mask: stat.S_IFMT raises OverflowError above 32 bits, and the claim may have 64.
    block.mode = attributes & FILE_TYPE if system == _UNIX else 0
    name = body.bytes(body.number())
    block.name = name.decode("utf-8", "replace")
    # RAR maps bytes that are not UTF-8 into a private area itself.
    block.name_is_valid = block.name.encode() == name


def _parse_records(area: FieldReader, block: Block) -> None:
    while area.left:
        record = FieldReader(area.bytes(area.number()))
        kind = record.number()
        if block.kind is BlockKind.MAIN:
            if kind == 1:
                flags = record.number()
                block.locator = (record.number() if flags & 1 else 0, record.number() if flags & 2 else 0)
        elif kind == 1:
            block.is_encrypted = True
        elif kind == 2:
            block.blake2sp = record.bytes(32) if record.number() == 0 else None
        elif kind == 3:
            block.has_exact_time = True
        elif kind == 4:
            block.is_old_version = True
        elif kind == 5:
            record.number(), record.number()
            block.target = record.bytes(record.number()).decode("utf-8", "replace")
        elif kind == 6:
            block.has_owner = _names_an_owner(record)


def _names_an_owner(record: FieldReader) -> bool:
    """Return whether a Unix owner record names an account other than root."""
    flags = record.number()
    names = [record.bytes(record.number()) for bit in (1, 2) if flags & bit]
    numbers = [record.number() for bit in (4, 8) if flags & bit]
    return any(name != b"root" for name in names) or any(numbers)
