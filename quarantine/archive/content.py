"""What a member's own bytes show, beside what its name promises: programs, macros, containers.

Searches for fixed bytes only and parses nothing. A name goes in; out comes one word of a closed set.
"""

import re
from typing import Final

from quarantine.archive.names import DOCUMENT, extension_of
from quarantine.examination import Promise
from quarantine.file_types import FileType, type_of_content, type_of_name
from quarantine.findings import Code

SEARCHED: Final = 1024 * 1024  # bytes of a program that are searched for a RAR's signature; UnRAR's MAXSFXSIZE is 2 MB
TAIL: Final = 22 + 0xFFFF  # bytes in which a ZIP's end record is; APPNOTE.TXT 4.3.16

_PLAIN: Final = frozenset({"asc", "cfg", "conf", "csv", "ini", "log", "md", "text", "tsv", "txt"})
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MACROS: Final = "_VBA_PROJECT".encode("utf-16-le")  # a stream's name in an OLE directory; MS-OVBA 2.2.1
_RAR: Final = b"Rar!\x1a\x07"
_ZIP_END: Final = b"PK\x05\x06"
_PROGRAM: Final = re.compile(
    rb"MZ[^\r\n]{0,64}?\x00|\x7fELF|[\xce\xcf]\xfa\xed\xfe|\xfe\xed\xfa[\xce\xcf]|\xca\xfe\xba\xbe|#! ?/|dex\n|\x00asm"
    rb"|L\x00\x00\x00\x01\x14\x02\x00",  # Windows shortcut; MS-SHLLINK 2.1
    re.DOTALL,
)
_CONTAINER: Final = re.compile(
    rb"7z\xbc\xaf\x27\x1c|\x1f\x8b\x08|BZh[1-9]|\xfd7zXZ\x00|\x28\xb5\x2f\xfd|MSCF\x00|\x60\xea|.{2}-lh[0-9]-|ISc\("
    rb"|xar!|!<arch>\n|.{257}ustar",
    re.DOTALL,
)


def promise_of(untrusted_name: str) -> Promise:
    """Return what this name lets people expect."""
    kind = type_of_name(untrusted_name)
    if kind is not None and kind is not FileType.TXT:
        return next((promise for promise in Promise if promise.value == kind.value), Promise.DOCUMENT)
    extension = extension_of(untrusted_name)
    if not extension:
        return Promise.BARE
    if extension in _PLAIN:
        return Promise.PLAIN
    return Promise.DOCUMENT if extension in DOCUMENT else Promise.OTHER


def kind_to_check(untrusted_head: bytes, promise: Promise) -> FileType | None:
    """Return the type that a member is checked as: by its content, for texts by its name too; None for none."""
    kind = type_of_content(untrusted_head)
    return None if kind is FileType.TXT and promise not in {Promise.PLAIN, Promise.BARE} else kind


class ContentSearch:
    """Searches one member, piece by piece."""

    def __init__(self, promise: Promise) -> None:
        self._promise = promise
        self._seen = 0  # bytes
        self._kept = b""
        self._runs = self._is_ole = False
        self._tail = b""
        self._codes: dict[Code, None] = {}

    def feed(self, piece: bytes) -> bool:
        """Take the next bytes; the first piece has at least HEAD_SIZE, if the member has as many.

        Returns:
            Whether more of them matter.
        """
        if not self._seen:
            self._begin(piece)
        if self._runs:
            if self._seen < SEARCHED and _RAR in self._kept + piece:
                self._codes[Code.ARCHIVE_SELF_EXTRACTING] = None
            self._tail = (self._tail + piece)[-TAIL:]
        if self._is_ole and _MACROS in self._kept + piece:
            self._codes[Code.ARCHIVE_MACRO] = None
        self._kept = piece[-len(_MACROS) :]
        self._seen += len(piece)
        return self._runs or self._is_ole

    def findings(self) -> tuple[Code, ...]:
        """Return what the bytes showed, after the last piece."""
        if self._runs and _ZIP_END in self._tail:
            self._codes[Code.ARCHIVE_SELF_EXTRACTING] = None
        return tuple(self._codes)

    def _begin(self, head: bytes) -> None:
        self._runs = _PROGRAM.match(head) is not None
        self._is_ole = head.startswith(_OLE)
        if self._runs:
            # A script is a text too.
            open_about_it = {Promise.OTHER, Promise.BARE} | ({Promise.PLAIN} if head.startswith(b"#!") else set())
            is_hidden = self._promise not in open_about_it
            self._codes[Code.ARCHIVE_DISGUISED_EXECUTABLE if is_hidden else Code.ARCHIVE_EXECUTABLE] = None
        if _CONTAINER.match(head):
            self._codes[Code.ARCHIVE_CONTAINER] = None
        promised = {Promise.PDF: FileType.PDF, Promise.ZIP: FileType.ZIP, Promise.RAR: FileType.RAR}.get(self._promise)
        if promised is not None and type_of_content(head) is not promised:
            self._codes[Code.ARCHIVE_TYPE_DIFFERS] = None
