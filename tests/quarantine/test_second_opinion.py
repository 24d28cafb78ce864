"""Pillow's second opinion on pictures: what it adds, what it disagrees with, and that it is not there unasked.

Invariant Q8.
"""

import io
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, JpegImagePlugin

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.file_types import FileType
from quarantine.findings import Code
from quarantine.image import check
from tests.builders.jpeg_files import chunk, jpeg, png, segment, tiff
from tests.builders.picture_files import exif, saved, two_pictures, with_text
from tests.fuzz.mutation import mutate


@pytest.fixture(scope="module", autouse=True)
def _second_opinion() -> Iterator[None]:
    before = check._second_opinion
    check.load_second_opinion()
    yield
    check._second_opinion = before


def codes_of(content: bytes) -> set[str]:
    return {finding.code.value for finding in examine_bytes(io.BytesIO(content), FileType.JPEG, Budgets()).findings}


def without_pillow(content: bytes, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    with monkeypatch.context() as patch:
        patch.setattr(check, "_second_opinion", None)
        return codes_of(content)


HEAD = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
# Orientation, and in a second directory a thumbnail's place.
THUMBNAIL = b"II*\x00\x08\x00\x00\x00" + b"".join(
    struct.pack("<HHHIII", 1, tag, 4, 1, 1, following) for tag, following in ((0x0112, 26), (0x0201, 0))
)
BOMB = b"iTXt", b"Comment\x00\x01\x00\x00\x00" + zlib.compress(bytes(3_000_000))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (saved("JPEG"), set()),
        (saved("JPEG", progressive=True), set()),
        (saved("PNG"), set()),
        (saved("JPEG", exif=exif(gps=True)), {"privacy.picture-location"}),
        (saved("JPEG", exif=exif(serial=True)), {"privacy.picture-device"}),
        (saved("PNG", exif=exif(device=True)), {"privacy.picture-device"}),
        (saved("JPEG", comment=b"hello"), {"privacy.picture-text"}),
        (png(chunk(b"eXIf", THUMBNAIL)), {"privacy.picture-thumbnail"}),
        (with_text("Author", "A"), {"privacy.picture-author"}),
        (with_text("Comment", "A"), {"privacy.picture-text"}),
        *((with_text(keyword, "A"), {"privacy.picture-text"}) for keyword in ("comment", "xmp", "loop", "dpi")),
        (two_pictures("MPO"), {"image.frames"}),
        (two_pictures("PNG"), {"image.frames"}),
        (jpeg(gps=True), {"privacy.picture-location"}),
        (jpeg(size=60_000), {"image.too-large"}),
        (jpeg() + b"MZ" + bytes(80), {"image.data-after-end", "file.polyglot"}),
    ],
)
def test_picture(content: bytes, expected: set[str]) -> None:
    assert codes_of(content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (two_pictures("MPO"), "image.frames"),
        (two_pictures("PNG"), "image.frames"),
        # A text that unpacks to three megabytes: Pillow's limit is one.
        (png(chunk(*BOMB)), "image.damaged"),
        # Two frame headers: our reader believes the last one, as decoders do; precision 12 Pillow cannot read.
        (b"\xff\xd8" + segment(0xC0, b"\x0c\x00\x08\x00\x08\x01\x01\x11\x00") + jpeg()[2:], "image.damaged"),
        # A colour type that does not exist.
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", HEAD[:9] + b"\x07\0\0\0") + png()[33:], "image.damaged"),
        # Exif whose directory ends in nothing.
        (saved("PNG", exif=b"Exif\x00\x00II*\x00\x08\x00"), "image.damaged"),
    ],
)
def test_what_only_pillow_finds(content: bytes, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert expected not in without_pillow(content, monkeypatch)
    assert expected in codes_of(content)


def test_another_size_than_ours_is_a_finding() -> None:
    from quarantine.image.second_opinion import opinion

    assert opinion(io.BytesIO(saved("PNG")), FileType.PNG, (40, 30)) == set()
    assert opinion(io.BytesIO(saved("PNG")), FileType.PNG, (40, 31)) == {Code.IMAGE_DAMAGED}
    assert opinion(io.BytesIO(saved("PNG")), FileType.JPEG, (40, 30)) == {Code.IMAGE_DAMAGED}


def test_a_picture_that_needs_too_much_memory_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", out_of_memory)
    assert codes_of(saved("PNG")) == {"image.too-large"}


def test_no_pixel_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object, **__: object) -> None:
        raise AssertionError("a decoder was called")

    pictures = [*SEEDS, saved("JPEG", exif=exif(gps=True))]
    monkeypatch.setattr(Image.Image, "load", decode)
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load_prepare", decode)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    for content in pictures:
        assert "image.damaged" not in codes_of(content)


def test_every_entry_of_exif_that_tells_something_is_seen_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    for options in ({"gps": True}, {"device": True}, {"time": True}, {"author": True}):
        content = png(chunk(b"eXIf", tiff(**options)))
        assert codes_of(content) == without_pillow(content, monkeypatch) != set()
    assert int(ExifTags.IFD.GPSInfo) == 0x8825


def test_it_is_not_loaded_unasked() -> None:
    script = """
import sys
from quarantine.workers.warmup import load_everything
load_everything(pictures=bool(sys.argv[1:]))
print(any(name.startswith("PIL._imaging") or name == "PIL.Image" for name in sys.modules))
"""
    for arguments, loaded in (([], "False\n"), (["pictures"], "True\n")):
        done = subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True)
        assert done.stdout == loaded


SEEDS = [
    saved("JPEG", exif=exif(gps=True)),
    two_pictures("MPO"),
    two_pictures("PNG"),
    with_text("a", "b"),
]


@settings(max_examples=400, deadline=None)
@given(first=st.integers(0, 3), second=st.integers(0, 3), seed=st.integers(0, 2**32))
def test_no_mutation_raises(first: int, second: int, seed: int) -> None:
    content = mutate(SEEDS[first], SEEDS[second], random.Random(seed))
    assert codes_of(content) <= {code.value for code in Code}
