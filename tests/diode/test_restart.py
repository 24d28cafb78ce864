"""What a receiver knows when its network process restarts, on real files; and what a change of MTU leaves there.

Invariant L5.
"""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.diode.memory_link import SYMBOL, MemoryLink
from transfer.diode.errors import DropReason
from transfer.diode.receiver.datagram_intake import DatagramIntake
from transfer.diode.receiver.decode_process import decode_ready
from transfer.diode.receiver.figures import read_figures
from transfer.diode.receiver.network_process import _FiguresWriter, _resume
from transfer.diode.receiver.open_objects import FileStore, OpenShelf
from transfer.diode.receiver.shelf import Shelf
from transfer.diode.wire.datagram import DatagramKind, link_id
from transfer.diode.wire.notices import Heartbeat, History, ObjectHeader, encode_heartbeat, encode_history

BEAT = encode_heartbeat(Heartbeat(0, 0, 0, 0, 0, 0, 10))


class Receiver:
    """A network process without its socket; its link's sender is a MemoryLink."""

    def __init__(self, root: Path) -> None:
        self.shelf = Shelf(root / "link")
        self.shelf.prepare()
        self.link = MemoryLink(start=1000)
        self.start()

    def start(self) -> None:
        self.store = FileStore(self.shelf, quota=2**34)
        self.intake = DatagramIntake([self.link.link], self.store, objects_max=4)
        _resume(self.intake, self.store, self.shelf)
        self.figures_writer = _FiguresWriter(self.intake, self.shelf, 0)

    def take(self, *datagrams: bytes) -> None:
        for each in datagrams:
            self.intake.take(memoryview(bytearray(each)))
        self.intake.flush()
        self.intake.maintain()

    def has_heard(self) -> bool:
        """Return whether a new heartbeat has arrived since the last figures."""
        return self.intake.links[link_id(self.link.gateway)].heard

    def beat(self) -> bytes:
        return self.link.datagram(DatagramKind.HEARTBEAT, BEAT)

    def history(self, serial: int) -> bytes:
        return self.link.datagram(
            DatagramKind.HISTORY, encode_history(History(self.link.gateway, serial, 1, ()), self.link.key)
        )


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    return Receiver(tmp_path)


def test_recordings_count_for_nothing_after_a_restart(receiver: Receiver) -> None:
    old = [receiver.history(1000 << 32 | 1), receiver.beat(), receiver.link.announce(receiver.link.header(b"xyz"))]
    receiver.link.writer = receiver.link.new_writer(2000)
    present = [receiver.history(2000 << 32 | 1), receiver.beat(), receiver.link.announce(receiver.link.header(b"xyz"))]
    receiver.take(*present)
    assert receiver.has_heard()
    receiver.store.close(receiver.shelf.names()[0])
    receiver.shelf.remove(receiver.shelf.names()[0])  # removed by hand
    receiver.figures_writer.write()
    for _ in range(2):
        receiver.start()
        receiver.take(*old, *present, *old)
        assert not receiver.has_heard()
        assert receiver.shelf.names() == []
        kept = receiver.shelf.read_history(receiver.link.link.gateway, receiver.link.link.key)
        assert kept is not None
        assert kept.serial == 2000 << 32 | 1
        receiver.figures_writer.write()
    receiver.take(receiver.beat())
    assert receiver.has_heard()
    figures = read_figures(receiver.shelf.figures)
    assert figures is not None
    assert figures.links[0].session >> 32 in (0, 2000)


def test_the_history_alone_tells_which_sessions_are_old(receiver: Receiver) -> None:
    old = receiver.beat()
    receiver.link.writer = receiver.link.new_writer(2000)
    receiver.take(receiver.history(2000 << 32 | 1))
    receiver.start()  # the figures were lost: they are not waited for
    receiver.take(old)
    assert not receiver.has_heard()
    receiver.take(receiver.beat())
    assert receiver.has_heard()


def test_a_session_that_no_history_tells_of_ends_with_the_process(receiver: Receiver) -> None:
    receiver.take(receiver.history(1000 << 32 | 1))
    genuine = receiver.link.writer
    receiver.link.writer = receiver.link.new_writer(2**32 - 1)
    receiver.take(receiver.beat())  # of a thief, who has the link's key
    receiver.figures_writer.write()
    receiver.start()
    receiver.link.writer = genuine
    receiver.take(receiver.beat())
    assert receiver.has_heard()


def renewed(receiver: Receiver, header: ObjectHeader) -> ObjectHeader:
    from tests.diode.test_datagram_intake import restarted

    return restarted(receiver.link, header, 2000, symbol=2 * SYMBOL)


def test_an_object_that_is_cut_differently_is_restarted_for_all_processes(receiver: Receiver) -> None:
    content = secrets.token_bytes(60 * SYMBOL)
    header = receiver.link.header(content)
    receiver.take(receiver.link.announce(header), *receiver.link.symbols(header, content)[:30])
    objects = OpenShelf(receiver.shelf)
    decode_ready(objects)
    other = renewed(receiver, header)
    receiver.take(receiver.link.announce(other), *receiver.link.symbols(other, content)[3:])
    decode_ready(objects)
    ((found, files),) = objects.scan()
    assert found == other
    assert files.symbols.is_whole()
    objects.close()
    assert len(list(receiver.shelf.open.glob(".gone-*"))) == 1
    receiver.shelf.sweep()
    assert [path.name for path in receiver.shelf.open.iterdir()] == [header.name]
    assert not receiver.intake.refused


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


@pytest.mark.parametrize("step", range(2))
def test_a_new_beginning_may_be_killed_before_any_change_of_a_name(
    receiver: Receiver, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, left = secrets.token_bytes(60 * SYMBOL), step
    header = receiver.link.header(content)
    receiver.take(receiver.link.announce(header), *receiver.link.symbols(header, content)[:30])
    other = renewed(receiver, header)
    rename: Callable[[Path, Path], Path] = Path.rename

    def killing(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return rename(path, target)

    announced = receiver.link.announce(other)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Path, "rename", killing)
        receiver.take(announced)
    receiver.start()
    receiver.shelf.sweep()
    assert receiver.shelf.names() == ([header.name] if step == 0 else [])
    receiver.take(receiver.link.announce(other), *receiver.link.symbols(other, content))
    ((found, files),) = OpenShelf(receiver.shelf).scan()
    assert found == other
    assert files.symbols.is_whole()


def test_missing_room_is_written_into_the_figures(receiver: Receiver) -> None:
    header = receiver.link.header(bytes(60 * SYMBOL), number=9)
    receiver.store._quota = 1
    receiver.take(receiver.link.announce(header))
    assert receiver.intake.refused == {DropReason.NO_ROOM: 1}
    receiver.figures_writer.write()
    figures = read_figures(receiver.shelf.figures)
    assert figures is not None
    assert figures.links[0].no_room == 9
    assert figures.links[0].no_room_at == figures.written_at
