import codecs
import contextlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarantine.file_types import (
    HEAD_SIZE,
    FileType,
    RefusedType,
    TypeRefusal,
    accepted_type,
    type_of_content,
    type_of_name,
)
from quarantine.scanner.canaries import zip_of
from tests.builders.rar5 import Rar5Entry, rar5

ALL = frozenset(FileType)
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
LETTERS = st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.pdf", FileType.PDF),
        ("a.JPEG", FileType.JPEG),
        ("a.jpg", FileType.JPEG),
        ("A.PDF", FileType.PDF),
        ("letter.tar.zip", FileType.ZIP),
        ("søknad æøå.txt", FileType.TXT),
        (".rar", FileType.RAR),
        ("pdf", None),
        ("a.pdf.exe", None),
        ("a.pdf ", None),
        ("a.pdf\x00", None),
        ("a.", None),
        ("", None),
        ("a.ᵖᵈᶠ", None),
        ("a.TXT".replace("T", "Ｔ"), None),
    ],
)
def test_name(name: str, expected: FileType | None) -> None:
    assert type_of_name(name) is expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7\n", FileType.PDF),
        (b"x" * 1024 + b"%PDF-1.4", FileType.PDF),
        (b"\x00" * 1024 + b"%PDF-1.4", FileType.PDF),
        (b"\x00" * 1025 + b"%PDF-1.4", None),
        (zip_of("a.txt", b"a"), FileType.ZIP),
        (EMPTY_ZIP, FileType.ZIP),
        (zip_of("a.pdf", b"%PDF-1.4"), FileType.ZIP),
        (rar5(Rar5Entry("a", b"a")), FileType.RAR),
        (b"Rar!\x1a\x07\x00" + bytes(20), FileType.RAR),
        (b"Rar!\x1a\x07\x02\x00", None),
        (b"", FileType.TXT),
        (b"hello\r\n\tworld\f", FileType.TXT),
        ("blåbærsyltetøy".encode(), FileType.TXT),
        ("blåbærsyltetøy".encode("latin-1"), FileType.TXT),
        (codecs.BOM_UTF8 + "blåbær".encode(), FileType.TXT),
        ("blåbær 🐟".encode("utf-16"), FileType.TXT),
        (codecs.BOM_UTF16_BE + "blåbær".encode("utf-16-be"), FileType.TXT),
        ("blåbær".encode("utf-16-le"), None),
        (codecs.BOM_UTF16_LE + b"a\x00\x00\x00", None),
        (codecs.BOM_UTF16_LE + b"\x00\xdca\x00", None),
        ("a".encode("utf-32"), None),
        (b"a\x00b", None),
        (b"\x7fELF\x02\x01\x01", None),
        (b"MZ" + b"x" * 100, None),
        (b"\x89PNG\r\n\x1a\n", FileType.PNG),
        (b"\x89PNG\n", None),
        (b"\xff\xd8\xff\xe0 JFIF", FileType.JPEG),
        (b"\x1f\x8b\x08", None),
        (b"7z\xbc\xaf\x27\x1c", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None),
        (b"{\\rtf1 hello}", None),
        (b"PK\x07\x08PK\x03\x04", None),
    ],
)
def test_content(head: bytes, expected: FileType | None) -> None:
    assert type_of_content(head) is expected


@pytest.mark.parametrize(
    ("name", "head", "refusal"),
    [
        ("a.exe", b"text", TypeRefusal.NAME_NOT_ALLOWED),
        ("a.rar", rar5(Rar5Entry("a", b"a")), TypeRefusal.NAME_NOT_ALLOWED),
        ("a.txt", b"\x7fELF", TypeRefusal.CONTENT_NOT_RECOGNISED),
        ("a.txt", b"%PDF-1.4", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.pdf", b"text", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.pdf", b"", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.zip", b"", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
    ],
)
def test_refused(name: str, head: bytes, refusal: TypeRefusal) -> None:
    with pytest.raises(RefusedType) as caught:
        accepted_type(name, head, ALL - {FileType.RAR})
    assert caught.value.refusal is refusal
    assert name not in str(caught.value)


def test_accepted() -> None:
    assert accepted_type("empty.txt", b"", ALL) is FileType.TXT
    archive = io.BytesIO()
    zipfile.ZipFile(archive, "w").close()
    assert accepted_type("empty.zip", archive.getvalue(), ALL) is FileType.ZIP


@given(text=LETTERS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), cut=st.integers(0, 40))
def test_where_a_text_is_cut_does_not_matter(text: str, encoding: str, cut: int) -> None:
    whole = ("»" + text).encode(encoding)
    assert type_of_content(whole[: len(whole) - min(cut, len(whole) - 2)]) is FileType.TXT


@given(text=LETTERS, encoding=st.sampled_from(["utf-8", "utf-16"]))
def test_only_the_head_decides(text: str, encoding: str) -> None:
    whole = (("»" + text) * HEAD_SIZE).encode(encoding)
    assert type_of_content(whole[:HEAD_SIZE]) is type_of_content(whole) is FileType.TXT


@given(head=st.binary(max_size=64), name=st.text(max_size=20))
def test_no_bytes_and_no_name_raise_anything_else(head: bytes, name: str) -> None:
    with contextlib.suppress(RefusedType):
        assert accepted_type(name, head, ALL) in ALL
