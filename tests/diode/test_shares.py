"""The quota: what waits is measured seldom and once, and no gateway takes the share of another."""

from pathlib import Path

import pytest

from transfer.batch.batch import GatewayId
from transfer.diode.receiver import shares as quota_module
from transfer.diode.receiver.shares import MEASURE_EVERY, Shares

ONE, TWO = GatewayId("1" * 16), GatewayId("2" * 16)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def put_bag(arrived: Path, gateway: GatewayId, number: int, size: int) -> Path:
    bag = arrived / f"enveis-{gateway}-{number:06}"
    (bag / "data").mkdir(parents=True)
    (bag / "data" / "packet").write_bytes(bytes(size))
    return bag


def folder_sizes(path: Path) -> int:
    """Return what folders count themselves: a file system's own business."""
    return sum(each.lstat().st_size for each in path.rglob("*") if each.is_dir())


def test_each_gateway_has_an_equal_share_and_no_more_than_there_is(tmp_path: Path) -> None:
    shares = Shares(tmp_path, gateways=2)
    assert shares.has_room(100, ONE, 50, {})
    assert not shares.has_room(100, ONE, 51, {})
    assert not shares.has_room(100, ONE, 40, {f"{ONE}-000001-{'a' * 16}": 11})
    assert shares.has_room(100, TWO, 50, {f"{ONE}-000001-{'a' * 16}": 50})
    # More than its share from before, when it was the only one.
    assert not shares.has_room(100, TWO, 50, {f"{ONE}-000001-{'a' * 16}": 51})


def test_what_has_arrived_counts_for_its_gateway(tmp_path: Path) -> None:
    bag = put_bag(tmp_path, ONE, 1, 30)
    used = 30 + folder_sizes(bag)
    shares = Shares(tmp_path, gateways=2)
    quota = 2 * (used + 10)
    assert shares.has_room(quota, ONE, 10, {})
    assert not shares.has_room(quota, ONE, 11, {})
    assert shares.has_room(quota, TWO, used + 10, {})


def test_a_batch_is_measured_once_and_all_of_them_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, measured = Clock(), []

    def counting(folder: Path) -> int:
        measured.append(folder.name)
        return 10

    monkeypatch.setattr(quota_module, "size_below", counting)
    shares = Shares(tmp_path, gateways=1, now=clock)
    first = put_bag(tmp_path, ONE, 1, 10)
    assert shares.has_room(20, ONE, 10, {})
    second = put_bag(tmp_path, ONE, 2, 10)
    assert shares.has_room(20, ONE, 10, {}), "not measured yet"
    assert measured == [first.name]
    clock.now += MEASURE_EVERY
    assert not shares.has_room(20, ONE, 10, {})
    assert measured == [first.name, second.name]
    (second / "data" / "packet").unlink()
    (second / "data").rmdir()
    second.rmdir()
    assert not shares.has_room(20, ONE, 10, {})
    shares.measure_again()
    assert shares.has_room(20, ONE, 10, {})
    assert measured == [first.name, second.name]


def test_what_is_still_being_written_is_its_objects(tmp_path: Path) -> None:
    (tmp_path / f".unfinished-{ONE}-000001-{'a' * 16}").mkdir()
    (tmp_path / f".unfinished-{ONE}-000001-{'a' * 16}" / "packet").write_bytes(bytes(1000))
    assert Shares(tmp_path, gateways=1).has_room(10, ONE, 10, {})
