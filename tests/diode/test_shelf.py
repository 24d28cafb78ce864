"""From the spool to `arrived/` with real files, one step after the other, and faults where a test wants them.

Invariants T2 and L6.
"""

import errno
import multiprocessing
import os
import shutil
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from enveis.wiring import import_all
from tests.diode.both_ends import SYMBOL, Bench, formed, packets_of, put
from tests.worlds.json_texts import watch_json
from tests.worlds.spooled import lies_at
from tests.worlds.waiting import WATCHDOG
from transfer.batch.batch import gateway_id
from transfer.diode.errors import DropReason, LinkError
from transfer.diode.receiver.arrived import note_imported, remove_imported, waiting_bags
from transfer.diode.receiver.decode_process import TRIES_MAX, decode_ready
from transfer.diode.receiver.figures import read_figures
from transfer.diode.receiver.object_files import SHARED_FOLDER, OpenFiles
from transfer.diode.receiver.open_objects import OpenShelf
from transfer.diode.receiver.shelf import Shelf
from transfer.diode.receiver.symbol_map import BlockState
from transfer.diode.sender.batch_object import BatchObject, form_batch
from transfer.low_side.acknowledge import acknowledge


def test_the_whole_journey_to_the_words_that_let_the_low_side_delete(bench: Bench) -> None:
    packets = put(bench, 10, 3_000_000, 70_000)
    number = formed(bench)
    bench.send(number, lose=120)
    (done,) = bench.work()
    assert (done.number, done.packets, done.absent) == (number, 3, 0)
    identities = bench.ends.high.load_identities(lambda: "")
    waiting = waiting_bags(bench.shelf.arrived)
    reports, refused = import_all(bench.ends.high, bench.shelf.arrived, identities, lambda _done, _all: None)
    assert not refused
    assert sorted(reports[0].arrived) == sorted(packets)
    note_imported(bench.shelf, reports)
    remove_imported(waiting, reports)
    assert not bench.ends.bags()
    assert acknowledge(bench.low, reports[0].code).deleted == tuple(sorted(packets))
    with pytest.raises(Exception, match="acknowledged"):
        bench.send(number)
    assert form_batch(bench.low) is None


def test_a_batch_that_came_appears_once_however_often_it_is_sent(bench: Bench) -> None:
    put(bench, 100_000)
    number = formed(bench)
    bench.send(number)
    assert len(bench.work()) == 1
    assert bench.take_in() == 0
    for round_ in range(3):
        bench.send(number, round_=round_)
        assert bench.work() == []
    bench.restart()
    bench.send(number)
    assert bench.work() == []
    assert not bench.ends.bags()


def test_bytes_that_are_not_what_was_signed_are_received_again(bench: Bench) -> None:
    packets = put(bench, 2_000_000)
    number = formed(bench)
    bench.send(number)
    (name,) = bench.shelf.names()
    with (bench.shelf.open / name / "data").open("r+b") as stream:
        stream.seek(1_500_000)
        stream.write(b"wrong")
    assert bench.work() == []
    assert not bench.ends.bags()
    header, _ = bench.shelf.read_header(name)
    with OpenFiles(bench.shelf.open / name, header.geometry) as files:
        assert files.symbols.done() < header.geometry.blocks
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


@pytest.mark.parametrize("at", [10, 900], ids=["list", "signature"])
def test_a_manifest_that_is_not_what_was_signed_is_received_again(
    bench: Bench, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets = put(bench, 200_000)
    number = formed(bench)
    bench.send(number)
    (name,) = bench.shelf.names()
    with (bench.shelf.open / name / "data").open("r+b") as stream:
        stream.seek(at)
        stream.write(b"wrong")
    with monkeypatch.context() as patch:
        parsed = watch_json(patch)
        assert bench.work() == []
    assert not any(b"enveis-batch" in text for text in parsed), "a list is parsed once its signature verified"
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_a_packet_that_the_gateway_cannot_read_does_not_keep_the_others(bench: Bench) -> None:
    packets = put(bench, 100_000, 100_000, 100_000)
    number = formed(bench)
    there = lies_at(bench.ends.low.spool, packets[1])
    there.rename(bench.ends.root / "gone")
    bench.send(number)
    assert bench.work() == [], "it might have been the link's fault"
    bench.send(number, round_=1)
    (done,) = bench.work()
    assert (done.packets, done.absent) == (3, 1)
    assert packets_of(bench.ends.bags()[0]) == {packets[0], packets[2]}
    # The same damage again changes nothing; a repaired copy does.
    for round_ in (2, 3):
        bench.send(number, round_=round_)
        assert bench.work() == []
    (bench.ends.root / "gone").rename(there)
    bench.send(number)
    (done,) = bench.work()
    assert done.absent == 0
    assert packets_of(bench.ends.bags()[0]) == set(packets)


def test_a_packet_that_is_shorter_than_it_was_is_reported(bench: Bench) -> None:
    packets = put(bench, 3_000_000)
    number = formed(bench)
    with lies_at(bench.ends.low.spool, packets[0]).open("r+b") as stream:
        stream.truncate(1_000_000)
    with BatchObject(bench.low, number, symbol=SYMBOL) as item:
        for block in range(item.header.geometry.blocks):
            item.read_block(block, memoryview(bytearray(item.header.geometry.count(block) * SYMBOL)))
        assert item.unreadable == set(packets)


def test_a_restart_keeps_what_is_here(bench: Bench) -> None:
    packets = put(bench, 5_000_000)
    number = formed(bench)
    bench.send(number, blocks=3)
    bench.work()
    (before,) = [item.symbols.symbols_here() for item in bench.intake.open_objects()]
    assert before > 2 * 700
    bench.restart()
    (after,) = [item.symbols.symbols_here() for item in bench.intake.open_objects()]
    assert after == before
    bench.send(number, round_=1, lose=150)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


@pytest.mark.parametrize("step", range(7))
def test_commit_may_be_killed_before_any_change_of_a_name(
    bench: Bench, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets = put(bench, 100_000)
    number = formed(bench)
    bench.send(number)
    left = step

    def killing(function: object) -> object:
        def wrapped(*arguments: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return function(*arguments, **more)  # type: ignore[operator]

        return wrapped

    with monkeypatch.context() as patched:
        for owner, name in ((Path, "rename"), (Path, "replace"), (shutil, "rmtree")):
            patched.setattr(owner, name, killing(getattr(owner, name)))
        try:
            bench.work()
        except Killed:
            killed = True
        else:
            killed = False
    assert killed or step > 3
    bags = bench.ends.bags()
    if bags and step % 2:
        assert bench.take_in() == 0  # before the process is started again
        bench.restart()
        bench.work()
        bench.send(number, round_=1)
        assert bench.work() == []
        assert not bench.ends.bags()
    else:
        bench.restart()
        bench.work()
        assert len(bench.ends.bags()) == 1
        bench.ends.assert_identical(bench.ends.bags()[0], packets)
    assert not bench.shelf.names()
    assert not [path for path in bench.shelf.open.iterdir() if not path.name.startswith(".gone-")]


def test_a_full_disk_is_counted_and_marks_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    packets = put(bench, 500_000)
    number = formed(bench)

    def full(_fd: int, _pieces: object, _offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwritev", full)
        bench.send(number)
    assert bench.intake.refused[DropReason.NO_ROOM] > 300
    assert [item.symbols.symbols_here() for item in bench.intake.open_objects()] == [0]
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_an_object_beyond_the_quota_is_refused_until_there_is_room(bench: Bench) -> None:
    put(bench, 3_000_000)
    number = formed(bench)
    bench.store._quota = 4_000_000
    bench.send(number)
    assert bench.intake.refused[DropReason.NO_ROOM] == 1
    assert not bench.shelf.names()
    bench.store._quota = 40_000_000
    bench.intake.forget_refusals()
    bench.send(number)
    assert len(bench.work()) == 1


def test_a_block_that_kills_the_decoder_again_and_again_is_given_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bench, 500_000)
    number = formed(bench)
    bench.send(number, lose=100)

    def deadly(*_: object, **__: object) -> bytes:
        raise Killed

    objects = OpenShelf(bench.shelf)
    with monkeypatch.context() as patched:
        patched.setattr("transfer.diode.receiver.decode_process.decode_block", deadly)
        for _ in range(TRIES_MAX):
            with pytest.raises(Killed):
                decode_ready(objects)
    decode_ready(objects)
    (item,) = bench.intake.open_objects()
    assert item.symbols.find(BlockState.FORGET) == 0
    objects.close()
    bench.intake.maintain()
    bench.send(number, round_=1)
    assert len(bench.work()) == 1


def test_a_damaged_file_of_the_receiver_is_named_and_stops_nothing(bench: Bench) -> None:
    put(bench, 100_000)
    bench.send(formed(bench), blocks=0)
    put(bench, 100_000)
    second = formed(bench)
    (name,) = bench.shelf.names()
    (bench.shelf.open / name / "header").write_bytes(b"\0\0\0\0")
    with pytest.raises(LinkError, match="damaged"):
        bench.shelf.read_header(name)
    bench.restart()
    bench.send(second)
    (done,) = bench.work()
    assert done.number == second
    report = bench.ends.report()
    assert len(report.damaged) == 1
    assert report.is_alarm


def test_a_pipe_that_another_role_put_there_hangs_nobody(bench: Bench, tmp_path: Path) -> None:
    """The network process, which hears strangers, may be owned: the others read what it made."""
    put(bench, 100_000)
    number = formed(bench)
    bench.send(number, blocks=0)
    (name,) = bench.shelf.names()
    (bench.shelf.open / name / "header").unlink()
    for path in (
        bench.shelf.open / name / "header",
        bench.shelf.history / gateway_id(bench.low.key.public),
        tmp_path / "figures",
    ):
        os.mkfifo(path)
    with pytest.raises(LinkError, match="damaged"):
        bench.shelf.read_header(name)
    assert bench.shelf.read_history(gateway_id(bench.low.key.public), bench.low.key.public) is None
    assert read_figures(tmp_path / "figures") is None


def test_the_roles_may_make_the_folders_all_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for turn in range(40):
        shelf, start = Shelf(tmp_path / f"link{turn}"), context.Barrier(3)
        roles = [context.Process(target=_prepare, args=(shelf, start)) for _ in range(3)]
        for role in roles:
            role.start()
        try:
            for role in roles:
                role.join(WATCHDOG)
        finally:
            for role in roles:
                role.kill()
        assert [role.exitcode for role in roles] == [0, 0, 0]
        made = sorted(path.name for path in shelf.root.iterdir())
        assert made == ["arrived", "history", "imported", "open", "received"]
        assert all(path.stat().st_mode & 0o7777 == SHARED_FOLDER for path in (shelf.root, *shelf.root.iterdir()))


def _prepare(shelf: Shelf, start: Barrier) -> None:
    start.wait()
    shelf.prepare()


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "link")
    shelf.root.mkdir(mode=0o750)
    shelf.prepare()
    assert shelf.root.stat().st_mode & 0o7777 == 0o750
    shelf.prepare()
