"""What a power cut, or a hand in the wrong folder, leaves of the receiver's files stops no other batch.

Invariant L7.
"""

import os
import shutil
from pathlib import Path

import pytest

from tests.diode.both_ends import Bench, formed, put
from transfer.diode.receiver.decode_process import decode_ready
from transfer.diode.receiver.open_objects import OpenShelf


def cut(path: Path, size: int = 0) -> None:
    with path.open("r+b") as stream:
        stream.truncate(size)


def restarted(bench: Bench) -> None:
    bench.close()
    bench.restart()


@pytest.mark.parametrize(
    ("file", "size"), [("header", 0), ("header", 100), ("symbols", 0), ("symbols", 100), ("data", 0), ("repair", 7)]
)
def test_an_object_of_which_a_file_was_lost_is_named_and_restarted(bench: Bench, file: str, size: int) -> None:
    packets = put(bench, 3_000_000)
    number = formed(bench)
    bench.send(number, blocks=1)
    bench.close()
    (name,) = bench.shelf.names()
    cut(bench.shelf.open / name / file, size)
    bench.restart()
    assert bench.work() == []
    report = bench.ends.report()
    assert len(report.damaged) == 1
    assert report.is_alarm
    bench.send(number, round_=1)
    assert len(bench.work()) == 1
    bench.ends.assert_identical(bench.ends.bags()[0], packets)
    assert not list(bench.shelf.open.iterdir())


@pytest.mark.parametrize("file", ["header", "symbols"])
def test_a_file_that_is_gone_is_as_bad_as_a_short_one(bench: Bench, file: str) -> None:
    put(bench, 100_000)
    number = formed(bench)
    bench.send(number, blocks=0)
    bench.close()
    (name,) = bench.shelf.names()
    (bench.shelf.open / name / file).unlink()
    bench.restart()
    assert bench.work() == []
    assert len(bench.ends.report().damaged) == 1
    bench.send(number, round_=1)
    assert len(bench.work()) == 1


def test_foreign_folders_stop_no_other_batch(bench: Bench) -> None:
    put(bench, 100_000)
    (bench.shelf.open / "lost+found").mkdir()
    (bench.shelf.open / "notes.txt").write_bytes(b"")
    restarted(bench)
    bench.send(formed(bench))
    assert len(bench.work()) == 1
    assert len(bench.ends.report().damaged) == 2


@pytest.mark.parametrize("damage", ["no object", "damaged object"])
@pytest.mark.parametrize("published", [False, True])
def test_what_is_being_published_needs_no_object(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, damage: str, published: bool
) -> None:
    packets = put(bench, 100_000)
    first = formed(bench)
    bench.send(first)
    (name,) = bench.shelf.names()
    # Killed between the note and the folder's name, or directly after it.
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path.name.startswith(".unfinished-"):
            if published:
                real(path, target)
            raise KeyboardInterrupt
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            bench.work()
    assert (bench.shelf.received / f".publishing-{name}").exists()
    if damage == "no object":
        shutil.rmtree(bench.shelf.open / name)
    else:
        cut(bench.shelf.open / name / "header")
    others = put(bench, 70_000)
    second = formed(bench)
    bench.restart()
    bench.send(second)
    assert [done.number for done in bench.work()] == [second]
    bags = bench.ends.bags()
    assert len(bags) == 2
    bench.ends.assert_identical(bags[0], packets)
    bench.ends.assert_identical(bags[1], others)
    assert not bench.shelf.names()


def test_an_objects_files_are_on_the_disk_before_it_has_its_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bench, 100_000)
    number = formed(bench)
    steps: list[str] = []
    real, rename = os.fsync, Path.rename

    def fsync(fd: int) -> None:
        steps.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        real(fd)

    def renamed(path: Path, target: Path) -> Path:
        found = rename(path, target)
        steps.append("renamed")
        return found

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    bench.send(number)
    monkeypatch.undo()
    (name,) = bench.shelf.names()
    assert steps == ["data", "repair", "symbols", "header", f".new-{name}", "renamed", "open"]


def test_a_batch_is_on_the_disk_under_its_name_before_its_object_goes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order in which a batch is published: each step is durable before what it makes superfluous is removed."""
    put(bench, 100_000)
    bench.send(formed(bench))
    (name,) = bench.shelf.names()
    bag = bench.shelf.bag(name)
    steps: list[str] = []
    synced: set[str] = set()
    sync, rename, replace = os.fsync, Path.rename, Path.replace

    def fsync(fd: int) -> None:
        path = Path(f"/proc/self/fd/{fd}").readlink()
        synced.add(path.name)
        if path in (bench.shelf.arrived, bench.shelf.received):
            assert (bench.shelf.open / name).exists(), "the object stays until the batch is published"
            steps.append(f"synced {path.name}")
        sync(fd)

    def renamed(path: Path, target: Path) -> Path:
        if target == bag:
            steps.append("batch has its name")
        return rename(path, target)

    def replaced(path: Path, target: Path) -> Path:
        if target == bench.shelf.received / name:
            steps.append("batch is noted")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(Path, "replace", replaced)
    assert len(bench.work()) == 1
    monkeypatch.undo()
    assert steps[steps.index("batch has its name") :] == [
        "batch has its name",
        "synced arrived",
        "batch is noted",
        "synced received",
    ]
    assert synced >= {path.name for path in bag.rglob("*")}, "every file and folder of the batch"
    assert not (bench.shelf.open / name).exists()


def test_what_is_left_in_arrived_of_an_object_that_is_gone_is_removed(bench: Bench) -> None:
    put(bench, 100_000)
    bench.send(formed(bench), blocks=0)
    (name,) = bench.shelf.names()
    for left in (name, "0123456789abcdef-000001-0123456789abcdef"):
        (bench.shelf.arrived / f".unfinished-{left}" / "data").mkdir(parents=True)
    bench.work()
    assert [path.name for path in bench.shelf.arrived.iterdir()] == [f".unfinished-{name}"]


def test_an_object_that_cannot_be_opened_does_not_keep_the_others(bench: Bench) -> None:
    put(bench, 500_000)
    bench.send(formed(bench), blocks=0)
    put(bench, 500_000)
    second = formed(bench)
    names = bench.shelf.names()
    bench.send(second, lose=100)
    cut(bench.shelf.open / names[0] / "symbols")
    objects = OpenShelf(bench.shelf)
    assert decode_ready(objects) == 1
    objects.close()
    # The network process holds the first one as it was; only its files are gone.
    bench.restart()
    (done,) = bench.work()
    assert done.number == second
