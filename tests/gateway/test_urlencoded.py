"""Url-encoded forms: what `curl -d` sends, in whatever pieces it comes, and what is no such form. Invariant G3."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence
from unittest import mock
from urllib.parse import urlencode

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from hypothesis import given
from hypothesis import strategies as st

from gateway.form import BESIDE_TEXT_MAX, FIELDS_MAX, Fields
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Body, Pace, Reading
from gateway.reading.short_form import read_short_form
from gateway.reading.text_memory import TextMemory
from gateway.reading.urlencoded import NAME_MAX, PAIRS_MAX, FieldBegins, UrlencodedError, UrlencodedParser
from gateway.submission.intake import Intake
from gateway.submission.sealed_upload import SealedUpload
from quarantine.file_types import FileType
from tests.builders.body_rooms import body_room

LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))


def _pairs(body: bytes, cuts: Sequence[int] = (), length: int | None = None) -> list[tuple[bytes, bytes]]:
    parser = UrlencodedParser(len(body) if length is None else length)
    pairs: list[tuple[bytes, bytes]] = []
    value: bytes | None = None
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    for piece in [body[start:end] for start, end in itertools.pairwise(places) if start < end] + [b""]:
        for event in parser.parse(piece):
            if isinstance(event, FieldBegins):
                name, value = event.untrusted_name, b""
            elif event is None:
                assert value is not None
                pairs.append((name, value))
                value = None
            else:
                assert value is not None
                assert event
                value += event
    return pairs


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=20), st.binary(max_size=30))), st.lists(st.integers(0, 200)))
def test_what_is_encoded_comes_back_in_whatever_pieces(pairs: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    assert _pairs(urlencode(pairs).encode(), cuts) == pairs


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (b"", []),
        (b"a=", [(b"a", b"")]),
        (b"a=b=c", [(b"a", b"b=c")]),
        (b"&&a=1&", [(b"a", b"1")]),
        (b"a=%&b=%4", [(b"a", b"%"), (b"b", b"%4")]),
        (b"a=%zz%e5+%2B", [(b"a", b"%zz\xe5 +")]),
        (b"a=one;b=two", [(b"a", b"one;b=two")]),
        (b"m%65ssage=x", [(b"message", b"x")]),
    ],
)
def test_odd_forms(body: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    assert _pairs(body) == pairs
    assert _pairs(body, range(len(body))) == pairs


@pytest.mark.parametrize(
    "body", [b"message", b"message=Drunk & disorderly", b"x" * (NAME_MAX + 1) + b"=", b"a=&" * (PAIRS_MAX + 1)]
)
def test_what_is_no_form(body: bytes) -> None:
    with pytest.raises(UrlencodedError):
        _pairs(body)


@pytest.mark.parametrize("length", [4, 6])
def test_a_length_that_is_not_kept(length: int) -> None:
    with pytest.raises(UrlencodedError):
        _pairs(b"a=bcd", length=length)


async def _stream(*pieces: bytes) -> StreamReader:
    protocol = mock.Mock(BaseProtocol, connected=True, _reading_paused=False)
    stream = StreamReader(protocol, 2**30, loop=asyncio.get_running_loop())
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    return stream


async def _read(body: bytes) -> Intake:
    intake = Intake(mock.create_autospec(SealedUpload, instance=True), LIMITS, mock.Mock(), body_room())
    reading = Reading(await _stream(body), Body(len(body), None), Pace(base=60.0, min_rate=1))
    await reading.into(intake, body_room(len(body)))
    return intake


async def test_typed_fields_are_taken_as_from_the_page() -> None:
    intake = await _read(b"message=Bl%C3%A5b%C3%A6r+%26+milk&kind=question&contact_name=K%E5re&x=y")
    assert intake.fields.first("message") == "Blåbær & milk"
    assert intake.fields.first("contact_name") == "Kåre"
    assert intake.fields.values.keys() == {"message", "kind", "contact_name"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"message=" + b"x" * 1025, Problem.TEXT_TOO_LONG),
        (b"message=" + b"%20" * 1025, Problem.TEXT_TOO_LONG),
        (b"contact_name=" + b"x" * 5000, Problem.FIELD_TOO_LONG),
        (b"x=&" * (FIELDS_MAX + 1), Problem.MALFORMED),
        (b'{"message": "a text"}', Problem.WRONG_TYPE),
    ],
)
async def test_the_limits_are_those_of_the_page(body: bytes, problem: Problem) -> None:
    with pytest.raises(SubmissionError) as caught:
        await _read(body)
    assert caught.value.problem is problem


async def test_a_file_s_name_alone_is_listed_as_refused() -> None:
    intake = await _read(b"message=x&files=evidence.pdf")
    assert len(intake.refused) == 1


async def test_return_words_may_be_url_encoded() -> None:
    body = b"words=one+two%20three&token=x"
    fields = await read_short_form(
        await _stream(body), Body(len(body), None), Pace(base=9.0, min_rate=1), TextMemory(), {"words"}
    )
    assert fields == Fields({"words": [b"one two three"]})


@pytest.mark.parametrize("body", [b"&" * 1000, b"%" * 1_000_000, b"a=%20%%%" * 100_000, b"a" * 1_000_000, b"=&" * 4000])
async def test_no_body_costs_much_more_than_its_bytes(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(SubmissionError):
        await _read(body)
    assert time.process_time() - started < 0.5


def test_a_body_without_files_is_bounded_by_what_can_be_typed() -> None:
    assert LIMITS.typed_max == 3 * (1024 + BESIDE_TEXT_MAX)
