"""What bodies take of the memory for texts and of the places for large uploads; what is typed and not sent yet.

Invariants G3, G13, G32 and G33.
"""

import asyncio
import contextlib
import itertools
import sys

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader

from gateway.form import FIELD_BYTES_MAX, FIELDS_MAX
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.reading.body_room import AT_ONCE, BodyRoom
from gateway.reading.kept_fields import KeptFields
from gateway.reading.request_body import Body, Pace
from gateway.reading.text_memory import HELD_FOR_FIELD, RESERVE, SMALL_TEXT, TEXTS_MAX, TextCount, TextMemory
from gateway.reading.typed_text import TypedText, read_typed
from gateway.reading.upload_slots import SMALL_MAX, UploadSlots
from quarantine.file_types import FileType

LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))
KIB = 1024


class _Memory:
    """A memory of `limit` bytes under a clock that is moved by hand; remembers who gave way."""

    def __init__(self, limit: int, *, reserve: int = 0, small: int = 0) -> None:
        self.now = 1000.0
        self.gave_way: list[str] = []
        self.memory = TextMemory(limit, reserve=reserve, small=small, now=lambda: self.now)
        self.held = contextlib.ExitStack()

    def count(self, name: str, size: int = 0) -> TextCount:
        count = self.held.enter_context(self.memory.counting(lambda: self.gave_way.append(name)))
        count.add(size)
        return count


def test_the_heaviest_gives_way_by_bytes_and_age() -> None:
    house = _Memory(100)
    house.count("old and small", 10)
    house.now += 10
    house.count("large", 50)
    house.now += 10
    house.count("young", 40)
    house.now += 1
    assert house.memory.left == 0
    house.count("new", 5)  # 10 x 21 bytes x seconds, 50 x 11, 40 x 1
    assert house.gave_way == ["large"]
    assert house.memory.left == 45


def test_age_counts_as_bytes_do() -> None:
    house = _Memory(100)
    house.count("old", 30)
    house.now += 10
    house.count("large", 50)
    house.now += 10
    house.count("new", 21)  # 30 x 20 bytes x seconds, 50 x 10
    assert house.gave_way == ["old"]


def test_who_is_the_heaviest_itself_does_not_drive_others_out() -> None:
    house = _Memory(100)
    greedy = house.count("greedy", 60)
    house.now += 1
    house.count("other", 40)
    house.now += 1
    with pytest.raises(SubmissionError) as refused:
        greedy.add(1)
    assert refused.value.problem is Problem.BUSY
    assert house.gave_way == []


def test_what_is_whole_never_gives_way() -> None:
    house = _Memory(100)
    house.count("whole", 100).settle()
    house.now += 1000
    with pytest.raises(SubmissionError):
        house.count("new", 1)
    assert house.gave_way == []


def test_what_gave_way_is_free_once() -> None:
    house = _Memory(100)
    house.count("first", 100)
    house.now += 1
    house.count("second", 100)
    assert house.gave_way == ["first"]
    house.held.close()
    assert house.memory.left == 100


def test_large_texts_leave_a_share_for_small_ones() -> None:
    house = _Memory(100, reserve=40, small=10)
    house.count("large", 60).settle()
    with pytest.raises(SubmissionError):
        house.count("one more", 11)
    for number in range(4):
        house.count(f"small {number}", 10).settle()
    assert house.gave_way == []
    with pytest.raises(SubmissionError):
        house.count("small", 1)


def test_a_thousand_texts_that_trickle_do_not_keep_a_new_one_out() -> None:
    # Whatever an attacker keeps open has an age; what a source sends in a second has none.
    house = _Memory(TEXTS_MAX, reserve=RESERVE, small=SMALL_TEXT)
    trickling = [house.count("trickle", 8 * KIB) for _ in range(2000)]
    for _ in range(600):
        house.now += 1
        for number, count in enumerate(trickling):
            try:
                count.add(2 * KIB)
            except SubmissionError:
                # Whoever had to go comes again at once.
                count.__exit__(None, None, None)
                trickling[number] = house.count("trickle")
        with house.memory.counting(lambda: house.gave_way.append("honest")) as honest:
            for _ in range(4):
                honest.add(2 * KIB)
        assert house.memory.left >= 0
    assert set(house.gave_way) == {"trickle"}


# --- the room of one body


def _places(count: int = 1) -> UploadSlots:
    return UploadSlots(count, min_rate=1)


def test_a_small_body_takes_memory_and_no_place() -> None:
    memory, places = TextMemory(), _places()
    with BodyRoom(memory, SMALL_MAX, lambda: None, places=places) as room:
        room.arrived(SMALL_MAX)
        room.take_place()
        assert (len(places), memory.left) == (0, TEXTS_MAX - SMALL_MAX)
    assert memory.left == TEXTS_MAX


def test_a_large_body_takes_a_place_by_what_has_come() -> None:
    memory, places = TextMemory(), _places()
    with BodyRoom(memory, 10**9, lambda: None, places=places) as room:
        assert (len(places), memory.left) == (0, TEXTS_MAX)  # announced, and nothing more
        room.arrived(SMALL_TEXT)
        assert (len(places), memory.left) == (0, TEXTS_MAX - SMALL_TEXT)
        room.keeps(100)
        room.take_place()
        assert len(places) == 0
        room.arrived(1)
        room.take_place()
        assert (len(places), memory.left) == (1, TEXTS_MAX - 100)
        room.arrived(10**8)  # of a file, on its way to the disk
        room.keeps(100)
        assert memory.left == TEXTS_MAX - 200
        with BodyRoom(memory, 10**9, lambda: None, places=places) as other, pytest.raises(SubmissionError) as refused:
            other.arrived(SMALL_TEXT + 1)
            other.take_place()
        assert refused.value.problem is Problem.BUSY
        room.settle()
        assert len(places) == 0  # while it waits to be inspected and sealed, others come
        assert memory.left == TEXTS_MAX - 200
    assert memory.left == TEXTS_MAX


def test_text_takes_no_place_however_long_it_is() -> None:
    memory = TextMemory()
    with BodyRoom(memory, 3 * SMALL_MAX, lambda: None) as room:
        room.arrived(3 * SMALL_MAX)
        room.take_place()
        assert memory.left == TEXTS_MAX - 3 * SMALL_MAX


async def test_much_at_once_is_parsed_in_turns_of_the_loop() -> None:
    # A hundred bodies of thousands of fields, one after the other, kept everybody waiting for all of them.
    memory, happened = TextMemory(), list[str]()

    async def parse(name: str, size: int) -> None:
        with BodyRoom(memory, 10**6, lambda: None) as room:
            await room.turn(size)
            happened.append(name)

    async def others() -> None:
        while happened.count("much") < 3:
            happened.append("others")
            await asyncio.sleep(0)

    await asyncio.gather(*(parse("much", AT_ONCE + 1) for _ in range(3)), parse("little", AT_ONCE), others())
    assert happened[0] == "little"
    assert all("others" in happened[first:second] for first, second in itertools.pairwise(_places_of(happened)))


def _places_of(happened: list[str]) -> list[int]:
    return [place for place, name in enumerate(happened) if name == "much"]


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
def test_at_least_as_much_is_counted_as_is_held(typed: list[tuple[str, bytes]]) -> None:
    memory = TextMemory()
    with BodyRoom(memory, 10**6, lambda: None) as room:
        kept = KeptFields(LIMITS, room)
        for name, value in typed:
            kept.begin(name)
            kept.data(value)
            kept.end()
        held = kept.fields.values
        sizes = [sys.getsizeof(one) + sys.getsizeof(some) + sum(map(sys.getsizeof, some)) for one, some in held.items()]
        assert sys.getsizeof(held) + sum(sizes) <= TEXTS_MAX - memory.left


# --- typed, and not sent yet


async def _read_typed(body: bytes, memory: TextMemory, boundary: str | None = None) -> TypedText:
    stream = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16, loop=asyncio.get_running_loop())
    stream.feed_data(body)
    stream.feed_eof()
    return await read_typed(stream, Body(len(body), boundary), Pace(base=24 * 3600.0, min_rate=1), LIMITS, memory)


async def test_fields_come_back_and_their_memory_is_free_again() -> None:
    memory = TextMemory()
    typed = await _read_typed(b"message=bl%C3%A5b%C3%A6r%0D%0Ato&person-1-role=sjef&unknown=x&files=", memory)
    assert typed.fields.values.keys() == {"message", "person-1-role"}
    assert (typed.fields.text("message"), typed.fields.first("person-1-role")) == ("blåbær\nto", "sjef")
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
    assert "secret-name" not in str(typed.fields.values)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"message=" + b"x" * 1025, Problem.TEXT_TOO_LONG),
        (b"writer_role=" + b"x" * (FIELD_BYTES_MAX + 1), Problem.FIELD_TOO_LONG),
        (b"message=x&" + b"&".join([b"a="] * (FIELDS_MAX + 1)), Problem.MALFORMED),
    ],
    ids=["text", "field", "fields"],
)
async def test_beyond_the_limits_nothing_is_kept(body: bytes, problem: Problem) -> None:
    memory = TextMemory()
    with pytest.raises(SubmissionError) as refused:
        await _read_typed(body, memory)
    assert refused.value.problem is problem
    assert not refused.value.fields.values
    assert memory.left == TEXTS_MAX


async def test_texts_beyond_the_memory_are_refused_and_those_before_it_are_not() -> None:
    room = HELD_FOR_FIELD + len(b"message=0123456789")
    memory = TextMemory(room, reserve=0)
    assert (await _read_typed(b"message=0123456789", memory)).fields.first("message") == "0123456789"
    with memory.counting() as other:
        other.add(8)
        other.settle()
        assert (await _read_typed(b"message=01", memory)).fields.first("message") == "01"
        with pytest.raises(SubmissionError) as refused:
            await _read_typed(b"message=01234567890", memory)
    # A part of a text would pass for all of it.
    assert (refused.value.problem, refused.value.fields.values) == (Problem.BUSY, {})
    assert memory.left == room
