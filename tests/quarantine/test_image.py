"""Pictures: structure, what lies after them, and what their metadata tells.

Invariant Q4.
"""

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.file_types import FileType, type_of_content
from quarantine.findings import Code
from quarantine.image.exif import exif_privacy
from tests.builders.jpeg_files import chunk, jpeg, png, segment, tiff

CREATOR = b"<dc:creator><rdf:Seq><rdf:li>A</rdf:li></rdf:Seq></dc:creator>"
XMP = b'<rdf:Description xmp:CreatorTool="C" exif:GPSLatitude="1">' + CREATOR
HEX_PROFILE = zlib.compress(b"\nexif\n 60\n" + tiff(gps=True).hex().encode())
EMPTY_XMP = b'<rdf:Description xmp:CreatorTool=""><dc:creator><rdf:Seq><rdf:li></rdf:li></rdf:Seq></dc:creator>'


def codes_of(content: bytes) -> set[str]:
    return {finding.code.value for finding in examine_bytes(io.BytesIO(content), FileType.JPEG, Budgets()).findings}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (jpeg(), set()),
        (jpeg(gps=True), {"privacy.picture-location"}),
        (jpeg(device=True), {"privacy.picture-device"}),
        (jpeg(time=True), {"privacy.picture-times"}),
        (jpeg(author=True), {"privacy.picture-author"}),
        (jpeg(xmp=XMP), {"privacy.picture-author", "privacy.picture-software", "privacy.picture-location"}),
        (jpeg(xmp=EMPTY_XMP), set()),
        (jpeg() + bytes(100), set()),
        (jpeg() + b"\x00\x00\x00\x18ftypmp42", {"image.data-after-end"}),
        (jpeg() + b"PK\x03\x04", {"image.data-after-end", "file.polyglot"}),
        (jpeg() + b"<?php system($_GET[0]);", {"image.data-after-end", "file.polyglot"}),
        (jpeg(size=60_000), {"image.too-large"}),
        (jpeg()[:-2], {"image.damaged"}),
        (b"\xff\xd8\xff\xd9", {"image.damaged"}),
        (
            b"\xff\xd8" + segment(0xED, b"Photoshop 3.0\x008BIM\x1c\x02\x50\x00\x01A") + jpeg()[2:],
            {"privacy.picture-author"},
        ),
        (png(), set()),
        (png(chunk(b"tEXt", b"Author\x00A")), {"privacy.picture-author"}),
        (png(chunk(b"tEXt", b"Comment\x00A")), {"privacy.picture-text"}),
        (b"\xff\xd8" + segment(0xFE, b"a comment") + jpeg()[2:], {"privacy.picture-text"}),
        (b"\xff\xd8" + segment(0xFE, b"\x00") + jpeg()[2:], set()),
        (png(chunk(b"tIME", bytes(7))), {"privacy.picture-times"}),
        (png(chunk(b"eXIf", tiff(gps=True))), {"privacy.picture-location"}),
        (
            png(chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + XMP)),
            {"privacy.picture-author", "privacy.picture-software", "privacy.picture-location"},
        ),
        (png(chunk(b"zTXt", b"Raw profile type exif\x00\x00" + HEX_PROFILE)), {"privacy.picture-location"}),
        (png() + b"MZ", {"image.data-after-end", "file.polyglot"}),
        (png(size=100_000), {"image.too-large"}),
        (png()[:-1], {"image.damaged"}),
        (png(chunk(b"tEXt", b"Author\x00A")[:-1] + b"\x00"), {"image.damaged"}),
        (png(chunk(b"IHDR", bytes(13))), {"image.damaged"}),
    ],
)
def test_picture(content: bytes, expected: set[str]) -> None:
    assert codes_of(content) == expected
    assert type_of_content(content[:4096]) in {FileType.JPEG, FileType.PNG}


def test_directories_inside_exif() -> None:
    def directory(tag: int, value: int, following: int = 0) -> bytes:
        return struct.pack("<HHHIII", 1, tag, 4, 1, value, following)

    serial = b"II*\x00\x08\x00\x00\x00" + directory(0x8769, 26) + directory(0xA431, 0)
    assert exif_privacy(serial) == {Code.PRIVACY_PICTURE_DEVICE}
    thumbnail = b"II*\x00\x08\x00\x00\x00" + directory(0x0112, 1, 26) + directory(0x0201, 0)
    assert exif_privacy(thumbnail) == {Code.PRIVACY_PICTURE_THUMBNAIL}
    assert exif_privacy(b"II*\x00\x08\x00\x00\x00" + directory(0x8769, 8, 8)) == set()


@settings(max_examples=300)
@given(
    seed=st.sampled_from([jpeg(gps=True, author=True, xmp=XMP), png(chunk(b"eXIf", tiff(gps=True, time=True)))]),
    changes=st.lists(st.tuples(st.integers(3, 300), st.binary(max_size=4)), max_size=6),
    cut=st.integers(3, 400),
)
def test_no_mutation_raises(seed: bytes, changes: list[tuple[int, bytes]], cut: int) -> None:
    mutated = bytearray(seed)
    for place, new in changes:
        mutated[place : place + len(new)] = new
    assert codes_of(bytes(mutated[:cut])) <= {code.value for code in Code}
