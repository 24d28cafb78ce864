"""A short run of the fuzzing; `make fuzz-quarantine` is the long one.

Invariant Q5.
"""

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarantine.budgets import Budgets
from quarantine.errors import UndecidableError
from quarantine.examination import ArchiveMember, Examination
from quarantine.file_types import FileType
from quarantine.findings import Code, Finding
from quarantine.image import check as image_check
from quarantine.inspector import Inspector
from quarantine.rar.blocks import MAGIC_5
from quarantine.verdict import Clear
from tests.builders.rar5 import Rar5Entry, rar5
from tests.fuzz import caged, targets
from tests.fuzz.mending import mend
from tests.fuzz.mutation import mutate
from tests.fuzz.seeds import TARGETS, seeds

SEEDS = {target: seeds(target) for target in TARGETS}
needs_atheris = pytest.mark.skipif(sys.version_info >= (3, 12), reason="atheris is locked for Python 3.11 only")


@pytest.fixture(scope="module", autouse=True)
def _with_pillow() -> Iterator[None]:
    before = image_check._second_opinion
    image_check.load_second_opinion()
    yield
    image_check._second_opinion = before


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_is_examined_without_a_fault(target: str) -> None:
    assert len(SEEDS[target]) >= 7
    for content in SEEDS[target]:
        targets.TARGETS[target](content)
        targets.TARGETS[target](mend(content))


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=200, deadline=None)
@given(first=st.integers(0, 999), second=st.integers(0, 999), seed=st.integers(0, 2**32))
def test_mutated_files_show_no_fault(target: str, first: int, second: int, seed: int) -> None:
    start = SEEDS[target]
    targets.TARGETS[target](mutate(start[first % len(start)], start[second % len(start)], random.Random(seed)))


@settings(max_examples=500)
@given(content=st.binary(max_size=300))
def test_no_bytes_at_all_show_a_fault(content: bytes) -> None:
    for run in targets.TARGETS.values():
        run(content)


def test_a_mutated_file_is_examined_in_the_cage_as_outside_of_it() -> None:
    assert caged.run(20, seed=7) == []


def test_mending_makes_the_sums_right() -> None:
    archive = rar5(Rar5Entry("hello.txt", b"hello"))
    broken = bytearray(archive)
    broken[len(MAGIC_5)] ^= 0xFF
    assert bytes(broken) != archive
    assert mend(bytes(broken)) == archive


# --- the search itself: would it find anything?


def test_an_exception_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarantine.text.check.examine_text", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        targets.TARGETS["txt"](b"text")


def test_an_answer_that_the_broker_reads_otherwise_is_a_fault() -> None:
    with pytest.raises(targets.Fault):
        targets._check_answer(Examination(members=(ArchiveMember(5),)))  # neither sum: read as the sum 0
    with pytest.raises(UndecidableError):
        targets._check_answer(Examination(spent_bytes=-1))


def test_time_above_the_budget_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "BUDGETS", Budgets(worker_cpu=1))
    monkeypatch.setattr("tests.fuzz.targets.time.process_time", iter(range(0, 100, 2)).__next__)
    with pytest.raises(targets.Fault, match="CPU seconds"):
        targets.TARGETS["txt"](b"text")


def test_a_failing_broker_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets._Blind, "scan", lambda *_, **__: 1 // 0)
    with pytest.raises(targets.Fault, match="catch-all"):
        targets.TARGETS["answer"](b'{"findings":[],"members":[],"spent":[0,0]}')


def test_a_lost_finding_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inspector, "inspect", lambda *_, **__: Clear("0" * 64))
    with pytest.raises(targets.Fault, match="was lost"):
        targets._inspect(Examination((Finding(Code.FILE_POLYGLOT),)), b"", FileType.ZIP)


def fuzz(target: str, runs: int, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.fuzz", "--target", target, "--runs", str(runs), "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@needs_atheris
@pytest.mark.parametrize(("target", "runs"), [("rar", 2000), ("image", 1000), ("answer", 2000), ("zip", 500)])
def test_a_short_guided_run_finds_nothing(target: str, runs: int, tmp_path: Path) -> None:
    ended = fuzz(target, runs, tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr + (tmp_path / target / "log").read_text()[-2000:]
    # The table's line of all targets; libFuzzer may run a few inputs more than it was asked for.
    executions = re.search(r"^all +([\d,]+)", ended.stdout, re.MULTILINE)
    assert executions, ended.stdout
    assert int(executions[1].replace(",", "")) >= runs


@needs_atheris
def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    ended = fuzz("planted", 20_000, tmp_path)
    assert ended.returncode == 1, ended.stdout
    (found,) = (tmp_path / "planted").glob("fault-*")
    content = found.read_bytes()
    assert b"/etc/passwd" in content
