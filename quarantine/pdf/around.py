"""What stands around a PDF: before its header and after its end, where other formats have their beginning or their end.

Offsets in a PDF count from its header for some readers and from the file's beginning for others (ISO 32000-1, annex
H.3, note 13), so two documents fit into a file whose header is not at its beginning.
"""

import re
from typing import BinaryIO, Final

from quarantine.budgets import MIB
from quarantine.file_types import PDF_HEADER_WITHIN
from quarantine.findings import Code
from quarantine.pdf.raw_bytes import PdfBytes
from quarantine.polyglots import ends_as_zip, is_active_text, is_container, is_program

_AFTER_END: Final = MIB  # bytes of one read after the last %%EOF
_TAIL: Final = 4096  # bytes of the end in which the offset of the cross-reference is searched
_BLANK: Final = b"\x00\t\n\x0c\r \x1a"
_START: Final = re.compile(rb"startxref[\x00\t\n\x0c\r ]+(\d{1,10})")
_CROSS_REFERENCE: Final = re.compile(rb"xref\b|\d{1,10}[\x00\t\n\x0c\r ]+\d{1,5}[\x00\t\n\x0c\r ]+obj\b")


def look_around(stream: BinaryIO, size: int, seen: PdfBytes) -> None:
    """Add to `seen` what stands before the header and after the end."""
    stream.seek(0)
    head = stream.read(PDF_HEADER_WITHIN + 5)
    before = head[: max(0, head.find(b"%PDF-"))]
    if before and _has_two_beginnings(stream, size, len(before)):
        seen.codes.add(Code.PDF_AMBIGUOUS)
    if before.strip(_BLANK + b"\xef\xbb\xbf"):
        seen.codes.add(Code.PDF_DATA_BEFORE)
        if is_active_text(before) or is_program(before) or is_container(before):
            seen.codes.add(Code.FILE_POLYGLOT)
    _look_behind(stream, size, seen)


def _look_behind(stream: BinaryIO, size: int, seen: PdfBytes) -> None:
    if not seen.end_places:
        seen.codes.add(Code.PDF_NO_END)
    elif seen.end_places[-1] < size:
        stream.seek(seen.end_places[-1])
        after = b""
        while not after and (piece := stream.read(_AFTER_END)):
            after = piece.lstrip(_BLANK)
        if after:
            seen.codes.add(Code.PDF_DATA_AFTER)
        if is_container(after) or is_program(after) or is_active_text(after):
            seen.codes.add(Code.FILE_POLYGLOT)
    if ends_as_zip(stream, size):
        seen.codes.add(Code.FILE_POLYGLOT)
    if len(seen.end_places) > (2 if seen.linearized else 1):
        seen.codes |= {Code.PDF_SEVERAL_REVISIONS, Code.PRIVACY_PDF_REVISIONS}


def _has_two_beginnings(stream: BinaryIO, size: int, shift: int) -> bool:
    """Return whether a cross-reference is found both from the file's beginning and from its header, `shift` later."""
    stream.seek(max(0, size - _TAIL))
    starts = _START.findall(stream.read(_TAIL))
    return bool(starts) and all(_is_cross_reference(stream, int(starts[-1]) + more) for more in (0, shift))


def _is_cross_reference(stream: BinaryIO, place: int) -> bool:
    stream.seek(place)
    return _CROSS_REFERENCE.match(stream.read(64)) is not None
