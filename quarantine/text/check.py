"""The check of texts: which charset it is, and what in it a reader does not see (CHECKS.md, "Texts").

Two passes at most: as Unicode, strictly; where that fails, as an older charset. Memory is bounded by the piece.
"""

import codecs
from typing import BinaryIO, Final

from quarantine.budgets import MIB, Budgets
from quarantine.examination import Examination, ExamineMember
from quarantine.file_types import HEAD_SIZE
from quarantine.findings import Code, Finding
from quarantine.polyglots import ends_as_zip, is_active_text
from quarantine.text.marks import Mark, MarkSearch

WATERMARK_MIN: Final = 8  # unneeded zero-width characters: one is a slip of a web page, eight are one byte
_PIECE: Final = MIB  # bytes of one read
_UTF16_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNDEFINED: Final = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])  # in Windows-1252; its Microsoft table

_OLDER: Final = frozenset({Code.TEXT_WINDOWS_1252, Code.TEXT_UNKNOWN_CHARSET})  # there these bytes are letters
_BY_MARK: Final = (
    (Mark.BINARY, Code.TEXT_BINARY),
    (Mark.TERMINAL, Code.TEXT_ESCAPE),
    (Mark.COLOUR, Code.TEXT_COLOUR),
    (Mark.CONTROL, Code.TEXT_CONTROL),
    (Mark.BIDI_OVERRIDE, Code.TEXT_BIDI),
    (Mark.ZERO_WIDTH, Code.TEXT_ZERO_WIDTH),
    (Mark.TAG, Code.TEXT_TAGS),
)


def examine_text(stream: BinaryIO, _budgets: Budgets, _: ExamineMember) -> Examination:
    """See quarantine.check_of_type."""
    stream.seek(0)
    head = stream.read(HEAD_SIZE)
    charset, search = _read(stream, head)
    codes = [] if charset is None else [charset]
    codes += [code for mark, code in _BY_MARK if search.count(mark)]
    # Without any LF they are the line ends of an old Mac; among LF they let one line overwrite another.
    if search.count(Mark.LONE_CR) and search.count(Mark.LF):
        codes.append(Code.TEXT_LONE_CR)
    if search.count(Mark.C1) and charset not in _OLDER:
        codes.append(Code.TEXT_CONTROL)
    if search.count(Mark.BIDI_EMBEDDING) and not search.count(Mark.RIGHT_TO_LEFT):
        codes.append(Code.TEXT_BIDI)
    if search.count(Mark.ZERO_WIDTH) >= WATERMARK_MIN or search.count(Mark.TAG):
        codes.append(Code.PRIVACY_TEXT_WATERMARK)
    if is_active_text(_without_bom(head)):
        codes.append(Code.TEXT_OTHER_FORMAT)
    if ends_as_zip(stream, stream.seek(0, 2)):
        codes.append(Code.FILE_POLYGLOT)
    return Examination(tuple(Finding(code) for code in dict.fromkeys(codes)))


def _read(stream: BinaryIO, head: bytes) -> tuple[Code | None, MarkSearch]:
    """Return the finding that names the charset (None for UTF-8), and the marks of the whole text."""
    if head.startswith(_UTF16_BOMS):
        try:
            return Code.TEXT_UTF16, _search_utf16(stream, "strict")
        except UnicodeDecodeError:
            return Code.TEXT_DAMAGED, _search_utf16(stream, "replace")
    try:
        return None, _search_utf8(stream)
    except UnicodeDecodeError:
        return _search_older(stream)


def _search_utf8(stream: BinaryIO) -> MarkSearch:
    decoder, search = codecs.getincrementaldecoder("utf-8")("strict"), MarkSearch()
    skip = len(codecs.BOM_UTF8)
    stream.seek(0)
    first = stream.read(skip)
    pieces = b"" if first == codecs.BOM_UTF8 else first
    while piece := pieces or stream.read(_PIECE):
        pieces = b""
        if not piece.isascii() or decoder.getstate()[0]:
            decoder.decode(piece)
        search.update(piece)
    decoder.decode(b"", final=True)
    search.finish()
    return search


def _search_utf16(stream: BinaryIO, errors: str) -> MarkSearch:
    decoder, search = codecs.getincrementaldecoder("utf-16")(errors), MarkSearch()
    stream.seek(0)
    while piece := stream.read(_PIECE):
        search.update(decoder.decode(piece).encode("utf-8"))
    search.update(decoder.decode(b"", final=True).encode("utf-8"))
    search.finish()
    return search


def _search_older(stream: BinaryIO) -> tuple[Code, MarkSearch]:
    # The bytes as they are: controls are the same in every charset that is still in use, and a UTF-8 text with one
    # broken byte, which viewers repair, still shows its marks.
    search, undefined = MarkSearch(), False
    stream.seek(0)
    while piece := stream.read(_PIECE):
        search.update(piece)
        undefined = undefined or len(piece.translate(None, _UNDEFINED)) < len(piece)
    search.finish()
    return Code.TEXT_UNKNOWN_CHARSET if undefined else Code.TEXT_WINDOWS_1252, search


def _without_bom(head: bytes) -> bytes:
    if head.startswith(_UTF16_BOMS):
        return head.decode("utf-16", "ignore").encode("utf-8")
    return head.removeprefix(codecs.BOM_UTF8)
