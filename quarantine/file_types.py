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
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    ODT = "odt"
    ODS = "ods"
    EML = "eml"


_MAGIC: Final[dict[FileType, tuple[bytes, ...]]] = {
    FileType.RAR: (b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"),  # RAR 1.5 to 4; RAR 5
    FileType.ZIP: (b"PK\x03\x04", b"PK\x05\x06"),  # a first member; an archive without members
    FileType.JPEG: (b"\xff\xd8\xff",),  # SOI and the next marker
    FileType.PNG: (b"\x89PNG\r\n\x1a\n",),
}
# What a gateway takes unless its settings name others. Pictures reveal more of a person than documents do.
DEFAULT_TYPES: Final = frozenset({FileType.PDF, FileType.TXT, FileType.ZIP, FileType.RAR})
PICTURES: Final = frozenset({FileType.JPEG, FileType.PNG})
# Documents that are ZIPs. They are told by their names too: inside an archive each is examined as the ZIP that it is.
OFFICE: Final = frozenset({FileType.DOCX, FileType.XLSX, FileType.PPTX, FileType.ODT, FileType.ODS})
ZIPPED: Final = OFFICE | {FileType.ZIP}
# The content of the first member of an OpenDocument file, stored and named `mimetype`; ODF 1.3, part 2, 3.3.
_MIMETYPES: Final = {
    FileType.ODT: b"application/vnd.oasis.opendocument.text",
    FileType.ODS: b"application/vnd.oasis.opendocument.spreadsheet",
}
_MIMETYPE_AT: Final = 30  # bytes of a ZIP's local header before the name
# Header lines of which a mail has some in its first bytes; RFC 5322, 3.6, and what servers write above them.
_MAIL_FIELDS: Final = frozenset(
    {b"from", b"to", b"date", b"subject", b"message-id", b"received", b"return-path", b"delivered-to", b"mime-version"}
)
_MAIL_LINE: Final = re.compile(rb"([!-9;-~]{1,100}):[^\x00]*", re.DOTALL)
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
    if named in OFFICE or named is FileType.EML:
        if is_document(named, untrusted_head):
            return named
    elif seen is named:
        return named
    if seen is None or seen not in allowed:
        raise RefusedType(TypeRefusal.CONTENT_NOT_RECOGNISED)
    raise RefusedType(TypeRefusal.NAME_AND_CONTENT_DISAGREE)


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


def is_document(named: FileType, untrusted_head: bytes) -> bool:
    """Return whether these first bytes may be those of an office document or an e-mail of this type."""
    head = untrusted_head[:HEAD_SIZE]
    if named is FileType.EML:
        return type_of_content(head) is FileType.TXT and is_mail(head)
    mimetype = _MIMETYPES.get(named)
    if mimetype is None:
        return type_of_content(head) is FileType.ZIP
    name = b"mimetype"
    # The next member follows at once: a template's type begins like that of a document.
    return head.startswith(b"PK\x03\x04") and head[_MIMETYPE_AT:].startswith(name + mimetype + b"PK")


def is_mail(untrusted_head: bytes) -> bool:
    """Return whether these bytes begin as an e-mail: header lines, as far as they go, and one that mails have."""
    lines = untrusted_head.replace(b"\r\n", b"\n").split(b"\n")
    if len(untrusted_head) >= HEAD_SIZE:
        del lines[-1]  # cut
    if lines and lines[0].startswith(b"From "):
        del lines[0]  # of a mailbox file
    names = set[bytes]()
    for line in lines:
        if not line:
            break
        field = _MAIL_LINE.fullmatch(line)
        if field is not None:
            names.add(field[1].lower())
        elif not (names and line[:1] in (b" ", b"\t")):
            return False
    return len(names & _MAIL_FIELDS) >= 2


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
