"""Which kind of file this is, by its name and by its first bytes; both have to agree.

A file accepted here is only *called* a PDF or an archive; the inspection finds out whether it is a sound one.
"""

import codecs
import re
from enum import StrEnum
from typing import Final, Self

from quarantine.errors import QuarantineError

HEAD_SIZE: Final = 4096  # bytes of a file's beginning that the decision needs
PDF_HEADER_WITHIN: Final = 1024  # bytes that may stand before %PDF-; ISO 32000-1, annex H.3, note 13

# Formats whose beginning could pass for text, or whose mention here explains the refusal at once.
_NOT_TEXT: Final = (
    b"PK\x07\x08", b"\x7fELF", b"MZ", b"\x89PNG", b"GIF8", b"\x1f\x8b", b"BZh", b"\xfd7zXZ",
    b"7z\xbc\xaf\x27\x1c", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf", b"Rar!", b"\xca\xfe\xba\xbe",
    b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"RIFF", b"!<arch>", b"\x28\xb5\x2f\xfd", b"ITSF", b"MSCF",
)  # fmt: skip
# Control characters that no text needs: all of C0 but BEL BS TAB LF VT FF CR SUB ESC (as in file(1)), and DEL.
_BINARY: Final = re.compile(rb"[\x00-\x06\x0e-\x19\x1c-\x1f\x7f]")


class FileType(StrEnum):
    """The types of file that a submission may contain."""

    PDF = "pdf"
    TXT = "txt"
    ZIP = "zip"
    RAR = "rar"
    JPEG = "jpg"
    PNG = "png"


_MAGIC: Final[dict[FileType, tuple[bytes, ...]]] = {
    FileType.RAR: (b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"),  # RAR 1.5 to 4; RAR 5
    FileType.ZIP: (b"PK\x03\x04", b"PK\x05\x06"),  # a first member; an archive without members
    FileType.JPEG: (b"\xff\xd8\xff",),  # SOI and the next marker
    FileType.PNG: (b"\x89PNG\r\n\x1a\n",),
}
# What a gateway takes unless its settings name others. Pictures reveal more of a person than documents do.
DEFAULT_TYPES: Final = frozenset({FileType.PDF, FileType.TXT, FileType.ZIP, FileType.RAR})
PICTURES: Final = frozenset({FileType.JPEG, FileType.PNG})
_OTHER_EXTENSIONS: Final = {"jpeg": FileType.JPEG}


class TypeRefusal(StrEnum):
    """Why a file's type is not taken."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Self:  # noqa: D102
        refusal = str.__new__(cls, value)
        refusal._value_ = value
        refusal.sentence = sentence  # what is the matter, for a person
        return refusal

    NAME_NOT_ALLOWED = "name-not-allowed", "files of this type are not accepted"
    CONTENT_NOT_RECOGNISED = "content-not-recognised", "its content is not of any type that is accepted"
    NAME_AND_CONTENT_DISAGREE = "name-and-content-disagree", "the file name and the content are of different types"


class RefusedType(QuarantineError):  # noqa: N818 - an outcome that the receipt page names, not a fault
    """A file is not taken because of its type; `refusal` gives the reason."""

    def __init__(self, refusal: TypeRefusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


def accepted_type(untrusted_name: str, untrusted_head: bytes, allowed: frozenset[FileType]) -> FileType:
    """Return the type that name and content agree on.

    Args:
        untrusted_name: As the source sent it.
        untrusted_head: The file's first HEAD_SIZE bytes, or all of a shorter file.
        allowed: The types that this gateway takes.

    Raises:
        RefusedType: With one of the three reasons.
    """
    named = type_of_name(untrusted_name)
    if named is None or named not in allowed:
        raise RefusedType(TypeRefusal.NAME_NOT_ALLOWED)
    seen = type_of_content(untrusted_head)
    if seen is None or seen not in allowed:
        raise RefusedType(TypeRefusal.CONTENT_NOT_RECOGNISED)
    if seen is not named:
        raise RefusedType(TypeRefusal.NAME_AND_CONTENT_DISAGREE)
    return seen


def type_of_name(untrusted_name: str) -> FileType | None:
    """Return what the name's last extension promises, whatever its case; None for everything else."""
    _, dot, extension = untrusted_name.rpartition(".")
    # Only ASCII may match: str.lower() would also fold letters that merely look alike.
    if not dot or not extension.isascii():
        return None
    lower = extension.lower()
    return next((known for known in FileType if known.value == lower), _OTHER_EXTENSIONS.get(lower))


def type_of_content(untrusted_head: bytes) -> FileType | None:
    """Return what the first bytes are; no bytes at all are an empty text. None for everything else."""
    head = untrusted_head[:HEAD_SIZE]
    for kind, magic in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head.startswith(_NOT_TEXT):
        return None
    if b"%PDF-" in head[: PDF_HEADER_WITHIN + 5]:
        return FileType.PDF
    return FileType.TXT if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _is_utf16_text(head)
    # Every byte string without these is readable as Latin-1 (or Windows-1252) text, UTF-8 among them, so
    # where the head was cut cannot matter. Which charset it is, the deep checks name.
    return _BINARY.search(head) is None


def _is_utf16_text(head: bytes) -> bool:
    try:
        # Not the final piece: half a character at the cut is no fault.
        text = codecs.getincrementaldecoder("utf-16")().decode(head, final=False)
    except UnicodeDecodeError:
        return False
    return _BINARY.search(text.encode("utf-8")) is None
