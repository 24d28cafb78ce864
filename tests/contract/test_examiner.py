"""`Examiner`: the caged worker, and what stands for it in tests without a cage."""

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from time import monotonic

import pytest

from quarantine.archive.allowance import DamagedArchiveError
from quarantine.budgets import Budgets
from quarantine.examination import ArchiveMember, Examination, Examiner
from quarantine.file_types import FileType
from quarantine.memfd import seal_bytes_in_memory
from quarantine.workers.caged_examiner import CagedExaminer
from quarantine.workers.zygote_client import ZygoteClient
from tests.fuzz.targets import _Scripted
from tests.quarantine.test_unseen_bytes import ReadHere
from tests.worlds.waiting import WATCHDOG

CONTENT = b"what was packed " * 1000
MEMBER = ArchiveMember(len(CONTENT), crc32=zlib.crc32(CONTENT), place=(0,))


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.txt", CONTENT)
    return packed.getvalue()


@pytest.fixture(scope="module")
def caged() -> Iterator[Examiner]:
    with ZygoteClient() as zygote:
        yield CagedExaminer(Budgets(), zygote)


@pytest.fixture(params=["caged", "in this process", "scripted, for the fuzzer"])
def examiner(request: pytest.FixtureRequest, caged: Examiner) -> Examiner:
    if request.param == "caged":
        return caged
    return ReadHere() if request.param == "in this process" else _Scripted(Examination(), CONTENT)


def test_a_file_without_anything_in_it_has_no_findings(examiner: Examiner) -> None:
    with seal_bytes_in_memory(b"text\n") as memfd:
        found = examiner.examine(memfd.fd, FileType.TXT, deadline=monotonic() + WATCHDOG)
    assert found == Examination()


def test_what_is_left_of_the_budgets_may_be_given(examiner: Examiner) -> None:
    with seal_bytes_in_memory(b"text\n") as memfd:
        found = examiner.examine(memfd.fd, FileType.TXT, deadline=monotonic() + WATCHDOG, left=Budgets(members=1))
    assert found == Examination()


def test_a_member_comes_whole_and_the_descriptor_stays_the_callers(examiner: Examiner) -> None:
    with seal_bytes_in_memory(archive()) as memfd:
        for _ in range(2):
            with examiner.expand(memfd.fd, MEMBER, deadline=monotonic() + WATCHDOG) as member:
                assert os.pread(member.fd, len(CONTENT) + 1, 0) == CONTENT
        assert os.pread(memfd.fd, 2, 0) == b"PK"


@pytest.mark.parametrize(
    "promised",
    [
        ArchiveMember(len(CONTENT), crc32=0, place=(0,)),
        ArchiveMember(len(CONTENT) + 1, crc32=zlib.crc32(CONTENT), place=(0,)),
        ArchiveMember(len(CONTENT) - 1, crc32=zlib.crc32(CONTENT), place=(0,)),
    ],
    ids=["sum", "too few", "too many"],
)
def test_bytes_that_were_not_promised_are_a_damaged_archive(examiner: Examiner, promised: ArchiveMember) -> None:
    with seal_bytes_in_memory(archive()) as memfd, pytest.raises(DamagedArchiveError):
        examiner.expand(memfd.fd, promised, deadline=monotonic() + WATCHDOG)
