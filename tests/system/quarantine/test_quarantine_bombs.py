"""Bombs and large files in a caged worker: an answer, and never more than the limits (`pytest -s`: the figures).

Invariant Q9.
"""

import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from quarantine.budgets import MIB, Budgets
from quarantine.file_types import FileType
from quarantine.memfd import seal_bytes_in_memory
from quarantine.workers.caged_examiner import CagedExaminer
from quarantine.workers.protocol import End
from tests.builders.pdf_files import HOSTILE, deflated, pdf, stream
from tests.builders.text_files import LINE
from tests.worlds.waiting import WATCHDOG
from tests.worlds.watched_zygote import WatchedZygote

BUDGETS = Budgets()


@pytest.fixture(scope="module")
def zygote() -> Iterator[WatchedZygote]:
    with WatchedZygote() as running:
        yield running


def look_at(zygote: WatchedZygote, kind: FileType, content: bytes) -> tuple[set[str], End]:
    """Codes, and how the worker ended."""
    zygote.ends()
    with seal_bytes_in_memory(content) as memfd:
        examination = CagedExaminer(BUDGETS, zygote).examine(memfd.fd, kind, deadline=time.monotonic() + WATCHDOG)
    (end,) = zygote.ends()
    print(f"\n{len(content):,} bytes of {kind}: {end.memory / MIB:.0f} MiB and {end.cpu:.2f} CPU s at most")
    return {finding.code.value for finding in examination.findings}, end


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
        (many_objects, "pdf.not-all-followed"),
        (object_stream_of_arrays, "pdf.object-streams"),
        (large_pictures, None),
        (names_without_end, None),
        (picture_of_many_layers, "pdf.filters"),
    ],
)
def test_pdf(zygote: WatchedZygote, make: Callable[[], bytes], expected: str | None) -> None:
    codes, end = look_at(zygote, FileType.PDF, make())
    assert expected is None or expected in codes
    assert end.memory < BUDGETS.worker_memory
    assert end.cpu < BUDGETS.worker_cpu


@pytest.mark.parametrize(
    ("piece", "count"),
    [
        (LINE, 256 * MIB // len(LINE)),
        ("Jeg klager på vedtaket – «avslag».\n".encode(), 6 * MIB),
        ("می\u200cکنم نامه\u200cها ".encode(), 4 * MIB),
        ("a\u200b".encode(), 32 * MIB),
    ],
)
def test_large_text(zygote: WatchedZygote, piece: bytes, count: int) -> None:
    _, end = look_at(zygote, FileType.TXT, piece * count)
    assert end.memory < 96 * MIB
    assert end.cpu < BUDGETS.worker_cpu
