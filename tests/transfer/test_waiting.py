"""What waits below, the oldest first, in windows; its age; what fits on a medium; and giving up.

Invariant T8.
"""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.chain import parse_line, split_lines
from audit.events import Event
from tests.worlds.crossing import DAY, TICK, High, Low, make_sides
from tests.worlds.spooled import lay
from transfer.errors import CodeError
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.discard import DiscardError, choose, discard_packets, past_retention
from transfer.low_side.recovery import resume
from transfer.low_side.status import DAY_SECONDS, LowAlarm, WaitingLimits, age_in_days, read_low_status
from transfer.low_side.waiting import Waiting, count_waiting
from transfer.names import Lane, PacketId
from transfer.short_ids import ShortIdError
from transfer.usb.free_space import FreeSpace, free_space_on

LIMITS = WaitingLimits(alarm_days=3, overdue_days=4, retention_days=30)


def put_at(low: Low, number: int, start: int, *, lane: Lane = Lane.CLEAR) -> PacketId:
    packet = PacketId(f"{number:08x}" + "0" * 24)
    lay(low.spool.root, packet, b"sealed", start=start, lane=lane)
    return packet


@settings(deadline=None)  # files are made: a busy machine takes its time
@given(starts=st.lists(st.integers(0, 5), min_size=1, max_size=30), window=st.integers(2, 8), step=st.integers(1, 7))
def test_windows_hand_out_the_oldest_first_and_each_once(
    starts: list[int], window: int, step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    low, _ = make_sides(tmp_path_factory.mktemp("sides"))
    came = {put_at(low, n, start): start for n, start in enumerate(starts)}
    step = min(step, window)
    waiting = Waiting(low.spool, low.outbox, Lane.CLEAR, window=window)
    found: list[PacketId] = []
    while oldest := waiting.peek(step):
        chosen = [packet.id for packet in oldest]
        found += chosen
        waiting.drop(len(chosen), unreadable=chosen)  # none of them is in the ledger
    assert sorted(found) == sorted(came)
    assert [came[packet] for packet in found] == sorted(starts)
    if window > len(starts):  # otherwise what one tick has comes in several passes
        assert found == sorted(came, key=lambda packet: (came[packet], packet))
    assert count_waiting(low.spool, Lane.CLEAR) == len(starts)


def test_a_room_counts_blocks_and_files() -> None:
    space = FreeSpace(size=3_000_000, files=20, block=4096)
    space.take_bag(audit=10_000, secret=600)
    assert space.take_packet(1_000_000)
    assert not space.take_packet(1_000_000)
    few = FreeSpace(size=2**40, files=13, block=4096)
    few.take_bag(audit=0, secret=0)
    assert few.take_packet(1)
    assert not few.take_packet(1)


def test_a_large_part_of_the_log_is_reckoned_with(tmp_path: Path) -> None:
    space = FreeSpace(size=20 * 1024 * 1024, files=100, block=4096)
    space.take_bag(audit=16 * 1024 * 1024, secret=13_000)
    assert space.take_packet(2_000_000)
    assert not space.take_packet(2_000_000)


def test_our_own_disk_is_no_stick(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    found = os.statvfs(tmp_path)
    assert free_space_on(tmp_path, beside=tmp_path / "one").size >= found.f_bavail * found.f_frsize * 9 // 10


@pytest.mark.parametrize(
    ("start", "now", "days"), [(0, 0, 0), (0, DAY_SECONDS - 1, 0), (0, DAY_SECONDS, 1), (500, 0, 0)]
)
def test_ages_are_whole_days(start: int, now: float, days: int) -> None:
    assert age_in_days(start, now) == days


def look(low: Low, today: date = DAY) -> tuple[tuple[LowAlarm, ...], list[int | None]]:
    status = read_low_status(low.spool, low.outbox, today=today, limits=LIMITS)
    return status.alarms, [lane.oldest_days for lane in status.lanes]


def test_alarms_of_age_are_raised_on_their_day(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    assert look(low) == ((), [None, None])
    start = int(low.now)
    put_at(low, 1, start, lane=Lane.HELD)
    low.now = start + 3 * DAY_SECONDS - 1
    assert look(low) == ((), [None, 2])
    low.now += 1
    assert look(low) == ((LowAlarm.OLD_PACKETS,), [None, 3])
    low.export(tmp_path / "stick")
    assert look(low) == ((LowAlarm.OLD_PACKETS,), [None, 3])  # exported is not arrived
    assert look(low, DAY + timedelta(days=3))[0] == (LowAlarm.OLD_PACKETS,)
    assert look(low, DAY + timedelta(days=4))[0] == (LowAlarm.OLD_PACKETS, LowAlarm.OVERDUE_BATCHES)
    low.now = start + 30 * DAY_SECONDS
    assert LowAlarm.PAST_RETENTION in look(low)[0]


def test_a_packet_that_a_clock_ahead_stamped_leaves_and_is_an_alarm(tmp_path: Path) -> None:
    """A clock 40 days ahead when it came, then set right: nobody knows since when it waits, and the law gives seven."""
    low, _ = make_sides(tmp_path)
    low.now += 40 * DAY_SECONDS
    packet = low.put(1)
    low.now -= 40 * DAY_SECONDS
    low.put(2)
    assert look(low)[0] == (LowAlarm.OLD_PACKETS,)
    lane = read_low_status(low.spool, low.outbox, today=DAY, limits=LIMITS).lanes[0]
    assert (lane.ready, lane.fresh) == (1, 1)
    # The monitoring, which leaves out the running tick, sees it too.
    monitored = read_low_status(low.spool, low.outbox, today=DAY, limits=LIMITS, before=low.spool.tick_start())
    assert monitored.alarms == (LowAlarm.OLD_PACKETS,)
    assert (monitored.lanes[0].ready, monitored.lanes[0].fresh) == (1, 0)
    # Never given up for an age that nobody knows.
    assert [item.days for item in past_retention(low.side, days=0)] == [0, 0]
    (batch,) = low.export(tmp_path / "stick").batches
    assert [path.stem for path in (batch.folder / "data/packets").iterdir()] == [packet]
    assert look(low)[0] == (LowAlarm.OLD_PACKETS,)


@pytest.mark.parametrize("back", [1, TICK])
def test_a_clock_that_is_put_back_a_little_shortens_nobodys_tick(tmp_path: Path, back: int) -> None:
    low, _ = make_sides(tmp_path)
    low.put(1)
    low.now -= back
    assert look(low)[0] == ()
    assert count_waiting(low.spool, Lane.CLEAR) == 0
    low.now += back + TICK
    assert count_waiting(low.spool, Lane.CLEAR) == 1


def events(low: Low) -> list[tuple[str, str | None]]:
    records = [parse_line(line).record for line in split_lines(low.audit.lines_after(0))]
    return [(str(record.event), record.packet) for record in records]


def old_sides(folder: Path) -> tuple[Low, High, list[PacketId]]:
    low, high = make_sides(folder)
    ids = [low.put(1), low.put(2), low.put(3)]
    low.now += 31 * DAY_SECONDS
    ids.append(low.put(4))
    return low, high, ids


def test_giving_up_deletes_what_was_named_and_says_so(tmp_path: Path) -> None:
    low, _, ids = old_sides(tmp_path)
    found = past_retention(low.side, days=30)
    assert [item.id for item in found] == ids[:3]
    for wrong in ("0000", "00000004", "ffff", "000"):
        with pytest.raises(ShortIdError, match=r"id 2 names no packet|ids begin with|at least the first"):
            choose(found, [ids[0], wrong])
    discard_packets(low.side, choose(found, [ids[0], ids[2][:8].upper()]))
    assert low.spooled() == {ids[1], ids[3]}
    logged = events(low)
    assert [packet for event, packet in logged if event == "packet-discarded"] == [ids[0], ids[2]]
    with pytest.raises(DiscardError, match="has left meanwhile"):
        discard_packets(low.side, found)
    assert low.spooled() == {ids[1], ids[3]}
    assert events(low) == logged


def test_what_was_given_up_can_still_be_acknowledged(tmp_path: Path) -> None:
    """The words cover what arrived, whatever was given up below meanwhile; nothing is logged as deleted twice."""
    low, high, ids = old_sides(tmp_path)
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    (bag / f"data/packets/{ids[1]}.age").unlink()
    result = high.take(bag)
    found = past_retention(low.side, days=30)
    assert all(item.exported for item in found)
    discard_packets(low.side, choose(found, [ids[0], ids[1]]))
    with pytest.raises(CodeError):
        acknowledge(low.side, result.code)
    done = acknowledge(low.side, result.code, missing=[ids[1]])
    assert (done.deleted, done.returned) == ((ids[2], ids[3]), ())
    assert low.spooled() == set()
    logged = events(low)
    for packet in ids:
        assert sum(item[1] == packet and item[0] in ("packet-discarded", "packet-deleted") for item in logged) == 1
    assert low.export(tmp_path / "stick").batches == ()


@pytest.mark.parametrize("where", ["remove_all", "extend", "mark_discarded"])
def test_an_interrupted_giving_up_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    low, _, ids = old_sides(tmp_path)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    side = low.side
    target = {"remove_all": side.spool, "extend": side.audit, "mark_discarded": side.outbox}[where]
    with monkeypatch.context() as patch:
        patch.setattr(target, where, interrupted)
        with pytest.raises(KeyboardInterrupt):
            discard_packets(side, past_retention(low.side, days=30))
    low.later()
    assert [batch.packets for batch in low.export(tmp_path / "stick").batches] == [1]  # never what was given up
    resume(low.side)
    assert low.spooled() == {ids[3]}
    assert sorted(str(p) for e, p in events(low) if e == str(Event.PACKET_DISCARDED)) == sorted(ids[:3])
