"""The sender: batches from spool and ledger onto the link, pass after pass, and signs of life in between.

It writes to the link's own ledger and to the outbox, never to the spool, and hears nothing.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from transfer.batch import GatewayId, gateway_id
from transfer.diode.departing import DepartingObject, form_batch
from transfer.diode.encoder import SLOTS, Encoder
from transfer.diode.geometry import BLOCK_SMALL, Geometry, block_symbols
from transfer.diode.link_ledger import LinkLedger
from transfer.diode.notices import (
    HISTORY_MAX,
    Heartbeat,
    History,
    HistoryEntry,
    ObjectHeader,
    encode_heartbeat,
    encode_history,
    encode_object,
)
from transfer.diode.outlet import Outlet, open_outlet
from transfer.diode.pacing import TokenBucket
from transfer.diode.schedule import Schedule
from transfer.diode.settings import SenderSettings
from transfer.diode.wire import TAG_SIZE, DatagramWriter, Kind, LinkKey, link_id, symbol_size
from transfer.errors import BagError, BusyError, LedgerError, SpoiltPacketError, TransferError
from transfer.names import PacketId
from transfer.settling import LowSide

REPAIR_MIN: Final = 8  # repair symbols of a block in each pass, however small it is; WIRE.md 6.2
REPAIR_ROUNDS: Final = 4  # passes with repair symbols of their own; WIRE.md 6.2
HEADER_BLOCKS: Final = 4  # blocks between two repetitions of the object's header; WIRE.md 6.3
HEADER_FIRST: Final = 3  # times in the beginning and at the end
HISTORY_BEATS: Final = 5  # heartbeats between two repetitions of the history
LIFE_SYMBOLS: Final = 16  # symbols between two looks at the clock: on a slow link a block takes minutes
LOOK_EVERY: Final = 2.0  # seconds between two looks at spool and ledger
IDLE: Final = 0.05  # seconds of rest when nothing is to be sent
NO_TAG: Final = bytes(TAG_SIZE)


@dataclass(frozen=True, slots=True)
class SenderNews:
    """What the sender tells who watches: one of its objects began, went on, or ended."""

    header: ObjectHeader
    transmission: int
    passes: int
    block: int
    unreadable: frozenset[PacketId] = field(default=frozenset())

    @property
    def is_end(self) -> bool:
        """Tell whether this transmission has ended."""
        return self.block == self.header.geometry.blocks


class Stop(Exception):  # noqa: N818 - not an error: the end was asked for
    """Somebody asked for the end in the middle of an object."""


class Sender:
    """One gateway's end of the link. As a context: ends its encoder.

    Args:
        low: What is to be sent, and the keys.
        ledger: What was sent already.
        secret: The link's key.
        settings: How to send.
        goes_on: Asked often; the sender ends when it says no.
        tell: Told what happens, a few times a second at most.
        warn: Told what an operator should see to, in one sentence.
    """

    def __init__(
        self,
        low: LowSide,
        ledger: LinkLedger,
        secret: LinkKey,
        settings: SenderSettings,
        *,
        goes_on: Callable[[], bool],
        tell: Callable[[SenderNews], None],
        warn: Callable[[str], None],
    ) -> None:
        self._low, self._ledger, self._settings = low, ledger, settings
        self._goes_on, self._tell, self._warn = goes_on, tell, warn
        self._gateway: GatewayId = gateway_id(low.key.public)
        self._symbol = symbol_size(settings.mtu)
        start = ledger.next_start(int(time.time()))
        self._start = start
        session = start << 32 | int.from_bytes(low.random(4))
        writer = DatagramWriter(
            secret, link=link_id(self._gateway), session=session, symbol=self._symbol, veiled=settings.constant_rate
        )
        bucket = TokenBucket(settings.rate_bytes, now=time.monotonic, sleep=time.sleep)
        self._socket = open_outlet(settings.address)
        self._outlet = Outlet(self._socket, settings.address, writer, bucket, settings.rate_bytes)
        largest = Geometry(1, self._symbol, block_symbols(self._symbol))
        self._encoder = Encoder(
            block=largest.block_symbols * self._symbol,
            repair=max(REPAIR_MIN, largest.block_symbols) * self._symbol,
        )
        self._schedule = Schedule(settings)
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="batch")
        self._forming: Future[int | None] | None = None
        self._look = self._form_again = 0.0
        self._beat = 0.0
        self._beats = 0
        self._serial = 0
        self._history = b""
        self._written: object = None
        self._warned: set[str] = set()
        self._now_sending: SenderNews | None = None

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._maker.shutdown()
        self._encoder.__exit__()
        self._socket.close()

    def run(self) -> None:
        """Send until the end is asked for.

        Raises:
            LinkError: The link cannot be used as it is set up.
            OSError: Our own machine failed.
        """
        while self._goes_on():
            now = time.monotonic()
            if now >= self._look:
                self._look = now + LOOK_EVERY
                self._look_around(now)
            number = self._schedule.next(now)
            try:
                if number is not None:
                    self._transmit(number)
                else:
                    self._idle()
            except Stop:
                return
            except LedgerError as error:
                self._set_aside(number, error)

    def _idle(self) -> None:
        if self._forming is not None and self._forming.done():
            self._look = 0.0
        self._sign_of_life()
        if self._settings.constant_rate:
            self._outlet.pad()
        else:
            self._outlet.flush()
            time.sleep(IDLE)

    # What is to be sent.

    def _look_around(self, now: float) -> None:
        waiting = self._low.outbox.outstanding()
        outstanding = {batch.number for batch in waiting}
        # Made by this sender, or for a stick, and seen by nobody yet: a crash came between.
        for batch in waiting:
            if not batch.published:
                self._ledger.take_up(batch.number)
        for number, times in self._ledger.sent().items():
            if number not in outstanding:
                self._schedule.remove(number)
                self._ledger.drop(number)
            elif number not in self._schedule.numbers():
                self._take_up(number, times, now)
        for number in self._ledger.asked():
            self._ledger.begin(number)
            if number in outstanding:
                self._take_up(number, 0, now)
                self._schedule.ask(number, now)
        self._form(now)
        self._write_history()

    def _take_up(self, number: int, times: int, now: float) -> None:
        try:
            with DepartingObject(self._low, number, symbol=self._symbol) as item:
                small = item.header.geometry.size < BLOCK_SMALL
            self._schedule.add(number, small=small, sent=times, now=now)
        except LedgerError as error:
            self._set_aside(number, error)

    def _set_aside(self, number: int | None, error: TransferError) -> None:
        if number is not None:
            self._schedule.remove(number)
        if str(error) not in self._warned:
            self._warned.add(str(error))
            self._warn(str(error))

    def _form(self, now: float) -> None:
        """Have new batches made by another thread: hashing gigabytes must not silence the link."""
        if self._forming is not None and self._forming.done():
            done, self._forming = self._forming, None
            try:
                number = done.result()
            except BusyError:
                number = None  # an export or an acknowledgement; the next look tries again
            except (SpoiltPacketError, LedgerError, BagError) as error:
                number = None
                self._set_aside(None, error)
            if number is not None:
                self._ledger.take_up(number)
                self._take_up(number, 0, now)
        if self._forming is None and now >= self._form_again:
            self._form_again = now + LOOK_EVERY
            self._forming = self._maker.submit(form_batch, self._low)

    def _write_history(self) -> None:
        last = self._low.outbox.last()
        entries = tuple(
            HistoryEntry(number, self._low.outbox.find(number).digest, self._schedule.progress(number))
            for number in self._schedule.numbers()[-HISTORY_MAX:]
        )
        number = last.number if last else 0
        if (number, entries) != self._written:
            self._written = (number, entries)
            self._serial += 1
            history = History(self._gateway, self._start << 32 | self._serial, number, entries)
            self._history = encode_history(history, self._low.key)

    # One object.

    def _transmit(self, number: int) -> None:
        transmission = self._schedule.sent(number) + 1
        with DepartingObject(self._low, number, symbol=self._symbol) as item:
            header = item.header
            payload = encode_object(header, self._low.key)
            pass_ = _Pass(header, transmission, self._schedule.passes(number), self._settings.repair_percent)
            self._announce(header, payload, HEADER_FIRST)
            for block in range(header.geometry.blocks):
                self._note(pass_, block, item)
                if block and block % HEADER_BLOCKS == 0:
                    self._announce(header, payload, 1)
                self._send_block(pass_, item, block)
            while pass_.waiting:
                self._send_repair(pass_)
            self._announce(header, payload, HEADER_FIRST)
            self._outlet.flush()
            self._ledger.note_sent(number, self._schedule.ended(number, time.monotonic()))
            self._low.outbox.mark_published(number, self._low.today())
            self._note(pass_, header.geometry.blocks, item)
        self._now_sending = None
        self._write_history()

    def _send_block(self, pass_: "_Pass", item: DepartingObject, block: int) -> None:
        if len(pass_.waiting) == SLOTS:
            self._send_repair(pass_)
        slot, geometry, symbol = block % SLOTS, pass_.header.geometry, self._symbol
        count = geometry.count(block)
        content = self._encoder.block(slot)[: count * symbol]
        item.read_block(block, content)
        repairs = pass_.repairs(block)
        if repairs:
            self._encoder.submit(slot, symbol=symbol, count=count, first=pass_.round * repairs, repairs=repairs)
            pass_.waiting.append(block)
        put, number, tag = self._outlet.put, pass_.header.number, pass_.header.tag
        for esi in range(count):
            if esi % LIFE_SYMBOLS == 0:
                self._sign_of_life()
            put(Kind.SYMBOL, content[esi * symbol : (esi + 1) * symbol], number=number, tag=tag, block=block, esi=esi)
        while pass_.waiting and self._encoder.is_ready():
            self._send_repair(pass_)

    def _send_repair(self, pass_: "_Pass") -> None:
        slot, block = self._encoder.wait(), pass_.waiting.pop(0)
        count, repairs, symbol = pass_.header.geometry.count(block), pass_.repairs(block), self._symbol
        content, first = self._encoder.repair(slot), count + pass_.round * repairs
        put, number, tag = self._outlet.put, pass_.header.number, pass_.header.tag
        for index in range(repairs):
            symbol_bytes = content[index * symbol : (index + 1) * symbol]
            put(Kind.SYMBOL, symbol_bytes, number=number, tag=tag, block=block, esi=first + index)

    def _announce(self, header: ObjectHeader, payload: bytes, times: int) -> None:
        for _ in range(times):
            self._outlet.put(Kind.OBJECT, payload, number=header.number, tag=header.tag)

    def _note(self, pass_: "_Pass", block: int, item: DepartingObject) -> None:
        if not self._goes_on():
            raise Stop
        news = SenderNews(pass_.header, pass_.transmission, pass_.passes, block, frozenset(item.unreadable))
        self._now_sending = news
        self._tell(news)

    def _sign_of_life(self) -> None:
        now = time.monotonic()
        if now < self._beat:
            return
        if not self._goes_on():
            raise Stop
        self._beat = now + self._settings.heartbeat_tenths / 10
        self._outlet.put(Kind.HEARTBEAT, encode_heartbeat(self._heartbeat()), number=0, tag=NO_TAG)
        if self._history and self._beats % HISTORY_BEATS == 0:
            self._outlet.put(Kind.HISTORY, self._history, number=0, tag=NO_TAG)
        self._beats += 1

    def _heartbeat(self) -> Heartbeat:
        news, waiting, every = self._now_sending, self._schedule.waiting(), self._settings.heartbeat_tenths
        if news is None:
            return Heartbeat(0, 0, 0, 0, 0, waiting, every)
        times = min(255, news.transmission), min(255, news.passes)
        return Heartbeat(news.header.number, *times, news.block, news.header.geometry.blocks, waiting, every)


@dataclass(slots=True)
class _Pass:
    """One transmission of one object; `waiting` are blocks whose repair symbols are being made."""

    header: ObjectHeader
    transmission: int
    passes: int
    percent: int
    waiting: list[int] = field(default_factory=list)

    @property
    def round(self) -> int:
        """Which repair symbols this one sends: others than the passes before."""
        return (self.transmission - 1) % REPAIR_ROUNDS

    def repairs(self, block: int) -> int:
        """Return how many repair symbols a block gets."""
        count = self.header.geometry.count(block)
        return min(max(REPAIR_MIN, -(-count * self.percent // 100)), max(REPAIR_MIN, count)) if self.percent else 0
