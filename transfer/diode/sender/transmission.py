"""One transmission of one object: every block, its repair symbols, and repeated headers (WIRE.md, 6)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from transfer.diode.sender.batch_object import BatchObject
from transfer.diode.sender.encoder_process import SLOTS, Encoder
from transfer.diode.sender.heartbeats import SendProgress
from transfer.diode.sender.outlet import Outlet
from transfer.diode.wire.datagram import DatagramKind
from transfer.diode.wire.notices import ObjectHeader

REPAIR_MIN: Final = 8  # repair symbols of a block in each pass, however small it is; WIRE.md 6.2
REPAIR_ROUNDS: Final = 4  # passes with repair symbols of their own; WIRE.md 6.2
HEADER_BLOCKS: Final = 4  # blocks between two repetitions of the object's header; WIRE.md 6.3
HEADER_FIRST: Final = 3  # times at the start and at the end
HEARTBEAT_SYMBOLS: Final = 16  # symbols between two checks of the clock: on a slow link a block takes minutes
UNSENT_SHARE: Final = 100  # a transmission of which more than this part never left the machine does not count


@dataclass(frozen=True, slots=True)
class Turn:
    """The number of a transmission, counted from 1, the passes of its object, and its percentage of repair symbols."""

    number: int
    passes: int
    percent: int

    def repairs(self, count: int) -> int:
        """Return how many repair symbols a block of `count` symbols gets; WIRE.md 6.2."""
        return min(max(REPAIR_MIN, -(-count * self.percent // 100)), max(REPAIR_MIN, count)) if self.percent else 0

    @property
    def round(self) -> int:
        """Which repair symbols this transmission sends: not those of the passes before it."""
        return (self.number - 1) % REPAIR_ROUNDS


class Transmission:
    """Sends `item` once.

    Args:
        item: The object.
        turn: Which transmission of the object this is.
        payload: The object's signed header.
        outlet: Where datagrams go.
        encoder: Computes repair symbols, several blocks ahead.
        heartbeat_if_due: Called several times for each block; it may raise, which ends the transmission.
        never_pauses: Whether to send padding while the encoder works.
    """

    def __init__(
        self,
        item: BatchObject,
        turn: Turn,
        *,
        payload: bytes,
        outlet: Outlet,
        encoder: Encoder,
        heartbeat_if_due: Callable[[], None],
        never_pauses: bool,
    ) -> None:
        self._item, self._turn, self._payload = item, turn, payload
        self._outlet, self._encoder = outlet, encoder
        self._heartbeat_if_due, self._never_pauses = heartbeat_if_due, never_pauses
        self._waiting: list[int] = []  # blocks whose repair symbols are being computed
        self._block = 0
        self._unsent = outlet.unsent

    @property
    def header(self) -> ObjectHeader:
        """The header of the object."""
        return self._item.header

    def run(self) -> Iterator[SendProgress]:
        """Send the whole object; yield the progress before each block."""
        self._announce(HEADER_FIRST)
        for block in range(self.header.geometry.blocks):
            self._block = block
            yield self.progress()
            if block and block % HEADER_BLOCKS == 0:
                self._announce(1)
            self._send_block(block)
        while self._waiting:
            self._send_repair()
        self._announce(HEADER_FIRST)
        self._outlet.flush()
        self._block = self.header.geometry.blocks

    def progress(self) -> SendProgress:
        """Return how far the transmission is."""
        unsent = self._outlet.unsent - self._unsent
        return SendProgress(
            self.header,
            self._turn.number,
            self._turn.passes,
            self._block,
            unreadable=frozenset(self._item.unreadable),
            unsent=unsent,
            counts=unsent * UNSENT_SHARE <= self.header.geometry.symbols,
        )

    def _send_block(self, block: int) -> None:
        if len(self._waiting) == SLOTS:
            self._send_repair()
        slot, geometry = block % SLOTS, self.header.geometry
        count, symbol = geometry.count(block), geometry.symbol
        content = self._encoder.block(slot)[: count * symbol]
        self._item.read_block(block, content)
        if repairs := self._turn.repairs(count):
            first = self._turn.round * repairs
            self._encoder.submit(slot, symbol=symbol, count=count, first=first, repairs=repairs)
            self._waiting.append(block)
        self._put(block, 0, count, content)
        while self._waiting and self._encoder.is_ready():
            self._send_repair()

    def _send_repair(self) -> None:
        while self._never_pauses and not self._encoder.is_ready():
            self._outlet.pad()
        slot, block = self._encoder.wait(), self._waiting.pop(0)
        count = self.header.geometry.count(block)
        repairs = self._turn.repairs(count)
        self._put(block, count + self._turn.round * repairs, repairs, self._encoder.repair(slot))

    def _put(self, block: int, first: int, count: int, content: memoryview) -> None:
        number, tag, symbol = self.header.number, self.header.tag, self.header.geometry.symbol
        for done in range(0, count, HEARTBEAT_SYMBOLS):
            self._heartbeat_if_due()
            piece = content[done * symbol : min(done + HEARTBEAT_SYMBOLS, count) * symbol]
            self._outlet.put_symbols(piece, number=number, tag=tag, block=block, first=first + done)

    def _announce(self, times: int) -> None:
        for _ in range(times):
            self._outlet.put(DatagramKind.OBJECT, self._payload, number=self.header.number, tag=self.header.tag)
