"""Files inside a PDF (ISO 32000-1, 7.11.4): judged by their names, by their first bytes, and then like files."""

import io
from collections.abc import Callable
from typing import BinaryIO, Final

from pypdf.generic import ArrayObject, DictionaryObject, TextStringObject

from quarantine.archive.names import executable_finding
from quarantine.file_types import HEAD_SIZE, FileType, type_of_content
from quarantine.findings import Code
from quarantine.pdf.values import name_of, value_of
from quarantine.polyglots import is_active_text, is_container, is_program

# Finds what is in a file inside the PDF, which is of this type.
ExamineEmbedded = Callable[[BinaryIO, FileType], set[Code]]

_NAMES: Final = ("/UF", "/F", "/DOS", "/Mac", "/Unix", "/Desc")  # readers show one of them, or the tree's key
_NAMES_MAX: Final = 20_000  # entries of one node of a name tree


def name_codes(dictionary: DictionaryObject) -> set[Code]:
    """Return what the names of an attachment show, in its file specification or in a node of the tree of names."""
    names: list[str] = []
    if value_of(dictionary, "/EF") is not None:
        names += [name_of(dictionary, key) for key in _NAMES]
    entries = dictionary.get("/Names")
    if isinstance(entries, ArrayObject):
        for key, target in zip(entries[:_NAMES_MAX:2], entries[1:_NAMES_MAX:2], strict=False):
            if isinstance(key, TextStringObject) and executable_finding(key) and _is_attachment(target):
                names.append(key)
    # A program's name is enough: what runs a file goes by it, and scripts have no magic.
    return {Code.PDF_EMBEDDED_PROGRAM} if any(map(executable_finding, names)) else set()


def content_codes(content: bytes, examine_embedded: ExamineEmbedded, *, may_open: bool) -> set[Code]:
    """Return what an attachment is, and what is found in it.

    Args:
        content: All of it.
        examine_embedded: Called unless it is opaque.
        may_open: Whether the budget of depth allows that.
    """
    head = content[:HEAD_SIZE]
    if is_program(head):
        return {Code.PDF_EMBEDDED_PROGRAM}
    file_type = type_of_content(head)
    if is_active_text(head.removeprefix(b"\xef\xbb\xbf")) and file_type is not FileType.PDF:
        return {Code.PDF_EMBEDDED_PROGRAM}
    if is_container(head) or file_type in {None, FileType.ZIP, FileType.RAR} or not may_open:
        return {Code.PDF_EMBEDDED_OPAQUE}
    return examine_embedded(io.BytesIO(content), file_type)


def _is_attachment(untrusted: object) -> bool:
    try:
        target = untrusted.get_object()  # type: ignore[attr-defined]  # whatever pypdf read
    except Exception:  # noqa: BLE001 - pypdf raises anything; what cannot be read may be one
        return True
    return isinstance(target, DictionaryObject) and "/EF" in target
