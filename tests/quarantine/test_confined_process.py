"""The process around what reads a stranger's bytes: limits, deadline, and its end."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quarantine.archive.allowance import Allowance, DamagedArchiveError
from quarantine.budgets import MIB, Budgets
from quarantine.cage import confine
from quarantine.cage.confined_process import ConfinedProcess
from quarantine.errors import UndecidableError
from quarantine.examination import ArchiveMember
from quarantine.memfd import SealedMemfd, seal_bytes_in_memory
from quarantine.rar import unpack
from quarantine.rar.unpack import unpack_rar
from quarantine.verdict import Reason
from tests.builders.rar5 import Rar5Entry, rar5
from tests.worlds.waiting import WATCHDOG, wait_until

# What Python needs of the machine, so that scripts can try things in the cage of an unpacker.
READABLE = ":".join({sys.base_prefix, sys.prefix, str(Path(__file__).parents[2])})
LAUNCHER = [sys.executable, "-I", "-S", "-B", confine.__file__, "2", str(256 * MIB), READABLE]


def soon(seconds: float = WATCHDOG) -> float:
    return time.monotonic() + seconds


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_it_is_killed_with_all_that_it_started() -> None:
    command = ["/bin/sh", "-c", "sleep 1000 & echo $!; wait"]
    with (
        seal_bytes_in_memory(b"") as memfd,
        ConfinedProcess(command, fd=memfd.fd, deadline=soon()) as child,
    ):
        grandchild = int(child.answer.read())
        assert is_running(grandchild)
        assert is_running(child.pid)
    wait_until(lambda: not is_running(grandchild))
    assert not is_running(child.pid)


def test_what_outlives_its_leader_is_killed_too() -> None:
    command = ["/bin/sh", "-c", "sleep 1000 >/dev/null & echo $!"]
    with (
        seal_bytes_in_memory(b"") as memfd,
        ConfinedProcess(command, fd=memfd.fd, deadline=soon()) as child,
    ):
        grandchild = int(child.answer.read_exactly(100))
        assert child.exit_code() == 0
    wait_until(lambda: not is_running(grandchild))


@pytest.mark.parametrize("script", ["sleep 1000", "exec 1>&-; sleep 1000", "while :; do echo x; done"])
def test_the_deadline_ends_it(script: str) -> None:
    with (
        seal_bytes_in_memory(b"") as memfd,
        pytest.raises(UndecidableError) as caught,
        ConfinedProcess(["/bin/sh", "-c", script], fd=memfd.fd, deadline=soon(0.2)) as child,
    ):
        while child.answer.read():
            pass
        child.exit_code()
    assert caught.value.reason is Reason.OUT_OF_TIME


def test_it_inherits_one_descriptor_and_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "key")
    other = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(other, True)
    script = "import os, sys; print(sorted(os.listdir('/proc/self/fd')), [k for k in os.environ if k != 'LC_CTYPE'])"
    try:
        with (
            seal_bytes_in_memory(b"x") as memfd,
            ConfinedProcess([sys.executable, "-I", "-c", script], fd=memfd.fd, deadline=soon()) as child,
        ):
            listing = child.answer.read_exactly(1000).decode()
            handed = memfd.fd
    finally:
        os.close(other)
    # 3 (or the next free number) is the listing's own folder.
    names, _, environment = listing.partition("] ")
    seen = {int(name) for name in names.strip("[").replace("'", "").split(",")}
    assert {0, 1, 2, handed} <= seen
    assert len(seen) == 5
    assert environment.strip() == "[]"


def launched(script: str) -> subprocess.CompletedProcess[str]:
    command = [*LAUNCHER, str(Path(sys.executable).resolve()), "-I", "-S", "-B", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=WATCHDOG, check=False)


def test_a_confined_program_makes_no_files(tmp_path: Path) -> None:
    path = tmp_path / "plaintext"
    assert "PermissionError" in launched(f"open({str(path)!r}, 'w')").stderr
    assert "PermissionError" in launched(f"import os; os.mkdir({str(path)!r})").stderr
    assert not path.exists()


def test_a_confined_program_cannot_make_a_file_grow() -> None:
    # One that it is handed: a file in memory, as no path is left.
    fd = os.memfd_create("enveis")
    try:
        command = [*LAUNCHER, str(Path(sys.executable).resolve()), "-I", "-S", "-c", f"import os; os.write({fd}, b'x')"]
        done = subprocess.run(command, capture_output=True, text=True, pass_fds=(fd,), check=False)
        assert "File too large" in done.stderr
        assert os.fstat(fd).st_size == 0
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    "script",
    [
        "open('/etc/group')",
        "import os; os.listdir('/home')",
        "import socket; socket.socket()",
        "import socket; socket.socketpair()",
        "import os; os.fork()",
        "import subprocess; subprocess.run(['/bin/sh', '-c', ''])",
        "import os; os.execv('/bin/sh', ['sh', '-c', ''])",
        "import os; os.kill(os.getppid(), 0)",
        "import os; os.chroot('/')",
        "import os; os.memfd_create('x')",
        "import os; os.open('/proc/self/mem', os.O_RDWR)",
        "import os; open(f'/proc/{os.getppid()}/status')",
    ],
)
def test_a_confined_program_can_do_nothing_but_unpack(script: str) -> None:
    done = launched(f"try:\n    {script}\nexcept PermissionError:\n    print('refused')")
    assert done.stdout.strip() == "refused", done.stderr
    plain = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=False)
    assert plain.returncode == 0 or os.geteuid() != 0, "what always fails shows nothing"


def test_a_confined_program_has_bounded_memory() -> None:
    assert "MemoryError" in launched(f"bytes({512 * MIB})").stderr


def test_a_confined_program_has_bounded_cpu() -> None:
    began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert launched("while True: pass").returncode != 0
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began < 5


def test_a_confined_program_gains_no_privileges_and_dumps_no_core() -> None:
    script = (
        "import ctypes, resource; print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0),"  # PR_GET_NO_NEW_PRIVS
        "resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NPROC))"
    )
    assert launched(script).stdout.strip() == "1 (0, 0) (0, 0)"


def test_a_program_that_cannot_be_started_is_told_from_one_that_failed() -> None:
    done = subprocess.run([*LAUNCHER, "/nonexistent"], check=False)
    assert done.returncode == confine.LAUNCH_FAILED


@pytest.mark.parametrize(
    "name", ["rar15-comment", "rar2-unix-owner", "rar3-solid", "rar3-owner", "rar5-solid", "rar5-hpsw"]
)
def test_in_its_cage_unar_gives_what_it_gives_outside(rar_corpus: Path, name: str) -> None:
    with seal_bytes_in_memory((rar_corpus / f"{name}.rar").read_bytes()) as memfd:
        caged = unpack._command(memfd.fd, Budgets())
        plain = caged[caged.index(unpack.READABLE) + 1 :]
        inside, outside = (
            subprocess.run(command, capture_output=True, env={}, pass_fds=(memfd.fd,), check=False)
            for command in (caged, plain)
        )
    assert inside.returncode == outside.returncode
    assert inside.stdout == outside.stdout
    assert inside.stdout or name == "rar5-hpsw"


def uncage(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Run a script in unar's place, and outside of its cage, which allows no scripts."""
    monkeypatch.setattr(unpack, "_command", lambda fd, budgets: ["/bin/sh", "-c", script])


@pytest.fixture
def archive() -> SealedMemfd:
    return seal_bytes_in_memory(rar5(Rar5Entry("a", b"hello")))


@pytest.mark.parametrize("script", ["kill -FPE $$", "exit 125", "exit 2", "exit 139"])
def test_an_unpacker_that_crashes_decides_nothing(
    archive: SealedMemfd, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncage(monkeypatch, f"printf hello\n{script}\n")
    budgets = Budgets()
    members = (ArchiveMember(5, crc32=0x3610A686),)
    with archive, pytest.raises(UndecidableError) as caught:
        list(unpack_rar(archive.fd, members, Allowance(budgets, 100), budgets, deadline=soon()))
    assert caught.value.reason is Reason.UNPACKER_FAILED


@pytest.mark.parametrize("output", ["hell", "hellomalware", "jello", ""])
def test_members_are_cut_where_their_sums_prove_it(
    archive: SealedMemfd, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncage(monkeypatch, f"printf %s '{output}'")
    budgets = Budgets()
    members = (ArchiveMember(5, crc32=0x3610A686),)
    with archive, pytest.raises(DamagedArchiveError):
        list(unpack_rar(archive.fd, members, Allowance(budgets, 100), budgets, deadline=soon()))


def test_without_an_unpacker_nothing_is_decided(archive: SealedMemfd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "UNAR_PATHS", "/nonexistent")
    budgets = Budgets()
    with archive, pytest.raises(UndecidableError) as caught:
        list(unpack_rar(archive.fd, (ArchiveMember(5, crc32=0),), Allowance(budgets, 100), budgets, deadline=soon()))
    assert caught.value.reason is Reason.UNPACKER_FAILED
