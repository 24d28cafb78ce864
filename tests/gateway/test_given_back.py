"""What was typed is given back to the machine when its request ends, not when the garbage collector comes by."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from unittest import mock

import pytest
from jinja2.runtime import Context

from gateway.form import Fields
from gateway.http.app import Gateway, Listener
from gateway.limits import Limits
from gateway.pages.pages import Pages
from gateway.pages.site import Site
from gateway.reading.request_body import Pace
from gateway.reading.text_memory import TextMemory
from gateway.reading.upload_slots import UploadSlots
from gateway.station import Station
from gateway.submission.inspection import Inspections
from gateway.submission.repeats import Repeats
from gateway.views import ReturnView
from keys.recipient import KeyKind
from keys.secret import SecretKey
from quarantine.file_types import FileType
from quarantine.memfd import Slots
from tests.worlds.waiting import until
from transfer.spool.spool import Spool

LIMITS = Limits(files_max=1, file_max_bytes=1000, message_max_bytes=64 * 1024, allowed=frozenset(FileType))


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A gateway that reads and refuses; it has no receipts to give."""
    spool = Spool(tmp_path / "spool", quota=10**9, reserve=0, tick=3600)
    spool.root.mkdir()
    spool.prepare()
    station = mock.Mock(Station, limits=LIMITS, valve=mock.Mock(takes_files=True), spool=spool, bodies=())
    station.recipients = (SecretKey(KeyKind.CLASSIC, bytes(range(32))).recipient,)
    station.pace = Pace(base=60, min_rate=1)
    station.upload_slots = UploadSlots(8, min_rate=1)
    station.texts = TextMemory()
    station.inspections = Inspections(inspector=None, slots=Slots(1, file_max=1000), budget=1.0, file_max=1000)
    station.repeats = Repeats(wait=1)
    pages = Pages(Site(LIMITS))
    with mock.patch("gateway.http.app.CUT_OFF", 0.1):
        listener = Listener(Gateway(station, pages), pages)
        yield await listener.start("127.0.0.1", 0)
        await listener.stop(finish=1)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts
    )
    body += end
    head = b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


REFUSED = {
    "nothing in it": _form(("message", b"")),
    "no end": _form(("message", b"a text"), end=b""),
    "text too long": _form(("message", b"x" * (LIMITS.message_max_bytes + 1))),
    "field too long": _form(("message", b"a text"), ("contact_name", b"x" * 5000)),
    "a choice too long": _form(("message", b"a text"), ("public_body_other", b"x" * 2000)),
    "own receipt": _form(("message", b"a text"), ("receipt_public", b"x")),
}


def _kept() -> int:
    return sum(type(each) is Fields for each in gc.get_objects())


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.usefixtures("no_collector")
async def test_no_cycle_holds_what_was_refused(port: int, name: str) -> None:
    before = _kept()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REFUSED[name])
    answer = await reader.read()
    assert b"<main" in answer
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    await until(lambda: _kept() <= before)


@pytest.mark.usefixtures("no_collector")
async def test_no_cycle_holds_what_a_visitor_sent_who_left(port: int) -> None:
    before = _kept()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REFUSED["nothing in it"][:-9])
    await until(lambda: _kept() > before)
    writer.transport.abort()
    await until(lambda: _kept() <= before)


@pytest.mark.usefixtures("no_collector")
def test_a_page_forgets_its_values_when_it_is_made() -> None:
    pages = Pages(Site(LIMITS))
    for make in (pages.form, pages.how, lambda: pages.return_form(ReturnView(untrusted_text="x"))):
        make()
        assert not [each for each in gc.get_objects() if isinstance(each, Context)]
