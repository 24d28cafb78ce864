"""Sticks that are not what somebody thinks: too large a batch, a folder too deep, no stick at all.

Invariant T17.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.diode.small_disk import SmallDisk, small_disk, why_not
from tests.worlds.spooled import lies_at
from tests.worlds.two_homes import TwoHomes

MIB = 2**20
needs_root = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture
def homes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> TwoHomes:
    return TwoHomes(tmp_path, capsys, "--classic")


@pytest.fixture
def desk_disk(homes: TwoHomes) -> Iterator[SmallDisk]:
    """The desk's inbox lies on a disk of 24 MiB."""
    with small_disk(homes.high / "inbox.disk", "tmpfs", 24 * MIB) as disk:
        shutil.rmtree(homes.high / "inbox")
        (homes.high / "inbox").symlink_to(homes.high / "inbox.disk")
        yield disk


def other_gateway(homes: TwoHomes, name: str) -> TwoHomes:
    """A gateway of its own at the same desk, whose batches go onto the same stick."""
    other = object.__new__(TwoHomes)
    other.__dict__.update(homes.__dict__)
    other.low = homes.root / name
    files = ["--recipients", homes.high / "recipients.txt", "--desk-key", homes.high / "desk.pub"]
    other.say("gateway", "init", *files, home=other.low)
    other.say("desk", "pair", other.low / "gateway.pairing", "--yes", home=homes.high)
    return other


def huge_packet(home: TwoHomes, size: int) -> Path:
    """Put a sparse file among the sealed packets, as an owned gateway may; it is signed like any other."""
    packet = home.put()
    path = lies_at(home.low / "spool", packet)
    os.truncate(path, size)
    return path


@needs_root
@pytest.mark.parametrize("over_the_link", [False, True])
def test_a_batch_without_room_is_named_and_the_others_are_imported(
    homes: TwoHomes, desk_disk: SmallDisk, *, over_the_link: bool
) -> None:
    del desk_disk
    huge_packet(homes, 64 * MIB)
    (huge,) = homes.export()
    others = []
    for name in ("second", "third"):
        other = other_gateway(homes, name)
        others.append(other.put())
        other.export()
    if over_the_link:
        (homes.high / "link").mkdir()
        homes.stick.rename(homes.high / "link" / "arrived")
        huge = homes.high / "link" / "arrived" / huge.name
    answer = homes.call("transfer", "import", *([] if over_the_link else [homes.stick]), home=homes.high, status=1)
    assert sorted(packet for batch in answer["batches"] for packet in batch["arrived"]) == sorted(others)
    (refused,) = answer["refused"]
    assert refused["bag"] == str(huge)
    assert "its packets need 65 MiB on the disk of" in refused["reason"]
    assert "make room there, then import it again" in refused["reason"]
    inbox = homes.high / "inbox"
    assert sorted(path.name for path in inbox.iterdir()) == sorted([".lock", *(f"{packet}.age" for packet in others)])
    assert homes.events(homes.high).count("batch-imported") == 2


@needs_root
def test_room_that_is_taken_meanwhile_stops_one_batch_only(
    homes: TwoHomes, desk_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room is there when it is looked up, and gone when the first packet is copied."""
    homes.put()
    (first,) = homes.export()
    other = other_gateway(homes, "second")
    packet = other.put()
    other.export()
    from transfer.high_side import import_bag, staging

    real, calls = staging.stage, []

    def stage(bag: object, *arguments: object) -> None:
        calls.append(bag)
        if len(calls) == 1:
            desk_disk.fill()
        try:
            real(bag, *arguments)  # type: ignore[arg-type]
        finally:
            if len(calls) == 1:
                desk_disk.free()

    monkeypatch.setattr(import_bag, "stage", stage)
    answer = homes.take(status=1)
    assert len(answer["batches"]) == len(answer["refused"]) == 1
    assert "became full while it was copied" in answer["refused"][0]["reason"]
    monkeypatch.undo()
    assert {packet} <= {one for batch in homes.take()["batches"] for one in batch["arrived"]}
    assert first.exists()


@needs_root
def test_a_packet_that_only_claims_to_be_huge_takes_no_room(homes: TwoHomes, desk_disk: SmallDisk) -> None:
    """The list says more than the disk holds, the file has nothing: the packet is damaged, the batch is not refused."""
    del desk_disk
    path = huge_packet(homes, 64 * MIB)
    good = homes.put()
    (bag,) = homes.export()
    (bag / "data" / "packets" / path.name).write_bytes(b"")
    (batch,) = homes.take(status=1)["batches"]
    assert batch["arrived"] == [good]
    assert [item["packet"] for item in batch["missing"]] == [path.stem]


def test_a_bag_one_folder_too_deep_is_named(homes: TwoHomes) -> None:
    homes.put()
    (bag,) = homes.export()
    said = homes.say("transfer", "import", homes.root, home=homes.high, status=1)
    assert f"{homes.root} has no batch; there are batches in {homes.stick}: give that folder" in said
    said = homes.say("transfer", "import", bag / "data" / "packets", home=homes.high, status=1)
    assert f"there are batches in {bag}: give that folder" in said
    homes.put()
    homes.export()
    below = homes.stick / "older"
    below.mkdir()
    bag.rename(below / bag.name)
    (homes.stick / "link").symlink_to(below)
    said = homes.say("transfer", "import", homes.stick, home=homes.high)
    assert said.count("has batches too") == 1
    assert f"{below} has batches too, which were not read: to import them, give that folder." in said


def test_more_bags_than_people_export_are_not_taken_one_by_one(
    homes: TwoHomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transfer.usb import bag_search

    monkeypatch.setattr(bag_search, "BAGS_MAX", 3)
    for number in range(4):
        (homes.stick / f"enveis-{'ab' * 8}-00000{number}").mkdir()
    before = homes.events(homes.high)
    said = homes.say("transfer", "import", homes.stick, home=homes.high, status=1)
    assert "there are 4 batches, and 3 at once are the most" in said
    assert homes.events(homes.high) == before


def test_a_hundred_thousand_entries_in_a_bag_change_nothing(homes: TwoHomes) -> None:
    packet = homes.put()
    (bag,) = homes.export()
    folder = bag / "data" / "packets"
    (folder / "0").touch()
    for number in range(1, 100_000):
        os.link(folder / str(number - number % 30_000), folder / str(number)) if number % 30_000 else (
            folder / str(number)
        ).touch()
    (batch,) = homes.take()["batches"]
    assert batch["arrived"] == [packet]


def test_a_stick_that_is_not_mounted_is_noticed(homes: TwoHomes) -> None:
    """DEST is then an empty folder on the home's own disk, and what is written there never leaves."""
    homes.put()
    for command in (["export", homes.stick], ["reexport", "1", homes.stick]):
        said = homes.say("transfer", *command, home=homes.low, status=1)
        assert f"{homes.stick} is on this machine's own disk, as {homes.low} is: no stick is mounted there" in said
        assert "--own-disk" in said
        assert list(homes.stick.iterdir()) == []
        homes.say("transfer", "export", "--yes", homes.card, home=homes.low)


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_at_a_terminal_it_is_asked(homes: TwoHomes, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return answer

    homes.put()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", ask)
    said = homes.say("transfer", "export", homes.stick, home=homes.low, status=int(answer == "no"))
    assert len(asked) == 1
    assert "no stick is mounted there. Write the batches there all the same? [yes/no]" in asked[0]
    assert ("nothing was exported" in said) == (answer == "no")
    assert len(list(homes.stick.iterdir())) == int(answer == "yes")


@needs_root
def test_a_mounted_stick_needs_no_answer(homes: TwoHomes) -> None:
    homes.put()
    with small_disk(homes.root / "mounted", "tmpfs", 24 * MIB):
        homes.say("transfer", "export", homes.root / "mounted", home=homes.low)
        assert len(list((homes.root / "mounted").glob("enveis-*"))) == 1


@needs_root
@pytest.mark.parametrize("side", ["low", "high"])
def test_a_full_disk_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], side: str) -> None:
    """Of the stick and the machine's own disk somebody has to know which is full."""
    with small_disk(tmp_path / side, "tmpfs", 24 * MIB) as own:
        (tmp_path / side).chmod(0o700)
        homes = TwoHomes(tmp_path, capsys, "--classic")
        homes.put()
        if side == "low":
            own.fill()
            said = homes.say("transfer", "export", "--own-disk", homes.stick, home=homes.low, status=1)
        else:
            packet = homes.put()
            homes.export()
            homes.take()
            own.fill()
            said = homes.say("desk", "open", packet, "--to", tmp_path / "out", home=homes.high, status=1)
        assert str(tmp_path / side) in said
        assert str(homes.stick) not in said.replace(str(tmp_path / side), "")
        assert "No space left on device" in said or "disk is full" in said
        own.free()


@needs_root
def test_a_full_stick_is_named(homes: TwoHomes) -> None:
    homes.put()
    with small_disk(homes.root / "mounted", "tmpfs", 24 * MIB) as disk:
        disk.fill()
        said = homes.say("transfer", "export", homes.root / "mounted", home=homes.low, status=1)
        assert f"{homes.root / 'mounted'} has no space for even one packet" in said
