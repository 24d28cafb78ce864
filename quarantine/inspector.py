"""One file in, one Verdict out: clamd, the structure, and the members of archives, under one deadline.

The broker. It reads no untrusted format itself: workers do, and their answers are believed only in a closed
form. Blocking; the gateway calls it from a thread.
"""

import contextlib
import os
from collections.abc import Generator
from typing import Final

from quarantine.archive.allowance import Allowance, DamagedArchiveError
from quarantine.archive.content import ContentSearch, kind_to_check
from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError, UndecidableError
from quarantine.examination import ArchiveMember, Examination, Examiner, Promise
from quarantine.file_types import HEAD_SIZE, ZIPPED, FileType
from quarantine.findings import Code, Finding
from quarantine.memfd import SealedMemfd
from quarantine.rar.unpack import unpack_rar
from quarantine.scanner.clamd import Scanner
from quarantine.verdict import Held, Reason, Undecided, Verdict, conclude
from quarantine.workers.caged_examiner import CagedExaminer

BOMBS: Final = frozenset({Finding(Code.ARCHIVE_BUDGET), Finding(Code.ZIP_OVERLAP)})
PIECE: Final = 1024 * 1024  # bytes of one read


class Inspector:
    """Judges files. Holds no state of any file; any number of threads may use one.

    Args:
        scanner: The virus scanner.
        budgets: The limits of one file.
        examiner: Has the structure of files examined; None for caged workers of this process's own zygote.
        raised: Findings that hold a file here although their grade does not.
    """

    def __init__(
        self,
        scanner: Scanner,
        budgets: Budgets | None = None,
        *,
        examiner: Examiner | None = None,
        raised: frozenset[Code] = frozenset(),
    ) -> None:
        self._scanner = scanner
        self._raised = raised
        self._budgets = budgets or Budgets()
        self._examiner = examiner or CagedExaminer(self._budgets)

    def inspect(self, memfd: SealedMemfd, file_type: FileType, digest: str, *, deadline: float) -> Verdict:
        """Judge one file; never raises for what its bytes are.

        Args:
            memfd: Of the whole file; stays open.
            file_type: As `accepted_type` found it.
            digest: SHA-256 of the file, lowercase hex; the verdict carries it.
            deadline: Seconds of time.monotonic; what is not decided by then is Undecided.
        """
        inspection = _Inspection(self._scanner, self._examiner, self._budgets, file_size=memfd.size, deadline=deadline)
        reason = Reason.INSPECTION_FAILED
        try:
            inspection.inspect(memfd, file_type, depth=0)
            return conclude(digest, inspection.findings, self._raised)
        except UndecidableError as error:
            reason = error.reason
        except Exception:  # noqa: BLE001, S110 - the one border: whatever a file provokes, it is not clear
            pass
        # What was found stays found: a file that is held already is not "perhaps clear".
        so_far = conclude(digest, inspection.findings, self._raised)
        return so_far if isinstance(so_far, Held) else Undecided(digest, reason)


class _Inspection:
    """One file that was sent, and all archives inside it: what was found so far, and what may still be spent."""

    def __init__(
        self, scanner: Scanner, examiner: Examiner, budgets: Budgets, *, file_size: int, deadline: float
    ) -> None:
        self.findings: list[Finding] = []
        self._scanner = scanner
        self._examiner = examiner
        self._budgets = budgets
        self._allowance = Allowance(budgets, file_size)
        self._deadline = deadline

    def inspect(self, memfd: SealedMemfd, file_type: FileType | None, *, depth: int) -> None:
        """Add what is found in `memfd`, which lies `depth` archives below the file that was sent.

        A `file_type` of None is scanned only.
        """
        examination = Examination()
        failed: Exception | None = None
        try:
            if file_type is not None:
                examination = self._examine(memfd.fd, file_type, depth=depth)
        except Exception as error:  # noqa: BLE001 - raised below; the scanner may know the file all the same
            failed = error
        self.findings.extend(examination.findings)
        # A bomb is held already, and would keep clamd from all other files: 42.zip costs it half a minute.
        if BOMBS & set(examination.findings):
            return
        found = self._scanner.scan(memfd.fd, deadline=self._deadline)
        if found is not None and not _is_refuted(found, file_type, examination):
            self.findings.append(found)
        if failed is not None:
            raise failed
        if file_type is None or not examination.members or self._has_malware():
            return
        try:
            self._inspect_members(memfd, file_type, examination.members, depth=depth)
        except OverBudgetError:
            self.findings.append(Finding(Code.ARCHIVE_BUDGET))
        except DamagedArchiveError:
            self.findings.append(Finding(Code.RAR_UNREADABLE if file_type is FileType.RAR else Code.ZIP_UNREADABLE))

    def _has_malware(self) -> bool:
        return Finding(Code.SCANNER_MALWARE) in self.findings

    def _examine(self, fd: int, file_type: FileType, *, depth: int) -> Examination:
        """Have a worker examine a file within what is left of the budgets, and pay for what it unpacked."""
        over_budget = Finding(Code.ARCHIVE_BUDGET)
        try:
            left = self._allowance.left(file_type, depth=depth)
        except OverBudgetError:
            return Examination((over_budget,))
        examination = self._examiner.examine(fd, file_type, deadline=self._deadline, left=left)
        try:
            self._allowance.charge(examination.spent_members, examination.spent_bytes)
        except OverBudgetError:
            return Examination((*examination.findings, over_budget))
        return examination

    def _inspect_members(
        self, memfd: SealedMemfd, file_type: FileType, members: tuple[ArchiveMember, ...], *, depth: int
    ) -> None:
        """Unpack and inspect those members which the archive's own worker could not."""
        if any(bool(member.place) is not (file_type in ZIPPED) for member in members):
            raise UndecidableError(Reason.WORKER_FAILED)
        deepest = max(len(member.place) or 1 for member in members)
        self._allowance.spend(members, depth=depth + deepest)
        unpacking = (
            unpack_rar(memfd.fd, members, self._allowance, self._budgets, deadline=self._deadline)
            if file_type is FileType.RAR
            else self._expand(memfd.fd, members)
        )
        with contextlib.closing(unpacking) as plaintexts:
            # The plaintexts first: at their end `unpack_rar` checks whether more comes out than was promised.
            for plaintext, member in zip(plaintexts, members, strict=True):
                self.findings.extend(map(Finding, _content_findings(plaintext, member.promise)))
                inner = kind_to_check(plaintext.head(HEAD_SIZE), member.promise)
                self.inspect(plaintext, inner, depth=depth + (len(member.place) or 1))
                if self._has_malware():
                    return

    def _expand(self, fd: int, members: tuple[ArchiveMember, ...]) -> Generator[SealedMemfd, None, None]:
        """Yield members of a ZIP, as `unpack_rar` gives a RAR's: each is closed when the next one is asked for."""
        for member in members:
            self._allowance.occupy(member.size)
            try:
                with self._examiner.expand(fd, member, deadline=self._deadline) as plaintext:
                    yield plaintext
            finally:
                self._allowance.vacate(member.size)


def _is_refuted(found: Finding, file_type: FileType | None, examination: Examination) -> bool:
    """Return whether clamd calls a PDF encrypted that was decrypted here and examined: it opens without a password.

    clamd names what it recognises before it names that, so nothing else is lost with its answer.
    """
    if found.code is not Code.SCANNER_ENCRYPTED or file_type is not FileType.PDF:
        return False
    codes = {finding.code for finding in examination.findings}
    return Code.PDF_RESTRICTED in codes and Code.PDF_ENCRYPTED not in codes


def _content_findings(plaintext: SealedMemfd, promise: Promise) -> tuple[Code, ...]:
    """Return what fixed bytes in a member show; it is not parsed here."""
    search = ContentSearch(promise)
    at = 0
    while (piece := os.pread(plaintext.fd, PIECE, at)) and search.feed(piece):
        at += len(piece)
    return search.findings()
