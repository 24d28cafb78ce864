"""Between `arrived/` and the inbox: two batches of one number, batches by two channels, bags that are damaged.

Invariant L6.
"""

import shutil

import pytest

from enveis.wiring import import_all, low_side
from gateway.home.home import GatewayHome
from tests.diode.both_ends import Bench, formed, packets_of, put
from tests.worlds.spooled import lay, lies_at
from transfer.batch.batch import digest_batch
from transfer.batch.files import AUDIT, MANIFEST
from transfer.diode.errors import DropReason
from transfer.diode.receiver import arrived as arrived_module
from transfer.diode.sender.batch_object import BatchObject, form_batch
from transfer.high_side.arrivals import Arrivals
from transfer.low_side.export import reexport
from transfer.low_side.low_side import LowSide


def cloned(bench: Bench) -> LowSide:
    """Return a copy of the gateway, as a backup that was played in makes one."""
    copy = bench.ends.root / "copy"
    shutil.copytree(bench.ends.low.root, copy)
    return low_side(GatewayHome(copy))


def inbox(bench: Bench) -> set[str]:
    return {path.stem for path in bench.ends.high.inbox.glob("*.age")}


def test_two_batches_of_one_number_are_both_imported_with_an_alarm(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = cloned(bench)
    mine = put(bench, 100_000)
    number = formed(bench)
    (theirs,) = put(bench, 70_000)
    sealed = lies_at(bench.ends.low.spool, theirs)
    lay(clone.spool.root, theirs, sealed.read_bytes())
    sealed.unlink()
    assert form_batch(clone) == number
    bench.send(number)
    assert len(bench.work()) == 1
    bench.send(number, low=clone)
    assert len(bench.work()) == 1
    assert [packets_of(bag) for bag in bench.ends.bags()].count(set(mine)) == 1, "not imported yet, and still here"
    assert len(bench.ends.bags()) == 2
    assert bench.take_in() == 1
    assert "ALARM: two histories" in capsys.readouterr().err
    assert inbox(bench) == {*mine, theirs}
    assert [alarm.number for alarm in Arrivals(bench.ends.high.arrivals).alarms()] == [number]
    assert not bench.ends.bags()


def test_a_batch_that_takes_the_place_of_an_imported_one_is_not_removed_with_it(bench: Bench) -> None:
    packets = put(bench, 100_000, 100_000)
    number = formed(bench)
    path = lies_at(bench.ends.low.spool, packets[1])
    path.rename(bench.ends.root / "gone")
    for round_ in range(2):
        bench.send(number, round_=round_)
        bench.work()
    waiting = arrived_module.waiting_bags(bench.shelf.arrived)
    identities = bench.ends.high.load_identities(lambda: "")
    reports, _ = import_all(bench.ends.high, bench.shelf.arrived, identities, lambda _done, _all: None)
    # Between the import and the removal the whole batch comes.
    (bench.ends.root / "gone").rename(path)
    bench.send(number)
    assert len(bench.work()) == 1
    arrived_module.note_imported(bench.shelf, reports)
    arrived_module.remove_imported(waiting, reports)
    (bag,) = bench.ends.bags()
    assert packets_of(bag) == set(packets)
    assert bench.take_in() == 0
    assert inbox(bench) == set(packets)


def test_half_a_batch_that_came_on_a_stick_does_not_stay_open(bench: Bench) -> None:
    packets = put(bench, 3_000_000)
    number = formed(bench)
    bench.send(number, blocks=1)
    assert bench.work() == []
    assert len(bench.shelf.names()) == 1
    stick = bench.ends.root / "stick"
    stick.mkdir()
    reexport(bench.low, stick, number, progress=lambda _done, _all: None)
    assert bench.take_in(stick) == 0
    assert inbox(bench) == set(packets)
    assert bench.work() == []
    assert not bench.shelf.names()
    assert not bench.intake.open_objects()
    bench.send(number, round_=1)
    assert bench.work() == []
    assert not bench.shelf.names(), "it is in the inbox"


def test_a_stick_that_lost_a_packet_leaves_the_link_to_bring_it(bench: Bench) -> None:
    packets = put(bench, 2_000_000, 100_000)
    number = formed(bench)
    bench.send(number, blocks=1)
    stick = bench.ends.root / "stick"
    stick.mkdir()
    report = reexport(bench.low, stick, number, progress=lambda _done, _all: None)
    (report.folder / "data" / "packets" / f"{packets[0]}.age").write_bytes(b"bad sector")
    assert bench.take_in(stick) == 1
    assert bench.work() == []
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    assert bench.take_in() == 0
    assert inbox(bench) == set(packets)


@pytest.mark.parametrize("restarted", [True, False])
def test_a_bag_that_was_refused_and_removed_comes_again_when_it_is_asked_for(
    bench: Bench, capsys: pytest.CaptureFixture[str], *, restarted: bool
) -> None:
    packets = put(bench, 100_000)
    number = formed(bench)
    bench.send(number)
    assert len(bench.work()) == 1
    (bag,) = bench.ends.bags()
    (bag / AUDIT).write_bytes(b"bad sector")
    assert bench.take_in() == 1
    assert "damaged" in capsys.readouterr().err
    gateway = bench.ends.low.load_pairing().gateway
    assert bench.shelf.numbers(gateway) == {number}
    shutil.rmtree(bag)
    assert bench.shelf.numbers(gateway) == set(), "the status asks for it"
    if restarted:
        bench.restart()
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    assert bench.take_in() == 0
    assert inbox(bench) == set(packets)
    assert bench.shelf.numbers(gateway) == {number}
    bench.send(number, round_=2)
    assert bench.work() == []


def test_a_batch_without_a_packet_that_was_removed_by_hand_comes_again(bench: Bench) -> None:
    packets = put(bench, 100_000, 100_000)
    number = formed(bench)
    lies_at(bench.ends.low.spool, packets[1]).rename(bench.ends.root / "gone")
    for round_ in range(2):
        bench.send(number, round_=round_)
        bench.work()
    shutil.rmtree(bench.ends.bags()[0])
    for round_ in range(2, 4):
        bench.send(number, round_=round_)
        bench.work()
    assert packets_of(bench.ends.bags()[0]) == {packets[0]}
    assert bench.take_in() == 1
    # The same batch without the same packet is not taken again, now that it is in the inbox.
    for round_ in range(4, 6):
        bench.send(number, round_=round_)
        assert bench.work() == []
    assert not bench.ends.bags()


def test_the_notes_of_the_import_have_the_names_of_the_receiver(bench: Bench) -> None:
    put(bench, 10_000)
    number = formed(bench)
    with BatchObject(bench.low, number, symbol=1392) as item:
        header = item.header
    bench.send(number)
    bench.work()
    (bag,) = bench.ends.bags()
    assert bag == bench.shelf.bag(header.name)
    assert digest_batch((bag / MANIFEST).read_bytes()) == header.digest
    assert not bench.shelf.imported.exists() or not list(bench.shelf.imported.iterdir())
    assert bench.take_in() == 0
    assert [path.name for path in bench.shelf.imported.iterdir()] == [header.name]
    assert bench.shelf.was_received(header.name)


def test_what_no_process_knows_takes_room_and_places_too(bench: Bench) -> None:
    put(bench, 3_000_000)
    first = formed(bench)
    bench.send(first, blocks=1)
    put(bench, 10_000)
    second = formed(bench)
    (name,) = bench.shelf.names()
    (bench.shelf.open / name / "header").write_bytes(b"")
    bench.close()
    bench.restart()
    bench.store._quota = 3_500_000
    bench.send(second)
    assert bench.intake.refused[DropReason.NO_ROOM] == 1, "its disk counts"
    bench.store._quota = 2**34
    bench.store._objects_max = 1
    bench.intake.forget_refusals()
    bench.send(second)
    assert bench.intake.refused[DropReason.NO_ROOM] == 2, "its place counts"
    bench.store._objects_max = 2
    bench.intake.forget_refusals()
    bench.send(second)
    (done,) = bench.work()
    assert done.number == second
