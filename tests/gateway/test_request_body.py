"""The reading of a body: what its head may say, how long it may take, how it is split, and what reading it costs."""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from unittest import mock

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.web import BaseRequest
from multidict import CIMultiDict

from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import DRAINERS, STALL, Body, Drain, Pace, Reading, check_head
from gateway.submission.intake import Intake
from gateway.submission.sealed_upload import SealedUpload
from quarantine.file_types import FileType
from tests.builders.body_rooms import body_room
from tests.worlds.waiting import WATCHDOG

LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))
FORM = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": "10"}


def _request(headers: dict[str, str]) -> BaseRequest:
    given = CIMultiDict({name: text for name, text in headers.items() if text})
    length = int(given["Content-Length"]) if "Content-Length" in given else None
    return mock.Mock(BaseRequest, headers=given, content_length=length)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=b", "b"),
        ("multipart/form-data;boundary=----WebKitFormBoundaryX0", "----WebKitFormBoundaryX0"),
        ('Multipart/Form-Data; boundary="with space"', "with space"),
        (f"multipart/form-data; boundary={'x' * 70}", "x" * 70),
    ],
)
def test_a_head_that_is_taken(content_type: str, boundary: str) -> None:
    assert check_head(_request(FORM | {"Content-Type": content_type}), body_max=10) == Body(10, boundary)


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"Content-Length": ""}, Problem.NO_LENGTH),
        ({"Transfer-Encoding": "chunked"}, Problem.NO_LENGTH),
        ({"Transfer-Encoding": "identity"}, Problem.NO_LENGTH),
        ({"Content-Length": "11"}, Problem.TOO_LARGE),
        ({"Content-Encoding": "gzip"}, Problem.WRONG_TYPE),
        ({"Content-Encoding": "BR"}, Problem.WRONG_TYPE),
        ({"Content-Type": ""}, Problem.WRONG_TYPE),
        ({"Content-Type": "application/json"}, Problem.WRONG_TYPE),
        ({"Content-Type": "text/plain"}, Problem.WRONG_TYPE),
        ({"Content-Type": "application/x-www-form-urlencoded-too"}, Problem.WRONG_TYPE),
        ({"Content-Type": "multipart/form-data"}, Problem.WRONG_TYPE),
        ({"Content-Type": "multipart/mixed; boundary=b"}, Problem.WRONG_TYPE),
        ({"Content-Type": "multipart/form-data; boundary="}, Problem.WRONG_TYPE),
        ({"Content-Type": 'multipart/form-data; boundary=""'}, Problem.WRONG_TYPE),
        ({"Content-Type": f"multipart/form-data; boundary={'x' * 71}"}, Problem.WRONG_TYPE),
        ({"Content-Type": f'multipart/form-data; boundary="{"x" * 71}"'}, Problem.WRONG_TYPE),
        # How aiohttp hands on a byte that is not UTF-8: no text that can be encoded again.
        ({"Content-Type": 'multipart/form-data; boundary="b\udcff"'}, Problem.WRONG_TYPE),
        ({"Content-Type": 'multipart/form-data; boundary="bø"'}, Problem.WRONG_TYPE),
    ],
)
def test_a_head_that_is_refused(headers: dict[str, str], problem: Problem) -> None:
    with pytest.raises(SubmissionError) as caught:
        check_head(_request(FORM | headers), body_max=10)
    assert caught.value.problem is problem


@pytest.mark.parametrize("more", ["", "; charset=UTF-8", ";charset=iso-8859-1"])
def test_a_url_encoded_form_has_no_files_so_it_is_short(more: str) -> None:
    request = _request(FORM | {"Content-Type": f"application/x-www-form-urlencoded{more}"})
    assert check_head(request, body_max=1000, typed_max=10) == Body(10, None)
    with pytest.raises(SubmissionError) as caught:
        check_head(request, body_max=1000, typed_max=9)
    assert caught.value.problem is Problem.TOO_LARGE
    assert check_head(_request(FORM), body_max=10, typed_max=9) == Body(10, "b")


def test_time_is_allowed_by_rate_and_never_more_than_a_stall() -> None:
    pace = Pace(base=60.0, min_rate=1000)
    assert pace.deadline(started=0.0, now=0.0, received=0) == 60.0
    assert pace.deadline(started=0.0, now=50.0, received=50_000) == 110.0
    assert pace.deadline(started=0.0, now=50.0, received=10**9) == 50.0 + STALL


def _stream(*, limit: int = 2**16) -> StreamReader:
    protocol = mock.Mock(BaseProtocol, connected=True, _reading_paused=False)
    return StreamReader(protocol, limit, loop=asyncio.get_running_loop())


def _fed(pieces: Iterable[bytes]) -> StreamReader:
    stream = _stream(limit=2**30)
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    return stream


def _intake() -> Intake:
    return Intake(mock.create_autospec(SealedUpload, instance=True), LIMITS, mock.Mock(), body_room())


async def _read(stream: StreamReader, length: int, pace: Pace | None = None) -> Intake:
    intake = _intake()
    reading = Reading(stream, Body(length, "b"), pace or Pace(base=60.0, min_rate=1))
    await reading.into(intake, body_room(length))
    return intake


async def _problem(body: bytes, length: int | None = None) -> Problem:
    with pytest.raises(SubmissionError) as caught:
        await _read(_fed([body]), length or len(body))
    return caught.value.problem


FIELD = b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\nhello\r\n'


async def test_a_body_is_whole_with_and_without_a_last_line_break() -> None:
    for end in (b"--b--", b"--b--\r\n", b"--b--\r\nepilogue"):
        assert (await _read(_fed([FIELD + end]), len(FIELD + end))).fields.first("message") == "hello"


async def test_the_last_line_break_may_come_alone() -> None:
    stream = _stream()
    stream.feed_data(FIELD + b"--b--")
    loop = asyncio.get_running_loop()
    loop.call_later(0.02, stream.feed_data, b"\r\n")
    loop.call_later(0.04, stream.feed_eof)
    assert (await _read(stream, len(FIELD) + 7)).fields.first("message") == "hello"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no multipart",
        FIELD,
        FIELD + b"--b-",
        FIELD + b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="message"\r\nContent-Length: 9\r\n\r\nhello\r\n--b--',
        b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--",
        b"--b\r\n" + b"A: b\r\n" * 5 + FIELD[5:] + b"--b--",
        b"--b\r\nContent-Disposition: form-data;\r\n name=message\r\n\r\nhello\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="message"\r\n\tx\r\n\r\nhello\r\n--b--',
        FIELD.replace(b"message", b"x") * 5001 + b"--b--",
    ],
)
async def test_a_body_that_is_malformed(body: bytes) -> None:
    assert await _problem(body) is Problem.MALFORMED


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ('filename="blåbær.pdf"'.encode(), "blåbær.pdf"),
        ('filename="blåbær – 5 €.pdf"'.encode("cp1252"), "blåbær – 5 €.pdf"),
        (b"filename*=UTF-8''bl%C3%A5b%C3%A6r.pdf", "blåbær.pdf"),
        (b"filename*=iso-8859-1'nb'bl%E5b%E6r.pdf", "blåbær.pdf"),
        (b"filename=\"a.pdf\"; filename*=UTF-8''b.pdf", "a.pdf"),
        (b"filename=\"\"; filename*=UTF-8''b.pdf", "b.pdf"),
        (b'filename="\x81\x8d\x8f.pdf"', "\ufffd\ufffd\ufffd.pdf"),
        ('filename="報告.pdf"'.encode("shift-jis"), "•ñ\ufffd\ufffd.pdf"),
        ('filename="表.pdf"'.encode("shift-jis"), "•\\.pdf"),
        ('filename="отчёт.pdf"'.encode("cp1251"), "îò÷¸ò.pdf"),
        (b'filename="\xed\xa0\x80.pdf"', "í\xa0€.pdf"),
        (b'filename=""', ""),
        (b"filename=x\xe5.pdf", "x"),  # not quoted, as no program sends it: that file is listed as refused
        (b'filename="' + b"\xe5" * 8000 + b'.pdf"', "å" * 8000 + ".pdf"),
    ],
)
async def test_a_name_in_whatever_encoding_is_no_reason_to_lose_what_was_sent(sent: bytes, name: str) -> None:
    file = b'--b\r\nContent-Disposition: form-data; name="files"; ' + sent + b"\r\n\r\n%PDF-1.7\r\n"
    intake = mock.create_autospec(Intake, instance=True)
    body = FIELD + file + b"--b--"
    reading = Reading(_fed([body]), Body(len(body), "b"), Pace(base=60.0, min_rate=1))
    await reading.into(intake, body_room(len(body)))
    assert intake.part.call_args_list == [mock.call("message", None), mock.call("files", name)]


async def test_a_field_whose_name_is_in_another_encoding_is_a_field_that_nobody_knows() -> None:
    strange = b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nhello\r\n'
    assert (await _read(_fed([strange + FIELD + b"--b--"]), len(strange + FIELD) + 5)).fields.values == {
        "message": [b"hello"]
    }


async def test_more_than_was_announced_is_malformed() -> None:
    assert await _problem(FIELD + b"--b--", len(FIELD)) is Problem.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n' + b" y\r\n" * 2000 + b"\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"\r\n--" * 250_000 + b"\r\n",
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"\r" * 1_000_000 + b"\r\n",
        (b"--b\r\nContent-Disposition: form-data" + b'; a="\\' * 1300 + b"\r\n\r\n\r\n") * 20,
    ],
)
async def test_no_body_costs_much_more_than_its_bytes(body: bytes) -> None:
    body = body * (1_000_000 // len(body)) + b"--b--"
    started = time.process_time()
    with contextlib.suppress(SubmissionError):
        await _read(_fed([body]), len(body))
    # Folded lines took more than a second for each megabyte.
    assert time.process_time() - started < 0.5


async def test_an_upload_that_stops_is_ended() -> None:
    stream = _stream()
    stream.feed_data(FIELD)
    with pytest.raises(SubmissionError) as caught:
        await _read(stream, 1000, Pace(base=0.05, min_rate=10**9))
    assert caught.value.problem is Problem.TOO_SLOW
    assert caught.value.fields.first("message") == ""


async def test_our_own_work_is_not_the_visitor_s_time() -> None:
    intake = _intake()

    async def slowly(_: bytes) -> None:
        await asyncio.sleep(0.2)

    body = FIELD + b"--b--"
    reading = Reading(_fed([body]), Body(len(body), "b"), Pace(base=0.05, min_rate=10**9))
    with mock.patch.object(intake, "data", slowly):
        await reading.into(intake, body_room(len(body)))


async def test_giving_way_ends_a_reading_with_a_page_and_what_was_typed() -> None:
    stream, intake = _stream(), _intake()
    reading = Reading(stream, Body(1000, "b"), Pace(base=60.0, min_rate=1))
    stream.feed_data(FIELD + FIELD[:20])
    asyncio.get_running_loop().call_later(0.05, reading.give_way)
    with pytest.raises(SubmissionError) as caught:
        await reading.into(intake, body_room(1000))
    assert caught.value.problem is Problem.BUSY
    assert caught.value.fields.first("message") == "hello"


async def test_giving_way_after_the_last_byte_harms_nobody() -> None:
    # It is called from the newcomer's request: what it raises would be the newcomer's fault page.
    body = FIELD + b"--b--"
    reading = Reading(_fed([body]), Body(len(body), "b"), Pace(base=60.0, min_rate=1))
    await reading.into(_intake(), body_room(len(body)))
    reading.give_way()


async def test_draining_ends_with_the_body_or_with_its_bytes() -> None:
    endless = mock.Mock(StreamReader)
    endless.at_eof.return_value = False
    endless.readany = mock.AsyncMock(side_effect=[b"x" * 1000] * 3)
    await Drain().run(endless, bytes_max=2500)
    stream = _fed([b"x" * 1000])
    await Drain().run(stream)
    assert stream.at_eof()


async def test_draining_ends_in_time_and_makes_room_for_others() -> None:
    drain = Drain()
    with mock.patch("gateway.reading.request_body.DRAIN_SECONDS", 0.1):
        await asyncio.wait_for(asyncio.gather(*(drain.run(_stream()) for _ in range(DRAINERS))), WATCHDOG)
        await asyncio.wait_for(drain.run(_stream()), WATCHDOG)


async def test_no_more_than_so_many_are_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.reading.request_body.DRAIN_SECONDS", 24 * 3600.0)  # no draining ends by itself
    drain = Drain()
    running = [asyncio.create_task(drain.run(_stream())) for _ in range(DRAINERS)]
    await asyncio.sleep(0)
    await asyncio.wait_for(drain.run(_stream()), WATCHDOG)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    late = _fed([b"x"])
    await drain.run(late)
    assert late.at_eof()


async def test_a_visitor_who_leaves_ends_the_draining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.reading.request_body.DRAIN_SECONDS", 24 * 3600.0)
    stream = _stream()
    asyncio.get_running_loop().call_soon(stream.set_exception, ConnectionResetError())
    await asyncio.wait_for(Drain().run(stream), WATCHDOG)
