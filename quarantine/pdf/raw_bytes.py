"""A PDF's bytes in one pass, without believing its cross-reference: names, revisions, streams, what lies around it.

Sees what a reader that trusts the cross-reference does not: old revisions, objects that nothing points to, names in
object streams of all of them. Deflated streams are inflated and counted (a bomb is meant for the next reader), pictures
are searched for what identifies their maker. Memory is bounded by the window.
"""

import contextlib
import re
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from quarantine.budgets import MIB, Budgets
from quarantine.errors import OverBudgetError
from quarantine.file_types import PDF_HEADER_WITHIN
from quarantine.findings import Code
from quarantine.image.jpeg import JPEG_MAGIC, jpeg_privacy
from quarantine.pdf.names import REACH, find_names, unescape
from quarantine.polyglots import ends_as_zip, is_active_text, is_container, is_program

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
_OBJECT: Final = re.compile(rb"(\d{1,10})[\x00\t\n\x0c\r ]+\d{1,5}[\x00\t\n\x0c\r ]+obj")
_FILTER: Final = re.compile(rb"Decode\b")
_COMPRESSION: Final = re.compile(rb"/(?:FlateDecode|Fl|LZWDecode|LZW|RunLengthDecode|RL|BrotliDecode)\b")
_IMAGE: Final = re.compile(rb"/Subtype[\x00\t\n\x0c\r ]*/Image\b")
_AFTER_END: Final = MIB  # bytes of one read after the last %%EOF
_BLANK: Final = b"\x00\t\n\x0c\r \x1a"


@dataclass(slots=True)
class PdfBytes:
    """What one pass over a PDF's bytes saw."""

    codes: set[Code] = field(default_factory=set)
    ends: int = 0  # %%EOF
    hides: bool = False  # a stream or encryption: something that the bytes by themselves do not show
    linearized: bool = False  # ISO 32000-1, annex F: two ends of one revision
    last_end: int = 0  # offset after the last %%EOF
    # Object numbers whose contents the names above do not cover, because they are not simply deflated.
    unread_object_streams: set[int] = field(default_factory=set)
    # Those that are not all there: whatever a walk makes of them, it guesses.
    damaged_object_streams: set[int] = field(default_factory=set)
    embedded_files: set[int] = field(default_factory=set)  # object numbers


def scan_bytes(stream: BinaryIO, size: int, budgets: Budgets) -> PdfBytes:
    """Read all of `stream`, `size` bytes.

    Raises:
        OverBudgetError: One of its streams, or all object streams, inflate to more than a file may have.
    """
    scan = _Scan(stream, budgets)
    scan.run()
    _look_around(stream, size, scan.seen)
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
        seen.hides = seen.hides or b"/Encrypt" in text
        for match in _END.finditer(text, begin):
            if match.start() < end:
                seen.ends += 1
                seen.last_end = offset + match.end()
        for match in _STREAM.finditer(text, begin):
            if match.start() < end and offset + match.end() >= self._inflated_to:
                self._look_into_stream(text, offset, match)

    def _look_into_stream(self, text: bytes, offset: int, match: re.Match[bytes]) -> None:
        seen, start = self.seen, offset + match.end()
        seen.hides = True
        number, dictionary = _object_before(text[max(0, match.start() - _LOOK_BACK) : match.start()])
        head = text[match.end() : match.end() + len(JPEG_MAGIC)]
        if b"/EmbeddedFile" in dictionary:
            seen.embedded_files.add(number)
        if len(_COMPRESSION.findall(dictionary)) > 1:
            seen.codes.add(Code.PDF_FILTERS)
        if head == JPEG_MAGIC and self._pictures < _PICTURES_MAX:
            self._pictures += 1
            self._stream.seek(start)
            seen.codes |= jpeg_privacy(self._stream.read(_PICTURE))
        if b"/ObjStm" in dictionary or (b"/First" in dictionary and b"/N" in dictionary):
            self._look_into_object_stream(number, dictionary, head, start)
        elif _is_zlib(head) and self._left > 0:
            self._inflate(start, None)
        elif _is_zlib(head):
            self._sample(start, is_picture=_IMAGE.search(dictionary) is not None)

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

    def _inflate(self, start: int, kept: bytearray | None) -> bool:
        """Inflate what is at `start` and pay for it; false when it is damaged or not all of it was kept."""
        inflater, size, position = zlib.decompressobj(), 0, start
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
                piece = self._stream.read(_PIECE)
        except zlib.error:
            return kept is not None and self._salvage(start, kept)
        self._inflated_to = position - len(inflater.unused_data)
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
    for found in _OBJECT.finditer(text, max(0, place - 24)):
        number = int(found[1])
    dictionary = text[max(0, place) :]
    return number, unescape(dictionary) if b"#" in dictionary else dictionary


def _is_zlib(head: bytes) -> bool:
    return len(head) > 1 and head[0] & 0x0F == 8 and int.from_bytes(head[:2]) % 31 == 0  # RFC 1950, section 2.2


def _look_around(stream: BinaryIO, size: int, seen: PdfBytes) -> None:
    """What stands before the header and after the end; other formats keep their beginning or their end there."""
    stream.seek(0)
    head = stream.read(PDF_HEADER_WITHIN + 5)
    before = head[: max(0, head.find(b"%PDF-"))]
    if before.strip(_BLANK + b"\xef\xbb\xbf"):
        seen.codes.add(Code.PDF_DATA_BEFORE)
        if is_active_text(before) or is_program(before) or is_container(before):
            seen.codes.add(Code.FILE_POLYGLOT)
    if not seen.ends:
        seen.codes.add(Code.PDF_NO_END)
    elif seen.last_end < size:
        stream.seek(seen.last_end)
        after = b""
        while not after and (piece := stream.read(_AFTER_END)):
            after = piece.lstrip(_BLANK)
        if after:
            seen.codes.add(Code.PDF_DATA_AFTER)
        if is_container(after) or is_program(after) or is_active_text(after):
            seen.codes.add(Code.FILE_POLYGLOT)
    if ends_as_zip(stream, size):
        seen.codes.add(Code.FILE_POLYGLOT)
    if seen.ends > (2 if seen.linearized else 1):
        seen.codes |= {Code.PDF_SEVERAL_REVISIONS, Code.PRIVACY_PDF_REVISIONS}
