"""A PDF's bytes in one pass, without believing its cross-reference: names, objects, revisions, streams.

Sees what a reader that trusts the cross-reference does not: old revisions, objects that nothing points to, names in
object streams of all of them. Deflated streams are inflated and counted (a bomb is meant for the next reader), pictures
are searched for what identifies their maker. Memory is bounded by the window.
"""

import bisect
import contextlib
import itertools
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from quarantine.budgets import MIB, Budgets
from quarantine.errors import OverBudgetError
from quarantine.findings import Code
from quarantine.image.jpeg import JPEG_MAGIC, jpeg_privacy
from quarantine.pdf.bare_names import BareNames
from quarantine.pdf.lexer import unescape
from quarantine.pdf.names import REACH, find_names

OBJECT_STREAM_MAX: Final = 16 * MIB  # bytes that an object stream is searched for names; most have 100 objects

_WINDOW: Final = 4 * MIB  # bytes of one read
_LOOK_BACK: Final = 16 * 1024  # bytes before a stream that are searched for its dictionary
_PIECE: Final = 64 * 1024  # bytes of one read while inflating
_SAMPLE_MAX: Final = 512 * _PIECE  # bytes; deflate reaches 1032 to 1, a page with anything on it far less
_INFLATED: Final = MIB  # bytes of one step of inflating
_PICTURE: Final = 512 * 1024  # bytes of a picture in which its metadata lies
_PICTURES_MAX: Final = 200  # pictures that are searched: usually one person made them all
_END: Final = re.compile(rb"%%EOF")
_STREAM: Final = re.compile(rb"stream(?<!endstream)(?:\r\n|\n|\r)")
_GAP: Final = rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]{0,200}[\r\n])+"
_OBJECT: Final = re.compile(rb"obj(?<!endobj)")
_NUMBERS: Final = re.compile(rb"(?<!\d)(\d{1,10})" + _GAP + rb"(\d{1,5})(?:" + _GAP + rb")?\Z")
_ALONE: Final = re.compile(rb"[\x00\t\n\x0c\r 0-9]obj[\x00\t\n\x0c\r <\[(/%]")  # numbers not recognised
_NUMBERS_WITHIN: Final = 240  # bytes before `obj`; comments may stand between
_TRAILER: Final = re.compile(rb"trailer(?![A-Za-z])")
_TRAILERS_MAX: Final = 1000
_FILTER: Final = re.compile(rb"Decode\b")
_COMPRESSION: Final = re.compile(rb"/(?:FlateDecode|Fl|LZWDecode|LZW|RunLengthDecode|RL|BrotliDecode)\b")
_IMAGE: Final = re.compile(rb"/Subtype[\x00\t\n\x0c\r ]*/Image\b")
_LENGTH: Final = re.compile(rb"/Length[\x00\t\n\x0c\r ]+(\d{1,9})(?![\x00\t\n\x0c\r ]+\d+[\x00\t\n\x0c\r ]+R|\d)")
_NAME_MAX: Final = 128  # bytes of a name that two pieces share
_BLANK: Final = b"\x00\t\n\x0c\r \x1a"


@dataclass(frozen=True, slots=True)
class Definition:
    """Where an object begins, whether or not a cross-reference names it."""

    number: int
    generation: int
    offset: int
    revision: int  # ends before it
    is_inside: bool  # of the bytes of a stream


@dataclass(slots=True)
class PdfBytes:
    """What one pass over a PDF's bytes saw."""

    codes: set[Code] = field(default_factory=set)
    has_objects: bool = False  # a dictionary, a stream or encryption
    linearized: bool = False  # ISO 32000-1, annex F: two ends of one revision
    # Object numbers whose contents the names above do not cover, because they are not simply deflated.
    unread_object_streams: set[int] = field(default_factory=set)
    # Those that are not all there: whatever a walk makes of them, it guesses.
    damaged_object_streams: set[int] = field(default_factory=set)
    embedded_files: Counter[int] = field(default_factory=Counter)  # how many there are of an object number
    names: BareNames = field(default_factory=BareNames)
    objects: list[tuple[int, int, int]] = field(default_factory=list)  # number (or 0), generation, offset
    trailers: list[int] = field(default_factory=list)  # offsets
    end_places: list[int] = field(default_factory=list)  # offsets after each %%EOF
    streams: list[tuple[int, int]] = field(default_factory=list)  # begin and end of those whose length is known

    def definitions(self) -> list[Definition]:
        """Return every object that stands in the bytes, in their order."""
        begins = [begin for begin, _ in self.streams]
        found = []
        for number, generation, offset in self.objects:
            before = bisect.bisect_right(begins, offset) - 1
            is_inside = before >= 0 and offset < self.streams[before][1]
            revision = bisect.bisect_right(self.end_places, offset)
            found.append(Definition(number, generation, offset, revision, is_inside))
        return found


def scan_bytes(stream: BinaryIO, budgets: Budgets) -> PdfBytes:
    """Read all of `stream`.

    Raises:
        OverBudgetError: One of its streams, or all object streams, inflate to more than a file may have.
    """
    scan = _Scan(stream, budgets)
    scan.run()
    return scan.seen


class _Scan:
    def __init__(self, stream: BinaryIO, budgets: Budgets) -> None:
        self.seen = PdfBytes()
        self._stream = stream
        # No ratio over the whole, as archives have: a hundred white pages are an ordinary scan, drawn one by one.
        self._left = budgets.unpacked_bytes
        self._objects_left = budgets.member_bytes
        self._member_max = budgets.member_bytes
        self._inflated_to = 0  # offset; what lies before it was part of a stream
        self._objects_max = 2 * budgets.pdf_objects  # a place takes little memory, and no time
        self._pictures = 0

    def run(self) -> None:
        text, offset, begin = b"", 0, 0
        while True:
            self._stream.seek(offset + len(text))
            piece = self._stream.read(_WINDOW)
            text += piece
            # The last window decides about everything, others leave its end to the next.
            end = max(begin, len(text) - REACH) if piece else len(text)
            self._look(text, offset, begin, end)
            if not piece:
                return
            start = max(0, end - _LOOK_BACK)
            text, offset, begin = text[start:], offset + start, end - start

    def _look(self, text: bytes, offset: int, begin: int, end: int) -> None:
        seen = self.seen
        if offset == 0 and begin == 0:
            seen.linearized = b"/Linearized" in text[:2048]
        seen.codes |= find_names(text, begin, end)
        seen.has_objects = seen.has_objects or b"<<" in text
        for match in _END.finditer(text, begin):
            if match.start() < end:
                seen.end_places.append(offset + match.end())
        seen.names.search_bytes(text, begin, end)
        places = (match.start() for match in _TRAILER.finditer(text, begin) if match.start() < end)
        seen.trailers += [offset + place for place in itertools.islice(places, _TRAILERS_MAX - len(seen.trailers))]
        for match in _OBJECT.finditer(text, begin):
            if match.start() < end and len(seen.objects) <= self._objects_max:
                at = max(0, match.start() - _NUMBERS_WITHIN)
                if (numbers := _NUMBERS.search(text[at : match.start()])) is not None:
                    seen.objects.append((int(numbers[1]), int(numbers[2]), offset + at + numbers.start()))
                elif _ALONE.search(text, match.start() - 1, match.end() + 1):
                    seen.objects.append((0, 0, offset + match.start()))
        for match in _STREAM.finditer(text, begin):
            if match.start() < end and offset + match.end() >= self._inflated_to:
                self._look_into_stream(text, offset, match)

    def _look_into_stream(self, text: bytes, offset: int, match: re.Match[bytes]) -> None:
        seen, start = self.seen, offset + match.end()
        seen.has_objects = True
        number, dictionary = _object_before(text[max(0, match.start() - _LOOK_BACK) : match.start()])
        head = text[match.end() : match.end() + len(JPEG_MAGIC)]
        is_picture = _IMAGE.search(dictionary) is not None
        self._note_length(dictionary, start)
        if b"/EmbeddedFile" in dictionary:
            seen.embedded_files[number] += not self._is_inside(start)
        if len(_COMPRESSION.findall(dictionary)) > 1:
            seen.codes.add(Code.PDF_FILTERS)
        if head == JPEG_MAGIC and self._pictures < _PICTURES_MAX:
            self._pictures += 1
            self._stream.seek(start)
            seen.codes |= jpeg_privacy(self._stream.read(_PICTURE))
        if b"/ObjStm" in dictionary or (b"/First" in dictionary and b"/N" in dictionary):
            self._look_into_object_stream(number, dictionary, head, start)
        elif _is_zlib(head) and self._left > 0:
            self._inflate(start, None, is_searched=not is_picture)
        elif _is_zlib(head):
            self._sample(start, is_picture=is_picture)

    def _note_length(self, dictionary: bytes, start: int) -> None:
        """Note where a stream ends, if its dictionary itself says so and is right."""
        length = _LENGTH.search(dictionary)
        if length is None or self._is_inside(start):
            return
        end = start + int(length[1])
        self._stream.seek(end)
        if self._stream.read(16).lstrip(_BLANK).startswith(b"endstream"):
            self.seen.streams.append((start, end))

    def _is_inside(self, place: int) -> bool:
        return bool(self.seen.streams) and place < self.seen.streams[-1][1] and place != self.seen.streams[-1][0]

    def _look_into_object_stream(self, number: int, dictionary: bytes, head: bytes, start: int) -> None:
        seen, kept = self.seen, bytearray()
        seen.codes.add(Code.PDF_OBJECT_STREAMS)
        if _is_zlib(head):
            if not self._inflate(start, kept):
                seen.damaged_object_streams.add(number)
            seen.codes |= find_names(bytes(kept))
        # Names of one without any filter are in the raw bytes.
        filters = len(_FILTER.findall(dictionary))
        if b"/Predictor" in dictionary or filters != (1 if _is_zlib(head) else 0):
            seen.unread_object_streams.add(number)

    def _inflate(self, start: int, kept: bytearray | None, *, is_searched: bool = True) -> bool:
        """Inflate what is at `start` and pay for it; false when it is damaged or not all of it was kept."""
        inflater, size, position, before = zlib.decompressobj(), 0, start, b""
        self._stream.seek(start)
        piece = self._stream.read(4096)
        try:
            while piece and not inflater.eof:
                position += len(piece)
                while piece and not inflater.eof:
                    content = inflater.decompress(piece, _INFLATED)
                    piece = inflater.unconsumed_tail
                    size += len(content)
                    self._pay(len(content), size, objects=kept is not None)
                    if kept is not None and len(kept) < OBJECT_STREAM_MAX:
                        kept += content
                    if is_searched:
                        self.seen.names.search_decoded(before + content)
                        before = content[-_NAME_MAX:]
                piece = self._stream.read(_PIECE)
        except zlib.error:
            return kept is not None and self._salvage(start, kept)
        self._inflated_to = position - len(inflater.unused_data)
        self.seen.streams.append((start, self._inflated_to))
        return inflater.eof and (kept is None or len(kept) == size)

    def _salvage(self, start: int, kept: bytearray) -> bool:
        """Keep what comes out before the damage; true when that is all, and only the checksum is wrong."""
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without zlib's header and sum; RFC 1950, section 2.2
        self._stream.seek(start + 2)
        kept.clear()
        with contextlib.suppress(zlib.error):
            # Byte by byte: zlib gives nothing of a piece in which it fails.
            for byte in self._stream.read(_PIECE):
                kept += inflater.decompress(bytes((byte,)))
                if inflater.eof or len(kept) > OBJECT_STREAM_MAX:
                    return inflater.eof
        return False

    def _sample(self, start: int, *, is_picture: bool) -> None:
        """Once enough was inflated, check only whether a stream begins as a bomb does."""
        self._stream.seek(start)
        with contextlib.suppress(zlib.error):
            content = zlib.decompressobj().decompress(self._stream.read(_PIECE), _SAMPLE_MAX)
            if len(content) == _SAMPLE_MAX:
                raise OverBudgetError("a stream of a PDF begins as a bomb does")
        self.seen.codes.add(Code.PDF_PICTURES_SAMPLED if is_picture else Code.PDF_NOT_ALL_WALKED)

    def _pay(self, size: int, of_this_stream: int, *, objects: bool) -> None:
        self._left -= size
        self._objects_left -= size if objects else 0
        if of_this_stream > self._member_max or self._objects_left < 0:
            raise OverBudgetError("a PDF's streams unpack to more than is inspected here")


def _object_before(text: bytes) -> tuple[int, bytes]:
    """Return the number and the dictionary of the object whose stream follows `text`."""
    place = text.rfind(b"obj")
    number = 0
    if (found := _NUMBERS.search(text[max(0, place - _NUMBERS_WITHIN) : max(0, place)])) is not None:
        number = int(found[1])
    dictionary = text[max(0, place) :]
    return number, unescape(dictionary) if b"#" in dictionary else dictionary


def _is_zlib(head: bytes) -> bool:
    return len(head) > 1 and head[0] & 0x0F == 8 and int.from_bytes(head[:2]) % 31 == 0  # RFC 1950, section 2.2
