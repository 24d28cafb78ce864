"""The gateway's doors over real sockets, the submission itself replaced: answers, refusals, slow readers, the stop.

Invariants G3, G7 and G14.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import cast
from unittest import mock

import pytest
from aiohttp.web import BaseRequest

from gateway.form import Fields
from gateway.http import app
from gateway.http.app import Gateway, Listener
from gateway.http.connections import FIELD_MAX, HEAD_MAX, HEADERS_MAX, LINE_MAX, READ_SIZE
from gateway.http.posts import POSTS
from gateway.http.responses import HEADERS, KEPT, SCRIPT_TAG, Page
from gateway.limits import Limits
from gateway.pages.pages import Pages
from gateway.pages.site import Site
from gateway.problems import STATUS, Problem, RefusedFile, RefusedReason, SubmissionError
from gateway.reading import request_body
from gateway.reading.request_body import DRAIN_BYTES, DRAINERS
from gateway.receipts.fresh_receipt import FreshReceipt
from gateway.station import Station
from gateway.submission.receive import Received
from keys.receipt import PublicReceipt, new_receipt_words
from quarantine.file_types import FileType
from tests.worlds.waiting import WATCHDOG, until
from transfer.names import new_packet_id

DAY = 24 * 3600.0  # seconds: never, in a test
LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))
WORDS = new_receipt_words()
RECEIVED = Received(
    packet=new_packet_id(),
    day=date(2026, 1, 2),
    promised=date(2026, 4, 2),
    receipt=FreshReceipt(WORDS.return_words, WORDS.proof_words, PublicReceipt("", "", "", "")),
    has_text=True,
    files=(),
    refused=(),
)
POST = b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n"


class _Door:
    def __init__(self, listener: Listener, port: int, receive: mock.AsyncMock) -> None:
        self.listener, self.port, self.receive = listener, port, receive

    @property
    def long_pages(self) -> int:
        """How many long pages visitors are taking at this moment."""
        return self.listener._gateway._long_pages

    async def ask(self, request: bytes) -> tuple[int, dict[str, str], str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WATCHDOG)).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        wanted = 0 if request.startswith(b"HEAD") else int(headers.get("Content-Length", 0))
        text = (await asyncio.wait_for(reader.readexactly(wanted), WATCHDOG)).decode()
        writer.close()
        return int(head[0].split()[1]), headers, text


@pytest.fixture
async def door() -> AsyncIterator[_Door]:
    pages = Pages(Site(LIMITS))
    receive = mock.AsyncMock(return_value=RECEIVED)
    with mock.patch("gateway.http.posts.receive", receive), mock.patch("gateway.http.app.CUT_OFF", 0.1):
        listener = Listener(Gateway(mock.Mock(Station, limits=LIMITS, valve=mock.Mock(takes_files=True)), pages), pages)
        yield _Door(listener, await listener.start("127.0.0.1", 0), receive)
        await listener.stop(finish=1)


async def test_every_answer_protects_its_reader_and_names_no_software(door: _Door) -> None:
    asked = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /nb/how HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /privacy HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /enveis.js HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ]
    asked += [
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        POST + b"\r\nhello",
        b"GET //%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    for request in asked:
        status, headers, text = await door.ask(request)
        if SCRIPT_TAG in text:
            policy = headers.pop("Content-Security-Policy")
            assert policy == HEADERS["Content-Security-Policy"] + "; script-src 'self'; connect-src 'self'"
            headers["Content-Security-Policy"] = HEADERS["Content-Security-Policy"]
        is_form = request.startswith((b"GET / ", b"GET /return "))
        is_kept = status == 200 and is_form
        expected = {**HEADERS, "Cache-Control": KEPT} if is_kept else HEADERS
        assert headers.items() >= expected.items(), request
        assert "unsafe" not in str(headers)
        assert not {"Server", "Date", "Set-Cookie"} & set(headers)


async def test_a_receipt(door: _Door) -> None:
    status, _, text = await door.ask(POST + b"\r\nhello")
    assert status == 200
    assert WORDS.return_words in text


async def test_head_has_no_body(door: _Door) -> None:
    status, headers, text = await door.ask(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 1000


@pytest.mark.parametrize("problem", list(Problem))
async def test_every_problem_has_its_page(door: _Door, problem: Problem) -> None:
    door.receive.side_effect = SubmissionError(problem)
    status, headers, text = await door.ask(POST + b"\r\nhello")
    assert status == STATUS[problem]
    assert headers["Connection"] == "close"
    assert ("Retry-After" in headers) == (status == 503)
    assert "<main" in text


async def test_a_fault_is_a_page_and_a_line_without_its_message(
    door: _Door, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr(app, "log", lambda event, **fields: said.append((event, fields["fault"])))
    door.receive.side_effect = ValueError("CanarySecret")
    status, _, text = await door.ask(POST + b"\r\nhello")
    assert status == 500
    assert "CanarySecret" not in text
    assert len(said) == 1
    assert "CanarySecret" not in "".join(capsys.readouterr())


async def test_who_asks_first_is_told_to_go_on(door: _Door) -> None:
    status, _, _ = await door.ask(POST + b"Expect: 100-continue\r\n\r\nhello")
    assert status == 100


async def test_who_asks_first_is_refused_before_it_sends(door: _Door) -> None:
    status, _, _ = await door.ask(POST.replace(b"form-data", b"mixed") + b"Expect: 100-continue\r\n\r\n")
    assert status == 415
    door.receive.assert_not_awaited()


async def test_a_client_of_http_1_0_is_never_told_to_go_on(door: _Door) -> None:
    status, _, _ = await door.ask(POST.replace(b"/1.1", b"/1.0") + b"Expect: 100-continue\r\n\r\nhello")
    assert status == 200


async def test_a_refused_visitor_who_still_sends_is_drained(door: _Door) -> None:
    drained = mock.AsyncMock()
    door.receive.side_effect = SubmissionError(Problem.BUSY)
    for expect in (b"", b"Expect: 100-continue\r\n"):
        with mock.patch("gateway.reading.request_body.Drain.run", drained):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(POST.replace(b": 5", b": 50") + expect + b"\r\nhel")
            await asyncio.wait_for(reader.read(), WATCHDOG)
            writer.close()
        drained.assert_awaited_once()
        drained.reset_mock()


async def test_two_hundred_refused_visitors_who_go_on_sending_are_drained_within_bounds(
    door: _Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.reading.request_body.DRAIN_SECONDS", 2.0)
    running, most, dropped = 0, 0, []
    real = request_body._drop

    async def counted(read: Callable[[], Awaitable[bytes]], at_eof: Callable[[], bool], bytes_max: int) -> None:
        nonlocal running, most
        got = [0]

        async def reading() -> bytes:
            piece = await read()
            got[0] += len(piece)
            return piece

        running += 1
        most = max(most, running)
        try:
            await real(reading, at_eof, bytes_max)
        finally:
            running -= 1
            dropped.append(got[0])

    monkeypatch.setattr(request_body, "_drop", counted)
    refused = POST.replace(b": 5", b": 999999999999")

    async def visit(number: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        page = asyncio.create_task(reader.read(100))
        with contextlib.suppress(ConnectionError):
            writer.write(refused + b"\r\n")
            while not reader.at_eof():
                # Some send as fast as they can, some a little all the time.
                writer.write(bytes(2**20 if number % 2 else 100))
                await asyncio.wait_for(writer.drain(), WATCHDOG)
                await asyncio.sleep(0.05)
                if writer.is_closing() or reader.exception():
                    break
        writer.close()
        return await page

    pages = await asyncio.wait_for(asyncio.gather(*(visit(number) for number in range(200))), WATCHDOG)
    assert all(page.startswith(b"HTTP/1.1 413") for page in pages)
    assert most == DRAINERS
    assert max(dropped) < DRAIN_BYTES + READ_SIZE * 2 + 2**20
    # And the next one is drained again.
    assert (await door.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 200


def _long() -> SubmissionError:
    fields = Fields()
    fields.add("message", b"x" * 9_000_000)
    return SubmissionError(Problem.EMPTY, fields=fields)


async def _deaf(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A visitor who sends a form and reads nothing of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    cast(asyncio.Transport, writer.transport).pause_reading()
    writer.write(POST + b"\r\nhello")
    return reader, writer


async def test_who_does_not_take_a_page_is_cut_off(door: _Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(app, "ANSWER_RATE", 10**9)
    sent: list[None] = []
    real = app._send

    async def send(request: BaseRequest, page: Page) -> None:
        try:
            await real(request, page)
        finally:
            sent.append(None)

    monkeypatch.setattr(app, "_send", send)
    door.receive.side_effect = _long()
    reader, writer = await _deaf(door.port)
    await until(lambda: sent)
    cast(asyncio.Transport, writer.transport).resume_reading()
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(9_000_000), WATCHDOG)
    writer.close()


async def test_only_so_many_long_pages_are_held_in_memory(door: _Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "LONG_PAGES", 1)
    door.receive.side_effect = _long()
    _, writer = await _deaf(door.port)
    await until(lambda: door.long_pages == 1)
    assert len((await door.ask(POST + b"\r\nhello"))[2]) < 100_000
    writer.transport.abort()
    await until(lambda: door.long_pages == 0)
    door.receive.side_effect = _long()
    assert len((await door.ask(POST + b"\r\nhello"))[2]) > 9_000_000


async def test_so_many_refusals_are_made_at_a_time_and_the_others_are_short(
    door: _Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = Fields({"message": [b"what I typed"]})
    door.receive.side_effect = lambda *_, **__: (_ for _ in ()).throw(
        SubmissionError(Problem.TEXT_TOO_LONG, fields=Fields(dict(fields.values)))
    )
    status, _, text = await door.ask(POST + b"\r\nhello")
    assert (status, "what I typed" in text) == (413, True)
    monkeypatch.setattr(app, "REFUSALS", 0)
    status, _, text = await door.ask(POST + b"\r\nhello")
    assert (status, "what I typed" in text, "The text is too long" in text) == (413, False, True)


async def test_a_refusal_keeps_nothing_of_what_was_typed_while_it_is_read(door: _Door) -> None:
    refused = _long()
    door.receive.side_effect = refused
    _, writer = await _deaf(door.port)
    await until(lambda: door.long_pages == 1)
    assert refused.fields.values == {}
    writer.transport.abort()


async def test_a_receipt_is_shown_whatever_memory_it_takes(door: _Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "LONG_PAGES", 0)
    refused = (RefusedFile("&" * app.LONG_PAGE, RefusedReason.NAME),)
    door.receive.return_value = replace(RECEIVED, refused=refused)
    status, _, text = await door.ask(POST + b"\r\nhello")
    assert status == 200
    assert WORDS.return_words in text


@pytest.mark.parametrize(
    ("head", "status", "says"),
    [
        (b"GET /" + b"a" * LINE_MAX + b" HTTP/1.1\r\nHost: x", 414, "The address is longer"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * (FIELD_MAX + 1), 431, "private window"),
        (b"GET / HTTP/1.1\r\nHost: x" + b"\r\nCookie: a" * HEADERS_MAX, 431, "private window"),
        (POST + b"Cookie: " + b"a" * (FIELD_MAX + 1), 431, "private window"),
        (b"GET / HTTP/1.1\r\nHost: x" + (b"\r\nCookie: " + b"a" * (HEAD_MAX // 3)) * 3, 431, "private window"),
        (b"GET / HTTP/1.1\r\nHost: x" + (b"\r\nCookie: " + b"a" * (HEAD_MAX // 3 - 100)) * 3, 200, "<form"),
        (POST + b"\r\n".join([b"X-Bomb: " + b"a" * 1000] * 40), 431, "private window"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * (FIELD_MAX - 100), 200, "<form"),
        (b"GET / HTTP/1.1", 400, "damaged"),
    ],
)
async def test_what_is_too_long_is_not_called_damaged(door: _Door, head: bytes, status: int, says: str) -> None:
    found, _, text = await door.ask(head + b"\r\n\r\n")
    assert (found, says in text) == (status, True)


async def test_the_address_of_an_answer_says_that_it_was_shown_once(door: _Door) -> None:
    # Whoever sends the address line of a receipt page again must not read that nothing was received.
    status, _, text = await door.ask(b"GET /en/submit HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 200
    assert "Shown only once" in text
    assert "Nothing was received" not in text
    status, _, text = await door.ask(b"DELETE /en/submit HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 405
    assert "What you sent before is not affected" in text


@pytest.mark.parametrize(
    ("site", "status"),
    [("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403), ("CROSS-SITE", 403), ("what", 403)],
)
@pytest.mark.parametrize("path", sorted(POSTS))
async def test_no_other_website_sends_a_form_in_a_visitor_s_name(
    door: _Door, monkeypatch: pytest.MonkeyPatch, path: str, site: str, status: int
) -> None:
    monkeypatch.setattr(app, "post", mock.AsyncMock(return_value=("<body></body>", 200)))
    monkeypatch.setattr(app, "body_max", lambda *_: 1000)
    monkeypatch.setattr(app, "typed_max", lambda *_: 1000)
    head = POST.replace(b"/submit", b"/en" + path.encode()) + f"Sec-Fetch-Site: {site}\r\n".encode()
    found, _, text = await door.ask(head + b"\r\nhello")
    assert found == status
    assert ("Another website made your browser send this" in text) == (status == 403)


async def test_a_url_encoded_form_has_the_limit_of_what_can_be_typed(door: _Door) -> None:
    head = b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    assert (await door.ask(head + b"5\r\n\r\nhello"))[0] == 200
    assert (await door.ask(head + b"%d\r\n\r\n" % (LIMITS.typed_max + 1)))[0] == 413


async def test_the_stop_waits_for_an_upload_and_not_for_deaf_or_idle_visitors(
    door: _Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is cut off for being slow: who is not waited for is not waited for at all.
    monkeypatch.setattr(app, "ANSWER_SECONDS", DAY)
    door.receive.side_effect = _long()
    _, deaf = await _deaf(door.port)
    await until(lambda: door.long_pages == 1)
    _, idle = await asyncio.open_connection("127.0.0.1", door.port)
    _, half = await asyncio.open_connection("127.0.0.1", door.port)
    half.write(b"GET / HT")
    forms, many = await asyncio.open_connection("127.0.0.1", door.port, limit=1024)
    forms._transport.pause_reading()  # type: ignore[attr-defined]
    many.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
    begun, arrived = asyncio.Event(), asyncio.Event()

    async def receiving(*_: object, **__: object) -> Received:
        begun.set()
        await arrived.wait()
        return RECEIVED

    door.receive.side_effect = receiving
    upload = asyncio.create_task(door.ask(POST + b"\r\nhello"))
    await begun.wait()
    stopping = asyncio.create_task(door.listener.stop(finish=DAY))
    await until(lambda: door.listener._site is None)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not stopping.done()
    arrived.set()
    assert WORDS.return_words in (await upload)[2]
    await asyncio.wait_for(stopping, WATCHDOG)
    for writer in (deaf, idle, half, many):
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
