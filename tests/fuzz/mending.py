"""Puts right sums into a mutated file: a parser ends at the first wrong one, so what lies behind is never reached."""

import zlib
from collections.abc import Callable
from typing import Final

from quarantine.image.png import PNG_MAGIC
from quarantine.rar.blocks import MAGIC_3, MAGIC_5

BLOCKS_MAX: Final = 1000


def mend(content: bytes) -> bytes:
    """The same file, with right sums as far as its blocks can be followed; files without such sums stay."""
    for magic, step in _STEPS.items():
        if content.startswith(magic):
            return _mended(bytearray(content), len(magic), step)
    return content


def _mended(content: bytearray, at: int, step: Callable[[bytearray, int], int]) -> bytes:
    for _ in range(BLOCKS_MAX):
        following = step(content, at) if at + 7 <= len(content) else 0
        if following <= at:
            break
        at = following
    return bytes(content)


def _rar3(content: bytearray, at: int) -> int:
    size = int.from_bytes(content[at + 5 : at + 7], "little")
    if size < 7:
        return 0
    summed = min(size, 13) if content[at + 2] == 0x73 else size
    content[at : at + 2] = (zlib.crc32(content[at + 2 : at + summed]) & 0xFFFF).to_bytes(2, "little")
    has_data = int.from_bytes(content[at + 3 : at + 5], "little") & 0x8000
    return at + size + (int.from_bytes(content[at + 7 : at + 11], "little") if has_data else 0)


def _rar5(content: bytearray, at: int) -> int:
    size, body = _number(content, at + 4)
    end = body + size
    if not size or end > len(content):
        return 0
    content[at : at + 4] = zlib.crc32(content[at + 4 : end]).to_bytes(4, "little")
    _, place = _number(content, body)  # its kind
    flags, place = _number(content, place)
    _, place = _number(content, place) if flags & 1 else (0, place)
    data, _ = _number(content, place) if flags & 2 else (0, place)
    return end + data


def _number(content: bytearray, at: int) -> tuple[int, int]:
    """A variable-length number, and where it ends."""
    value = shift = 0
    for byte in content[at : at + 10]:
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            break
    return value, at


def _png(content: bytearray, at: int) -> int:
    end = at + 8 + int.from_bytes(content[at : at + 4])
    if end + 4 > len(content):
        return 0
    content[end : end + 4] = zlib.crc32(content[at + 4 : end]).to_bytes(4)
    return end + 4


_STEPS: Final[dict[bytes, Callable[[bytearray, int], int]]] = {MAGIC_5: _rar5, MAGIC_3: _rar3, PNG_MAGIC: _png}
