"""The sender: batches from spool and ledger onto the link, pass after pass, and heartbeats in between.

It writes to the link's own ledger and to the outbox, never to the spool, and receives nothing.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from audit.errors import AuditError
from audit.operational_log import LogEvent, log
from disk.lock import BusyError
from transfer.batch.batch import gateway_id
from transfer.diode.sender.batch_object import BatchObject, form_batch
from transfer.diode.sender.encoder_process import Encoder
from transfer.diode.sender.heartbeats import Heartbeats, SendProgress
from transfer.diode.sender.link_ledger import LinkLedger
from transfer.diode.sender.outlet import Outlet, open_outlet
from transfer.diode.sender.schedule import Schedule
from transfer.diode.sender.token_bucket import TokenBucket
from transfer.diode.sender.transmission import REPAIR_MIN, Transmission, Turn
from transfer.diode.settings import SenderSettings
from transfer.diode.wire.datagram import DatagramWriter, LinkKey, link_id, symbol_size
from transfer.diode.wire.geometry import BLOCK_SMALL, Geometry, block_symbols
from transfer.diode.wire.notices import encode_object
from transfer.errors import BagError, LedgerError, SpoiltPacketError, TransferError
from transfer.low_side.low_side import LowSide

CHECK_EVERY: Final = 2.0  # seconds between two checks of spool and ledger
IDLE: Final = 0.05  # seconds to sleep when there is nothing to send
SWITCH_SECONDS: Final = 0.0005  # between two threads, where the link must not pause: Python's own 5 ms would be visible

Value = TypeVar("Value")


class Stop(Exception):  # noqa: N818 - not an error: the sender was asked to end
    """The sender was asked to end in the middle of an object."""


class Sender:
    """One gateway's end of the link. As a context: ends its encoder.

    Args:
        low: The batches to be sent, and the keys.
        ledger: What was already sent.
        secret: The link's key.
        settings: How to send.
        should_continue: Called often; the sender ends when it returns false.
        on_progress: Called with the progress of an object, a few times a second at most.
    """

    def __init__(
        self,
        low: LowSide,
        ledger: LinkLedger,
        secret: LinkKey,
        settings: SenderSettings,
        *,
        should_continue: Callable[[], bool],
        on_progress: Callable[[SendProgress], None],
    ) -> None:
        self._low, self._ledger, self._settings = low, ledger, settings
        self._should_continue, self._on_progress = should_continue, on_progress
        gateway = gateway_id(low.key.public)
        self._symbol = symbol_size(settings.mtu)
        start = ledger.next_start(int(time.time()))
        session = start << 32 | int.from_bytes(low.random(4))
        writer = DatagramWriter(
            secret, link=link_id(gateway), session=session, symbol=self._symbol, veiled=settings.constant_rate
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
        self._heartbeats = Heartbeats(
            self._outlet, self._schedule, gateway, start=start, every=settings.heartbeat_tenths
        )
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="batch")
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._forming: Future[int | None] | None = None
        self._check_at = self._form_again = 0.0
        self._logged: set[str] = set()

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._maker.shutdown()
        self._aside.shutdown()
        self._encoder.__exit__()
        self._socket.close()

    def run(self) -> None:
        """Send until `should_continue` returns false.

        Raises:
            LinkError: The link cannot be used as it is set up.
            OSError: This machine failed.
        """
        if self._settings.constant_rate:
            sys.setswitchinterval(SWITCH_SECONDS)
        while self._should_continue():
            now = time.monotonic()
            if now >= self._check_at:
                self._check_at = now + CHECK_EVERY
                self._meanwhile(lambda: self._check_batches(time.monotonic()))
            number = self._schedule.next(now)
            try:
                if number is not None:
                    self._transmit(number)
                else:
                    self._idle()
            except Stop:
                return
            except (LedgerError, AuditError) as error:
                self._set_aside(number, error)

    def _idle(self) -> None:
        if self._forming is not None and self._forming.done():
            self._check_at = 0.0
        self._heartbeat_if_due()
        if self._settings.constant_rate:
            self._outlet.pad()
        else:
            self._outlet.flush()
            time.sleep(IDLE)

    def _meanwhile(self, work: Callable[[], Value]) -> Value:
        """Do work that takes more than a moment. At a constant rate another thread does it, while padding continues.

        Nothing else happens meanwhile, so the two threads share no state.
        """
        if not self._settings.constant_rate:
            return work()
        done = self._aside.submit(work)
        while not done.done():
            self._outlet.pad()
        return done.result()

    # Which batches there are.

    def _check_batches(self, now: float) -> None:
        waiting = self._low.outbox.outstanding()
        outstanding = {batch.number for batch in waiting}
        # Made by this sender or for a stick, and not sent or written yet: a crash came first.
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
            if number in self._schedule.numbers():  # otherwise it was set aside, with a warning
                self._schedule.ask(number, now)
        self._form(now)
        self._heartbeats.write_history(self._low.outbox, self._low.key)

    def _take_up(self, number: int, times: int, now: float) -> None:
        try:
            with BatchObject(self._low, number, symbol=self._symbol) as item:
                small = item.header.geometry.size < BLOCK_SMALL
            self._schedule.add(number, small=small, sent=times, now=now)
        except (LedgerError, AuditError) as error:
            self._set_aside(number, error)

    def _set_aside(self, number: int | None, error: TransferError | AuditError) -> None:
        if number is not None:
            self._schedule.remove(number)
        if str(error) not in self._logged:
            self._logged.add(str(error))
            log(LogEvent.SENDER_BLOCKED, reason=str(error))

    def _form(self, now: float) -> None:
        """Let another thread make new batches: hashing gigabytes must not silence the link."""
        if self._forming is not None and self._forming.done():
            done, self._forming = self._forming, None
            try:
                number = done.result()
            except BusyError:
                number = None  # an export or an acknowledgement is running; the next check tries again
            except (SpoiltPacketError, LedgerError, AuditError, BagError) as error:
                number = None
                self._set_aside(None, error)
            if number is not None:
                self._ledger.take_up(number)
                self._take_up(number, 0, now)
        if self._forming is None and now >= self._form_again:
            self._form_again = now + CHECK_EVERY
            self._forming = self._maker.submit(form_batch, self._low)

    # One object.

    def _transmit(self, number: int) -> None:
        with self._meanwhile(lambda: BatchObject(self._low, number, symbol=self._symbol)) as item:
            transmission = Transmission(
                item,
                Turn(self._schedule.sent(number) + 1, self._schedule.passes(number), self._settings.repair_percent),
                payload=encode_object(item.header, self._low.key),
                outlet=self._outlet,
                encoder=self._encoder,
                heartbeat_if_due=self._heartbeat_if_due,
                never_pauses=self._settings.constant_rate,
            )
            for progress in transmission.run():
                self._report(progress)
            last = transmission.progress()
            self._meanwhile(lambda: self._end(number, counts=last.counts))
            self._report(last)
        self._heartbeats.now_sending = None

    def _report(self, progress: SendProgress) -> None:
        if not self._should_continue():
            raise Stop
        self._heartbeats.now_sending = progress
        self._on_progress(progress)

    def _heartbeat_if_due(self) -> None:
        if self._heartbeats.are_due():
            if not self._should_continue():
                raise Stop
            self._heartbeats.send()

    def _end(self, number: int, *, counts: bool) -> None:
        """Record that a transmission has ended. One that largely failed to leave this machine does not count."""
        now = time.monotonic()
        if counts:
            self._ledger.note_sent(number, self._schedule.ended(number, now))
            self._low.outbox.mark_published(number, self._low.today())
        else:
            self._schedule.failed(number, now)
        self._heartbeats.write_history(self._low.outbox, self._low.key)
