"""The check of office documents, which are ZIPs: what is found in the ZIP, and whether it is built as its type says.

What the document itself does (macros, templates, embedded objects) is not looked for yet: each is held as opaque.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError
from quarantine.examination import Check, Examination, ExamineMember
from quarantine.file_types import HEAD_SIZE, FileType, is_document
from quarantine.findings import Code, Finding
from quarantine.zip.check import examine_zip
from quarantine.zip.directory import DirectoryEntry, UnreadableZipError, read_directory
from quarantine.zip.members import DEFLATED, STORED, DamagedMemberError, decoded_name, is_encrypted, unpacked

CONTENT_TYPES_MAX: Final = 1024 * 1024  # bytes of the list of parts; that of a long document takes 20 kB

_CONTENT_TYPES: Final = "[Content_Types].xml"  # ECMA-376-2, 10.1.2.2
_CONTENT: Final = "content.xml"  # ODF 1.3, part 2, 3.1
# The type of the main part; one with macros has another. ECMA-376-1, 15.
_MAIN_PARTS: Final = {
    FileType.DOCX: b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    FileType.XLSX: b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    FileType.PPTX: b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
}
# The source sent a document, and knows of no archive.
_SAID_OF_A_DOCUMENT: Final = {Code.PRIVACY_OFFICE_AUTHOR: Code.PRIVACY_DOCUMENT_AUTHOR}


def check_of_office(file_type: FileType) -> Check:
    """Return the check of one type of office document; see quarantine.check_of_type."""

    def examine_office(stream: BinaryIO, budgets: Budgets, examine_member: ExamineMember) -> Examination:
        as_zip = examine_zip(stream, budgets, examine_member)
        codes = [Code.DOCUMENT_NOT_INSPECTED]
        # A bomb took the worker's time already, and is held.
        if Finding(Code.ARCHIVE_BUDGET) not in as_zip.findings and not _is_built_as(file_type, stream, budgets):
            codes.append(Code.DOCUMENT_OTHER_TYPE)
        codes += [_SAID_OF_A_DOCUMENT.get(finding.code, finding.code) for finding in as_zip.findings]
        return replace(as_zip, findings=tuple(map(Finding, dict.fromkeys(codes))))

    return examine_office


def _is_built_as(file_type: FileType, stream: BinaryIO, budgets: Budgets) -> bool:
    stream.seek(0)
    if not is_document(file_type, stream.read(HEAD_SIZE)):
        return False
    main_part = _MAIN_PARTS.get(file_type)
    wanted = _CONTENT if main_part is None else _CONTENT_TYPES
    try:
        directory = read_directory(stream, budgets.members)
        entry = next((entry for entry in directory.entries if decoded_name(entry)[0] == wanted), None)
        if entry is None or is_encrypted(entry) or entry.method not in {STORED, DEFLATED}:
            return False
        return main_part is None or main_part in b"".join(_bounded(stream, entry))
    except (UnreadableZipError, OverBudgetError, DamagedMemberError):
        return False


def _bounded(stream: BinaryIO, entry: DirectoryEntry) -> Iterator[bytes]:
    size = 0
    for piece in unpacked(stream, entry):
        size += len(piece)
        if size > CONTENT_TYPES_MAX:
            raise OverBudgetError
        yield piece
