"""`Scanner`: a real clamd, and everything that stands for one in tests and measurements."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from bench.quarantine import NoScanner
from gateway.scanner_watch import ScannerWatch
from quarantine.errors import UndecidableError
from quarantine.findings import Finding
from quarantine.memfd import seal_bytes_in_memory
from quarantine.scanner.canaries import Canary, canaries
from quarantine.scanner.clamd import ClamdScanner, Scanner
from quarantine.scanner.local_clamd import LocalClamd
from quarantine.verdict import Reason
from tests.fuzz.targets import _Blind
from tests.quarantine.test_unseen_bytes import SeesEverything
from tests.system.quarantine.test_clamd import Answering
from tests.system.quarantine.test_clamd_inspect import Scripted
from tests.worlds.waiting import WATCHDOG

# The one that every scanner, real or not, answers with None.
HARMLESS = next(canary for canary in canaries() if not canary.expected)


def _watched(scanner: ClamdScanner) -> ScannerWatch:
    watch = ScannerWatch(scanner)
    watch.begin()
    return watch


ALL: dict[str, Callable[[LocalClamd], Scanner]] = {
    "clamd": lambda clamd: ClamdScanner(clamd.socket_path),
    "watched": lambda clamd: _watched(ClamdScanner(clamd.socket_path)),
    "right about every canary": lambda _: Answering(HARMLESS, None),
    "scripted": lambda _: Scripted(*[None] * 20),
    "sees everything": lambda _: SeesEverything(),
    "blind, for the fuzzer": lambda _: _Blind(),
    "none, for measurements": lambda _: NoScanner(),
}


@pytest.fixture(params=ALL)
def scanner(request: pytest.FixtureRequest, clamd: LocalClamd) -> Scanner:
    return ALL[request.param](clamd)


def test_nothing_is_found_in_a_harmless_file(scanner: Scanner) -> None:
    with seal_bytes_in_memory(HARMLESS.plaintext) as memfd:
        assert scanner.scan(memfd.fd, deadline=monotonic() + WATCHDOG) is None


def test_the_descriptor_stays_the_callers_and_its_offset_does_not_matter(scanner: Scanner) -> None:
    with seal_bytes_in_memory(HARMLESS.plaintext) as memfd:
        for _ in range(3):
            os.lseek(memfd.fd, 0, os.SEEK_END)
            assert scanner.scan(memfd.fd, deadline=monotonic() + WATCHDOG) is None
        assert os.pread(memfd.fd, 100_000, 0) == HARMLESS.plaintext


def test_any_number_of_threads_may_use_it(scanner: Scanner) -> None:
    def scan(_: int) -> Finding | None:
        with seal_bytes_in_memory(HARMLESS.plaintext) as memfd:
            return scanner.scan(memfd.fd, deadline=monotonic() + WATCHDOG)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(scan, range(8))) == {None}


@pytest.mark.parametrize("canary", canaries(), ids=lambda canary: canary.name)
@pytest.mark.parametrize("name", ["clamd", "right about every canary"])
def test_who_claims_to_see_sees_what_a_scanner_has_to(clamd: LocalClamd, name: str, canary: Canary) -> None:
    with seal_bytes_in_memory(canary.plaintext) as memfd:
        found = ALL[name](clamd).scan(memfd.fd, deadline=monotonic() + WATCHDOG)
    assert (found is None) == (not canary.expected)
    assert found is None or found.code in canary.expected


@pytest.mark.parametrize("name", ["clamd", "scripted"])
def test_what_cannot_be_believed_is_an_undecidable_error(clamd: LocalClamd, name: str) -> None:
    failing: dict[str, Scanner] = {
        "clamd": ClamdScanner(clamd.socket_path.with_name("nobody")),
        "scripted": Scripted(UndecidableError(Reason.SCANNER_UNAVAILABLE)),
    }
    with seal_bytes_in_memory(b"x") as memfd, pytest.raises(UndecidableError) as caught:
        failing[name].scan(memfd.fd, deadline=monotonic() + WATCHDOG)
    assert caught.value.reason is Reason.SCANNER_UNAVAILABLE
