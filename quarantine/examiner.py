"""Starts a fresh worker for one archive and reads its answer. The caged zygote will take this place."""

import dataclasses
import json
import sys
from typing import Final

from quarantine.budgets import Budgets
from quarantine.errors import UndecidableError
from quarantine.examination import Examination, parse_examination
from quarantine.process import ConfinedProcess
from quarantine.types import FileType
from quarantine.verdict import Reason

_EXAMINED: Final = frozenset({FileType.RAR, FileType.ZIP})


class FreshWorkerExaminer:
    """An Examiner that execs one interpreter for each archive; PDFs and texts have no structure checks yet."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._limits = json.dumps(dataclasses.asdict(budgets))

    def examine(self, fd: int, file_type: FileType, *, deadline: float) -> Examination:
        """See Examiner.examine."""
        if file_type not in _EXAMINED:
            return Examination()
        command = [sys.executable, "-I", "-B", "-m", "quarantine.worker", file_type.value, str(fd), self._limits]
        try:
            with ConfinedProcess(command, fd=fd, deadline=deadline) as worker:
                untrusted_answer = worker.read_exactly(self._budgets.answer_bytes + 1)
                if len(untrusted_answer) > self._budgets.answer_bytes or worker.exit_code() != 0:
                    raise UndecidableError(Reason.WORKER_FAILED)
        except OSError:
            raise UndecidableError(Reason.WORKER_FAILED) from None
        return parse_examination(untrusted_answer, self._budgets)
