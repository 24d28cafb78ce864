"""The check of PDFs: their bytes, their objects, and what the two together leave unseen (CHECKS.md, "PDF").

The bytes are searched without believing the file's structure, and show names in every revision and object stream. The
walk follows the structure as a reader would, and knows what an action is attached to. A file is opaque where neither
has seen its objects.
"""

from typing import BinaryIO

from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError
from quarantine.examination import Examination, ExamineMember
from quarantine.file_types import FileType
from quarantine.findings import Code, Finding
from quarantine.pdf.around import look_around
from quarantine.pdf.objects import walk
from quarantine.pdf.raw_bytes import scan_bytes


def examine_pdf(stream: BinaryIO, budgets: Budgets, examine_member: ExamineMember) -> Examination:
    """See quarantine.check_of_type."""
    codes = _codes_at(stream, budgets, examine_member, depth=0)
    return Examination(tuple(Finding(code) for code in Code if code in codes))


def _codes_at(stream: BinaryIO, budgets: Budgets, examine_member: ExamineMember, *, depth: int) -> set[Code]:
    """Return what is found in a PDF that lies `depth` files deep."""

    def examine_embedded(embedded: BinaryIO, file_type: FileType) -> set[Code]:
        # A PDF inside is examined from here: only this check counts how deep it lies.
        if file_type is FileType.PDF:
            return _codes_at(embedded, budgets, examine_member, depth=depth + 1)
        return {finding.code for finding in examine_member(embedded, file_type, budgets).findings}

    try:
        seen = scan_bytes(stream, budgets)
        look_around(stream, stream.seek(0, 2), seen)
    except (OverBudgetError, MemoryError):
        return {Code.PDF_BUDGET}
    walked = walk(stream, budgets, examine_embedded, depth=depth, raw=seen)
    codes = seen.codes | seen.names.codes | walked.codes
    if walked.failed or not walked.finished or Code.PDF_AMBIGUOUS in codes:
        codes |= seen.names.inside
    if Code.PDF_ENCRYPTED in codes:
        return codes
    unseen = seen.unread_object_streams - walked.object_streams
    # Encrypted bytes may look like the beginning of a damaged stream.
    if Code.PDF_RESTRICTED not in codes:
        unseen |= seen.damaged_object_streams
    # Without a stream there is nothing that the bytes do not show, and no reader shows it either.
    if unseen or (seen.has_objects and not walked.readable):
        codes.add(Code.PDF_UNREADABLE)
    if walked.failed:
        codes.add(Code.PDF_DAMAGED)
    if set(seen.embedded_files) - walked.embedded_files or any(count > 1 for count in seen.embedded_files.values()):
        # Of one that was there before, only the last was looked into.
        codes.add(Code.PDF_EMBEDDED_OPAQUE)
    return codes
