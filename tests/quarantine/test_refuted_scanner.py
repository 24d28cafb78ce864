"""clamd calls some PDFs encrypted that open without a password; what was examined here is not held for that."""

import hashlib
import io
import os
import time

import pytest

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.examination import ArchiveMember, Examination
from quarantine.file_types import FileType
from quarantine.findings import Code, Finding
from quarantine.inspector import Inspector
from quarantine.memfd import SealedMemfd, seal_bytes_in_memory
from quarantine.verdict import Clear, Held, Verdict
from tests.builders.pdf_files import attached, encrypted, pdf


class Says:
    """A Scanner with one answer."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        return Finding(self._code)


class ExaminesHere:
    """An Examiner without a cage."""

    def examine(self, fd: int, file_type: FileType, *, deadline: float, left: Budgets | None = None) -> Examination:
        return examine_bytes(io.BytesIO(os.pread(fd, os.fstat(fd).st_size, 0)), file_type, left or Budgets())

    def expand(self, fd: int, member: ArchiveMember, *, deadline: float) -> SealedMemfd:
        raise NotImplementedError


def verdict_of(content: bytes, code: Code) -> Verdict:
    inspector = Inspector(Says(code), examiner=ExaminesHere())
    digest = hashlib.sha256(content).hexdigest()
    with seal_bytes_in_memory(content) as memfd:
        return inspector.inspect(memfd, FileType.PDF, digest, deadline=time.monotonic() + 60)


def test_a_pdf_that_opens_without_a_password_is_not_held_for_its_encryption() -> None:
    verdict = verdict_of(encrypted(pdf(), user="", owner="x"), Code.SCANNER_ENCRYPTED)
    assert isinstance(verdict, Clear)
    assert Finding(Code.PDF_RESTRICTED) in verdict.findings


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (encrypted(pdf(), user="secret", owner="x"), Code.SCANNER_ENCRYPTED),
        # Something inside is encrypted, perhaps an attachment.
        (pdf(), Code.SCANNER_ENCRYPTED),
        (encrypted(attached(encrypted(pdf(), user="secret", owner="x")), user="", owner="x"), Code.SCANNER_ENCRYPTED),
        (encrypted(pdf(), user="", owner="x"), Code.SCANNER_MALWARE),
        (encrypted(pdf(), user="", owner="x"), Code.SCANNER_LIMITS),
    ],
)
def test_every_other_answer_holds(content: bytes, code: Code) -> None:
    verdict = verdict_of(content, code)
    assert isinstance(verdict, Held)
    assert Finding(code) in verdict.findings
