"""Bytes that a list does not own up to: whatever hides a RAR from the list, the archive is not clear.

Invariant Q7.
"""

import hashlib
import io
import os
import time
import zipfile
import zlib
from contextlib import closing

import pytest

from quarantine.archive.allowance import Allowance, DamagedArchiveError, collect
from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.examination import ArchiveMember, Examination
from quarantine.file_types import FileType
from quarantine.findings import Finding
from quarantine.inspector import Inspector
from quarantine.memfd import SealedMemfd, seal_bytes_in_memory
from quarantine.rar.unpack import unpack_rar
from quarantine.scanner.canaries import zip_of
from quarantine.verdict import Clear
from quarantine.zip.expand import expand
from tests.builders.rar5 import HAS_CRC, IS_FOLDER, Rar5Entry, rar5, symlink

HELLO = Rar5Entry("hello.txt", b"hello")
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


class ReadHere:
    """An Examiner in this process; what it says is what a caged worker would."""

    def examine(self, fd: int, file_type: FileType, *, deadline: float, left: Budgets | None = None) -> Examination:
        return examine_bytes(_stream(fd), file_type, left or Budgets())

    def expand(self, fd: int, member: ArchiveMember, *, deadline: float) -> SealedMemfd:
        pieces = expand(_stream(fd), member.place, Budgets())
        waiting = bytearray()

        def read(size: int) -> bytes:
            while not waiting and (piece := next(pieces, b"")):
                waiting.extend(piece)
            taken = bytes(waiting[:size])
            del waiting[:size]
            return taken

        return collect(read, member)


class SeesEverything:
    """A Scanner that finds nothing and keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        self.seen.append(_stream(fd).getvalue())
        return None


def _stream(fd: int) -> io.BytesIO:
    return io.BytesIO(os.pread(fd, os.fstat(fd).st_size, 0))


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
    scanner = SeesEverything()
    inspector = Inspector(scanner, Budgets(), examiner=ReadHere())
    digest = hashlib.sha256(archive).hexdigest()
    with seal_bytes_in_memory(archive) as memfd:
        verdict = inspector.inspect(memfd, FileType.ZIP, digest, deadline=time.monotonic() + 60)
    # Either something holds the file, or the member itself was scanned whole.
    assert not isinstance(verdict, Clear) or any(INNER_RAR in seen for seen in scanner.seen[1:]), verdict


def test_a_rar_that_unpacks_to_more_than_its_list_promises() -> None:
    archive = rar5(HELLO, Rar5Entry("more.txt", b"nobody promised this"))
    listed = (ArchiveMember(5, crc32=zlib.crc32(b"hello")),)
    budgets = Budgets()
    allowance = Allowance(budgets, len(archive))
    with (
        seal_bytes_in_memory(archive) as memfd,
        closing(unpack_rar(memfd.fd, listed, allowance, budgets, deadline=time.monotonic() + 60)) as members,
        pytest.raises(DamagedArchiveError, match="more than its list promises"),
    ):
        for member in members:
            assert member.head(5) == b"hello"


@pytest.mark.parametrize(
    "entry",
    [
        Rar5Entry("f", b"x" * 33, file_flags=IS_FOLDER | HAS_CRC),
        Rar5Entry("a", b"x" * 33, size=0),
        Rar5Entry("a", b"x" * 33, extra=symlink("hello.txt")),
    ],
)
def test_a_rar_entry_that_carries_bytes_which_nobody_unpacks(entry: Rar5Entry) -> None:
    examination = examine_bytes(io.BytesIO(rar5(HELLO, entry)), FileType.RAR, Budgets())
    assert any(finding.grade.holds for finding in examination.findings), examination
