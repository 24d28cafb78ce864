"""A file inside a PDF: which type it is, and what its own check finds."""

from typing import BinaryIO

from quarantine.budgets import Budgets
from quarantine.file_types import HEAD_SIZE, FileType, type_of_content
from quarantine.polyglots import is_active_text, is_container, is_program
from quarantine.verdict import Code


def embedded_codes(stream: BinaryIO, budgets: Budgets, *, depth: int) -> set[Code]:
    """What an embedded file is, and what is found in it."""
    from quarantine.check_of_type import examine_bytes
    from quarantine.pdf.check import examine_at

    head = stream.read(HEAD_SIZE)
    if is_program(head):
        return {Code.PDF_EMBEDDED_PROGRAM}
    kind = type_of_content(head)
    if is_active_text(head.removeprefix(b"\xef\xbb\xbf")) and kind is not FileType.PDF:
        return {Code.PDF_EMBEDDED_PROGRAM}
    if is_container(head) or kind is None or depth > budgets.depth:
        return {Code.PDF_EMBEDDED_OPAQUE}
    match kind:
        case FileType.PDF:
            return examine_at(stream, budgets, depth=depth)
        case FileType.TXT | FileType.JPEG | FileType.PNG:
            return {finding.code for finding in examine_bytes(stream, kind, budgets).findings}
        case FileType.ZIP | FileType.RAR:  # is_container() has answered already
            return {Code.PDF_EMBEDDED_OPAQUE}
