"""What fuzzing begins with: the small ones of the files that the tests make themselves. Nothing is stored.

Every trick of the hostile sets is a seed, and so is what honest programs wrote, so that a mutation starts deep inside
a parser and not in front of its first check.
"""

import io
from collections.abc import Callable, Iterator
from typing import Final

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.examination import encode_examination
from quarantine.file_types import FileType
from tests.builders import benign_pdfs, hostile_rar, hostile_rar3, hostile_zip, pdf_files, text_files
from tests.builders.documents import KINDS, MAIL, document, ooxml
from tests.builders.jpeg_files import chunk, jpeg, png, segment, tiff
from tests.builders.picture_files import exif as exif_block
from tests.builders.picture_files import saved, two_pictures, with_text

SEED_MAX: Final = 24 * 1024  # bytes; mutations of large files find little and take long

TARGETS: Final = ("zip", "rar", "pdf", "txt", "image", "document", "answer")


def seeds(target: str) -> list[bytes]:
    """The seeds of a target, always the same and in the same order."""
    made = dict.fromkeys(content for content in _SEEDS[target]() if len(content) <= SEED_MAX)
    return list(made)


def _zips() -> Iterator[bytes]:
    # By name: the largest bombs take seconds to make, and would be too large.
    yield from (make() for name, make in hostile_zip.BUILDERS.items() if "bomb" not in name)


def _rars() -> Iterator[bytes]:
    yield from (make() for name, make in hostile_rar.BUILDERS.items() if "bomb" not in name)
    yield from (make() for make in hostile_rar3.BUILDERS.values())


def _pdfs() -> Iterator[bytes]:
    yield from (make() for name, make in pdf_files.HOSTILE.items() if "bomb" not in name)
    yield from (content for _, content in benign_pdfs.own())
    yield from (content for _, content in benign_pdfs.by_pypdf())


def _texts() -> Iterator[bytes]:
    yield from text_files.HOSTILE.values()
    yield from text_files.benign().values()


def _images() -> Iterator[bytes]:
    exif = tiff(gps=True, device=True, time=True, author=True)
    xmp = b'<rdf:Description xmp:CreatorTool="C" exif:GPSLatitude="1">'
    yield from (jpeg(), jpeg(gps=True, author=True, xmp=xmp), png(), png(size=100_000))
    yield b"\xff\xd8" + segment(0xED, b"Photoshop 3.0\x008BIM\x1c\x02\x50\x00\x01A") + jpeg()[2:] + b"MZ"
    yield png(chunk(b"eXIf", exif), chunk(b"tIME", bytes(7)), chunk(b"tEXt", b"Author\x00A"))
    yield from (saved("JPEG", exif=exif_block(gps=True, serial=True), comment=b"text"), saved("JPEG", progressive=True))
    yield from (
        two_pictures("MPO"),
        two_pictures("PNG"),
        with_text("Author", "A"),
        saved("PNG", exif=exif_block(gps=True)),
    )
    yield png(chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + xmp))


def _documents() -> Iterator[bytes]:
    for kind in KINDS:
        yield document(kind)
        yield document(kind, author="A", more={"word/vbaProject.bin": b"x", "a.zip": document("ods")})
    yield ooxml("docx", main="application/vnd.ms-word.document.macroEnabled.main+xml")
    yield b"From a\n" + MAIL.replace(b"\r\n", b"\n")


def _answers() -> Iterator[bytes]:
    """Real answers, and what a worker would send of a member, behind one line end."""
    for file_type, target in ((FileType.ZIP, _zips), (FileType.RAR, _rars), (FileType.PDF, _pdfs)):
        for content in target():
            if len(content) <= SEED_MAX:
                yield encode_examination(examine_bytes(io.BytesIO(content), file_type, Budgets())) + b"\nhello"
    yield b'{"findings":[],"members":[{"size":5,"crc32":907060870,"place":[0,4]}],"spent":[1,5]}\nhello'
    yield b'{"findings":[],"members":[{"size":0,"crc32":0,"place":[0],"promise":"pdf"}],"spent":[0,0]}\n'


_SEEDS: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "zip": _zips,
    "rar": _rars,
    "pdf": _pdfs,
    "txt": _texts,
    "image": _images,
    "document": _documents,
    "answer": _answers,
}
