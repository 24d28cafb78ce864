"""A link in memory: the real intake, codec and coder, and a wire on which a test decides what arrives."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from keys.signing import SigningKey
from transfer.batch.batch import GatewayId, gateway_id
from transfer.diode.coder import decode_block, encode_repair
from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.receiver.datagram_intake import DatagramIntake
from transfer.diode.receiver.link_state import Link
from transfer.diode.receiver.symbol_map import BlockState, SymbolMap
from transfer.diode.wire.datagram import DatagramKind, DatagramWriter, LinkKey, link_id
from transfer.diode.wire.geometry import Geometry
from transfer.diode.wire.notices import History, ObjectHeader, encode_object

SYMBOL = 1168  # the smallest that links have


class MemoryStore:
    """`store.SymbolStore` in memory, with the decode process's part of the work in `decode`."""

    def __init__(self, *, room: int = 2**40) -> None:
        self.room = room
        self.data: dict[str, bytearray] = {}
        self.repair: dict[str, bytearray] = {}
        self.maps: dict[str, SymbolMap] = {}
        self.received: set[str] = set()
        self.histories: list[History] = []
        self.closed: list[str] = []
        self.renewed: list[str] = []

    def open(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        geometry = header.geometry
        if sum(map(len, self.data.values())) + geometry.padded_size > self.room:
            raise DatagramError(DropReason.NO_ROOM)
        self.data[header.name] = bytearray(geometry.padded_size)
        self.repair[header.name] = bytearray(geometry.slots * geometry.blocks * geometry.symbol)
        self.maps[header.name] = SymbolMap(geometry, memoryview(bytearray(SymbolMap.size_of(geometry))))
        return self.maps[header.name]

    def renew(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        old = self.data.pop(header.name)
        try:
            symbols = self.open(header, payload)
        except DatagramError:
            self.data[header.name] = old
            raise
        self.renewed.append(header.name)
        return symbols

    def close(self, name: str) -> None:
        self.closed.append(name)
        del self.maps[name]

    def write(self, name: str, offset: int, pieces: list[memoryview]) -> None:
        content = b"".join(pieces)
        assert offset >= 0
        assert offset + len(content) <= len(self.data[name])
        self.data[name][offset : offset + len(content)] = content

    def write_repair(self, name: str, offset: int, piece: memoryview) -> None:
        assert offset >= 0
        assert offset + len(piece) <= len(self.repair[name])
        self.repair[name][offset : offset + len(piece)] = piece

    def is_here(self, name: str) -> bool:
        return name in self.data

    def was_received(self, name: str) -> bool:
        return name in self.received

    def keep_history(self, history: History, payload: bytes) -> None:
        self.histories.append(history)

    def decode(self) -> None:
        """Do what the decode process does, on memory."""
        for name, symbols in self.maps.items():
            block = symbols.find(BlockState.READY)
            while block >= 0:
                self._decode(name, symbols, block)
                block = symbols.find(BlockState.READY, block + 1)

    def _decode(self, name: str, symbols: SymbolMap, block: int) -> None:
        geometry = symbols.geometry
        size, count, start = geometry.symbol, geometry.count(block), geometry.first(block) * geometry.symbol
        symbols.note_try(block)
        missing = set(symbols.missing_symbols(block))
        data, slots = self.data[name], block * geometry.slots * size
        given = [(esi, bytes(data[start + esi * size :][:size])) for esi in range(count) if esi not in missing]
        for slot, esi in enumerate(symbols.repairs(block)):
            given.append((esi, bytes(self.repair[name][slots + slot * size :][:size])))
        found = decode_block(given, count=count, symbol=size)
        if found is None:
            symbols.set_state(block, BlockState.OPEN)
        else:
            data[start : start + count * size] = found
            symbols.set_state(block, BlockState.DONE)


@dataclass
class MemoryLink:
    """One gateway, its sender's session, and a receiver."""

    symbol: int = SYMBOL
    objects_max: int = 4
    room: int = 2**40
    veiled: bool = False
    start: int = 1
    key: SigningKey = field(default_factory=SigningKey.generate)
    secret: LinkKey = field(default_factory=lambda: LinkKey(secrets.token_bytes(32)))

    def __post_init__(self) -> None:
        self.gateway: GatewayId = gateway_id(self.key.public)
        self.store = MemoryStore(room=self.room)
        self.intake = DatagramIntake([self.link], self.store, objects_max=self.objects_max)
        self.writer = self.new_writer(self.start)

    @property
    def link(self) -> Link:
        return Link(self.gateway, self.key.public, self.secret)

    def new_writer(self, start: int, *, symbol: int = 0) -> DatagramWriter:
        session = start << 32 | 7
        size = symbol or self.symbol
        return DatagramWriter(self.secret, link=link_id(self.gateway), session=session, symbol=size, veiled=self.veiled)

    def header(self, content: bytes, *, number: int = 1, block_symbols: int = 20, digest: str = "") -> ObjectHeader:
        geometry = Geometry(len(content), self.symbol, block_symbols)
        return ObjectHeader(self.gateway, number, digest or secrets.token_hex(32), 1, 1, geometry)

    def datagram(
        self, kind: DatagramKind, payload: bytes = b"", header: ObjectHeader | None = None, **where: int
    ) -> bytes:
        """Return one datagram of the session."""
        buffer = bytearray(self.writer.size)
        tag = header.tag if header else bytes(8)
        number = where.pop("number", header.number if header else 0)
        self.writer.write(memoryview(buffer), kind, payload, number=number, tag=tag, **where)
        return bytes(buffer)

    def announce(self, header: ObjectHeader) -> bytes:
        """Return the datagram of a header."""
        return self.datagram(DatagramKind.OBJECT, encode_object(header, self.key), header)

    def symbols(self, header: ObjectHeader, content: bytes, *, repairs: int = 4, round_: int = 0) -> list[bytes]:
        """Return the symbol datagrams of one pass."""
        geometry, size, found = header.geometry, header.geometry.symbol, []
        padded = content.ljust(geometry.padded_size, b"\0")
        for block in range(geometry.blocks):
            count, start = geometry.count(block), geometry.first(block) * size
            piece = padded[start : start + count * size]
            made = encode_repair(piece, symbol=size, first=round_ * repairs, count=repairs) if repairs else []
            parts = [(esi, piece[esi * size : (esi + 1) * size]) for esi in range(count)]
            parts += [(count + round_ * repairs + index, each) for index, each in enumerate(made)]
            found += [self.datagram(DatagramKind.SYMBOL, each, header, block=block, esi=esi) for esi, each in parts]
        return found

    def arrive(self, datagrams: Iterable[bytes], *, together: int = 16) -> None:
        """Let datagrams arrive, some at a time, and the decoder work in between."""
        waiting: Sequence[bytes] = list(datagrams)
        for at in range(0, len(waiting), together):
            self.intake.take_all([memoryview(bytearray(each)) for each in waiting[at : at + together]])
            self.intake.flush()
            self.store.decode()
            self.intake.maintain()

    def received(self, header: ObjectHeader) -> bytes | None:
        """Return the object when it is whole."""
        symbols = self.store.maps.get(header.name)
        if symbols is None or not symbols.is_whole():
            return None
        return bytes(self.store.data[header.name][: header.geometry.size])
