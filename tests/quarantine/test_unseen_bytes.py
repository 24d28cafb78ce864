"""Bytes that a list does not own up to: whatever hides a RAR from the list, the archive is not clear."""

import io
import zipfile
import zlib

import pytest

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.file_types import FileType
from quarantine.scanner.canaries import zip_of
from tests.builders.rar5 import HAS_CRC, IS_FOLDER, Entry, rar5, symlink

HELLO = Entry("hello.txt", b"hello")
INNER_RAR = rar5(HELLO)
NOISE = bytes(range(256)) * 400


def deflated(name: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def lying_about_size(archive: bytes, *, claimed: int, crc32: int) -> bytes:
    """One member that claims `claimed` bytes with this sum, in both of its headers."""
    lying = bytearray(archive)
    for signature, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        start = lying.index(signature) + at
        lying[start : start + 4] = claimed.to_bytes(4, "little")
        lying[start - 8 : start - 4] = crc32.to_bytes(4, "little")
    return bytes(lying)


@pytest.mark.parametrize(
    "archive",
    [
        lying_about_size(zip_of("a", INNER_RAR), claimed=0, crc32=0),
        lying_about_size(deflated("a", INNER_RAR), claimed=0, crc32=0),
        lying_about_size(deflated("a", INNER_RAR), claimed=4, crc32=zlib.crc32(INNER_RAR[:4])),
        lying_about_size(deflated("a", INNER_RAR + NOISE), claimed=0, crc32=0),
        lying_about_size(deflated("a", zip_of("b", INNER_RAR) + NOISE), claimed=0, crc32=0),
    ],
)
def test_a_zip_member_that_claims_less_than_it_holds(archive: bytes) -> None:
    examination = examine_bytes(io.BytesIO(archive), FileType.ZIP, Budgets())
    # Either something holds the file, or its member is handed back to be unpacked and scanned.
    assert any(finding.grade.holds for finding in examination.findings) or examination.members, examination


@pytest.mark.parametrize(
    "entry",
    [
        Entry("f", b"x" * 33, file_flags=IS_FOLDER | HAS_CRC),
        Entry("a", b"x" * 33, size=0),
        Entry("a", b"x" * 33, extra=symlink("hello.txt")),
    ],
)
def test_a_rar_entry_that_carries_bytes_which_nobody_unpacks(entry: Entry) -> None:
    examination = examine_bytes(io.BytesIO(rar5(HELLO, entry)), FileType.RAR, Budgets())
    assert any(finding.grade.holds for finding in examination.findings), examination
