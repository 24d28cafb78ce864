"""Hostile PDFs in the real cage are found to be what they are outside of it: nothing that they ask for ends a worker.

Invariants Q2 and Q12.
"""

import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarantine.budgets import Budgets
from quarantine.file_types import FileType
from quarantine.memfd import seal_bytes_in_memory
from quarantine.workers.caged_examiner import CagedExaminer
from quarantine.workers.zygote_client import ZygoteClient
from tests.builders.pdf_tricks import TRICKS
from tests.worlds.waiting import WATCHDOG

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors/quarantine/pdf-tricks.toml").read_text())
# The cage makes no difference to a bomb, and each of these takes a second.
NAMES = [name for name in VECTORS if "bomb" not in name]


@pytest.fixture(scope="module")
def examiner() -> Iterator[CagedExaminer]:
    with ZygoteClient() as zygote:
        yield CagedExaminer(Budgets(), zygote)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_found_in_the_cage(examiner: CagedExaminer, name: str) -> None:
    with seal_bytes_in_memory(TRICKS[name]()) as memfd:
        found = examiner.examine(memfd.fd, FileType.PDF, deadline=time.monotonic() + WATCHDOG)
    assert sorted(finding.code.value for finding in found.findings) == VECTORS[name]["codes"]
