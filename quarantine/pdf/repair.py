"""A cross-reference for a PDF that has none that works, as readers make one: from the objects that are there.

pypdf gives up on a file that was cut off or whose last offset is wrong. Other readers do not, and show it.
"""

import io
import re
from typing import BinaryIO, Final

from quarantine.budgets import MIB

_WINDOW: Final = 4 * MIB  # bytes of one read
_REACH: Final = 4096  # bytes after an object's beginning that are searched for a catalog's type
_OBJECTS_MAX: Final = 100_000
_OBJECT: Final = re.compile(rb"obj(?<!endobj)")
_NUMBER: Final = re.compile(rb"(?:\A|[^0-9])(\d{1,7})[\x00\t\n\x0c\r ]+(\d{1,5})[\x00\t\n\x0c\r ]+\Z")
_CATALOG: Final = re.compile(rb"/Type[\x00\t\n\x0c\r ]*/Catalog\b")


class _WithEnd(io.RawIOBase):
    """`stream` followed by `end`."""

    def __init__(self, stream: BinaryIO, size: int, end: bytes) -> None:
        self._stream, self._size, self._end = stream, size, end
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size + len(self._end)}[whence]
        if base + offset < 0:
            raise ValueError("a place before the beginning")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        if self._place < self._size:
            self._stream.seek(self._place)
            piece = self._stream.read(min(len(buffer), self._size - self._place))
        else:
            at = self._place - self._size
            piece = self._end[at : at + len(buffer)]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)


def repaired(stream: BinaryIO, size: int) -> BinaryIO | None:
    """Return the file with a new end; None when it has no catalog outside of object streams, or is encrypted."""
    places, catalog, encrypted = _find_objects(stream)
    if catalog is None or encrypted:
        return None
    entries = b"".join(
        b"%d 1\n%010d %05d n \n" % (number, place, generation) for number, (generation, place) in places.items()
    )
    trailer = b"trailer\n<< /Size %d /Root %d %d R >>\n" % (max(places) + 1, catalog, places[catalog][0])
    end = b"\nxref\n" + entries + trailer + b"startxref\n%d\n%%%%EOF\n" % (size + 1)
    return io.BufferedReader(_WithEnd(stream, size, end))


def _find_objects(stream: BinaryIO) -> tuple[dict[int, tuple[int, int]], int | None, bool]:
    """Generation and place of each object number, the later one of two; the last catalog; whether it is encrypted."""
    places: dict[int, tuple[int, int]] = {}
    catalog, encrypted, text, offset, begin = None, False, b"", 0, 0
    stream.seek(0)
    while True:
        piece = stream.read(_WINDOW)
        text += piece
        end = max(begin, len(text) - _REACH) if piece else len(text)
        encrypted = encrypted or b"/Encrypt" in text
        for match in _OBJECT.finditer(text, begin):
            start = max(0, match.start() - 24)
            number = _NUMBER.search(text[start : match.start()])
            if match.start() >= end or number is None or len(places) >= _OBJECTS_MAX:
                continue
            places[int(number[1])] = int(number[2]), offset + start + number.start(1)
            body = text[match.end() : match.end() + _REACH].split(b"endobj", 1)[0]
            catalog = int(number[1]) if _CATALOG.search(body) else catalog
        if not piece:
            return places, catalog, encrypted
        kept = max(0, end - 64)
        text, offset, begin = text[kept:], offset + kept, end - kept
