"""`make bench-quarantine`: what it costs to have files examined in a cage, and what a whole inspection takes.

The cage's share is the time of an examination in a caged worker, less that of the same examination in this process.
Both are measured in pairs, one right after the other and in changing order, and the median of the differences counts:
a machine whose speed drifts (a neighbour on the same core takes a third of it) treats both alike. A whole inspection
is what a gateway does: the cage, members unpacked and inspected, and clamd. Nothing is asserted.
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

from quarantine.budgets import MIB, Budgets
from quarantine.cage import syscalls
from quarantine.check_of_type import examine_bytes
from quarantine.examination import encode_examination, parse_examination
from quarantine.file_types import FileType
from quarantine.inspector import Inspector
from quarantine.memfd import MemfdWriter, SealedMemfd
from quarantine.scanner.clamd import ClamdScanner, Scanner
from quarantine.scanner.local_clamd import LocalClamd
from quarantine.verdict import Clear
from quarantine.workers.caged_examiner import CagedExaminer
from quarantine.workers.protocol import End, Request
from quarantine.workers.warmup import load_everything
from quarantine.workers.zygote_client import ZygoteClient

LARGE: Final = 250 * MIB  # bytes
SECONDS: Final = 120.0  # for one file
BUDGETS: Final = Budgets(worker_cpu=60)
DIGEST: Final = "0" * 64
LINE: Final = b"A line of text in a long log, with a number at its end: %016x\n"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=200, help="pairs of each small file (default 200)")
    parser.add_argument("--large", type=int, default=9, help="pairs of each large file (default 9)")
    parser.add_argument("--clamd", action="store_true", help="also with a clamd of our own (test signatures)")
    arguments = parser.parse_args()
    syscalls.keep_freed_memory()  # as the zygote does
    load_everything()
    with ZygoteClient() as zygote:
        print("Examined in a cage, and in this process (medians; the share: the median of each pair's difference):")
        print(
            f"{'file':<22}{'caged':>11}{'in process':>12}{'cage':>11}{'share':>8}{'speed':>14}{'CPU':>11}{'memory':>9}"
        )
        for name, kind, make, pairs in files(arguments.small, arguments.large):
            with make() as memfd:
                compare(name, kind, memfd, pairs, zygote)
        print("CPU and memory: of the worker, from its fork to its end, at most.")
        inspect_whole(arguments, zygote)
    return 0


def files(small: int, large: int) -> Iterator[tuple[str, FileType, Callable[[], SealedMemfd], int]]:
    """Every file to be examined, and how often."""
    yield "PDF of 10 pages", FileType.PDF, lambda: sealed([small_pdf()]), small
    yield "text of 6 bytes", FileType.TXT, lambda: sealed([b"hello\n"]), small
    yield "ZIP of 3 members", FileType.ZIP, lambda: sealed([small_zip()]), small
    yield "ZIP of 250 MiB", FileType.ZIP, large_zip, large
    yield "text of 250 MiB", FileType.TXT, lambda: sealed(text()), large


def compare(name: str, kind: FileType, memfd: SealedMemfd, pairs: int, zygote: ZygoteClient) -> None:
    """Print one row."""
    caged: list[float] = []
    plain: list[float] = []
    ends: list[End] = []
    for number in range(pairs):
        # Who comes second finds the other's traces in the processor's caches.
        for is_caged in (True, False) if number % 2 else (False, True):
            began = time.perf_counter()
            if is_caged:
                ends.append(examine_caged(memfd, kind, zygote))
            else:
                examine_here(memfd, kind)
            (caged if is_caged else plain).append(time.perf_counter() - began)
    cage = statistics.median(whole - check for whole, check in zip(caged, plain, strict=True))
    whole, check = statistics.median(caged), statistics.median(plain)
    cpu, memory = statistics.median(end.cpu for end in ends), max(end.memory for end in ends)
    columns = f"{ms(whole):>11}{ms(check):>12}{ms(cage):>11}{cage / whole:>8.1%}{speed(memfd.size, whole):>14}"
    print(f"{name:<22}{columns}{ms(cpu):>11}{memory // MIB:>5} MiB", flush=True)


def examine_here(memfd: SealedMemfd, kind: FileType) -> None:
    """Do in this process what a worker does."""
    with io.BufferedReader(io.FileIO(memfd.fd, closefd=False)) as stream:
        stream.seek(0)
        parse_examination(encode_examination(examine_bytes(stream, kind, BUDGETS)), BUDGETS)


def examine_caged(memfd: SealedMemfd, kind: FileType, zygote: ZygoteClient) -> End:
    """Do what CagedExaminer.examine does; return what the worker took."""
    request = Request(BUDGETS.worker_cpu, BUDGETS, file_type=kind)
    with zygote.worker(request, memfd.fd, deadline=time.monotonic() + SECONDS) as worker:
        answer = worker.answer.read_exactly(BUDGETS.answer_bytes + 1)
        worker.check_end()
    parse_examination(answer, BUDGETS)
    if worker.end is None:
        raise RuntimeError("a worker ended without an end")
    return worker.end


def inspect_whole(arguments: argparse.Namespace, zygote: ZygoteClient) -> None:
    """Print what whole inspections take, without clamd and with one."""
    print("\nWhole inspections (medians):")
    rows = {name: f"{name:<22}" for name, *_ in files(0, 0)}
    with contextlib.ExitStack() as stack:
        scanners: dict[str, Scanner] = {"without clamd": NoScanner()}
        if arguments.clamd:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="enveis-bench-"))
            own = stack.enter_context(LocalClamd(Path(folder), test_database=True))
            scanners["with clamd"] = ClamdScanner(own.socket_path)
        for scanner in scanners.values():
            inspector = Inspector(scanner, BUDGETS, examiner=CagedExaminer(BUDGETS, zygote))
            for name, kind, make, runs in files(arguments.small // 4, arguments.large // 3):
                with make() as memfd:
                    whole = inspections(inspector, memfd, kind, max(1, runs))
                    rows[name] += f"{ms(whole):>13}{speed(memfd.size, whole):>14}"
    print(" " * 22 + "".join(f"{name:>27}" for name in scanners))
    print("\n".join(rows.values()))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"\nclamd knows its test signatures only. This process, which did both: {used} MiB at most.")


def inspections(inspector: Inspector, memfd: SealedMemfd, kind: FileType, runs: int) -> float:
    """Return the seconds of one; ends the program at a file that is not clear, as then not all was done."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        verdict = inspector.inspect(memfd, kind, DIGEST, deadline=time.monotonic() + SECONDS)
        taken.append(time.perf_counter() - began)
        if not isinstance(verdict, Clear):
            raise SystemExit(f"a file of the bench is not clear: {verdict}")
    return statistics.median(taken)


class NoScanner:
    """Finds nothing, at once."""

    def scan(self, fd: int, *, deadline: float) -> None:
        """See quarantine.scanner.clamd.Scanner."""


def speed(size: int, seconds: float) -> str:
    """Return files or bytes per second as text."""
    return f"{1 / seconds:.0f} files/s" if size < MIB else f"{size / 1e6 / seconds:.0f} MB/s"


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
