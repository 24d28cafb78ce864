"""One file in, one Verdict out: clamd, the structure, and the members of RAR archives, under one deadline.

The broker. It reads no untrusted format itself: workers do, and their answers are believed only in a closed
form. Blocking; the gateway calls it from a thread.
"""

import contextlib

from quarantine.budgets import Budgets
from quarantine.clamd import Scanner
from quarantine.errors import UndecidableError
from quarantine.examination import Examiner
from quarantine.examiner import FreshWorkerExaminer
from quarantine.memory import SealedMemfd
from quarantine.types import HEAD_SIZE, FileType, type_of_content
from quarantine.unpacking import Allowance, DamagedArchiveError, OverBudgetError, unpack
from quarantine.verdict import Code, Finding, Reason, Undecided, Verdict, conclude


class Inspector:
    """Judges files. Holds no state of any file; any number of threads may use one."""

    def __init__(self, scanner: Scanner, budgets: Budgets | None = None, *, examiner: Examiner | None = None) -> None:
        self._scanner = scanner
        self._budgets = budgets or Budgets()
        self._examiner = examiner or FreshWorkerExaminer(self._budgets)

    def inspect(self, memfd: SealedMemfd, file_type: FileType, digest: str, *, deadline: float) -> Verdict:
        """Judge one file; never raises for what its bytes are.

        Args:
            memfd: Of the whole file; stays open.
            file_type: As `accepted_type` found it.
            digest: SHA-256 of the file, lowercase hex; the verdict carries it.
            deadline: Seconds of time.monotonic; what is not decided by then is Undecided.
        """
        findings: list[Finding] = []
        reason = Reason.INSPECTION_FAILED
        try:
            allowance = Allowance(self._budgets, memfd.size)
            self._inspect(memfd, file_type, findings, allowance, depth=0, deadline=deadline)
            return conclude(digest, findings)
        except UndecidableError as error:
            reason = error.reason
        except Exception:  # noqa: BLE001, S110 - the one border: whatever a file provokes, it is not clear
            pass
        # What was found stays found: a file that is held already is not "perhaps clear".
        if any(finding.grade.holds for finding in findings):
            return conclude(digest, findings)
        return Undecided(digest, reason)

    def _inspect(
        self,
        memfd: SealedMemfd,
        file_type: FileType | None,
        findings: list[Finding],
        allowance: Allowance,
        *,
        depth: int,
        deadline: float,
    ) -> None:
        """Append what is found in `memfd`, at `depth` archives below the file that was sent."""
        found = self._scanner.scan(memfd.fd, deadline=deadline)
        if found is not None:
            findings.append(found)
        if file_type is None:
            return
        examination = self._examiner.examine(memfd.fd, file_type, deadline=deadline)
        findings.extend(examination.findings)
        if not examination.members or Finding(Code.SCANNER_MALWARE) in findings:
            return
        try:
            allowance.spend(examination.members, depth=depth + 1)
            with contextlib.closing(
                unpack(memfd.fd, examination.members, allowance, self._budgets, deadline=deadline)
            ) as members:
                for member in members:
                    inner = type_of_content(member.head(HEAD_SIZE))
                    self._inspect(member, inner, findings, allowance, depth=depth + 1, deadline=deadline)
                    if Finding(Code.SCANNER_MALWARE) in findings:
                        return
        except OverBudgetError:
            findings.append(Finding(Code.ARCHIVE_BUDGET))
        except DamagedArchiveError:
            findings.append(Finding(Code.RAR_UNREADABLE))
