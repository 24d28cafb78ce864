"""The scanner's client, against a real clamd and against one that misbehaves.

Invariant Q10.
"""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from quarantine.errors import LocalClamdError, ScannerUnfitError, UndecidableError
from quarantine.findings import Code, Finding
from quarantine.memfd import seal_bytes_in_memory
from quarantine.scanner import local_clamd
from quarantine.scanner.canaries import Canary, canaries, check_scanner, eicar, encrypted_zip, zip_of
from quarantine.scanner.clamd import ClamdScanner, parse_reply
from quarantine.scanner.local_clamd import SETTINGS, TEST_MARK, LocalClamd
from quarantine.verdict import Reason
from tests.worlds.clamd_server import Answer, clamd_server, reply
from tests.worlds.waiting import WATCHDOG

ROOT = Path(__file__).parents[3]


def soon(seconds: float = WATCHDOG) -> float:
    return time.monotonic() + seconds


def scan(socket_path: Path, plaintext: bytes, *, seconds: float = WATCHDOG) -> Finding | None:
    with seal_bytes_in_memory(plaintext) as memfd:
        return ClamdScanner(socket_path).scan(memfd.fd, deadline=soon(seconds))


@pytest.mark.parametrize(
    ("plaintext", "expected"),
    [
        (b"", None),
        (b"harmless", None),
        (os.urandom(3_000_000), None),
        (eicar(), Code.SCANNER_MALWARE),
        (b"x" * 1000 + TEST_MARK, Code.SCANNER_MALWARE),
        (zip_of("a.txt", eicar()), Code.SCANNER_MALWARE),
        (encrypted_zip(), Code.SCANNER_ENCRYPTED),
    ],
)
def test_real_answers(clamd: LocalClamd, plaintext: bytes, expected: Code | None) -> None:
    assert scan(clamd.socket_path, plaintext) == (expected and Finding(expected))


def test_the_offset_of_the_descriptor_does_not_matter(clamd: LocalClamd) -> None:
    with seal_bytes_in_memory(eicar()) as memfd:
        os.lseek(memfd.fd, 0, os.SEEK_END)
        finding = ClamdScanner(clamd.socket_path).scan(memfd.fd, deadline=soon())
    assert finding == Finding(Code.SCANNER_MALWARE)


def test_it_says_who_it_is(clamd: LocalClamd) -> None:
    scanner = ClamdScanner(clamd.socket_path)
    assert scanner.is_answering()
    assert scanner.version().startswith("ClamAV ")
    assert "THREADS" in scanner.statistics()


def test_a_fit_scanner_passes(clamd: LocalClamd) -> None:
    check_scanner(ClamdScanner(clamd.socket_path), deadline=soon())


class Answering:
    """A scanner that gives the right answers, but for one canary."""

    def __init__(self, wrong: Canary, answer: Finding | UndecidableError | None) -> None:
        self._answers: dict[bytes, Finding | UndecidableError | None] = {
            canary.plaintext: next((Finding(code) for code in canary.expected), None) for canary in canaries()
        }
        self._answers[wrong.plaintext] = answer

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        answer = self._answers[os.pread(fd, 100_000, 0)]
        if isinstance(answer, UndecidableError):
            raise answer
        return answer


@pytest.mark.parametrize("canary", canaries(), ids=lambda canary: canary.name)
def test_every_canary_counts(canary: Canary) -> None:
    right = next((Finding(code) for code in canary.expected), None)
    check_scanner(Answering(canary, right), deadline=soon())
    for wrong in (None, Finding(Code.ARCHIVE_BUDGET), UndecidableError(Reason.SCANNER_UNAVAILABLE)):
        if wrong != right:
            with pytest.raises(ScannerUnfitError, match=canary.name):
                check_scanner(Answering(canary, wrong), deadline=soon())


@pytest.mark.parametrize(
    "setting", ["AlertExceedsMax yes", "AlertEncrypted yes\nAlertEncryptedArchive yes", "ScanArchive yes"]
)
def test_a_clamd_with_default_settings_is_unfit(setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lax = SETTINGS.replace(setting, setting.replace("yes", "no"))
    assert lax != SETTINGS
    monkeypatch.setattr(local_clamd, "SETTINGS", lax)
    with LocalClamd(tmp_path, test_database=True) as unfit, pytest.raises(ScannerUnfitError):
        check_scanner(ClamdScanner(unfit.socket_path), deadline=soon())


CLEAN = b"fd[10]: OK\0"


def hang_up(connection: socket.socket) -> None:
    connection.close()


def wait(connection: socket.socket) -> None:
    connection.recv(1)


def drip(connection: socket.socket) -> None:
    for byte in CLEAN:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    while True:
        connection.sendall(CLEAN * 100)


@pytest.mark.parametrize(
    "line",
    [
        b"fd[10]: OK",
        b"fd[10]: OK\n",
        b"fd[10]: OK\0\0",
        CLEAN + CLEAN,
        b"fd[10]: OK\0fd[10]: Some.Virus FOUND\0",
        b"fd[10]:  OK\0",
        b"fd[10]: ok\0",
        b"fd[]: OK\0",
        b"stream: OK\0",
        b"/etc/passwd: OK\0",
        b"fd[10]: Access denied. ERROR\0",
        b"fd[9]: Can't write to file ERROR\0",  # its temporary folder is full (seen)
        b"fd[10]: FOUND\0",
        b"UNKNOWN COMMAND\0",
        b"COMMAND READ TIMED OUT\0",
        b"\0",
        b"",
        b"\xff" * 50,
    ],
)
def test_no_other_answer_is_believed(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(UndecidableError):
        parse_reply(line)
    with clamd_server(tmp_path, reply(line)) as path, pytest.raises(UndecidableError) as caught:
        scan(path, b"x")
    assert caught.value.reason is Reason.SCANNER_ANSWER


def test_exact_answers_are_believed(tmp_path: Path) -> None:
    with clamd_server(tmp_path, reply(CLEAN)) as path:
        assert scan(path, b"x") is None
    for name, code in (
        (b"Win.Test.EICAR_HDB-1", Code.SCANNER_MALWARE),
        (b"Heuristics.Encrypted.PDF", Code.SCANNER_ENCRYPTED),
        (b"Heuristics.Limits.Exceeded.MaxFileSize", Code.SCANNER_LIMITS),
        (b"Heuristics.Phishing.Email.SpoofedDomain", Code.SCANNER_MALWARE),
    ):
        with clamd_server(tmp_path, reply(b"fd[7]: " + name + b" FOUND\0")) as path:
            assert scan(path, b"x") == Finding(code)


def test_an_answer_in_pieces_is_one_answer(tmp_path: Path) -> None:
    with clamd_server(tmp_path, drip) as path:
        assert scan(path, b"x") is None


@pytest.mark.parametrize(
    ("answer", "reason", "seconds"),
    [
        (hang_up, Reason.SCANNER_ANSWER, WATCHDOG),
        (wait, Reason.OUT_OF_TIME, 0.3),
        (drip, Reason.OUT_OF_TIME, 0.3),
        (flood, Reason.SCANNER_ANSWER, WATCHDOG),
    ],
)
def test_a_scanner_that_misbehaves_in_time(tmp_path: Path, answer: Answer, reason: Reason, seconds: float) -> None:
    with clamd_server(tmp_path, answer) as path, pytest.raises(UndecidableError) as caught:
        scan(path, b"x", seconds=seconds)
    assert caught.value.reason is reason


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(UndecidableError) as caught:
        scan(tmp_path / "nothing.sock", b"x")
    assert caught.value.reason is Reason.SCANNER_UNAVAILABLE
    assert not ClamdScanner(tmp_path / "nothing.sock").is_answering()
    with pytest.raises(UndecidableError):
        ClamdScanner(tmp_path / "nothing.sock").version()


def test_a_ping_is_not_answered_by_anything_else(tmp_path: Path) -> None:
    with clamd_server(tmp_path, reply(b"PONGPONG\n")) as path:
        assert not ClamdScanner(path).is_answering()


# --- a clamd of our own


def test_start_and_stop_leave_nothing(tmp_path: Path) -> None:
    own = LocalClamd(tmp_path, test_database=True)
    assert own.is_test_database
    with own:
        pid = own.pid
        assert pid is not None
        temporary = own.temporary_folder
        assert temporary.stat().st_mode & 0o777 == 0o700
        assert own.socket_path.stat().st_mode & 0o777 == 0o600
        (temporary / "left-behind").write_bytes(b"plaintext")
    assert not temporary.exists()
    assert not own.socket_path.exists()
    assert not Path(f"/proc/{pid}").exists()
    own.stop()


def test_what_a_killed_clamd_left_is_wiped(tmp_path: Path) -> None:
    killed = LocalClamd(tmp_path, test_database=True).start()
    assert killed.pid is not None
    leftover = killed.temporary_folder / "clamav-member"
    leftover.write_bytes(b"plaintext")
    os.kill(killed.pid, signal.SIGKILL)
    with LocalClamd(tmp_path, test_database=True) as fresh:
        assert not leftover.exists()
        assert scan(fresh.socket_path, eicar()) == Finding(Code.SCANNER_MALWARE)
    killed.stop()


def test_a_forgotten_clamd_is_ended(tmp_path: Path) -> None:
    forgotten = LocalClamd(tmp_path, test_database=True).start()
    with LocalClamd(tmp_path, test_database=True) as fresh:
        assert forgotten.has_ended
        assert fresh.pid != forgotten.pid
        assert scan(fresh.socket_path, b"x") is None
    forgotten.stop()


def test_long_paths_get_a_short_socket(tmp_path: Path) -> None:
    with LocalClamd(tmp_path / ("long" * 30), test_database=True) as own:
        assert len(str(own.socket_path)) < 108
        assert scan(own.socket_path, b"x") is None


def test_where_apparmor_is_on_a_copy_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = tmp_path / "enabled"
    switch.write_text("Y\n")
    monkeypatch.setattr(local_clamd, "APPARMOR", switch)
    with LocalClamd(tmp_path / "clamd", test_database=True) as own:
        assert Path(f"/proc/{own.pid}/exe").resolve() == tmp_path / "clamd" / "clamd"
        assert scan(own.socket_path, eicar()) == Finding(Code.SCANNER_MALWARE)


def test_a_clamd_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "signatures"
    broken.mkdir()
    (broken / "broken.ndb").write_text("this is no signature\n")
    with pytest.raises(LocalClamdError, match="Malformed database"):
        LocalClamd(tmp_path / "clamd", database=broken).start()
    monkeypatch.setattr(local_clamd, "MEMORY_DISK", ROOT)
    with pytest.raises(LocalClamdError, match="tmpfs"):
        LocalClamd(tmp_path / "disk", test_database=True).start()
    monkeypatch.setattr("quarantine.scanner.local_clamd.shutil.which", lambda *_, **__: None)
    with pytest.raises(LocalClamdError, match="clamav-daemon"):
        LocalClamd(tmp_path / "missing", test_database=True).start()


def test_somebody_elses_folder_is_not_touched(tmp_path: Path) -> None:
    own = LocalClamd(tmp_path, test_database=True)
    own.temporary_folder.symlink_to(tmp_path)
    try:
        with pytest.raises(LocalClamdError, match="another user"):
            own.start()
    finally:
        own.temporary_folder.unlink()
    assert tmp_path.is_dir()


def settings_of(text: str) -> dict[str, str]:
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#"))
    return dict(lines)


def test_a_real_host_scans_with_the_same_limits() -> None:
    deployed = settings_of((ROOT / "deploy" / "clamd" / "clamd.conf").read_text())
    ours = settings_of(SETTINGS)
    # The gateway is another user there.
    assert deployed.pop("LocalSocketMode") == "660"
    assert ours.pop("LocalSocketMode") == "600"
    assert ours.items() <= deployed.items()
    assert "LogFile" not in deployed


def test_no_file_of_ours_is_malware() -> None:
    for folder in ("quarantine", "tests", "deploy", "gateway", "desk", "enveis", "transfer", "docs"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.is_file() and "node_modules" not in path.parts and path.suffix != ".pyc":
                assert eicar()[:40] not in path.read_bytes(), path
