"""Fuzzes one target led by coverage (atheris, that is libFuzzer), in a process of its own.

    python -m tests.fuzz.guided TARGET RUNS SEED FOLDER

libFuzzer ends the process itself: 0 when nothing was found; else the input lies in FOLDER as `fault-…`. Memory above
the worker's budget is a fault too. `planted` is a target with a fault in it, to see that one would be found.
"""

import random
import sys
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["quarantine"]):
    from quarantine.check_of_type import check_of
    from quarantine.file_types import FileType
    from quarantine.image.check import load_second_opinion
    from tests.fuzz import targets

    # Loaded on demand otherwise, and then coverage would not see them.
    for file_type in FileType:
        check_of(file_type)

from quarantine.budgets import MIB
from tests.fuzz.mending import mend
from tests.fuzz.mutation import TOKENS
from tests.fuzz.seeds import seeds

LENGTH_MAX: Final = 64 * 1024  # bytes of a mutated file
BASE_MEMORY: Final = 256 * MIB  # of this process besides the file: interpreter, parsers, seeds, counters
HANGS: Final = 180  # seconds of the clock, on a busy machine; CPU time is judged by the target


def planted(content: bytes) -> None:
    """A rar that is examined well, but for one block that nobody should ever find by chance alone."""
    targets.TARGETS["rar"](content)
    if content.startswith(b"Rar!") and b"/etc/passwd" in content and b"\xff\xff" in content[30:]:
        raise targets.Fault("planted")


def mended(content: bytes, size_max: int, seed: int) -> bytes:
    """libFuzzer's own mutation, three times in four with right sums."""
    changed: bytes = atheris.Mutate(content, size_max)
    return mend(changed)[:size_max] if random.Random(seed).random() < 0.75 else changed


def main(name: str, runs: int, seed: int, folder: Path) -> None:
    """Write the seeds, and fuzz."""
    load_second_opinion()
    start = folder / "seeds"
    start.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds("rar" if name == "planted" else name)):
        (start / f"{number:04}").write_bytes(mend(content))
    (folder / "tokens").write_text("".join(f'"{_escaped(token)}"\n' for token in TOKENS))
    options = {
        "runs": runs, "seed": seed, "max_len": LENGTH_MAX, "timeout": HANGS, "dict": folder / "tokens",
        "report_slow_units": HANGS, "rss_limit_mb": (BASE_MEMORY + targets.BUDGETS.worker_memory) // MIB,
        "artifact_prefix": f"{folder}/fault-", "print_final_stats": 1, "verbosity": 1,
    }  # fmt: skip
    flags = [f"-{option}={value}" for option, value in options.items()]
    target = planted if name == "planted" else targets.TARGETS[name]
    atheris.Setup([sys.argv[0], *flags, str(start)], target, custom_mutator=mended)
    atheris.Fuzz()


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
