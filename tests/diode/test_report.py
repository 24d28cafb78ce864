"""What the status shows the desk's operator: what runs, what is missing, what blocks, and what to do about it.

Invariant L2.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from disk.lock import exclusive
from enveis.commands.diode_status import link_as_json, show_link
from enveis.terminal import Terminal
from tests.diode.memory_link import SYMBOL, MemoryLink
from transfer.diode.receiver.datagram_intake import DatagramIntake
from transfer.diode.receiver.figures import Figures, LinkFigures, write_figures
from transfer.diode.receiver.open_objects import FileStore
from transfer.diode.receiver.processes import Role, lock_of
from transfer.diode.receiver.report import IDLE, IDLE_WHEN_HERE, ReceiverReport, report_receiver
from transfer.diode.receiver.shelf import Shelf
from transfer.diode.wire.notices import BatchProgress, History, HistoryEntry, ObjectHeader, encode_history

NOW = 1_800_000_000
FIGURES = LinkFigures(
    gateway="", heard_at=NOW, every=10, number=0, transmission=0, transmissions=0, block=0, blocks=0, waiting=0,
    loss_now=None, loss_day=None, repeated=0, rivals=0,
)  # fmt: skip


class Desk:
    """A receiver whose processes run or do not run, as a test decides."""

    def __init__(self, root: Path, running: ExitStack) -> None:
        self.shelf = Shelf(root / "link")
        self.shelf.prepare()
        self.link = MemoryLink()
        self.store = FileStore(self.shelf, quota=2**34)
        self.link.intake = DatagramIntake([self.link.link], self.store, objects_max=8)
        self.locks = {role: running.enter_context(ExitStack()) for role in Role}
        for role, lock in self.locks.items():
            lock.enter_context(exclusive(lock_of(self.shelf, role)))
        self.arrived: set[tuple[str, int]] = set()
        self.write()

    def write(self, *, written_at: int = NOW, **changes: object) -> None:
        link = replace(FIGURES, gateway=self.link.gateway, **changes)  # type: ignore[arg-type]
        write_figures(self.shelf.figures, Figures(written_at, 2**22, 0, {}, (link,)))

    def keep_history(self, *entries: HistoryEntry, last: int) -> None:
        payload = encode_history(History(self.link.gateway, 1, last, entries), self.link.key)
        (self.shelf.history / self.link.gateway).write_bytes(payload)

    def begin(self, number: int, *, symbols: int, idle: int = 0) -> ObjectHeader:
        """Receive this many of an object's forty symbols, the last of them `idle` seconds ago."""
        content = secrets.token_bytes(40 * SYMBOL)
        header = self.link.header(content, number=number)
        for each in [self.link.announce(header), *self.link.symbols(header, content, repairs=0)[:symbols]]:
            self.link.intake.take(memoryview(bytearray(each)))
        self.link.intake.flush()
        for name in ("data", "repair"):
            os.utime(self.shelf.open / header.name / name, (NOW - idle, NOW - idle))
        return header

    def report(self, now: float = NOW + 1) -> ReceiverReport:
        return report_receiver(self.shelf, [self.link.link], self.arrived, now=now)

    def status_text(self, capsys: pytest.CaptureFixture[str]) -> str:
        capsys.readouterr()
        show_link(self.report(), Terminal())
        shown = capsys.readouterr()
        return " ".join((shown.out + shown.err).split())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as running:
        yield Desk(tmp_path, running)


def entry(header: ObjectHeader, progress: BatchProgress) -> HistoryEntry:
    return HistoryEntry(header.number, header.digest, progress)


def test_all_is_well(desk: Desk) -> None:
    report = desk.report()
    assert not report.is_alarm
    assert report.links[0].is_running
    assert report.links[0].is_up


@pytest.mark.parametrize("role", list(Role))
def test_a_process_that_does_not_run_is_an_alarm_by_its_name(
    desk: Desk, role: Role, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.locks[role].close()
    report = desk.report()
    assert report.is_alarm
    assert report.stopped == (role,)
    assert link_as_json(report)["stopped"] == [str(role)]
    assert f"the {role} process of 'enveis transfer receive' is not running" in desk.status_text(capsys)
    assert report.links[0].is_up == (role is not Role.NETWORK)


def test_no_process_runs_where_none_ever_did(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "link")
    shelf.prepare()
    report = report_receiver(shelf, [MemoryLink().link], set(), now=NOW)
    assert report.stopped == tuple(Role)
    assert not list(shelf.root.glob(".*.lock")), "the report creates nothing"


@pytest.mark.parametrize("age", [-3 * 3600, 3 * 3600], ids=["clock put back", "hangs"])
def test_figures_of_another_time_are_no_sign_of_life(desk: Desk, age: int) -> None:
    report = desk.report(now=NOW + age)
    assert report.stopped == (Role.NETWORK,)
    assert not report.links[0].is_running
    assert not report.links[0].is_up
    desk.write(written_at=NOW + age)
    report = desk.report(now=NOW + age)
    assert report.links[0].is_running
    assert not report.links[0].is_up, "nothing was heard at this time"


def test_what_is_whole_and_only_not_committed_is_not_missing(desk: Desk) -> None:
    whole, half = desk.begin(1, symbols=40), desk.begin(2, symbols=20)
    desk.keep_history(entry(whole, BatchProgress.SENT), entry(half, BatchProgress.SENT), last=2)
    (link,) = desk.report().links
    assert link.missing == (2,)
    assert [item.is_whole for item in link.in_progress] == [True, False]


def test_a_batch_that_was_removed_from_arrived_by_hand_is_missing_again(desk: Desk) -> None:
    header = desk.link.header(bytes(SYMBOL), number=1)
    (desk.shelf.received / header.name).write_bytes(b"")
    bag = desk.shelf.bag(header.name)
    bag.mkdir()
    desk.keep_history(entry(header, BatchProgress.SENT), last=1)
    assert desk.report().links[0].missing == ()
    bag.rmdir()
    assert desk.report().links[0].missing == (1,)


def test_an_object_that_its_gateway_has_forgotten_is_named(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    old = desk.begin(1, symbols=20, idle=IDLE + 10)
    named = desk.begin(2, symbols=20, idle=IDLE + 10)
    desk.begin(3, symbols=20, idle=IDLE - 10)
    desk.begin(4, symbols=40, idle=IDLE + 10)
    desk.keep_history(entry(named, BatchProgress.SENT), last=4)
    report = desk.report()
    assert [item.number for item in report.links[0].abandoned] == [1]
    assert report.is_alarm
    assert str(desk.shelf.open / old.name) in desk.status_text(capsys)
    assert "nothing new of batch 1 has arrived for 24 hours" in desk.status_text(capsys)


def test_an_object_whose_batch_came_by_another_channel_is_named(desk: Desk) -> None:
    headers = [desk.begin(number, symbols=20, idle=IDLE_WHEN_HERE + 10) for number in (1, 2)]
    desk.begin(3, symbols=20)
    desk.keep_history(entry(headers[0], BatchProgress.SENT), entry(headers[1], BatchProgress.COMING), last=3)
    desk.arrived = {(desk.link.gateway, number) for number in (1, 2, 3)}
    report = desk.report()
    assert [item.number for item in report.links[0].abandoned] == [1]
    assert report.links[0].missing == ()


def test_missing_space_is_an_alarm_until_there_is_some(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.keep_history(last=0)
    desk.write(no_room=5, no_room_at=NOW - 7200)
    report = desk.report()
    assert report.is_alarm
    assert report.links[0].no_room == 5
    assert "no room for batch 5: import what has arrived" in desk.status_text(capsys)
    desk.begin(5, symbols=20)
    assert not desk.report().is_alarm, "it has found room"
    desk.write(no_room=5, no_room_at=NOW)
    assert desk.report().links[0].no_room == 5, "and the disk is full"
    desk.arrived = {(desk.link.gateway, 5)}
    assert not desk.report().is_alarm, "it has come"
