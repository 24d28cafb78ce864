"""Files in, verdicts out, with a real clamd, real workers and the real unar.

Invariant G20.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from quarantine.budgets import FILE_MAX, MIB, Budgets
from quarantine.errors import UndecidableError
from quarantine.examination import ArchiveMember, Examination
from quarantine.file_types import FileType, RefusedType, TypeRefusal, type_of_content
from quarantine.findings import Code, Finding
from quarantine.inspect_path import Inspected, Refused, inspect_path
from quarantine.inspector import Inspector
from quarantine.memfd import SealedMemfd, seal_bytes_in_memory
from quarantine.scanner.canaries import eicar, encrypted_zip, zip_of
from quarantine.scanner.clamd import ClamdScanner
from quarantine.scanner.local_clamd import TEST_MARK, LocalClamd
from quarantine.verdict import Clear, Held, Reason, Undecided, Verdict
from tests.builders.rar5 import Rar5Entry, blake2sp, encrypted_headers, encryption, rar5, symlink
from tests.worlds.waiting import WATCHDOG, descriptors, descriptors_before

HELLO = Rar5Entry("hello.txt", b"hello")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def inspect(inspector: Inspector, plaintext: bytes, *, seconds: float = WATCHDOG) -> Verdict:
    with seal_bytes_in_memory(plaintext) as memfd:
        file_type = type_of_content(plaintext)
        assert file_type is not None
        digest = hashlib.sha256(plaintext).hexdigest()
        verdict = inspector.inspect(memfd, file_type, digest, deadline=time.monotonic() + seconds)
    assert verdict.digest == digest
    return verdict


def codes(verdict: Verdict) -> set[Code]:
    assert not isinstance(verdict, Undecided), verdict
    return {finding.code for finding in verdict.findings}


def holding(verdict: Verdict) -> set[Code]:
    """What alone decides the lane; the finer findings are the checks' own tests' business."""
    return {code for code in codes(verdict) if Finding(code).grade.holds}


@pytest.fixture(scope="module")
def inspector(clamd: LocalClamd) -> Inspector:
    return Inspector(ClamdScanner(clamd.socket_path))


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"plain text",
        PDF,
        zip_of("a.txt", b"hello"),
        zip_of("a.zip", zip_of("a.txt", b"hello")),
        rar5(HELLO),
        rar5(
            HELLO,
            Rar5Entry("empty.txt"),
            Rar5Entry("archive.rar", rar5(HELLO, HELLO)),
            Rar5Entry("a.zip", zip_of("a", b"a")),
        ),
        rar5(),
    ],
)
def test_clean_files_are_clear(inspector: Inspector, plaintext: bytes) -> None:
    assert isinstance(inspect(inspector, plaintext), Clear)


@pytest.mark.parametrize(
    "plaintext",
    [
        eicar(),
        PDF + TEST_MARK,
        zip_of("a.txt", eicar()),
        rar5(Rar5Entry("big", bytes(MIB)), Rar5Entry("a.txt", zip_of("b.txt", eicar()))),
        rar5(HELLO, Rar5Entry("innocent.txt", rar5(HELLO, Rar5Entry("a.zip", zip_of("b.txt", eicar()))))),
        # clamd cannot see into a RAR, so these are found by us or by nobody.
        zip_of("a.rar", rar5(HELLO, Rar5Entry("b.txt", eicar()))),
        zip_of("a.zip", zip_of("innocent.bin", rar5(HELLO, Rar5Entry("b.txt", eicar())))),
        rar5(Rar5Entry("a.zip", zip_of("b.zip", zip_of("c.rar", rar5(Rar5Entry("d.txt", eicar())))))),
    ],
)
def test_malware_is_held(inspector: Inspector, plaintext: bytes) -> None:
    assert Code.SCANNER_MALWARE in holding(inspect(inspector, plaintext))


def test_a_clamd_that_is_blind_to_rar_needs_us(clamd: LocalClamd, rar_corpus: Path) -> None:
    # The reason for unpacking at all; were this to fail, Debian's clamd could see into RAR.
    archive = (rar_corpus / "rar5-solid.rar").read_bytes()
    with LocalClamd(clamd.socket_path.parent / "stest", database=signature_of(clamd, b"010\n011\n012\n")) as own:
        with seal_bytes_in_memory(archive) as memfd:
            assert ClamdScanner(own.socket_path).scan(memfd.fd, deadline=time.monotonic() + WATCHDOG) is None
        assert holding(inspect(Inspector(ClamdScanner(own.socket_path)), archive)) == {Code.SCANNER_MALWARE}


def signature_of(clamd: LocalClamd, body: bytes) -> Path:
    folder = clamd.socket_path.parent / "stest-signatures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "stest.ndb").write_text(f"Enveis.Test.Stest:0:*:{body.hex()}\n")
    return folder


CORPUS_HELD = {
    "rar15-comment-lock.rar": {Code.RAR_METHOD, Code.RAR_UNREADABLE},
    "rar15-comment.rar": {Code.RAR_METHOD, Code.RAR_UNREADABLE},
    "rar202-comment-psw.rar": {Code.RAR_ENCRYPTED},
    "rar3-comment-hpsw.rar": {Code.RAR_ENCRYPTED_HEADERS},
    "rar3-comment-psw.rar": {Code.RAR_ENCRYPTED},
    "rar3-old.rar": {Code.RAR_VOLUME},
    "rar5-evil-symlink-traversal.rar": {Code.ARCHIVE_THROUGH_LINK},
    "rar5-hpsw.rar": {Code.RAR_ENCRYPTED_HEADERS},
    "rar5-psw-blake.rar": {Code.RAR_ENCRYPTED},
    "rar5-psw.rar": {Code.RAR_ENCRYPTED},
} | {f"rar{version}-vols.part{part}.rar": {Code.RAR_VOLUME} for version in (3, 5) for part in (1, 2, 3)}


def test_real_archives(inspector: Inspector, rar_corpus: Path) -> None:
    held = {}
    for path in sorted(rar_corpus.glob("*.rar")):
        verdict = inspect(inspector, path.read_bytes())
        assert not isinstance(verdict, Undecided), path.name
        if isinstance(verdict, Held):
            held[path.name] = holding(verdict)
    assert held == CORPUS_HELD


OPAQUE = {
    "zip_encrypted": (encrypted_zip(), {Code.SCANNER_ENCRYPTED, Code.ZIP_ENCRYPTED}),
    "zip_with_rar": (zip_of("a", rar5(Rar5Entry("b", b"x" * 16, extra=encryption()))), {Code.RAR_ENCRYPTED}),
    "zip_with_broken_rar": (zip_of("a", rar5(Rar5Entry("b", b"hello", crc32=1))), {Code.RAR_UNREADABLE}),
    "rar_encrypted_beside_malware": (
        rar5(Rar5Entry("a", b"x" * 32, extra=encryption()), Rar5Entry("b", zip_of("c", eicar()))),
        {Code.RAR_ENCRYPTED, Code.SCANNER_MALWARE},
    ),
    "rar_headers_encrypted": (encrypted_headers(), {Code.RAR_ENCRYPTED_HEADERS}),
    "zip_encrypted_in_rar": (rar5(Rar5Entry("a.zip", encrypted_zip())), None),
    "rar_encrypted_in_rar": (
        rar5(Rar5Entry("a", rar5(Rar5Entry("b", b"x" * 16, extra=encryption())))),
        {Code.RAR_ENCRYPTED},
    ),
    "rar_says_less": (rar5(Rar5Entry("a", b"hello", size=3)), {Code.RAR_UNREADABLE}),
    "rar_says_more": (rar5(Rar5Entry("a", b"hello", size=30)), {Code.RAR_UNREADABLE}),
    "rar_sum_wrong": (rar5(Rar5Entry("a", b"hello", crc32=1), HELLO), {Code.RAR_UNREADABLE}),
    "rar_long_sum_wrong": (
        rar5(Rar5Entry("a", b"hello", file_flags=0, extra=blake2sp(bytes(32)))),
        {Code.RAR_UNREADABLE},
    ),
    "rar_claims_a_tebibyte": (rar5(Rar5Entry("a", b"x", size=2**40)), {Code.ARCHIVE_BUDGET, Code.RAR_UNREADABLE}),
}


@pytest.mark.parametrize("name", OPAQUE)
def test_what_nobody_can_look_into_is_held(inspector: Inspector, name: str) -> None:
    plaintext, expected = OPAQUE[name]
    verdict = inspect(inspector, plaintext)
    assert isinstance(verdict, Held)
    if expected is not None:
        assert codes(verdict) == expected


def test_a_link_alone_does_not_hold(inspector: Inspector) -> None:
    verdict = inspect(inspector, rar5(Rar5Entry("a", extra=symlink("../../etc/passwd")), HELLO))
    assert verdict == Clear(verdict.digest, (Finding(Code.RAR_LINK), Finding(Code.ARCHIVE_LINK_OUTSIDE)))


def test_what_a_zip_hands_back_is_paid_for_and_typed(clamd: LocalClamd) -> None:
    scanner = ClamdScanner(clamd.socket_path)
    inner = rar5(HELLO, Rar5Entry("a.pdf", PDF))
    archive = zip_of("a.rar", inner)
    assert isinstance(inspect(Inspector(scanner, Budgets(members=3)), archive), Clear)
    assert holding(inspect(Inspector(scanner, Budgets(members=2)), archive)) == {Code.ARCHIVE_BUDGET}
    size = len(inner) + 5 + len(PDF)
    assert isinstance(inspect(Inspector(scanner, Budgets(unpacked_bytes=size)), archive), Clear)
    assert holding(inspect(Inspector(scanner, Budgets(unpacked_bytes=size - 1)), archive)) == {Code.ARCHIVE_BUDGET}
    assert isinstance(inspect(Inspector(scanner, Budgets(depth=2)), archive), Clear)
    assert holding(inspect(Inspector(scanner, Budgets(depth=1)), archive)) == {Code.ARCHIVE_BUDGET}
    program = rar5(Rar5Entry("report.pdf", b"MZ\x90\x00" + bytes(100)))
    assert holding(inspect(Inspector(scanner), zip_of("a", program))) == {Code.ARCHIVE_DISGUISED_EXECUTABLE}


def nested_rar(depth: int) -> bytes:
    archive = rar5(HELLO)
    for _ in range(depth - 1):
        archive = rar5(Rar5Entry("a.rar", archive))
    return archive


def test_depth_is_bounded(inspector: Inspector) -> None:
    assert isinstance(inspect(inspector, nested_rar(4)), Clear)
    assert codes(inspect(inspector, nested_rar(5))) == {Code.ARCHIVE_BUDGET}


def deflated_zeros(size: int, copies: int) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("0", bytes(size))
        for number in range(1, copies):
            zipped.writestr(str(number), bytes(size))
    return archive.getvalue()


def test_bombs_are_held_within_the_deadline(clamd: LocalClamd) -> None:
    inspector = Inspector(ClamdScanner(clamd.socket_path))
    wide = rar5(*[Rar5Entry(str(number), b"x") for number in range(11_000)])
    deep = nested_rar(40)
    zeros = deflated_zeros(300 * MIB, 1)
    for bomb in (wide, deep, zeros):
        # Alone it takes seconds; with a load of 13 more than the twenty that stood here.
        assert isinstance(inspect(inspector, bomb, seconds=WATCHDOG), Held)


def test_members_share_memory_and_bytes(clamd: LocalClamd) -> None:
    scanner = ClamdScanner(clamd.socket_path)
    inner = rar5(Rar5Entry("a", os.urandom(60_000)))
    archive = rar5(Rar5Entry("b.rar", inner), Rar5Entry("c.rar", inner))
    assert isinstance(inspect(Inspector(scanner, Budgets(resident_bytes=130_000)), archive), Clear)
    assert codes(inspect(Inspector(scanner, Budgets(resident_bytes=100_000)), archive)) == {Code.ARCHIVE_BUDGET}
    assert isinstance(inspect(Inspector(scanner, Budgets(unpacked_bytes=250_000)), archive), Clear)
    assert codes(inspect(Inspector(scanner, Budgets(unpacked_bytes=200_000)), archive)) == {Code.ARCHIVE_BUDGET}
    assert codes(inspect(Inspector(scanner, Budgets(members=3)), archive)) == {Code.ARCHIVE_BUDGET}


# --- what fails is undecided, and never clear


def test_without_clamd_nothing_is_decided(tmp_path: Path) -> None:
    own = LocalClamd(tmp_path, test_database=True).start()
    inspector = Inspector(ClamdScanner(own.socket_path))
    assert isinstance(inspect(inspector, b"x"), Clear)
    own.stop()
    for plaintext in (b"x", eicar(), rar5(HELLO)):
        verdict = inspect(inspector, plaintext)
        assert verdict == Undecided(verdict.digest, Reason.SCANNER_UNAVAILABLE)


def test_a_scan_that_comes_too_late_decides_nothing(inspector: Inspector) -> None:
    verdict = inspect(inspector, b"x", seconds=0)
    assert verdict == Undecided(verdict.digest, Reason.OUT_OF_TIME)


def test_time_that_ends_while_unpacking_decides_nothing(inspector: Inspector) -> None:
    archive = rar5(*[Rar5Entry(str(number), b"x") for number in range(9_000)])
    verdict = inspect(inspector, archive, seconds=0.5)
    assert verdict == Undecided(verdict.digest, Reason.OUT_OF_TIME)


class Scripted:
    """A scanner or examiner that answers as the test sets."""

    def __init__(self, *outcomes: Finding | Exception | None) -> None:
        self._outcomes = list(outcomes)

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def examine(self, fd: int, file_type: FileType, *, deadline: float, left: Budgets | None = None) -> Examination:
        finding = self.scan(fd, deadline=deadline)
        return Examination((finding,) if finding else ())

    def expand(self, fd: int, member: ArchiveMember, *, deadline: float) -> SealedMemfd:
        raise NotImplementedError  # no test here has members


def test_a_fault_of_ours_is_undecided_and_not_clear() -> None:
    verdict = inspect(Inspector(Scripted(ZeroDivisionError())), b"x")
    assert verdict == Undecided(verdict.digest, Reason.INSPECTION_FAILED)
    verdict = inspect(Inspector(Scripted(None), examiner=Scripted(KeyError())), b"x")
    assert verdict == Undecided(verdict.digest, Reason.INSPECTION_FAILED)


def test_what_was_found_stays_found_when_the_rest_fails() -> None:
    failing = Scripted(UndecidableError(Reason.WORKER_FAILED))
    malware = Finding(Code.SCANNER_MALWARE)
    assert codes(inspect(Inspector(Scripted(malware), examiner=failing), b"x")) == {Code.SCANNER_MALWARE}
    failing = Scripted(UndecidableError(Reason.WORKER_FAILED))
    assert isinstance(inspect(Inspector(Scripted(None), examiner=failing), b"x"), Undecided)


def test_many_threads_share_one_inspector(inspector: Inspector) -> None:
    held, clear = rar5(HELLO, Rar5Entry("a", zip_of("b", eicar()))), rar5(HELLO)
    verdicts: list[tuple[bytes, Verdict]] = []

    def work(plaintext: bytes) -> None:
        verdicts.append((plaintext, inspect(inspector, plaintext)))

    threads = [threading.Thread(target=work, args=(plaintext,)) for plaintext in (held, clear) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(verdicts) == 8
    assert all(isinstance(verdict, Held if plaintext is held else Clear) for plaintext, verdict in verdicts)


def test_nothing_is_left_behind(inspector: Inspector) -> None:
    inspect(inspector, rar5(HELLO))
    before = descriptors_before()
    for plaintext in (rar5(HELLO, HELLO), rar5(Rar5Entry("a", b"hello", size=3)), nested_rar(6), zip_of("a", b"a")):
        inspect(inspector, plaintext)
    assert descriptors() == before


def test_no_plaintext_reaches_a_disk(clamd: LocalClamd, tmp_path: Path) -> None:
    """Every file that worker and unar open for writing, by strace; clamd's own files lie on a tmpfs."""
    marker = b"MARKER-IN-PLAINTEXT-7f3a"
    path = tmp_path / "sent.rar"
    path.write_bytes(
        rar5(Rar5Entry("a.rar", rar5(Rar5Entry("b.txt", marker * 1000))), Rar5Entry("c.zip", zip_of("d", marker)))
    )
    script = (
        "import pathlib, sys\n"
        "from quarantine.inspect_path import inspect_path\n"
        "from quarantine.inspector import Inspector\n"
        "from quarantine.scanner.clamd import ClamdScanner\n"
        "print(inspect_path(pathlib.Path(sys.argv[1]), Inspector(ClamdScanner(pathlib.Path(sys.argv[2]))),"
        " seconds=50).verdict)\n"
    )
    trace = tmp_path / "trace"
    calls = "open,openat,creat,memfd_create,rename,renameat2,link,linkat,execve"
    strace = ["strace", "-f", "-y", "-e", f"trace={calls}", "-o", str(trace)]
    done = subprocess.run(
        [*strace, sys.executable, "-B", "-c", script, str(path), str(clamd.socket_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert done.stdout.startswith("Clear(")
    lines = trace.read_text().splitlines()
    # Us, the zygote, two launchers that become two unars. (Names of confined processes cannot be read by
    # strace unless it is root's.)
    assert sum("execve" in line and line.endswith(" = 0") for line in lines) == 6
    assert sum("memfd_create" in line and "= " in line for line in lines) >= 4
    writing = [
        line
        for line in lines
        if ("O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line)
        and "/dev/null" not in line
        and "/oom_score_adj" not in line
        and "= -1" not in line
    ]
    assert writing == []
    assert not any(call in line for line in lines for call in ("creat(", "rename", "link(", "linkat("))


# --- files of one's own


def test_own_files(inspector: Inspector, tmp_path: Path) -> None:
    def look(name: str, content: bytes, file_max: int = FILE_MAX) -> Inspected | Refused:
        path = tmp_path / name
        path.write_bytes(content)
        return inspect_path(path, inspector, seconds=30, file_max=file_max)

    taken = look("a.rar", rar5(HELLO))
    assert taken == Inspected(FileType.RAR, Clear(hashlib.sha256(rar5(HELLO)).hexdigest()))
    held = look("a.txt", eicar())
    assert isinstance(held, Inspected)
    assert isinstance(held.verdict, Held)
    refused = look("a.pdf", b"text")
    assert isinstance(refused, Refused)
    assert isinstance(refused.reason, RefusedType)
    assert refused.reason.refusal is TypeRefusal.NAME_AND_CONTENT_DISAGREE
    assert isinstance(look("b.txt", b"x" * 11, file_max=10), Refused)
    with pytest.raises(FileNotFoundError):
        inspect_path(tmp_path / "missing.txt", inspector, seconds=1)
