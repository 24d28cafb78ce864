"""A disk that is really full: what does not fit is counted, or waits; no process dies of it, and nothing is lost.

Invariant L7.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.operational_log import LogEvent
from tests.diode.both_ends import SYMBOL, Bench, formed, put
from tests.diode.small_disk import PAGE, SmallDisk, small_disk, why_not
from tests.worlds.link import MIB, LinkEnds, free_udp_port
from tests.worlds.waiting import wait_until
from transfer.batch.batch import gateway_id
from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.receiver import processes
from transfer.diode.receiver.commit_process import commit_whole
from transfer.diode.receiver.decode_process import TRIES_MAX, decode_ready
from transfer.diode.receiver.figures import Figures, LinkFigures, read_figures, write_figures
from transfer.diode.receiver.open_objects import OpenShelf
from transfer.diode.receiver.processes import run_commit, run_decode
from transfer.diode.receiver.symbol_map import BlockState
from transfer.diode.settings import ReceiverSettings, SenderSettings
from transfer.diode.wire.notices import History

WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
SIZE = 24 * MIB


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    ends = LinkEnds(tmp_path, SenderSettings())
    with small_disk(ends.shelf.root, request.param, SIZE) as disk:
        yield disk


@pytest.fixture
def bench(tmp_path: Path, disk: SmallDisk) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    try:
        yield bench
    finally:
        bench.close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now


def test_symbols_that_find_no_room_are_counted(bench: Bench, disk: SmallDisk) -> None:
    packets = put(bench, 3_000_000)
    number = formed(bench)
    bench.send(number, blocks=0)
    disk.fill()
    bench.send(number)
    assert bench.intake.refused[DropReason.NO_ROOM] > 100
    assert bench.work() == []
    disk.free()
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_the_map_of_an_object_has_its_room_from_the_start(bench: Bench, disk: SmallDisk) -> None:
    put(bench, 100_000)
    number = formed(bench)
    bench.send(number, blocks=0)
    (item,) = bench.intake.open_objects()
    disk.fill(left=item.header.geometry.padded_size + PAGE)
    # A process of its own: writing through a map into a hole that has no room would end it with a signal.
    child = os.fork()
    if child == 0:
        try:
            bench.send(number)
            os._exit(0)
        finally:  # the child must not run the rest of the tests
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_an_object_without_room_for_its_files_leaves_nothing(bench: Bench, disk: SmallDisk) -> None:
    put(bench, 3_000_000)
    number = formed(bench)
    disk.fill()
    bench.send(number)
    assert bench.intake.refused[DropReason.NO_ROOM] == 1
    assert not list(bench.shelf.open.iterdir())
    disk.free()
    bench.intake.forget_refusals()
    bench.send(number)
    assert len(bench.work()) == 1


def figures(written_at: int) -> Figures:
    link = LinkFigures("0" * 16, 1, 10, 1, 1, 2, 0, 0, 0, None, None, 0, 0)
    return Figures(written_at, 1, 0, {"no room": 5}, (link,))


def test_figures_are_written_over_where_nothing_new_can_be(bench: Bench, disk: SmallDisk) -> None:
    write_figures(bench.shelf.figures, figures(1_000))
    disk.fill()
    for second in (1_001, 999, 1_002):
        write_figures(bench.shelf.figures, figures(second))
        assert read_figures(bench.shelf.figures) == figures(second)
    bench.shelf.figures.unlink()
    disk.fill()
    write_figures(bench.shelf.figures, figures(1_003))
    many = replace(figures(1_004), links=figures(1).links * 900)
    write_figures(bench.shelf.figures, many)
    disk.free()
    write_figures(bench.shelf.figures, many)
    assert read_figures(bench.shelf.figures) == many


def test_a_history_without_room_is_a_dropped_datagram(bench: Bench, disk: SmallDisk) -> None:
    gateway = gateway_id(bench.links[0].key)
    history = History(gateway, 1, 0, ())
    disk.fill()
    with pytest.raises(DatagramError, match="no room"):
        bench.store.keep_history(history, bytes(10_000))
    assert not list(bench.shelf.history.iterdir())


def test_decoding_waits_for_room_and_counts_no_try(bench: Bench, disk: SmallDisk) -> None:
    packets = put(bench, 3_000_000)
    number = formed(bench)
    bench.send(number, first=7)
    (item,) = bench.intake.open_objects()
    assert item.symbols.find(BlockState.READY) == 0
    disk.fill()
    clock = Clock()
    objects = OpenShelf(bench.shelf, now=clock.time)
    for _ in range(TRIES_MAX + 4):
        assert decode_ready(objects) == 0
        assert objects.is_waiting_for_space()
        clock.now += 10
    assert item.symbols.find(BlockState.READY) == 0
    assert item.symbols.find(BlockState.FORGET) == -1
    disk.free()
    assert decode_ready(objects) == item.header.geometry.blocks
    assert not objects.is_waiting_for_space()
    objects.close()
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_what_was_postponed_is_left_alone_for_a_while(bench: Bench, disk: SmallDisk) -> None:
    put(bench, 3_000_000)
    bench.send(formed(bench), first=7)
    clock = Clock()
    objects = OpenShelf(bench.shelf, now=clock.time)
    disk.fill()
    decode_ready(objects)
    disk.free()
    assert decode_ready(objects) == 0
    clock.now += 10
    assert decode_ready(objects) == 3
    objects.close()


@pytest.mark.parametrize("left", ["nothing", "less than the files take"])
def test_a_batch_that_finds_no_room_waits_and_keeps_no_other(bench: Bench, disk: SmallDisk, left: str) -> None:
    large = put(bench, *[50 for _ in range(40)])
    first = formed(bench)
    bench.send(first)
    small = put(bench, 10)
    second = formed(bench)
    bench.send(second)
    size = bench.intake.open_objects()[0].header.geometry.size
    disk.fill(left=0 if left == "nothing" else size + 7 * PAGE)
    clock = Clock()
    objects = OpenShelf(bench.shelf, now=clock.time)
    done = []
    for _ in range(3):
        done += [each.number for each in commit_whole(objects, bench.trusted, bench.copies)]
        assert not list(bench.shelf.arrived.glob(".unfinished-*"))
        clock.now += 10
    assert objects.is_waiting_for_space()
    assert done == ([] if left == "nothing" else [second])
    disk.free()
    done += [each.number for each in commit_whole(objects, bench.trusted, bench.copies)]
    assert sorted(done) == [first, second]
    objects.close()
    bags = bench.ends.bags()
    bench.ends.assert_identical(bags[0], large)
    bench.ends.assert_identical(bags[1], small)


def test_both_log_once_that_the_disk_is_full(bench: Bench, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[LogEvent] = []
    monkeypatch.setattr(processes, "log", logged.append)
    put(bench, 3_000_000)
    bench.send(formed(bench), first=7)
    disk.fill()
    turns = iter([True, True, True, False])
    run_decode(bench.shelf, lambda: next(turns))
    assert logged == [LogEvent.DISK_FULL]
    disk.free()
    objects = OpenShelf(bench.shelf)
    decode_ready(objects)
    objects.close()
    disk.fill()
    turns = iter([True, True, True, False])
    run_commit(bench.shelf, bench.trusted, lambda: next(turns), lambda _done: None)
    assert logged == 2 * [LogEvent.DISK_FULL]
    disk.free()


@pytest.mark.parametrize("disk", ["tmpfs"], indirect=True)
def test_no_process_of_a_receiver_dies_of_a_full_disk(tmp_path: Path, disk: SmallDisk) -> None:
    address = f"127.0.0.1:{free_udp_port()}"
    sender = SenderSettings(to=address, pass_gap_seconds=1, passes=60, small_passes=60, rate_bytes=2 * MIB)
    ends = LinkEnds(tmp_path, sender, ReceiverSettings(listen=address))
    ends.write_settings()
    try:
        ends.start_receiver()
        pids = {role: ends.role_pids(role) for role in ("network", "decode", "commit")}
        packet = ends.put(8 * MIB)
        ends.start("send")
        wait_until(lambda: bool(ends.shelf.names()), ends.log_text)
        disk.fill()
        # More symbols than one block has, so that every process has had its turn on the full disk.
        wait_until(lambda: dict(ends.report().refused).get("no room", 0) > 2000, ends.log_text)
        assert ends.report().links[0].is_running
        assert pids == {role: ends.role_pids(role) for role in pids}
        disk.free()
        ends.wait_for_bags(1)
        ends.assert_identical(ends.bags()[0], [packet])
        assert pids == {role: ends.role_pids(role) for role in pids}
        assert "was restarted" not in ends.log_text()
    finally:
        ends.stop()


assert SYMBOL * 6 > 2 * PAGE, "seven symbols that are lost leave a hole"
