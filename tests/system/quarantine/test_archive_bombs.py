"""Bombs through the whole inspection: a verdict in time, within every limit, and the next file is inspected as ever.

`pytest -s` prints what each bomb took.

Invariant Q9.
"""

import hashlib
import io
import os
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quarantine.budgets import MIB, Budgets
from quarantine.file_types import FileType, type_of_content
from quarantine.findings import Code
from quarantine.inspector import Inspector
from quarantine.memfd import seal_bytes_in_memory
from quarantine.scanner.clamd import ClamdScanner
from quarantine.scanner.local_clamd import LocalClamd
from quarantine.verdict import Clear, Held, Verdict
from quarantine.workers.caged_examiner import CagedExaminer
from tests.builders.benign_zip import benign_archives
from tests.builders.hostile_rar import BUILDERS as RARS
from tests.builders.hostile_zip import BUILDERS as ZIPS
from tests.builders.pdf_files import HOSTILE as PDFS
from tests.builders.rar5 import Rar5Entry, rar5
from tests.builders.zip_writer import DEFLATED, HELLO, ZipEntry, central, end, extra, local, make_zip
from tests.worlds.waiting import WATCHDOG
from tests.worlds.watched_zygote import WatchedZygote

SECONDS = WATCHDOG  # of the clock; what is judged is CPU time and memory, for a busy machine is not the bomb's doing
BUDGETS = Budgets()
BROKER_GROWS = 24 * MIB  # an answer of 2 MiB and its members, a piece that is searched, and Python's own slack
RAR = rar5(Rar5Entry("hello.txt", b"hello"))


def inspect(inspector: Inspector, plaintext: bytes) -> Verdict:
    with seal_bytes_in_memory(plaintext) as memfd:
        file_type = type_of_content(plaintext[:4096])
        assert file_type is not None
        digest = hashlib.sha256(plaintext).hexdigest()
        return inspector.inspect(memfd, file_type, digest, deadline=time.monotonic() + SECONDS)


@pytest.fixture(scope="module")
def zygote() -> Iterator[WatchedZygote]:
    with WatchedZygote() as running:
        yield running


@pytest.fixture(scope="module")
def inspector(clamd: LocalClamd, zygote: WatchedZygote) -> Inspector:
    return Inspector(ClamdScanner(clamd.socket_path), BUDGETS, examiner=CagedExaminer(BUDGETS, zygote))


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, or VmHWM at most since `forget_the_peak`."""
    return int(Path("/proc/self/status").read_text().partition(field + ":")[2].split()[0]) * 1024


def forget_the_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # proc(5)


def zeros_of_a_gigabyte() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped, zipped.open("zeros", "w") as member:
        for _ in range(1024):
            member.write(bytes(MIB))
    return archive.getvalue()


def one_header_for_all() -> bytes:
    """9,999 entries whose one local header has 128 kB of name and extra fields."""
    entry = ZipEntry("n" * 60_000, b"x", extra=extra(0xFE, b"") * 15_000)
    shared = local(entry)
    directory = central(ZipEntry("n" * 3000, b"x"), 0) * 9999
    return shared + directory + end(9999, len(directory), len(shared))


def thousand_rars() -> bytes:
    return make_zip(
        *[ZipEntry(f"{number}.rar", rar5(Rar5Entry("zeros", bytes(200_000))), DEFLATED) for number in range(1000)]
    )


def rars_in_zips_in_rars() -> bytes:
    archive = RAR
    for number in range(20):
        archive = make_zip(ZipEntry("a", archive)) if number % 2 else rar5(Rar5Entry("a", archive))
    return archive


BOMBS: dict[str, Callable[[], bytes]] = {
    "42": ZIPS["bomb_42"],
    "quoted_overlap": ZIPS["overlap_quoted"],
    "full_overlap": ZIPS["overlap_full"],
    "bzip2": ZIPS["bzip2_bomb"],
    "60000_members": ZIPS["bomb_60000_members"],
    "hidden_size": ZIPS["bomb_hides_its_size"],
    "zeros_of_a_gigabyte": zeros_of_a_gigabyte,
    "one_header_for_all": one_header_for_all,
    "rar_dictionary": RARS["dictionary_4G"],
    "rar_11000_members": RARS["bomb_11000_members"],
    "rar_50000_folders": RARS["bomb_50000_folders"],
    "thousand_rars": thousand_rars,
    "rars_in_zips_in_rars": rars_in_zips_in_rars,
    "pdf_flate_gigabyte": PDFS["bomb_of_a_gigabyte"],
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_held_in_time_within_the_limits_and_the_next_file_is_clear(
    inspector: Inspector, zygote: WatchedZygote, name: str
) -> None:
    bomb = BOMBS[name]()
    zygote.ends()
    forget_the_peak()
    before, began = resident("VmRSS"), time.monotonic()
    verdict = inspect(inspector, bomb)
    seconds, grown, ends = time.monotonic() - began, max(0, resident("VmHWM") - before), zygote.ends()
    memory, cpu = max(end.memory for end in ends), max(end.cpu for end in ends)
    print(
        f"\n{name}: {len(bomb):,} bytes, {type(verdict).__name__} after {seconds:.2f} s; {len(ends)} workers, "
        f"each at most {memory / MIB:.0f} MiB and {cpu:.2f} CPU s; broker + {grown / MIB:.0f} MiB"
    )
    assert isinstance(verdict, Held)
    assert seconds < SECONDS
    assert memory < BUDGETS.worker_memory
    assert cpu < BUDGETS.worker_cpu
    # Of a member that has come through whole, the broker does not wait for the end.
    codes = {os.waitstatus_to_exitcode(end.status) for end in ends}
    assert codes <= {0, -signal.SIGKILL}, "a limit ended a worker: what it had found is lost"
    assert grown < BROKER_GROWS
    assert isinstance(inspect(inspector, make_zip(HELLO, ZipEntry("a.rar", RAR))), Clear)


def test_a_workers_memory_is_seen(zygote: WatchedZygote) -> None:
    # What the figures above rest on: a worker that fills memory is seen to have filled it.
    small, large = make_zip(HELLO), make_zip(ZipEntry("a.txt", b"text\n" * (8 * MIB)))
    peaks = []
    for archive in (small, large):
        zygote.ends()
        with seal_bytes_in_memory(archive) as memfd:
            CagedExaminer(BUDGETS, zygote).examine(memfd.fd, FileType.ZIP, deadline=time.monotonic() + SECONDS)
        (end,) = zygote.ends()
        peaks.append(end.memory)
    assert peaks[1] - peaks[0] > 32 * MIB


def test_honest_archives_are_clear(inspector: Inspector, tmp_path: Path) -> None:
    verdicts = {name: inspect(inspector, archive) for name, archive in benign_archives(tmp_path).items()}
    assert len(verdicts) >= 25
    assert {name: verdict for name, verdict in verdicts.items() if not isinstance(verdict, Clear)} == {}


def test_hostile_archives_go_where_their_findings_say(inspector: Inspector) -> None:
    # What a cage, a pipe and clamd add must not lose a finding: a sample of those with members inside.
    for name in ("program_inside_twice", "encrypted_inside", "macro_office", "self_extracting_rar", "office_author"):
        verdict = inspect(inspector, ZIPS[name]())
        assert isinstance(verdict, Clear | Held)
        found = {finding.code for finding in verdict.findings}
        assert found, name
        assert name != "macro_office" or Code.ARCHIVE_MACRO in found
