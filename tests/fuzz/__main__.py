"""Fuzzes the quarantine: `make fuzz-quarantine RUNS=200000 SEED=1`.

    python -m tests.fuzz [--runs N] [--seed N] [--target NAME] [--folder FOLDER]

Every target in a process of its own; one execution in a hundred goes through the real cage. Exit 1 when anything was
found: the file that did it lies in FOLDER then, and `python -m tests.fuzz --again FILE --target NAME` shows the fault.
"""

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from quarantine.image.check import load_second_opinion
from tests.fuzz import caged
from tests.fuzz.cases import mutated
from tests.fuzz.seeds import TARGETS

# Of a hundred executions: more where an execution is quick and the format deep. The rest goes through the cage.
SHARES: Final = {"zip": 15, "rar": 23, "pdf": 8, "txt": 10, "image": 17, "document": 6, "answer": 20}
GUIDED: Final = importlib.util.find_spec("atheris") is not None


class Row(NamedTuple):
    """What came of one target."""

    target: str
    executions: int
    seconds: float
    peak: str
    faults: int


def main() -> int:
    """Parse the arguments, run, print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the quarantine.")
    parser.add_argument("--runs", type=int, default=200_000, help="executions in all (200000)")
    parser.add_argument("--seed", type=int, default=1, help="another one gives other files (1)")
    parser.add_argument("--target", choices=[*TARGETS, "caged", "planted"], help="only this one, with all runs")
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"), help="for what was found (.fuzz)")
    parser.add_argument("--again", type=Path, metavar="FILE", help="run one file through --target, and show the fault")
    given = parser.parse_args()
    load_second_opinion()
    if given.again is not None:
        return _again(given.target, given.again.read_bytes())
    if not GUIDED:
        if given.target == "planted":
            parser.error("planted is for atheris, which is not there")
        print("atheris is not there (Python 3.12 and later): mutations without the lead of coverage")
    print(f"{'target':8} {'executions':>10} {'seconds':>8} {'peak MB':>8} {'faults':>7}", flush=True)
    rows = []
    for row in _rows(given.target, given.runs, given.seed, given.folder):
        rows.append(row)
        print(f"{row.target:8} {row.executions:10,} {row.seconds:8.0f} {row.peak:>8} {row.faults:7}", flush=True)
    faults = sum(row.faults for row in rows)
    print(f"{'all':8} {sum(row.executions for row in rows):10,} {sum(row.seconds for row in rows):8.0f} {faults:16}")
    return 1 if faults else 0


def _rows(only: str | None, runs: int, seed: int, folder: Path) -> Iterator[Row]:
    shares = {name: runs * share // 100 for name, share in SHARES.items()}
    shares["caged"] = runs - sum(shares.values())
    for target, count in shares.items() if only is None else [(only, runs)]:
        place = folder / target
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if target == "caged":
            yield _caged(count, seed, place)
        elif GUIDED:
            yield _guided(target, count, seed, place)
        else:
            yield _unguided(target, count, seed, place)


def _guided(target: str, runs: int, seed: int, folder: Path) -> Row:
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.guided", target, str(runs), str(seed), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    (folder / "log").write_text(ended.stderr + ended.stdout)
    executions, peak = _stat(ended.stderr, "number_of_executed_units"), _stat(ended.stderr, "peak_rss_mb")
    faults = len(list(folder.glob("fault-*")))
    if ended.returncode or executions < runs:
        print(f"{target}: see {folder}/log", file=sys.stderr)
        faults = max(1, faults)
    return Row(target, executions, time.monotonic() - began, str(peak), faults)


def _stat(log: str, name: str) -> int:
    found = re.search(rf"^stat::{name}:\s+(\d+)$", log, re.MULTILINE)
    return int(found[1]) if found else 0


def _unguided(target: str, runs: int, seed: int, folder: Path) -> Row:
    from tests.fuzz.targets import TARGETS as RUN

    began, faults = time.monotonic(), 0
    for number, content in enumerate(mutated(target, runs, seed)):
        try:
            RUN[target](content)
        except Exception as error:  # noqa: BLE001 - of any kind: that is what is searched for
            faults += 1
            (folder / f"fault-{number}").write_bytes(content)
            print(f"{target}: {error!r}", file=sys.stderr)
    return Row(target, runs, time.monotonic() - began, "-", faults)


def _caged(runs: int, seed: int, folder: Path) -> Row:
    began = time.monotonic()
    count = runs // len(caged.FILES)
    faults = caged.run(count, seed)
    for number, fault in enumerate(faults):
        (folder / f"fault-{fault.target}-{number}").write_bytes(fault.content)
        print(f"caged {fault.target}: {fault.difference}", file=sys.stderr)
    return Row("caged", count * len(caged.FILES), time.monotonic() - began, "-", len(faults))


def _again(target: str | None, content: bytes) -> int:
    from tests.fuzz.targets import TARGETS as RUN

    if target not in RUN:
        print("--again needs --target with the type of the file", file=sys.stderr)
        return 2
    RUN[target](content)
    print("nothing was found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
