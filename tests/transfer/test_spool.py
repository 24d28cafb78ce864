"""The spool: nothing is received before it is durable, nothing is promised that does not fit.

Invariant G1.
"""

import errno
import os
import resource
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds.waiting import WATCHDOG
from transfer.names import Lane, PacketId, new_packet_id
from transfer.spool.quota import FORM_ALLOWANCE, SMALL_MAX, sealed_bound
from transfer.spool.spool import IncomingPacket, Spool, SpooledPacket, SpoolFullError

MIB = 1024 * 1024
TICK = 100  # seconds


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_050.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_spool(tmp_path: Path, clock: Clock) -> Callable[..., Spool]:
    def opened(quota: int = 100 * MIB, reserve: int = 10 * MIB) -> Spool:
        spool = Spool(tmp_path / "spool", quota=quota, reserve=reserve, tick=TICK, now=clock)
        spool.prepare()
        return spool

    return opened


@pytest.fixture
def spool(open_spool: Callable[..., Spool]) -> Spool:
    return open_spool()


def put(spool: Spool, data: bytes = b"sealed", lane: Lane = Lane.CLEAR) -> SpooledPacket:
    return begin(spool, data).commit(lane)


def begin(spool: Spool, data: bytes = b"sealed") -> IncomingPacket:
    packet = spool.create(new_packet_id(), spool.admit(len(data)))
    packet.write(data)
    return packet


def files(spool: Spool) -> list[str]:
    """Return the files of a spool, without what names the tick of every packet here that nobody has put elsewhere."""
    found = (str(p.relative_to(spool.root)) for p in spool.root.rglob("*") if p.is_file())
    return sorted(name.replace("/1000000/", "/") for name in found)


def test_folders_and_files_are_ours_alone(spool: Spool) -> None:
    packet = put(spool)
    assert stat.S_IMODE(packet.path.stat().st_mode) == 0o600
    for folder in ("incoming", "clear", "held"):
        assert stat.S_IMODE((spool.root / folder).stat().st_mode) == 0o700


def test_commit_moves_the_whole_packet_into_its_lane(spool: Spool) -> None:
    incoming = begin(spool, b"one ")
    assert files(spool) == [f"incoming/{incoming.packet_id}.part"]
    incoming.writev([b"", b"two ", memoryview(b"three"), bytearray()])
    assert os.pread(incoming.fd, 100, 4) == b"two three"
    packet = incoming.commit(Lane.HELD)
    assert packet == SpooledPacket(incoming.packet_id, Lane.HELD, 13, packet.path, 1_000_000)
    assert packet.path.read_bytes() == b"one two three"
    assert files(spool) == [f"held/{packet.id}.age"]
    assert spool.waiting(Lane.HELD) == [packet]
    assert spool.waiting(Lane.CLEAR) == []


@given(sizes=st.lists(st.integers(0, 5), max_size=3000))
def test_split_of_buffers_does_not_matter(sizes: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"), quota=MIB, reserve=0, tick=1)
    spool.prepare()
    buffers = [bytes([index % 251]) * size for index, size in enumerate(sizes)]
    packet = begin(spool, b"")
    packet.writev(buffers)
    assert packet.commit(Lane.CLEAR).path.read_bytes() == b"".join(buffers)


def test_a_short_write_is_continued(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.writev
    monkeypatch.setattr(os, "writev", lambda fd, views: real(fd, [views[0][:3]]))
    packet = begin(spool, b"0123456789")
    packet.writev([b"abcd", b"efg"])
    assert packet.commit(Lane.CLEAR).path.read_bytes() == b"0123456789abcdefg"


def test_the_order_of_a_commit(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    packet = begin(spool)
    calls: list[str] = []
    real_sync, real_rename = os.fsync, os.rename

    def fsync(fd: int) -> None:
        calls.append("fsync " + os.path.relpath(Path(f"/proc/self/fd/{fd}").readlink(), spool.root))
        real_sync(fd)

    def rename(source: Path, target: Path) -> None:
        calls.append(f"rename {os.path.relpath(target, spool.root)}")
        real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    packet.commit(Lane.CLEAR)
    name = packet.packet_id
    assert calls == [
        f"fsync incoming/{name}.part",
        f"rename clear/1000000/{name}.age",
        "fsync clear/1000000",
        "fsync clear",  # which has got a new folder
        "fsync incoming",
    ]


@pytest.mark.parametrize("failing", ["utime", "fsync", "rename"])
def test_a_commit_that_fails_leaves_no_packet(spool: Spool, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "broken disk")

    packet = begin(spool)
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="broken disk"):
        packet.commit(Lane.CLEAR)
    assert files(spool) == []


def test_discard_leaves_nothing_and_may_follow_a_commit(spool: Spool) -> None:
    packet = begin(spool)
    packet.discard()
    packet.discard()
    assert files(spool) == []
    kept = begin(spool)
    kept.commit(Lane.CLEAR)
    kept.discard()
    assert len(spool.waiting(Lane.CLEAR)) == 1


def test_remove(spool: Spool) -> None:
    packet = put(spool)
    assert not spool.remove(Lane.HELD, packet.id)
    assert spool.remove(Lane.CLEAR, packet.id)
    assert not spool.remove(Lane.CLEAR, packet.id)
    assert files(spool) == []


# Ticks


def test_the_file_system_shows_the_tick_and_not_the_arrival(spool: Spool) -> None:
    info = put(spool).path.stat()
    assert info.st_mtime_ns == 1_000_000 * 10**9
    assert info.st_atime_ns == 1_000_000 * 10**9


def test_a_packet_waits_for_the_end_of_its_tick(spool: Spool, clock: Clock) -> None:
    packet = put(spool)
    clock.now = 1_000_099.9
    assert spool.ready(Lane.CLEAR) == []
    clock.now = 1_000_100.0
    assert spool.ready(Lane.CLEAR) == [packet]


def test_what_a_clock_ahead_stamped_waits_for_no_far_day(spool: Spool, clock: Clock) -> None:
    clock.now += 40 * 24 * 3600
    packet = put(spool)
    clock.now -= 40 * 24 * 3600
    assert spool.ready(Lane.CLEAR) == [packet]


def test_oldest_tick_first_then_by_id(spool: Spool, clock: Clock) -> None:
    early = [put(spool) for _ in range(5)]
    clock.now += TICK
    late = [put(spool) for _ in range(5)]
    clock.now += TICK
    expected = sorted(p.id for p in early) + sorted(p.id for p in late)
    assert [p.id for p in spool.ready(Lane.CLEAR)] == expected


def test_other_names_in_a_lane_are_left_alone(spool: Spool) -> None:
    tick = spool.root / "clear" / "1"
    for folder in (tick, spool.root / "clear" / "1.bat", spool.root / "clear" / "-1"):
        folder.mkdir()
        for name in (".DS_Store", "a.age", "A" * 32 + ".age", "0" * 32, "0" * 32 + ".age.tmp"):
            (folder / name).write_bytes(b"x")
    (spool.root / "clear" / "-1" / f"{new_packet_id()}.age").write_bytes(b"x")
    assert spool.waiting(Lane.CLEAR) == []


# Crashes and siblings


def test_leftovers_of_a_crash_are_removed(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    kept = put(spool)
    for _ in range(3):
        (spool.root / "incoming" / f"{new_packet_id()}.part").write_bytes(b"half")
    assert spool.prepare() == 3
    assert files(spool) == [f"clear/{kept.id}.age"]
    assert spool.prepare() == 0


CHILD = """
    import sys
    from pathlib import Path
    from transfer.spool.spool import Spool
    from transfer.names import Lane, PacketId
    spool = Spool(Path(sys.argv[1]), quota=2**27, reserve=0, tick=1)
    spool.prepare()
    packet = spool.create(PacketId("0" * 32), spool.admit(10))
    packet.write(b"from the sibling")
    print("written", flush=True)
    sys.stdin.readline()
    packet.commit(Lane.CLEAR)
"""


@pytest.fixture
def sibling(spool: Spool) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(spool.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "written\n"
        yield process
        process.kill()


def test_a_living_siblings_part_is_left_alone(spool: Spool, sibling: subprocess.Popen[str]) -> None:
    assert spool.prepare() == 0
    sibling.communicate("go\n", timeout=WATCHDOG)
    assert sibling.returncode == 0
    assert [p.path.read_bytes() for p in spool.waiting(Lane.CLEAR)] == [b"from the sibling"]


def test_a_killed_siblings_part_is_removed(spool: Spool, sibling: subprocess.Popen[str]) -> None:
    sibling.kill()
    sibling.wait(WATCHDOG)
    assert spool.prepare() == 1
    assert files(spool) == []


def test_a_starting_process_may_take_the_file_before_it_is_locked(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between open and flock another process's `prepare` may unlink the new file: it is made again."""
    import fcntl

    real, pending = fcntl.flock, [True]

    def flock(fd: int, operation: int) -> None:
        if pending:
            pending.clear()
            Path(f"/proc/self/fd/{fd}").readlink().unlink()
        real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    assert put(spool).path.read_bytes() == b"sealed"


# Room


def test_a_large_one_is_refused_by_its_length_and_a_small_one_uses_the_reserve(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool(quota=20 * MIB, reserve=10 * MIB)
    with pytest.raises(SpoolFullError):
        spool.admit(12 * MIB)
    large = spool.admit(8 * MIB)
    with pytest.raises(SpoolFullError):
        spool.admit(2 * MIB)
    for _ in range((20 * MIB - large.reserved) // sealed_bound(SMALL_MAX + FORM_ALLOWANCE)):
        spool.admit(SMALL_MAX + FORM_ALLOWANCE)
    with pytest.raises(SpoolFullError):
        spool.admit(SMALL_MAX + FORM_ALLOWANCE)
    large.release()
    spool.admit(SMALL_MAX).release()


def test_the_reserve_is_for_small_ones_to_the_last_byte(open_spool: Callable[..., Spool]) -> None:
    need = sealed_bound(100)
    spool = open_spool(quota=need * 3, reserve=need * 3)
    with pytest.raises(SpoolFullError):
        spool.admit(SMALL_MAX + FORM_ALLOWANCE + 1)
    kept = [spool.admit(100) for _ in range(3)]
    with pytest.raises(SpoolFullError):
        spool.admit(100)
    kept[0].release()
    kept[0].release()
    spool.admit(100)
    with pytest.raises(SpoolFullError):
        spool.admit(100)


def test_waiting_packets_count_and_their_removal_gives_room(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool(quota=sealed_bound(3 * MIB), reserve=0)
    packet = put(spool, bytes(2 * MIB))
    with pytest.raises(SpoolFullError):
        spool.admit(3 * MIB)
    # As an acknowledgement in another process does it.
    open_spool().remove(Lane.CLEAR, packet.id)
    spool.admit(3 * MIB).release()


def test_no_lane_is_listed_for_a_submission(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(path: object = ".") -> object:
        raise AssertionError(f"{path} was listed")

    put(spool)
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, never)
    put(spool)
    spool.admit(1).release()
    spool.fill()
    assert [(count.packets, count.size) for count in spool.counts()] == [(2, 12)]


def test_a_discarded_upload_gives_its_room_back(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool(quota=sealed_bound(3 * MIB), reserve=0)
    packet = spool.create(new_packet_id(), spool.admit(3 * MIB))
    with pytest.raises(SpoolFullError):
        spool.admit(1)
    packet.discard()
    spool.admit(3 * MIB).release()


def test_bytes_of_a_sibling_count(open_spool: Callable[..., Spool]) -> None:
    first, second = open_spool(), open_spool(quota=sealed_bound(3 * MIB), reserve=0)
    packet = begin(first, bytes(2 * MIB))
    with pytest.raises(SpoolFullError):
        second.admit(3 * MIB)
    packet.discard()
    second.admit(3 * MIB).release()


def test_more_than_was_promised_is_asked_for_again(open_spool: Callable[..., Spool]) -> None:
    bound = sealed_bound(10)
    spool = open_spool(quota=2 * bound, reserve=0)
    packet = spool.create(new_packet_id(), spool.admit(10))
    packet.write(bytes(bound + 1))
    with pytest.raises(SpoolFullError):
        spool.admit(10)
    with pytest.raises(SpoolFullError):
        packet.write(bytes(bound))
    assert packet.size == bound + 1


def test_the_disk_itself_is_asked(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(spool.root)
    free = [12 * MIB]
    monkeypatch.setattr(
        os, "statvfs", lambda _: os.statvfs_result((4096, 4096, *real[2:4], free[0] // 4096, *real[5:]))
    )
    with pytest.raises(SpoolFullError):
        spool.admit(2 * MIB)  # 12 MiB less the reserve of 10
    packet = begin(spool, bytes(SMALL_MAX))
    free[0] = sealed_bound(SMALL_MAX) + packet._admission.reserved - SMALL_MAX
    spool.admit(SMALL_MAX).release()
    free[0] -= 4096
    with pytest.raises(SpoolFullError):
        spool.admit(SMALL_MAX)


def test_a_full_disk_while_writing_keeps_nothing(spool: Spool) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    packet = begin(spool, b"x" * 10)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(SpoolFullError):
            packet.write(bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    packet.discard()
    assert files(spool) == []
    assert put(spool).size == 6


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small file system")
def test_a_really_full_file_system(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        spool = Spool(tmp_path, quota=100 * MIB, reserve=0, tick=TICK)
        spool.prepare()
        packet = begin(spool, b"small")
        with pytest.raises(SpoolFullError):
            packet.write(bytes(3 * MIB))
        packet.discard()
        # Something else on the same disk grew after the admission.
        admitted = spool.create(new_packet_id(), spool.admit(1000))
        (tmp_path / "other").write_bytes(bytes(2 * MIB - 16 * 1024))
        with pytest.raises(SpoolFullError):
            admitted.write(bytes(100_000))
        admitted.discard()
        with pytest.raises(SpoolFullError):
            spool.admit(1)
        assert files(spool) == ["other"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize("wrong", [{"tick": 0}, {"reserve": 2}, {"reserve": -1}])
def test_senseless_limits_are_a_fault_of_ours(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="spool"):
        Spool(tmp_path, quota=1, reserve=wrong.get("reserve", 0), tick=wrong.get("tick", 1))


def test_ids_are_file_names(spool: Spool) -> None:
    packet = spool.create(PacketId("ab" * 16), spool.admit(1))
    with pytest.raises(FileExistsError):
        spool.create(PacketId("ab" * 16), spool.admit(1))
    packet.discard()
