"""`make bench-quarantine`: what it costs to have files examined in a cage.

The cage's share is the time of a file in a caged worker, less that of the same check in a worker without any layer (a
bare fork) and in this process (no fork at all). The kinds of worker take turns, so that a machine whose speed drifts
treats them alike; medians count, and CPU seconds stand beside the clock. Nothing is asserted.
"""

import argparse
import contextlib
import io
import os
import resource
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pypdf

from quarantine import kernel
from quarantine.budgets import MIB, Budgets
from quarantine.cage import Cage, Layer
from quarantine.clamd import ClamdScanner
from quarantine.examine import examine_bytes
from quarantine.examiner import CagedExaminer
from quarantine.inspect import Inspector
from quarantine.local_clamd import LocalClamd
from quarantine.memory import MemfdWriter, SealedMemfd
from quarantine.types import FileType
from quarantine.warming import load_everything
from quarantine.zygote import Zygote

LARGE: Final = 250 * MIB  # bytes
DIGEST: Final = "0" * 64
LINE: Final = b"A line of text in a long log, with a number at its end: %016x\n"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=200, help="runs of each small file (default 200)")
    parser.add_argument("--large", type=int, default=3, help="runs of each large file (default 3)")
    parser.add_argument("--clamd", action="store_true", help="also with a clamd of our own (test signatures)")
    arguments = parser.parse_args()
    kernel.keep_freed_memory()  # as the zygote does
    load_everything()
    with Zygote() as caged, Zygote(Cage(frozenset(Layer))) as bare:
        print(
            "By the clock (medians): in a cage, in a bare fork, in this process; the cage is the first less the last."
        )
        print("By CPU (means, of zygote and workers): in a cage, and what its layers add to a bare fork.\n")
        head = f"{'file':<22}{'caged':>10}{'bare fork':>11}{'in process':>12}{'cage':>10}{'share':>8}"
        print(f"{head}{'CPU':>11}{'layers':>10}{'speed':>14}")
        for name, kind, make, runs in files(arguments.small, arguments.large):
            with make() as memfd:
                compare(name, kind, memfd, runs, caged, bare)
        if arguments.clamd:
            with_clamd(arguments, caged)
    return 0


def files(small: int, large: int) -> Iterator[tuple[str, FileType, Callable[[], SealedMemfd], int]]:
    """Every file to be examined, and how often."""
    yield "text of 6 bytes", FileType.TXT, lambda: sealed([b"hello\n"]), small
    yield "PDF of 10 pages", FileType.PDF, lambda: sealed([small_pdf()]), small
    yield "ZIP of 3 members", FileType.ZIP, lambda: sealed([small_zip()]), small
    yield "text of 250 MiB", FileType.TXT, lambda: sealed(text()), large
    yield "stored ZIP, 250 MiB", FileType.ZIP, large_zip, large


def compare(name: str, kind: FileType, memfd: SealedMemfd, runs: int, caged: Zygote, bare: Zygote) -> None:
    """Print one row."""
    budgets = Budgets(worker_cpu=60)

    def in_process() -> None:
        with contextlib.suppress(Exception), io.BufferedReader(io.FileIO(memfd.fd, closefd=False)) as stream:
            stream.seek(0)
            examine_bytes(stream, kind, budgets)

    def by(zygote: Zygote) -> Callable[[], object]:
        examiner = CagedExaminer(budgets, zygote)
        return lambda: examiner.examine(memfd.fd, kind, deadline=time.monotonic() + 120)

    ways = (by(caged), by(bare), in_process)
    seconds: list[list[float]] = [[], [], []]
    before = cpu_of(caged), cpu_of(bare)
    for _ in range(runs):
        for taken, way in zip(seconds, ways, strict=True):
            began = time.perf_counter()
            way()
            taken.append(time.perf_counter() - began)
    cpu, cpu_bare = ((cpu_of(zygote) - was) / runs for zygote, was in zip((caged, bare), before, strict=True))
    whole, fork, check = map(statistics.median, seconds)
    cage = whole - check
    speed = f"{1 / whole:.0f} files/s" if memfd.size < MIB else f"{memfd.size / MIB / whole:.0f} MiB/s"
    columns = f"{ms(whole):>10}{ms(fork):>11}{ms(check):>12}{ms(cage):>10}{cage / whole:>8.1%}"
    columns += f"{ms(cpu):>11}{ms(cpu - cpu_bare):>10}"
    print(f"{name:<22}{columns}{speed:>14}", flush=True)


def cpu_of(zygote: Zygote) -> float:
    """Return the CPU seconds so far of a zygote and of its workers that have ended."""
    pid = zygote.pid or 0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()  # with namespaces, the zygote is a child
    fields = Path(f"/proc/{children[0] if children else pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def with_clamd(arguments: argparse.Namespace, caged: Zygote) -> None:
    """Print what a whole inspection takes, clamd included."""
    print("\nWhole inspection, with clamd and its test signatures:")
    with (
        tempfile.TemporaryDirectory(prefix="enveis-bench-") as folder,
        LocalClamd(Path(folder), test_database=True) as c,
    ):
        budgets = Budgets(worker_cpu=60)
        inspector = Inspector(ClamdScanner(c.socket_path), budgets, examiner=CagedExaminer(budgets, caged))
        for name, kind, make, runs in files(arguments.small, arguments.large):
            with make() as memfd:
                taken = []
                for _ in range(max(1, runs // 4)):
                    began = time.perf_counter()
                    verdict = inspector.inspect(memfd, kind, DIGEST, deadline=time.monotonic() + 120)
                    taken.append(time.perf_counter() - began)
                whole = statistics.median(taken)
                print(f"{name:<22}{ms(whole):>10}  {memfd.size / MIB / whole:8.1f} MiB/s  {type(verdict).__name__}")
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"\nThe broker itself: {used.ru_utime + used.ru_stime:.1f} CPU seconds, {used.ru_maxrss // 1024} MiB at most."
    )


def ms(seconds: float) -> str:
    """Return milliseconds as text."""
    return f"{seconds * 1000:.2f} ms"


def sealed(pieces: Iterator[bytes] | list[bytes]) -> SealedMemfd:
    """Return a sealed memfd of these bytes."""
    with MemfdWriter() as writer:
        for piece in pieces:
            writer.write(piece)
        return writer.seal()


def text() -> Iterator[bytes]:
    """Yield LARGE bytes of text, none of it twice."""
    left = LARGE
    while left:
        piece = b"".join(LINE % int.from_bytes(os.urandom(8), "big") for _ in range(16_384))[:left]
        left -= len(piece)
        yield piece


def small_pdf() -> bytes:
    """Return a PDF of ten pages."""
    writer, target = pypdf.PdfWriter(), io.BytesIO()
    for _ in range(10):
        writer.add_blank_page(595, 842)
    writer.write(target)
    return target.getvalue()


def small_zip() -> bytes:
    """Return a ZIP of a PDF and two texts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pdf", small_pdf())
        archive.writestr("b.txt", b"text\n" * 100)
        archive.writestr("c.txt", b"other\n" * 100)
    return target.getvalue()


def large_zip() -> SealedMemfd:
    """Return a stored ZIP of one large text."""
    fd = os.memfd_create("bench")
    with open(fd, "w+b") as stream:  # noqa: PTH123 - a descriptor
        with zipfile.ZipFile(stream, "w") as archive, archive.open("log.txt", "w", force_zip64=True) as member:
            for piece in text():
                member.write(piece)
        stream.seek(0)
        return sealed(iter(lambda: stream.read(MIB), b""))


if __name__ == "__main__":
    sys.exit(main())
