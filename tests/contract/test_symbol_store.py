"""`SymbolStore`: files on a shelf, and the memory that most tests of the link stand on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from keys.signing import SigningKey
from tests.diode.memory_link import MemoryStore
from transfer.batch.batch import gateway_id
from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.receiver.open_objects import FileStore
from transfer.diode.receiver.shelf import Shelf
from transfer.diode.receiver.symbol_map import BlockState
from transfer.diode.receiver.symbol_store import SymbolStore
from transfer.diode.wire.geometry import Geometry
from transfer.diode.wire.notices import History, ObjectHeader, encode_object

SYMBOL = 1168
KEY = SigningKey.generate()
GATEWAY = gateway_id(KEY.public)


class Memory:
    def __init__(self, _folder: Path, room: int) -> None:
        self.store = MemoryStore(room=room)

    def data(self, name: str) -> bytes:
        return bytes(self.store.data[name])

    def repair(self, name: str) -> bytes:
        return bytes(self.store.repair[name])

    def lose(self, name: str) -> None:
        del self.store.data[name]

    def histories(self) -> int:
        return len({history.gateway for history in self.store.histories})


class Files:
    def __init__(self, folder: Path, room: int) -> None:
        self.shelf = Shelf(folder)
        self.shelf.prepare()
        self.store = FileStore(self.shelf, quota=room)

    def data(self, name: str) -> bytes:
        return (self.shelf.open / name / "data").read_bytes()

    def repair(self, name: str) -> bytes:
        return (self.shelf.open / name / "repair").read_bytes()

    def lose(self, name: str) -> None:
        self.shelf.set_aside(name)

    def histories(self) -> int:
        return len(list(self.shelf.history.iterdir()))


Side = Memory | Files
MakeSide = Callable[[int], Side]


@pytest.fixture(params=[Memory, Files])
def side_of(request: pytest.FixtureRequest, tmp_path: Path) -> MakeSide:
    kind: type[Side] = request.param
    return lambda room: kind(tmp_path / "link", room)


@pytest.fixture
def side(side_of: MakeSide) -> Side:
    return side_of(2**40)


def header(number: int = 1, *, size: int = 10 * SYMBOL, symbol: int = SYMBOL) -> ObjectHeader:
    return ObjectHeader(GATEWAY, number, f"{number:064x}", 1, 1, Geometry(size, symbol, 20))


def opened(store: SymbolStore, found: ObjectHeader) -> ObjectHeader:
    store.open(found, encode_object(found, KEY))
    return found


def test_symbols_stand_where_they_were_written_and_the_rest_is_zeros(side: Side) -> None:
    store: SymbolStore = side.store
    name = opened(store, header()).name
    store.write(name, 2 * SYMBOL, [memoryview(b"a" * SYMBOL), memoryview(b"b" * SYMBOL)])
    store.write_repair(name, SYMBOL, memoryview(b"r" * SYMBOL))
    assert side.data(name)[: 5 * SYMBOL] == bytes(2 * SYMBOL) + b"a" * SYMBOL + b"b" * SYMBOL + bytes(SYMBOL)
    assert side.repair(name)[: 2 * SYMBOL] == bytes(SYMBOL) + b"r" * SYMBOL
    store.close(name)


def test_objects_are_apart(side: Side) -> None:
    store: SymbolStore = side.store
    one, other = opened(store, header(1)).name, opened(store, header(2)).name
    store.write(one, 0, [memoryview(b"1" * SYMBOL)])
    store.write(other, 0, [memoryview(b"2" * SYMBOL)])
    assert (side.data(one)[:1], side.data(other)[:1]) == (b"1", b"2")
    store.close(one)
    assert store.is_here(other)
    store.close(other)


def test_a_fresh_map_has_nothing(side: Side) -> None:
    found = header()
    symbols = side.store.open(found, encode_object(found, KEY))
    assert symbols.find(BlockState.OPEN) == 0
    assert symbols.find(BlockState.DONE) < 0
    assert len(list(symbols.missing_symbols(0))) == 10
    side.store.close(found.name)


def test_it_is_here_until_another_process_takes_it(side: Side) -> None:
    store: SymbolStore = side.store
    name = header().name
    assert not store.is_here(name)
    opened(store, header())
    assert store.is_here(name)
    assert not store.was_received(name)
    side.lose(name)
    assert not store.is_here(name)
    store.close(name)


def test_renewed_it_is_cut_differently_and_empty(side: Side) -> None:
    store: SymbolStore = side.store
    old = opened(store, header())
    store.write(old.name, 0, [memoryview(b"x" * SYMBOL)])
    new = header(symbol=2 * SYMBOL)
    assert new.name == old.name
    store.renew(new, encode_object(new, KEY))
    assert not any(side.data(new.name))
    store.write(new.name, 0, [memoryview(b"y" * 2 * SYMBOL)])
    assert side.data(new.name)[: 2 * SYMBOL] == b"y" * 2 * SYMBOL
    store.close(new.name)


def test_without_room_nothing_is_opened_and_what_is_open_stays(side_of: MakeSide) -> None:
    side = side_of(100 * SYMBOL)
    store: SymbolStore = side.store
    small, large = header(1), header(2, size=1000 * SYMBOL)
    opened(store, small)
    with pytest.raises(DatagramError) as caught:
        opened(store, large)
    assert caught.value.reason is DropReason.NO_ROOM
    assert not store.is_here(large.name)
    assert store.is_here(small.name)
    store.write(small.name, 0, [memoryview(b"x" * SYMBOL)])
    assert side.data(small.name)[:1] == b"x"
    store.close(small.name)


def test_the_newest_history_of_a_gateway_is_kept(side: Side) -> None:
    for serial in (1, 2):
        side.store.keep_history(History(GATEWAY, serial, 0, ()), b"payload")
    assert side.histories() == 1
