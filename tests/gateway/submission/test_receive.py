"""When a visitor counts as gone, what stays then, and who gets the receipt; no place is held by whoever waits.

Invariants G13 and G27.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from unittest import mock

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from gateway.limits import Limits
from gateway.reading.request_body import Body, Pace
from gateway.reading.text_memory import TextMemory
from gateway.reading.upload_slots import SMALL_MAX, UploadSlots
from gateway.receipts.derivation_pool import DerivationPool
from gateway.receipts.fresh_receipt import ReceiptMaker
from gateway.station import Station
from gateway.submission.first_visit import FirstVisit
from gateway.submission.inspection import Inspections
from gateway.submission.receive import Received, Repeated, receive
from gateway.submission.repeats import Repeats, new_form_token
from keys.identity import generate_identity
from keys.recipient import KeyKind
from quarantine.file_types import FileType
from quarantine.memfd import Slots
from tests.worlds.gateway_process import form_body
from tests.worlds.waiting import WATCHDOG, until
from transfer.names import Lane
from transfer.spool.spool import Spool

TODAY = date(2026, 11, 30)
LIMITS = Limits(files_max=3, file_max_bytes=2 * SMALL_MAX, message_max_bytes=1024, allowed=frozenset(FileType))
Outcome = Received | Repeated


@dataclass
class FakeVisitor:
    """Goes away when a test says so."""

    reset: bool = False
    left: bool = False

    def is_reset(self) -> bool:
        return self.reset

    def holds_place(self, *, is_held: bool) -> None:
        """Nothing cuts it off."""

    def has_left(self) -> bool:
        return self.reset or self.left


@dataclass
class World:
    """A station without HTTP, with one thread for keys."""

    station: Station
    pool: DerivationPool
    spool: Path

    def packets(self) -> list[str]:
        return [path.name for lane in Lane for path in (self.spool / lane).rglob("*.age")]

    def left(self) -> list[Path]:
        return list((self.spool / "incoming").iterdir())

    def send(
        self, visitor: FakeVisitor, token: str = "", files: Sequence[tuple[str, bytes]] = ()
    ) -> "asyncio.Task[Outcome]":
        body, boundary = form_body([("form", token), ("message", "A matter.")], files)
        stream = StreamReader(mock.Mock(BaseProtocol, _reading_paused=False), 2**16, loop=asyncio.get_running_loop())
        stream.feed_data(body)
        stream.feed_eof()
        return asyncio.create_task(
            receive(
                self.station,
                stream,
                Body(len(body), boundary),
                page_language="en",
                errand=FirstVisit(self.station),
                visitor=visitor,
            )
        )

    @asynccontextmanager
    async def keys_take_long(self) -> AsyncIterator[None]:
        """Nothing is derived until the end of the block."""
        may_end = threading.Event()
        busy = asyncio.create_task(self.pool.for_submission(lambda: may_end.wait(WATCHDOG)))
        await asyncio.sleep(0)
        try:
            yield
        finally:
            may_end.set()
            await busy

    async def until_waiting(self, count: int) -> None:
        """Wait until so many submissions wait for their keys."""
        await until(lambda: len(self.pool._submissions) == count)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    pool, recipient = DerivationPool(threads=1), generate_identity(KeyKind.CLASSIC).recipient
    spool = Spool(tmp_path, quota=10**8, reserve=10**7, tick=3600)
    spool.prepare()
    station = mock.Mock(
        Station,
        gateway="0f" * 8,
        recipients=(recipient,),
        sealed_to="0f" * 8,
        kind=KeyKind.CLASSIC,
        bodies=(),
        limits=LIMITS,
        pace=Pace(base=60.0, min_rate=1),
        spool=spool,
        upload_slots=UploadSlots(1, min_rate=1),
        receipts=ReceiptMaker(KeyKind.CLASSIC, pool),
        inspections=Inspections(inspector=None, slots=Slots(1, file_max=1000), budget=1.0, file_max=1000),
        audit=mock.Mock(),
        valve=mock.Mock(takes_files=True),
        promise=mock.Mock(until=lambda day: day),
        repeats=Repeats(wait=WATCHDOG),
        today=lambda: TODAY,
        texts=TextMemory(),
        sealing=asyncio.Semaphore(8),
    )
    yield World(station, pool, tmp_path)
    pool.close()


async def test_whose_connection_was_reset_costs_no_key_and_leaves_nothing(world: World) -> None:
    never = mock.patch.object(world.pool, "for_submission", side_effect=AssertionError)
    with never, pytest.raises(ConnectionError):
        await world.send(FakeVisitor(reset=True))
    assert not world.packets()
    assert not world.left()


@pytest.mark.parametrize("how", [{"reset": True}, {"left": True}])
async def test_after_that_look_the_packet_stays(world: World, how: dict[str, bool]) -> None:
    visitor = FakeVisitor()
    async with world.keys_take_long():
        sending = world.send(visitor)
        await world.until_waiting(1)
        vars(visitor).update(how)
    assert isinstance(await sending, Received)
    assert len(world.packets()) == 1
    assert not world.left()


async def test_who_closed_the_sending_half_gets_an_answer(world: World) -> None:
    received = await world.send(FakeVisitor(left=True))
    assert isinstance(received, Received)
    assert received.receipt is not None


async def test_whoever_waits_for_a_key_holds_no_place(world: World) -> None:
    """With one place for large uploads, three of them wait, one after the other."""
    async with world.keys_take_long():
        waiting = []
        for count in range(1, 4):
            waiting.append(world.send(FakeVisitor(), files=[("a.txt", b"x" * SMALL_MAX)]))
            await world.until_waiting(count)
            assert len(world.station.upload_slots) == 0
    received = await asyncio.gather(*waiting)
    assert len({one.receipt.return_words for one in received if isinstance(one, Received) and one.receipt}) == 3
    assert len(world.packets()) == 3


async def _sent_again(world: World, gone: FakeVisitor, *others: FakeVisitor, token: str = "") -> list[Outcome]:
    """Send one form from each visitor, the first of whom leaves while all wait."""
    token = token or new_form_token()
    async with world.keys_take_long():
        sendings = [world.send(gone, token)]
        await world.until_waiting(1)
        for other in others:
            sendings.append(world.send(other, token))
            form = next(iter(world.station.repeats._forms.values()))
            await until(lambda: form.senders == len(sendings))  # noqa: B023 - used up before the next one
        gone.left = True
    return await asyncio.gather(*sendings)


async def test_the_receipt_goes_to_whoever_sent_the_same_and_is_there(world: World) -> None:
    first, second, third = await _sent_again(world, FakeVisitor(), FakeVisitor(), FakeVisitor())
    assert isinstance(first, Received)
    assert first is second
    assert isinstance(third, Repeated)
    assert len(world.packets()) == 1
    assert not world.left()
    assert not world.station.repeats._forms


async def test_it_is_handed_over_until_somebody_is_there(world: World) -> None:
    first, second, third = await _sent_again(world, FakeVisitor(), FakeVisitor(left=True), FakeVisitor())
    assert first is second is third
    assert len(world.packets()) == 1


async def test_when_nobody_is_there_the_words_are_kept_for_nobody(world: World) -> None:
    token = new_form_token()
    first, _ = await _sent_again(world, FakeVisitor(), FakeVisitor(left=True), token=token)
    assert not world.station.repeats._forms
    again = await world.send(FakeVisitor(), token)
    assert isinstance(first, Received)
    assert isinstance(again, Received)
    assert first.receipt != again.receipt
    assert len(world.packets()) == 2
