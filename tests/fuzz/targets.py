"""What is fuzzed, and what counts as a fault.

Of the worker's input: the examination as the worker calls it, but without the worker's catch-all, so that every
exception shows; CPU time above the worker's; an answer that the broker would not take. Of the worker's output: all
that the broker does with it, without the inspection's catch-all. Documented ends (`UndecidableError`, a damaged
archive) are not faults.
"""

import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from quarantine.archive.allowance import DamagedArchiveError, collect
from quarantine.archive.content import ContentSearch, kind_to_check
from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.errors import UndecidableError
from quarantine.examination import ArchiveMember, Examination, Promise, encode_examination, parse_examination
from quarantine.file_types import HEAD_SIZE, ZIPPED, FileType, RefusedType, accepted_type
from quarantine.findings import Finding
from quarantine.inspector import Inspector
from quarantine.memfd import SealedMemfd, seal_bytes_in_memory
from quarantine.verdict import Clear, Held, Reason, Undecided
from quarantine.zip.expand import expand

BUDGETS: Final = Budgets()
# A member of a megabyte shows all that one of a gibibyte does, in the time of one execution.
EXPANDED_MAX: Final = 1024 * 1024  # bytes
SECONDS: Final = 60.0  # of the clock; what is judged is CPU time
_DIGEST: Final = "0" * 64
_NAMES: Final = ("a.pdf", "a.txt", "a.zip", "a.rar", "a.jpg", "a.png", "a.docx", "a.odt", "a.eml", "a")


class Fault(Exception):  # noqa: N818 - the thing that is searched for
    """What must never happen happened; the message says which rule was broken."""


def file_of(file_type: FileType) -> Callable[[bytes], None]:
    """The target of one type of file: all that worker and broker do with its bytes."""

    def run(content: bytes) -> None:
        _at_the_border(content)
        began = time.process_time()
        found = examine_bytes(io.BytesIO(content), file_type, BUDGETS)
        seconds = time.process_time() - began
        if seconds > BUDGETS.worker_cpu:
            raise Fault(f"an examination took {seconds:.1f} CPU seconds")
        _check_answer(found)
        if file_type in ZIPPED:
            _expand(content, found)

    return run


def picture(content: bytes) -> None:
    """The target of pictures: which of the two it is, the first bytes say, as at the gateway."""
    file_of(FileType.PNG if content.startswith(b"\x89") else FileType.JPEG)(content)


def document_type(content: bytes) -> FileType:
    """As what an office document or an e-mail is examined, by its first bytes."""
    if not content.startswith(b"PK"):
        return FileType.EML
    return FileType.ODT if content[30:38] == b"mimetype" else FileType.DOCX


def document(content: bytes) -> None:
    """The target of office documents and e-mails."""
    file_of(document_type(content))(content)


def answer(content: bytes) -> None:
    """The target of a worker's output: its answer, and behind one line end a member's bytes."""
    untrusted_answer, _, untrusted_member = content.partition(b"\n")
    try:
        found = parse_examination(untrusted_answer, BUDGETS)
    except UndecidableError:
        return
    _check_answer(found)
    for file_type in (FileType.ZIP, FileType.PDF):
        _inspect(found, untrusted_member, file_type)


def _at_the_border(content: bytes) -> None:
    """What the gateway does before there is a worker, and the broker with a member of a RAR."""
    head = content[:HEAD_SIZE]
    for name in _NAMES:
        try:
            accepted_type(name, head, frozenset(FileType))
        except RefusedType:
            continue
    for promise in Promise:
        kind_to_check(head, promise)
        search = ContentSearch(promise)
        for at in range(0, len(content), HEAD_SIZE):
            if not search.feed(content[at : at + HEAD_SIZE]):
                break
        search.findings()


def _check_answer(found: Examination) -> None:
    if parse_examination(encode_examination(found), BUDGETS) != found:
        raise Fault("the broker reads another answer than the worker gave")


def _expand(content: bytes, found: Examination) -> None:
    for member in found.members:
        if member.size > EXPANDED_MAX:
            continue
        pieces = expand(io.BytesIO(content), member.place, BUDGETS)
        with collect(_reader(b"".join(pieces)), member):
            pass  # what was promised of a member came out, or DamagedArchiveError shows


def _inspect(found: Examination, untrusted_member: bytes, file_type: FileType) -> None:
    inspector = Inspector(_Blind(), BUDGETS, examiner=_Scripted(found, untrusted_member))
    with seal_bytes_in_memory(b"a file") as memfd:
        verdict = inspector.inspect(memfd, file_type, _DIGEST, deadline=time.monotonic() + SECONDS)
    match verdict:
        case Undecided(_, Reason.INSPECTION_FAILED):
            raise Fault("the broker failed, and only its catch-all knows why")
        case Clear() if any(finding.grade.holds for finding in found.findings):
            raise Fault("a finding that holds was lost")
        case Clear() | Held() | Undecided():
            pass


@dataclass(frozen=True)
class _Scripted:
    """An Examiner that answers for the file with what the fuzzer invented, and for members with nothing."""

    found: Examination
    untrusted_member: bytes

    def examine(self, fd: int, file_type: FileType, *, deadline: float, left: Budgets | None = None) -> Examination:
        is_the_file = os.pread(fd, 6, 0) == b"a file"
        return self.found if is_the_file else Examination()

    def expand(self, fd: int, member: ArchiveMember, *, deadline: float) -> SealedMemfd:
        if member.size > EXPANDED_MAX:
            raise DamagedArchiveError("too much for one execution")
        return collect(_reader(self.untrusted_member), member)


class _Blind:
    """A Scanner that sees nothing."""

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        return None


def _reader(content: bytes) -> Callable[[int], bytes]:
    return io.BytesIO(content).read


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "zip": file_of(FileType.ZIP),
    "rar": file_of(FileType.RAR),
    "pdf": file_of(FileType.PDF),
    "txt": file_of(FileType.TXT),
    "image": picture,
    "document": document,
    "answer": answer,
}
TYPES: Final = {"zip": FileType.ZIP, "rar": FileType.RAR, "pdf": FileType.PDF, "txt": FileType.TXT}
