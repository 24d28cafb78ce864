"""Has files examined by caged workers and reads their answers: as a stranger's bytes."""

import math
import time

from quarantine.archive.allowance import collect
from quarantine.budgets import Budgets
from quarantine.errors import UndecidableError
from quarantine.examination import ArchiveMember, Examination, parse_examination
from quarantine.file_types import FileType
from quarantine.memfd import SealedMemfd
from quarantine.verdict import Reason
from quarantine.workers.assignment import Assignment
from quarantine.workers.protocol import Request
from quarantine.workers.zygote_client import ZygoteClient, default_zygote


class CagedExaminer:
    """An Examiner whose workers are forked by a zygote. Holds no state of any file; any number of threads may use one.

    Args:
        budgets: The limits of one file.
        zygote: Started before any key was read; None takes this process's own, which starts with the first file.
    """

    def __init__(self, budgets: Budgets, zygote: ZygoteClient | None = None) -> None:
        self._budgets = budgets
        self._zygote = zygote or default_zygote()

    def examine(self, fd: int, file_type: FileType, *, deadline: float, left: Budgets | None = None) -> Examination:
        """See Examiner.examine."""
        budgets = left or self._budgets
        request = Request(self._cpu_seconds(deadline), budgets, file_type=file_type)
        with self._worker(request, fd, deadline) as worker:
            untrusted_answer = worker.answer.read_exactly(budgets.answer_bytes + 1)
            if len(untrusted_answer) > budgets.answer_bytes:
                raise UndecidableError(Reason.WORKER_FAILED)
            worker.check_end()
        return parse_examination(untrusted_answer, budgets)

    def expand(self, fd: int, member: ArchiveMember, *, deadline: float) -> SealedMemfd:
        """See Examiner.expand."""
        request = Request(self._cpu_seconds(deadline), self._budgets, place=member.place)
        with self._worker(request, fd, deadline) as worker:
            return collect(worker.answer.read, member)

    def _cpu_seconds(self, deadline: float) -> int:
        return max(1, min(self._budgets.worker_cpu, math.ceil(deadline - time.monotonic())))

    def _worker(self, request: Request, fd: int, deadline: float) -> Assignment:
        try:
            return self._zygote.worker(request, fd, deadline=deadline)
        except OSError:
            raise UndecidableError(Reason.WORKER_FAILED) from None
