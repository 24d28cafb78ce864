"""A scanner that does not answer: one line for the outage and one for its end, and no file waits for it meanwhile."""

import json
from time import monotonic

import pytest

from gateway.errors import GatewayError
from gateway.metrics import encode_scanner
from gateway.scanner_watch import SILENT_AFTER, ScannerWatch
from quarantine.errors import UndecidableError
from quarantine.findings import Finding
from quarantine.memfd import seal_bytes_in_memory
from quarantine.scanner.canaries import canaries
from quarantine.verdict import Reason


class FakeScanner:
    """Knows the canaries while it is well; `scans` counts what it was asked to scan."""

    def __init__(self) -> None:
        self.is_well, self.is_blind, self.scans = True, False, 0

    def is_answering(self, *, timeout: float) -> bool:
        assert timeout > 0
        return self.is_well

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        self.scans += 1
        if not self.is_well:
            raise UndecidableError(Reason.OUT_OF_TIME)
        with open(fd, "rb", closefd=False) as stream:
            stream.seek(0)
            plaintext = stream.read()
        (canary,) = [canary for canary in canaries() if canary.plaintext == plaintext]
        return None if self.is_blind or not canary.expected else Finding(min(canary.expected))


class Watched:
    """A watch with a clock that a test sets; `events` is what was logged since the last call."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.scanner, self.seconds, self._capsys = FakeScanner(), 0.0, capsys
        self.watch = ScannerWatch(self.scanner, now=lambda: self.seconds)

    def ask(self, after: float = 0.0) -> list[str]:
        self.seconds += after
        self.watch.ask()
        return self.events()

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self._capsys.readouterr().err.splitlines()]

    def scan(self) -> None:
        with seal_bytes_in_memory(b"a harmless text\n") as memfd:
            assert self.watch.scan(memfd.fd, deadline=monotonic() + 60) is None


@pytest.fixture
def watched(capsys: pytest.CaptureFixture[str]) -> Watched:
    return Watched(capsys)


def test_an_outage_is_one_line_and_its_end_is_another(watched: Watched) -> None:
    watched.watch.begin()
    assert watched.events() == ["scanner-fit"]
    watched.scan()
    for _ in range(2):
        watched.scanner.is_well = False
        found = [watched.ask(SILENT_AFTER / 4) for _ in range(12)]
        assert found == [[], [], [], ["scanner-unfit"], *[[]] * 8]
        # No file waits for it, and none is a line.
        before = watched.scanner.scans
        for _ in range(100):
            with pytest.raises(UndecidableError) as undecided:
                watched.scan()
            assert undecided.value.reason is Reason.SCANNER_UNAVAILABLE
        assert watched.scanner.scans == before
        assert watched.events() == []
        watched.scanner.is_well = True
        assert [watched.ask(1), watched.ask(1)] == [["scanner-fit"], []]
        watched.scan()


def test_a_restart_is_no_outage(watched: Watched) -> None:
    watched.watch.begin()
    watched.events()
    for _ in range(3):
        watched.scanner.is_well = False
        assert watched.ask(SILENT_AFTER - 1) == []
        watched.scanner.is_well = True
        assert watched.ask(1) == []


def test_one_that_comes_back_blind_is_not_believed(watched: Watched) -> None:
    watched.scanner.is_well = False
    watched.watch.begin()
    assert watched.events() == ["scanner-unfit"]
    watched.scanner.is_well = watched.scanner.is_blind = True
    assert watched.ask(1) == []
    with pytest.raises(UndecidableError):
        watched.scan()
    watched.scanner.is_blind = False
    assert watched.ask(1) == ["scanner-fit"]
    watched.scan()


def test_one_that_is_blind_at_start_is_refused(watched: Watched) -> None:
    watched.scanner.is_blind = True
    with pytest.raises(GatewayError, match="EICAR"):
        watched.watch.begin()


def test_the_figure() -> None:
    assert "\nenveis_scanner_works 1.0\n" in encode_scanner(works=True)
    assert "\nenveis_scanner_works 0.0\n" in encode_scanner(works=False)
