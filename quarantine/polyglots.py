"""Other formats inside a file that was taken as a PDF, a text or a picture: by their magic, in places that matter."""

import re
from typing import BinaryIO, Final

EOCD: Final = b"PK\x05\x06"  # APPNOTE.TXT 4.3.16
_EOCD_SIZE: Final = 22  # bytes without the comment
_COMMENT_MAX: Final = 0xFFFF  # bytes
_TAIL: Final = _EOCD_SIZE + _COMMENT_MAX
_DIRECTORY_ENTRY: Final = b"PK\x01\x02"  # APPNOTE.TXT 4.3.12

# What begins a program or a container that something would run or open by its content.
PROGRAM_MAGIC: Final = (
    b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"#!", b"dex\n", b"\x00asm",
    b"L\x00\x00\x00\x01\x14\x02\x00",  # Windows shortcut; MS-SHLLINK 2.1
)  # fmt: skip
ARCHIVE_MAGIC: Final = (
    b"PK\x03\x04", b"PK\x05\x06", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"MSCF", b"\x1f\x8b\x08", b"BZh",
    b"\xfd7zXZ\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"ITSF", b"\x28\xb5\x2f\xfd",
)  # fmt: skip
# Texts that a program would read as more than text when they are renamed.
_ACTIVE_TEXT: Final = re.compile(
    rb"\s*(?:#!\s*/|%!PS|<\?php|@echo\s+off|windows registry editor|\[internetshortcut\]|\[autorun\]|mime-version:"
    rb"|\{\\rtf|%pdf-|on error resume next"
    # XML by itself is data; XHTML and SVG are pages.
    rb"|(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!doctype\s+(?:html|svg)|<html|<head|<body|<script|<svg|<job\b|<hta:))",
    re.IGNORECASE,
)


def is_program(untrusted_head: bytes) -> bool:
    """Return whether these first bytes are those of something that runs."""
    return untrusted_head.startswith(PROGRAM_MAGIC)


def is_container(untrusted_head: bytes) -> bool:
    """Return whether these first bytes are those of an archive, a compressed file or a compound document."""
    return untrusted_head.startswith(ARCHIVE_MAGIC)


def is_active_text(untrusted_head: bytes) -> bool:
    """Return whether a text begins as a script, a page or another text that something executes or renders."""
    return _ACTIVE_TEXT.match(untrusted_head) is not None


def ends_as_zip(stream: BinaryIO, size: int) -> bool:
    """Return whether a ZIP reader, which reads a file's end first, would take this file for an archive.

    It would for an end record whose comment ends with the file, with either no member or a directory at its place.
    Moves the stream.
    """
    start = max(0, size - _TAIL)
    stream.seek(start)
    tail = stream.read(_TAIL)
    place = tail.rfind(EOCD)
    while place >= 0:
        record = tail[place : place + _EOCD_SIZE]
        if len(record) == _EOCD_SIZE and _is_end_record(stream, record, start + place, len(tail) - place):
            return True
        place = tail.rfind(EOCD, 0, place)
    return False


def _is_end_record(stream: BinaryIO, record: bytes, place: int, left: int) -> bool:
    comment = int.from_bytes(record[20:22], "little")
    directory_size = int.from_bytes(record[12:16], "little")
    if left != _EOCD_SIZE + comment:
        return False
    if directory_size == 0:
        return record[4:12] == bytes(8)
    # Data may stand before an archive, so the directory is expected where it has to end: before the record.
    if directory_size > place:
        return False
    stream.seek(place - directory_size)
    return stream.read(len(_DIRECTORY_ENTRY)) == _DIRECTORY_ENTRY
