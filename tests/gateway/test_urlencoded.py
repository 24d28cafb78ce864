"""Url-encoded forms: what `curl -d` sends, in whatever pieces it comes, and what is no such form.

A change of language sends one too: what was typed and is not sent yet. Invariant G3.
"""

import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import Sequence
from unittest import mock
from urllib.parse import urlencode

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from hypothesis import given
from hypothesis import strategies as st

from gateway.form import FIELD_BYTES_MAX, FIELDS_MAX, OTHERS_BYTES_MAX, Fields
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Body, Pace, Reading
from gateway.reading.short_form import read_short_form
from gateway.reading.typed_text import (
    HELD_FOR_BYTE,
    HELD_FOR_FIELD,
    RESERVE,
    SMALL_HELD,
    SMALL_TEXT,
    TEXTS_MAX,
    TextMemory,
    TypedText,
    read_typed,
)
from gateway.reading.upload_slots import UploadSlot
from gateway.reading.urlencoded import NAME_MAX, PAIRS_MAX, FieldBegins, UrlencodedError, UrlencodedParser
from gateway.submission.intake import Intake
from gateway.submission.sealed_upload import SealedUpload
from quarantine.file_types import FileType

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
    intake = Intake(mock.create_autospec(SealedUpload, instance=True), LIMITS, mock.Mock())
    reading = Reading(await _stream(body), Body(len(body), None), Pace(base=60.0, min_rate=1))
    await reading.into(intake, UploadSlot(len(body), 0.0, reading.give_way))
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
    fields = await read_short_form(await _stream(body), Body(len(body), None), Pace(base=9.0, min_rate=1), {"words"})
    assert fields == Fields({"words": ["one two three"]})


@pytest.mark.parametrize("body", [b"&" * 1000, b"%" * 1_000_000, b"a=%20%%%" * 100_000, b"a" * 1_000_000, b"=&" * 4000])
async def test_no_body_costs_much_more_than_its_bytes(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(SubmissionError):
        await _read(body)
    assert time.process_time() - started < 0.5


def test_a_body_without_files_is_bounded_by_what_can_be_typed() -> None:
    assert LIMITS.typed_max == 3 * (1024 + OTHERS_BYTES_MAX)


# --- typed, and not sent yet


async def _read_typed(body: bytes, memory: TextMemory, boundary: str | None = None) -> TypedText:
    stream = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16, loop=asyncio.get_running_loop())
    stream.feed_data(body)
    stream.feed_eof()
    return await read_typed(stream, Body(len(body), boundary), Pace(base=24 * 3600.0, min_rate=1), LIMITS, memory)


async def test_fields_come_back_and_their_memory_is_free_again() -> None:
    memory = TextMemory()
    typed = await _read_typed(b"message=bl%C3%A5b%C3%A6r%0D%0Ato&person-1-role=sjef&unknown=x&files=", memory)
    assert typed.fields.values == {"message": ["blåbær\nto"], "person-1-role": ["sjef"]}
    assert not typed.had_files
    assert memory.left == TEXTS_MAX


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"message=a&files=secret-name.pdf", None),
        (b'--b\r\nContent-Disposition: form-data; name="files"; filename="secret-name.pdf"\r\n\r\nx\r\n--b--\r\n', "b"),
    ],
    ids=["its name", "itself"],
)
async def test_of_a_file_only_that_there_was_one(body: bytes, boundary: str | None) -> None:
    typed = await _read_typed(body, TextMemory(), boundary)
    assert typed.had_files
    assert "secret-name" not in repr(typed.fields)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"message=" + b"x" * 1025, Problem.TEXT_TOO_LONG),
        (b"writer_role=" + b"x" * (FIELD_BYTES_MAX + 1), Problem.TOO_LARGE),
        (b"message=x&" + b"&".join([b"a="] * (FIELDS_MAX + 1)), Problem.MALFORMED),
    ],
    ids=["text", "field", "fields"],
)
async def test_beyond_the_limits_nothing_is_kept(body: bytes, problem: Problem) -> None:
    memory = TextMemory()
    before = memory.left
    with pytest.raises(SubmissionError) as refused:
        await _read_typed(body, memory)
    assert refused.value.problem is problem
    assert not refused.value.fields.values
    assert memory.left == before


async def test_texts_beyond_the_memory_are_refused_and_those_before_it_are_not() -> None:
    room = HELD_FOR_FIELD + 10 * HELD_FOR_BYTE
    memory = TextMemory(room, reserve=0)
    assert (await _read_typed(b"message=0123456789", memory)).fields.first("message") == "0123456789"
    with memory.counting() as other:
        other.add(4)
        assert (await _read_typed(b"message=012345", memory)).fields.first("message") == "012345"
        with pytest.raises(SubmissionError) as refused:
            await _read_typed(b"message=0123456", memory)
    # A part of a text would pass for all of it.
    assert (refused.value.problem, refused.value.fields.values) == (Problem.BUSY, {})
    assert memory.left == room


async def test_long_texts_leave_room_for_small_ones() -> None:
    memory = TextMemory()
    with contextlib.ExitStack() as slow:
        with pytest.raises(SubmissionError):
            for _ in range(TEXTS_MAX // (1024 * 1024)):
                slow.enter_context(memory.counting()).add(1024 * 1024)
        with memory.counting() as long, pytest.raises(SubmissionError):
            long.add(1024 * 1024)
        assert memory.left >= RESERVE
        for _ in range(RESERVE // SMALL_HELD):
            slow.enter_context(memory.counting()).add(SMALL_TEXT, fields=50)
        assert (await _read_typed(b"message=hello", memory)).fields.first("message") == "hello"


@pytest.mark.parametrize(
    "typed",
    [
        [("message", ("x" * 1000 + "😀").encode())],
        [("message", b"\x80" * 1000)],
        [(f"person-{number}-family_names", b"") for number in range(1, 1000)],
        [(f"person-{number}-family_names", "ł".encode()) for number in range(1, 1000)],
        [("message", b"ab")] * 500,
    ],
    ids=["one emoji", "windows-1252", "empty fields", "short fields", "one name"],
)
async def test_at_least_as_much_is_counted_as_is_held(typed: list[tuple[str, bytes]]) -> None:
    with TextMemory().counting() as count:
        text = TypedText(LIMITS, count)
        for name, value in typed:
            text.part(name, None)
            await text.data(value)
            await text.part_end()
        held = text.fields.values
        sizes = [sys.getsizeof(one) + sys.getsizeof(some) + sum(map(sys.getsizeof, some)) for one, some in held.items()]
        assert sys.getsizeof(held) + sum(sizes) <= count.taken
