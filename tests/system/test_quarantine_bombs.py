"""Bombs and large files in a process with the worker's limits: an answer, and never more than the limits."""

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from quarantine.budgets import MIB, Budgets
from tests.pdf_files import HOSTILE, deflated, pdf, stream
from tests.text_files import LINE

# What the caged worker does to a file, without the cage: the same limits, and the peak of its memory.
SCRIPT = """
import resource
import sys
from quarantine.budgets import Budgets
from quarantine.examine import check_of
from quarantine.types import FileType
check, budgets = check_of(FileType(sys.argv[1])), Budgets()
resource.setrlimit(resource.RLIMIT_AS, (budgets.worker_memory,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (budgets.worker_cpu,) * 2)
with open(sys.argv[2], "rb") as stream:
    for finding in check(stream, budgets).findings:
        print(finding.code.value)
usage = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss, which remembers the process that started this one.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) * 1024, usage.ru_utime + usage.ru_stime)
"""


def look_at(folder: Path, kind: str, content: bytes) -> tuple[set[str], int, float]:
    """Codes, bytes of memory at most, CPU seconds."""
    file = folder / "file"
    file.write_bytes(content)
    command = [sys.executable, "-c", SCRIPT, kind, str(file)]
    *codes, last = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split("\n")[
        :-1
    ]
    memory, seconds = last.split()
    return set(codes), int(memory), float(seconds)


def many_objects() -> bytes:
    return pdf(b"", *[b"<< /A [1 2 3] /B (text) /C 6 0 R >>"] * 150_000)


def object_stream_of_arrays() -> bytes:
    inner = b"9 0 " + b"[1]" * (5 * MIB)
    return pdf(b"", deflated(inner, b"/Type /ObjStm /N 1 /First 4"))


def large_pictures() -> bytes:
    return pdf(b"", *[stream(bytes(60 * MIB), b"/Type /XObject /Subtype /Image")] * 4)


def names_without_end() -> bytes:
    return pdf(b"", stream(b"/J#61#61#61 " * (3 * MIB)))


def picture_of_many_layers() -> bytes:
    content = bytes(200 * MIB)
    for _ in range(2):
        content = zlib.compress(content, 1)
    return pdf(b"", stream(content, b"/Filter [/FlateDecode /FlateDecode]"))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (HOSTILE["bomb_of_a_gigabyte"], "pdf.budget"),
        (HOSTILE["attached_bomb"], "pdf.embedded-opaque"),
        (many_objects, "pdf.not-all-walked"),
        (object_stream_of_arrays, "pdf.object-streams"),
        (large_pictures, None),
        (names_without_end, None),
        (picture_of_many_layers, "pdf.filters"),
    ],
)
def test_pdf(tmp_path: Path, make: Callable[[], bytes], expected: str | None) -> None:
    codes, memory, seconds = look_at(tmp_path, "pdf", make())
    assert expected is None or expected in codes
    assert memory < Budgets().worker_memory
    assert seconds < Budgets().worker_cpu


@pytest.mark.parametrize(
    ("piece", "count"),
    [
        (LINE, 256 * MIB // len(LINE)),
        ("Jeg klager på vedtaket – «avslag».\n".encode(), 6 * MIB),
        ("می\u200cکنم نامه\u200cها ".encode(), 4 * MIB),
        ("a\u200b".encode(), 32 * MIB),
    ],
)
def test_large_text(tmp_path: Path, piece: bytes, count: int) -> None:
    _, memory, seconds = look_at(tmp_path, "txt", piece * count)
    assert memory < 96 * MIB
    assert seconds < Budgets().worker_cpu
