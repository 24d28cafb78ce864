"""What is counted of a spool is what lies there, and it is known without a listing.

Invariant T14.
"""

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.worlds.crossing import TICK, make_sides
from tests.worlds.spooled import lay, lies_at, spooled
from tests.worlds.two_homes import TwoHomes
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.outbox import Outbox
from transfer.low_side.recovery import resume
from transfer.low_side.status import WaitingLimits, read_low_status
from transfer.names import Lane, PacketId, new_packet_id
from transfer.spool import counts_file
from transfer.spool.lanes import TickFolder, folders_of, sized_packets_in
from transfer.spool.room import Room
from transfer.spool.spool import Spool

DAY = 24 * 3600
LIMITS = WaitingLimits(alarm_days=3, overdue_days=4, retention_days=30)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _opened(tmp_path / "spool").prepare()
    return tmp_path / "spool"


def _opened(root: Path, *, now: float = 100 * DAY) -> Spool:
    return Spool(root, quota=2**40, reserve=0, tick=TICK, now=lambda: now)


def _counted(root: Path) -> dict[str, tuple[int, int]]:
    return {one.folder.name: (one.packets, one.size) for one in _opened(root).counts()}


def listed(root: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for folder in (folder for lane in Lane for folder in folders_of(root, lane)):
        sizes = [size for _, size in sized_packets_in(folder.path(root))]
        if sizes:
            found[folder.name] = len(sizes), sum(sizes)
    return found


def test_each_move_is_counted(root: Path) -> None:
    ids = [new_packet_id() for _ in range(5)]
    for number, packet in enumerate(ids):
        lay(root, packet, bytes(10 + number), start=10 * (number % 2))
    assert _counted(root) == {"clear/0": (3, 36), "clear/10": (2, 24)} == listed(root)
    spool = _opened(root)
    spool.set_aside(Lane.CLEAR, ids[:3])
    assert _counted(root) == {
        "clear/0": (1, 14),
        "clear/10": (1, 13),
        "clear/0.batched": (2, 22),
        "clear/10.batched": (1, 11),
    }
    spool.put_back(Lane.CLEAR, ids[:1])
    assert spool.remove_all(Lane.CLEAR, [*ids[1:], *ids[1:]]) == 4
    assert _counted(root) == {"clear/0": (1, 10)} == listed(root)
    assert [folder.name for folder in folders_of(root, Lane.CLEAR)] == ["clear/0"], "empty folders stay"


def test_an_old_spool_is_taken_over_with_its_ages(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    packets = {new_packet_id(): (lane, start) for lane in Lane for start in (5 * DAY, 90 * DAY)}
    for packet, (lane, start) in packets.items():
        (root / lane).mkdir(parents=True, exist_ok=True)
        (root / lane / f"{packet}.age").write_bytes(b"sealed")
        os.utime(root / lane / f"{packet}.age", (start, start))
    (root / "withdrawable").mkdir()
    gone, done = new_packet_id(), new_packet_id()
    (root / "withdrawable" / f"{gone}.age").write_bytes(b"sealed")
    (root / "withdrawable" / f"{done}.done").write_bytes(b"0" * 64)
    spool = _opened(root)
    spool.prepare()
    assert {packet.id: (packet.lane, packet.start) for lane in Lane for packet in spool.waiting(lane)} == packets
    assert _counted(root) == listed(root)
    assert spool.withdrawals.taken_back() == [gone]
    assert (root / "withdrawable" / "done" / done).exists()
    spool.prepare()
    assert set(spooled(root)) == set(packets)


def test_a_copy_of_a_home_keeps_the_age_of_what_waits(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    low.put(1)
    low.now += 40 * DAY
    for path in low.spool.root.rglob("*"):
        os.utime(path)  # as a copy leaves it, or somebody who touches it
    shutil.copytree(low.home, tmp_path / "copy", copy_function=shutil.copyfile)
    for root in (low.spool.root, tmp_path / "copy" / "spool"):
        spool = Spool(root, quota=2**40, reserve=0, tick=TICK, now=lambda: low.now)
        status = read_low_status(spool, low.outbox, today=low.side.today(), limits=LIMITS)
        assert (status.lanes[0].oldest_days, status.past_retention) == (40, 1)


def test_no_time_of_a_file_is_that_of_an_arrival(root: Path) -> None:
    path = lay(root, new_packet_id(), b"sealed", start=50 * DAY)
    lay(root, new_packet_id(), b"sealed", start=50 * DAY)
    for found in (path, path.parent):
        assert (found.stat().st_mtime, found.stat().st_atime) == (50 * DAY, 50 * DAY)


@pytest.mark.parametrize("damage", ["gone", "torn", "another boot", "moved"])
def test_what_may_be_wrong_is_counted_again(root: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    lay(root, new_packet_id(), b"sealed")
    counts = root.with_name("spool.room") / "counts.sqlite"
    stray = TickFolder(0, Lane.CLEAR).file(root, new_packet_id())
    stray.write_bytes(b"by hand")
    assert _counted(root) != listed(root)
    if damage == "gone":
        counts.unlink()
    elif damage == "torn":
        counts.write_bytes(b"x" * 5000)
    elif damage == "another boot":
        (root / "boot").write_text("other\n")
        monkeypatch.setattr(counts_file, "_BOOT", root / "boot")
    else:
        shutil.copytree(root.parent, root.parent.with_name("copy"))
        root = root.parent.with_name("copy") / "spool"
    assert _counted(root) == listed(root) == {"clear/0": (2, 13)}


def test_a_file_that_is_torn_while_it_is_used_is_made_again(root: Path) -> None:
    spool = _opened(root)
    spool.admit(1).release()
    (root.with_name("spool.room") / "counts.sqlite").write_bytes(b"x" * 100_000)
    with pytest.raises(OSError, match="counts"):
        spool.counts()
    lay(root, new_packet_id(), b"sealed")
    assert {one.folder.name: one.packets for one in spool.counts()} == {"clear/0": 1}


def test_a_folder_that_is_removed_while_it_is_used_is_made_again(root: Path) -> None:
    first, second = _opened(root), _opened(root)
    lay(root, new_packet_id(), b"sealed")
    admissions = [spool.admit(1) for spool in (first, second)]
    shutil.rmtree(root.with_name("spool.room"))
    for spool in (first, second):
        packet = spool.create(new_packet_id(), spool.admit(6))
        packet.write(b"sealed")
        packet.commit(Lane.CLEAR)
    for admission in admissions:
        admission.release()
    assert sum(one.packets for one in first.counts()) == sum(one.packets for one in second.counts()) == 3
    assert _counted(root) == listed(root)


def test_a_listing_corrects_what_was_done_by_hand(root: Path) -> None:
    kept, moved = new_packet_id(), new_packet_id()
    lay(root, kept, b"sealed")
    lay(root, moved, b"sealed", start=50).unlink()
    spool = _opened(root)
    spool.recount()
    assert _counted(root) == listed(root) == {"clear/0": (1, 6)}
    assert not TickFolder(50, Lane.CLEAR).path(root).exists()


def test_a_packet_on_its_way_is_not_listed_into_the_count(root: Path) -> None:
    """What moves while a folder is listed may be seen or not: then its count stays as it is."""
    packet = new_packet_id()
    lay(root, packet, b"sealed")
    db = sqlite3.connect(root.with_name("spool.room") / "counts.sqlite", isolation_level=None)
    db.execute("INSERT INTO moves VALUES (?, 'somebody', 6, NULL, 'clear/0')", (new_packet_id(),))
    (TickFolder(0, Lane.CLEAR).path(root) / f"{new_packet_id()}.age").write_bytes(b"sealed")
    _opened(root).recount()
    assert _counted(root) == {"clear/0": (1, 6)}
    db.execute("DELETE FROM moves")
    _opened(root).recount()
    assert _counted(root) == {"clear/0": (2, 12)}
    db.close()


def test_what_a_full_disk_keeps_from_being_noted_is_noted_later(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = _opened(root)
    packet = spool.create(new_packet_id(), spool.admit(6))
    packet.write(b"sealed")

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("transfer.spool.room.add", full)
        assert packet.commit(Lane.CLEAR).path.exists()
    assert [(one.packets, one.size) for one in spool.counts()] == [(1, 6)]


def test_a_batch_lies_aside_until_its_words_come_and_what_did_not_arrive_comes_back(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    ids = [low.put(number) for number in range(3)]
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    assert [one.folder.is_batched for one in low.spool.counts()] == [True]
    (bag / "data" / "packets" / f"{ids[1]}.age").unlink()
    report = high.take(bag)
    acknowledge(low.side, report.code, missing=[ids[1]])
    assert [packet.id for packet in low.spool.due(Lane.CLEAR)] == [ids[1]]
    assert {one.folder.name: one.packets for one in low.spool.counts()} == {"clear/1000000": 1}


def test_what_no_ledger_knows_waits_again(tmp_path: Path) -> None:
    """As after a new key: its ledger knows no batch of the old one."""
    low, _ = make_sides(tmp_path)
    ids = {low.put(number) for number in range(3)}
    low.later()
    low.export(tmp_path / "stick")
    low.outbox = Outbox.begin(low.home / "new.sqlite")
    resume(low.side)
    assert {packet.id for packet in low.spool.due(Lane.CLEAR)} == ids


def test_what_an_old_ledger_has_in_a_batch_is_put_aside(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    packet = low.put(1)
    low.later()
    low.export(tmp_path / "stick")
    low.spool.put_all_back()  # as it lies after the take-over from an earlier version
    assert low.export(tmp_path / "other").batches == ()
    assert {one.folder.is_batched: one.packets for one in low.spool.counts()} == {True: 1}
    assert spooled(low.spool.root).keys() == {packet}


def test_a_killed_process_promised_nothing(root: Path) -> None:
    spool = _opened(root)
    db = sqlite3.connect(root.with_name("spool.room") / "counts.sqlite", isolation_level=None)
    db.execute("INSERT INTO holders VALUES ('0123456789abcdef', ?, 0)", (2**40,))
    db.close()
    assert spool.fill() == 0
    db = sqlite3.connect(root.with_name("spool.room") / "counts.sqlite", isolation_level=None)
    db.execute("INSERT INTO holders VALUES ('0123456789abcdef', ?, 0)", (2**40,))
    db.close()
    spool.admit(1).release()


def test_promises_of_all_processes_count(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    first, second = (Spool(root, quota=1_000_000, reserve=0, tick=TICK) for _ in range(2))
    first.prepare()
    admission = first.admit(400_000)
    with pytest.raises(Exception, match="full"):
        second.admit(400_000)
    admission.release()
    second.admit(400_000).release()


def test_ids_that_begin_alike_are_found_in_their_own_folders(root: Path) -> None:
    ids = [PacketId(f"{number:032x}") for number in range(40)]
    for number, packet in enumerate(ids):
        lay(root, packet, b"sealed", start=number % 7)
    spool = _opened(root)
    assert all(spool.path(Lane.CLEAR, packet).parent.name == str(number % 7) for number, packet in enumerate(ids))
    assert spool.remove_all(Lane.CLEAR, ids[::2]) == 20
    assert set(spooled(root)) == set(ids[1::2])


def test_what_leaves_a_full_disk_leaves_and_is_counted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be no space to note it: only deleting gives space."""
    ids = [new_packet_id() for _ in range(3)]
    for packet in ids:
        lay(root, packet, b"sealed")
    spool = _opened(root)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Room, "_note", full)
        assert spool.remove_all(Lane.CLEAR, ids[:2]) == 2
        with pytest.raises(OSError, match="No space"):
            spool.set_aside(Lane.CLEAR, ids[2:])
    assert _counted(root) == listed(root) == {"clear/0": (1, 6)}


def test_commands_take_an_old_spool_over_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    homes = TwoHomes(tmp_path, capsys)
    packet = homes.put()
    old = homes.low / "spool" / "clear" / f"{packet}.age"
    lies_at(homes.low / "spool", packet).rename(old)
    os.utime(old, (1, 1))
    _opened(homes.low / "spool").recount()
    (lane, _) = homes.call("transfer", "status", home=homes.low, status=3)["lanes"]
    assert lane["ready"] == 1
    assert lane["oldest_days"] > 20_000
