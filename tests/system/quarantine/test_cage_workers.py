"""Whatever a worker does, its file is Undecided within limits, and the next one is inspected as if nothing had been.

Invariants Q2, Q3 and Q9.
"""

import contextlib
import os
import resource
import signal
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quarantine.archive.allowance import DamagedArchiveError
from quarantine.budgets import MIB, Budgets
from quarantine.cage.layers import Cage, Layer
from quarantine.errors import CageError, UndecidableError
from quarantine.examination import ArchiveMember, Examination
from quarantine.file_types import FileType
from quarantine.memfd import MemfdWriter, SealedMemfd, seal_bytes_in_memory
from quarantine.verdict import Reason
from quarantine.workers.caged_examiner import CagedExaminer
from quarantine.workers.protocol import Request
from quarantine.workers.spares import SPARES
from quarantine.workers.zygote_client import ZygoteClient
from tests.worlds.hostile_zygote import HOSTILE
from tests.worlds.waiting import WATCHDOG, descriptors, descriptors_before, wait_until

BUDGETS = Budgets(worker_cpu=1, worker_memory=256 * MIB, answer_bytes=10_000)
EMPTY = b'{"findings":[],"members":[],"spent":[0,0]}'


@pytest.fixture(scope="module")
def zygote() -> Iterator[ZygoteClient]:
    with ZygoteClient(program=HOSTILE) as running:
        yield running


def examine(zygote: ZygoteClient, script: str, *, seconds: float = WATCHDOG) -> Examination:
    examiner = CagedExaminer(BUDGETS, zygote)
    with seal_bytes_in_memory(script.encode()) as memfd:
        return examiner.examine(memfd.fd, FileType.TXT, deadline=time.monotonic() + seconds)


def undecided(zygote: ZygoteClient, script: str, *, seconds: float = WATCHDOG) -> Reason:
    with pytest.raises(UndecidableError) as caught:
        examine(zygote, script, seconds=seconds)
    assert examine(zygote, "pass") == Examination()
    return caught.value.reason


def own_processes(zygote: ZygoteClient) -> int:
    """Processes that a zygote has without any worker: an outer one only where the kernel gives namespaces."""
    return 2 if zygote.start().namespaces else 1


def processes_of(zygote: ZygoteClient) -> list[int]:
    """Process numbers of everything that came from a zygote's outermost process; the zygote is the last of its own."""
    assert zygote.pid is not None
    found, seen = [zygote.pid], list[int]()
    while found:
        pid = found.pop()
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            seen.append(pid)
    return seen


def has_a_file(pid: int) -> bool:
    """Return whether a process is a worker with all layers on, which spares do not have yet."""
    with contextlib.suppress(OSError):
        limits = Path(f"/proc/{pid}/limits").read_text()
        return limits.partition("Max open files")[2].split()[0] == "2"
    return False


def settled(zygote: ZygoteClient, *, at_work: int) -> tuple[list[int], list[int]]:
    """Wait until as many workers have a file, and the spares are there that belong to it: all of them, or one.

    Returns:
        Process numbers of the spares, and of the workers with a file.
    """
    own, until = own_processes(zygote), time.monotonic() + WATCHDOG
    while True:
        found = processes_of(zygote)[own:]
        busy = [pid for pid in found if has_a_file(pid)]
        if len(busy) == at_work and len(found) - at_work == (1 if at_work else SPARES):
            return [pid for pid in found if pid not in busy], busy
        assert time.monotonic() < until, f"{len(found)} processes, {len(busy)} of them at work"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "script",
    [
        "raise ValueError",
        "raise SystemExit(0)",
        "raise KeyboardInterrupt",
        "raise MemoryError",
        "raise RecursionError",
        "os._exit(0)",
        "os._exit(3)",
        "os.abort()",
        "os.kill(os.getpid(), 9)",
        "os.write(1, b'{')",
        "os.write(1, b'x' * 60_000)",
        "os.write(1, b'{}' * 30_000); os._exit(0)",
        f"os.write(1, {EMPTY!r}); os._exit(3)",
        f"os.write(1, {EMPTY!r}); os.kill(os.getppid(), 9)",
        "os.write(1, b'[' * 9000); os._exit(0)",
        "import socket; socket.socket()",
        "import tests.worlds.hostile_zygote",
        "a = bytes(10**12)",
        "a = [bytearray(10**6) for _ in range(1000)]",
        "sys.setrecursionlimit(10**9); repr(type('A', (), {'__repr__': lambda self: repr(self)})())",
        "import _ctypes; _ctypes.PyObj_FromPtr(1)",
        "os.close(1)",
    ],
)
def test_a_worker_without_a_good_answer_decides_nothing(zygote: ZygoteClient, script: str) -> None:
    assert undecided(zygote, script) is Reason.WORKER_FAILED


def test_an_answer_is_believed_when_the_worker_ended_well(zygote: ZygoteClient) -> None:
    # It is a stranger's all the same; the gate is its form (test_quarantine_examination).
    assert examine(zygote, f"os.write(1, {EMPTY!r}); os._exit(0)") == Examination()


def test_a_busy_loop_ends_at_its_cpu_seconds(zygote: ZygoteClient) -> None:
    began = time.monotonic()
    # One CPU second, which may take long on a busy machine; its deadline is not what ended it.
    assert undecided(zygote, "while True: pass", seconds=10 * WATCHDOG) is Reason.OUT_OF_TIME
    assert time.monotonic() - began < 9 * WATCHDOG


@pytest.mark.parametrize(
    "script", ["while True: pass", "import _thread; a = _thread.allocate_lock(); a.acquire(); a.acquire()"]
)
def test_the_deadline_ends_a_worker(zygote: ZygoteClient, script: str) -> None:
    assert undecided(zygote, script, seconds=0.3) is Reason.OUT_OF_TIME
    settled(zygote, at_work=0)


def test_an_endless_answer_is_cut(zygote: ZygoteClient) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert undecided(zygote, "while True: os.write(1, b'x' * 65536)") is Reason.WORKER_FAILED
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # KiB


def test_memory_of_a_worker_is_bounded_and_not_the_brokers(zygote: ZygoteClient) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bomb = "a = []\nwhile True: a.append(bytearray(1 << 20))"
    assert undecided(zygote, bomb) is Reason.WORKER_FAILED
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # KiB


def test_an_unsealed_file_is_not_read(zygote: ZygoteClient) -> None:
    fd = os.memfd_create("enveis")
    try:
        os.write(fd, b"pass")
        with pytest.raises(UndecidableError) as caught:
            CagedExaminer(BUDGETS, zygote).examine(fd, FileType.TXT, deadline=time.monotonic() + WATCHDOG)
        assert caught.value.reason is Reason.WORKER_FAILED
    finally:
        os.close(fd)


def test_no_byte_of_a_file_is_read_before_a_worker_is_caged(zygote: ZygoteClient) -> None:
    """A pipe in a file's place keeps what nobody reads: the zygote passes it on, and a caged worker refuses it."""
    reading, writing = os.pipe()
    own = processes_of(zygote)[: own_processes(zygote)]
    with open(reading, "rb") as left, open(writing, "wb") as given:  # noqa: PTH123 - descriptors
        given.write(b"pass")
        given.flush()
        with pytest.raises(UndecidableError) as caught:
            CagedExaminer(BUDGETS, zygote).examine(reading, FileType.TXT, deadline=time.monotonic() + WATCHDOG)
        given.close()
        assert caught.value.reason is Reason.WORKER_FAILED
        assert left.read() == b"pass"
    assert processes_of(zygote)[: len(own)] == own, "the zygote has not ended over it"


def test_nothing_that_a_worker_changes_reaches_the_next_one(zygote: ZygoteClient) -> None:
    examine(zygote, "import builtins; builtins.len = None; sys.modules.clear(); os.environ['A'] = 'b'")
    assert examine(zygote, "assert len('a') == 1 and 'A' not in os.environ and sys.modules") == Examination()


def test_a_worker_knows_nothing_of_the_broker(zygote: ZygoteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "key")
    with ZygoteClient(program=HOSTILE) as fresh:
        assert examine(fresh, "assert set(os.environ) <= {'LC_CTYPE'}, os.environ") == Examination()
    forbidden = ("keys", "gateway", "transfer", "audit", "desk", "enveis", "disk")
    # The base of our errors, one class and no code, is all that a worker has of the other rooms.
    base = {"disk", "disk.expected"}
    check = f"assert not [name for name in sys.modules if name.partition('.')[0] in {forbidden} and name not in {base}]"
    assert examine(zygote, check) == Examination()


def test_members_come_back_as_they_are_promised(zygote: ZygoteClient) -> None:
    content = os.urandom(3 * MIB)
    examiner = CagedExaminer(BUDGETS, zygote)
    deadline = time.monotonic() + WATCHDOG
    with seal_bytes_in_memory(content) as memfd:
        with examiner.expand(
            memfd.fd, ArchiveMember(len(content), crc32=zlib.crc32(content), place=(0,)), deadline=deadline
        ) as it:
            assert os.pread(it.fd, len(content), 0) == content
        for wrong in (
            ArchiveMember(len(content), crc32=0, place=(0,)),
            ArchiveMember(len(content) + 1, crc32=zlib.crc32(content), place=(0,)),
            ArchiveMember(len(content) - 1, crc32=zlib.crc32(content[:-1]), place=(0,)),
        ):
            with pytest.raises(DamagedArchiveError):
                examiner.expand(memfd.fd, wrong, deadline=deadline)


def test_a_dead_zygote_is_replaced_and_its_files_are_undecided() -> None:
    with ZygoteClient(program=HOSTILE) as zygote:
        first = zygote.pid
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(undecided_reason, zygote) for _ in range(4)]
            settled(zygote, at_work=4)
            processes = processes_of(zygote)
            os.kill(processes[own_processes(zygote) - 1], signal.SIGKILL)
            assert [job.result(WATCHDOG) for job in waiting] == [Reason.WORKER_FAILED] * 4
        assert examine(zygote, "pass") == Examination()
        assert zygote.pid not in {None, first}
        wait_until(lambda: all(map(is_gone, processes)))


def is_gone(pid: int) -> bool:
    # A zombie is gone too: who reaps it depends on the machine.
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def undecided_reason(zygote: ZygoteClient) -> Reason:
    try:
        examine(zygote, "import _thread; a = _thread.allocate_lock(); a.acquire(); a.acquire()", seconds=WATCHDOG)
    except UndecidableError as error:
        return error.reason
    raise AssertionError("decided")


@pytest.mark.parametrize("without", [frozenset(), frozenset({Layer.NAMESPACES})])
def test_no_worker_outlives_its_zygote(without: frozenset[Layer]) -> None:
    with ZygoteClient(Cage(without), program=HOSTILE) as zygote:
        thread = threading.Thread(target=undecided_reason, args=(zygote,))
        thread.start()
        settled(zygote, at_work=1)
        processes = processes_of(zygote)
        os.kill(processes[own_processes(zygote) - 1], signal.SIGKILL)
        thread.join(WATCHDOG)
        wait_until(lambda: all(map(is_gone, processes)))


def test_a_zygote_that_cannot_start_is_said_and_not_tried_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarantine.workers.zygote_client.REST_SECONDS", 24 * 3600.0)
    program, starts = tmp_path / "broken.py", tmp_path / "starts"
    program.write_text(f"open({str(starts)!r}, 'a').write('x')\nraise SystemExit(1)")
    zygote = ZygoteClient(program=(str(program),))
    with pytest.raises(CageError):
        zygote.start()
    for _ in range(20):
        with pytest.raises(UndecidableError):
            examine(zygote, "pass")
    assert starts.read_text() == "x"


def test_a_zygote_that_hangs_holds_nobody_up_beyond_the_deadline(tmp_path: Path) -> None:
    with ZygoteClient(program=HOSTILE) as zygote:
        inner = processes_of(zygote)[own_processes(zygote) - 1]
        os.kill(inner, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(UndecidableError) as caught:
            examine(zygote, "pass", seconds=0.3)
        assert caught.value.reason is Reason.OUT_OF_TIME
        assert time.monotonic() - began < 4
        os.kill(inner, signal.SIGCONT)
        assert examine(zygote, "pass") == Examination()


def test_two_hundred_files_at_once(zygote: ZygoteClient) -> None:
    scripts = ["pass", "raise ValueError", "while True: pass", "os.kill(1, 9)", "a = bytes(10**12)"] * 40
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before = descriptors_before()

    def judge(script: str) -> bool:
        try:
            examine(zygote, script, seconds=30 if script == "pass" else 1.5)
        except UndecidableError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(judge, scripts)) == [script == "pass" for script in scripts]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident < 20_000  # KiB
    assert descriptors() == before
    settled(zygote, at_work=0)


def test_a_large_file_costs_the_broker_nothing(zygote: ZygoteClient) -> None:
    with MemfdWriter() as writer:
        writer.write(b"pass\n#")
        for _ in range(64):
            writer.write(b"x" * MIB)
        memfd: SealedMemfd = writer.seal()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with memfd, contextlib.suppress(UndecidableError):
        CagedExaminer(Budgets(), zygote).examine(memfd.fd, FileType.TXT, deadline=time.monotonic() + WATCHDOG)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000  # KiB


def test_a_request_names_its_work(zygote: ZygoteClient) -> None:
    with seal_bytes_in_memory(b"") as memfd, pytest.raises(ValueError, match="too long"):
        zygote.worker(Request(1, BUDGETS, target="x" * 5000), memfd.fd, deadline=time.monotonic() + 1)


def test_a_file_is_given_to_a_worker_that_waited_for_it(zygote: ZygoteClient) -> None:
    spares, _ = settled(zygote, at_work=0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(undecided_reason, zygote)
        left, busy = settled(zygote, at_work=1)
        assert {*left, *busy} == set(spares)
        zygote.close()
        assert waiting.result(WATCHDOG) is Reason.WORKER_FAILED


def test_no_worker_has_what_another_file_left_in_memory(zygote: ZygoteClient) -> None:
    # The first are forked before this file is read, the later ones after it, by the same zygote.
    examine(zygote, "import builtins; builtins.left = sys.left = stream.read")
    before, _ = settled(zygote, at_work=0)
    for _ in range(2 * SPARES + 1):
        examine(zygote, "import builtins; assert not hasattr(sys, 'left') and not hasattr(builtins, 'left')")
    assert not set(settled(zygote, at_work=0)[0]) & set(before), "a worker was used twice"


def test_a_spare_holds_its_socket_and_no_descriptor_of_a_file() -> None:
    # Without this layer, so that the test may look; it has nothing to do with descriptors.
    with ZygoteClient(Cage(frozenset({Layer.PRIVILEGES})), program=HOSTILE) as zygote, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(undecided_reason, zygote)
        (spare,), (busy,) = settled(zygote, at_work=1)
        wait_until(lambda: len(descriptors_of(spare)) <= 3)  # as it starts, it has what the zygote has
        assert descriptors_of(spare) == ["/dev/null", "/dev/null", "socket"]
        assert descriptors_of(busy) == ["/memfd", "pipe"]
        zygote.close()
        waiting.result(WATCHDOG)


def descriptors_of(pid: int) -> list[str]:
    numbers = sorted(Path(f"/proc/{pid}/fd").iterdir(), key=lambda path: int(path.name))
    return [str(number.readlink()).partition(":")[0] for number in numbers]


def test_spares_that_died_cost_nobody_a_file(zygote: ZygoteClient) -> None:
    spares, _ = settled(zygote, at_work=0)
    for pid in spares:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid))  # noqa: B023
    assert examine(zygote, "pass") == Examination()
    settled(zygote, at_work=0)


def test_an_ended_zygote_leaves_nothing_behind() -> None:
    zygote = ZygoteClient(program=HOSTILE)
    zygote.start()
    examine(zygote, "pass")
    settled(zygote, at_work=0)
    processes = processes_of(zygote)
    os.kill(processes[own_processes(zygote) - 1], signal.SIGSTOP)  # even one that does not listen
    zygote.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)
