"""What is whole of an object is copied while the rest still arrives, and counts for nothing before all is there."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.diode.both_ends import Bench, formed, put
from transfer.diode.receiver import commit_process
from transfer.diode.receiver.object_files import OpenFiles
from transfer.diode.receiver.part_copies import Copy
from transfer.diode.wire.container import Part
from transfer.names import PacketId

MB = 1_000_000


def half_sent(bench: Bench) -> tuple[int, list[PacketId], str]:
    """Return batch, packets and object, after four of five blocks came and the commit process scanned them."""
    packets = put(bench, 2 * MB, 2 * MB, MB)
    number = formed(bench)
    bench.send(number, blocks=4)
    assert bench.work() == []
    (name,) = bench.shelf.names()
    return number, packets, name


def staging(bench: Bench, name: str) -> Path:
    return bench.shelf.arrived / f".unfinished-{name}"


def left(bench: Bench) -> int:
    ((_, files),) = bench.objects.scan()
    (name,) = bench.shelf.names()
    copy = bench.copies.find(name, files)
    assert copy is not None
    return copy.left


def test_nearly_all_is_copied_before_the_end_comes(bench: Bench) -> None:
    number, packets, name = half_sent(bench)
    assert left(bench) < 1.5 * MB
    found = {path.stem for path in (staging(bench, name) / "data" / "packets").iterdir()}
    assert found <= set(packets)
    assert len(found) >= 2
    assert bench.ends.bags() == []
    bench.send(number, round_=1)
    (done,) = bench.work()
    assert (done.packets, done.absent) == (3, 0)
    bench.ends.assert_identical(bench.ends.bags()[0], packets)
    assert not staging(bench, name).exists()


def test_what_was_copied_is_not_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    number, packets, _ = half_sent(bench)
    begun: list[str] = []
    really = bench.copies.begin

    def counting(name: str, files: OpenFiles, parts: Sequence[Part], staging: Path) -> Copy:
        begun.append(name)
        return really(name, files, parts, staging)

    monkeypatch.setattr(bench.copies, "begin", counting)
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    assert begun == []
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_a_successor_starts_the_copy_again(bench: Bench) -> None:
    number, packets, name = half_sent(bench)
    (staging(bench, name) / "data" / "packets" / "of another time.age").write_bytes(b"left behind")
    bench.restart()
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_wrong_bytes_that_were_copied_ahead_are_received_again(bench: Bench) -> None:
    packets = put(bench, 5 * MB)
    number = formed(bench)
    bench.send(number, blocks=4)
    (name,) = bench.shelf.names()
    with (bench.shelf.open / name / "data").open("r+b") as stream:
        stream.seek(3 * MB)
        stream.write(b"wrong")
    assert bench.work() == []
    assert left(bench) < 2.5 * MB
    bench.send(number, round_=1)
    assert bench.work() == []
    assert bench.ends.bags() == []
    assert not staging(bench, name).exists()
    bench.send(number, round_=2)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_an_object_that_is_taken_away_takes_its_copy_along(bench: Bench) -> None:
    number, packets, name = half_sent(bench)
    shutil.rmtree(bench.shelf.open / name)
    assert bench.work() == []
    assert not staging(bench, name).exists()
    assert not bench.copies._copies, "its open file is closed"
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_an_object_that_is_restarted_is_copied_again(bench: Bench) -> None:
    number, packets, name = half_sent(bench)
    # Between two scans of the commit process, and kept so that the new folder is surely another one.
    (bench.shelf.open / name).rename(bench.ends.root / "elsewhere")
    bench.intake.maintain()
    bench.send(number, round_=1, blocks=4)
    assert bench.work() == []
    assert left(bench) < 1.5 * MB
    bench.send(number, round_=2)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_one_scan_does_not_keep_the_others_waiting(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_process, "AHEAD", MB)
    number, packets, _ = half_sent(bench)
    before = left(bench)
    assert before > 4 * MB
    bench.work()
    assert 0 < before - left(bench) <= MB
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)


def test_nothing_is_copied_ahead_before_the_list_is_there(bench: Bench) -> None:
    put(bench, 5 * MB)
    number = formed(bench)
    bench.send(number, blocks=1, lose=2)
    bench.work()
    (name,) = bench.shelf.names()
    assert not staging(bench, name).exists()
