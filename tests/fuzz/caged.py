"""Mutated files through the real cage: the worker must find there what the same code finds here, and survive.

This is what shows a module that is loaded too late, or a system call that only a broken file needs.
"""

import io
import time
from typing import Final, NamedTuple

from quarantine.check_of_type import examine_bytes
from quarantine.errors import UndecidableError
from quarantine.image.check import load_second_opinion
from quarantine.memfd import seal_bytes_in_memory
from quarantine.workers.caged_examiner import CagedExaminer
from quarantine.workers.zygote_client import ZygoteClient
from tests.fuzz.cases import mutated, type_of
from tests.fuzz.seeds import TARGETS
from tests.fuzz.targets import BUDGETS, SECONDS

FILES: Final = tuple(target for target in TARGETS if target != "answer")


class Fault(NamedTuple):
    """One file that was examined otherwise."""

    target: str
    difference: str
    content: bytes


def run(count: int, seed: int) -> list[Fault]:
    """Examine `count` mutated files of each type twice, here and in the cage."""
    faults = []
    load_second_opinion()
    with ZygoteClient(pictures=True) as zygote:
        examiner = CagedExaminer(BUDGETS, zygote)
        for target in FILES:
            for content in mutated(target, count, seed):
                difference = _caged(examiner, target, content)
                if difference is not None:
                    faults.append(Fault(target, difference, content))
    return faults


def _caged(examiner: CagedExaminer, target: str, content: bytes) -> str | None:
    file_type = type_of(target, content)
    expected = examine_bytes(io.BytesIO(content), file_type, BUDGETS)
    with seal_bytes_in_memory(content) as memfd:
        try:
            found = examiner.examine(memfd.fd, file_type, deadline=time.monotonic() + SECONDS)
        except UndecidableError as error:
            return f"undecided in the cage ({error.reason})"
    return None if found == expected else "found something else in the cage"
