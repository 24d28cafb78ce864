"""Loads what a check may need before the first fork: in the cage nothing more can be loaded, as there are no files.

A module that is missed here shows as a worker that was killed, in the tests that inspect real files.
"""

import contextlib
import encodings
import functools
import importlib
import io
import pkgutil
import sys
import zipfile
import zlib
from types import ModuleType
from typing import Final

from quarantine.budgets import Budgets
from quarantine.check_of_type import check_of, examine_bytes
from quarantine.examination import encode_examination
from quarantine.file_types import FileType
from quarantine.image.check import load_second_opinion

# What a spare does before its file comes. An archive would touch little more than its members do.
_REHEARSED: Final = (FileType.TXT, FileType.PDF)


def load_everything(*, pictures: bool = False) -> None:
    """Import every parser's modules and every codec, and let each check run once; Pillow only for `pictures`."""
    if not pictures:
        # pypdf loads Pillow wherever it is installed, to decode pictures, which nothing here does. None is what
        # Python's import reference gives for "cannot be imported".
        sys.modules["PIL"] = None  # type: ignore[assignment]
    import pypdf

    _import_all(encodings, "encodings.")
    _import_all(pypdf, "pypdf.")
    for file_type in FileType:
        check_of(file_type)
    if pictures:
        load_second_opinion()
    _run(FileType.PDF, FileType.ZIP, FileType.TXT, FileType.RAR)


def warm_up() -> None:
    """Let a spare do once what most files need: the first touch of a page copies it, and here no file waits for it."""
    _run(*_REHEARSED)


def _run(*file_types: FileType) -> None:
    for file_type in file_types:
        # Whatever it finds in the sample: what it loaded on the way stays loaded, and what it touched is touched.
        with contextlib.suppress(Exception):
            encode_examination(examine_bytes(io.BytesIO(_samples()[file_type]), file_type, Budgets()))


def _import_all(package: ModuleType, prefix: str) -> None:
    for module in pkgutil.walk_packages(package.__path__, prefix, onerror=lambda _: None):
        # Optional dependencies that are not installed: ImportError.
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)


@functools.cache
def _samples() -> dict[FileType, bytes]:
    return {FileType.PDF: _pdf(), FileType.ZIP: _zip(), FileType.TXT: "text, ø\n".encode(), FileType.RAR: _rar()}


def _pdf() -> bytes:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_metadata({"/Author": "a"})
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def _zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "text " * 100)
        archive.writestr("b.pdf", _pdf())
    return target.getvalue()


def _rar() -> bytes:
    def block(body: bytes) -> bytes:
        sized = bytes([len(body)]) + body
        return zlib.crc32(sized).to_bytes(4, "little") + sized

    # RAR 5: the main header, then the end of the archive.
    return b"Rar!\x1a\x07\x01\x00" + block(b"\x01\x00\x00") + block(b"\x05\x00\x00")
