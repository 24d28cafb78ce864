"""The small forms of the way back: a few hidden or typed fields, no file, a few kilobytes at most."""

from collections.abc import Collection
from typing import Final

from aiohttp import StreamReader

from gateway.form import Fields
from gateway.problems import Problem, SubmissionError
from gateway.reading.body_room import BodyRoom
from gateway.reading.request_body import Body, Pace, Reading
from gateway.reading.text_memory import TextMemory

SHORT_FORM_MAX: Final = 16 * 1024  # bytes of body; words take 100
_PARTS_MAX: Final = 20


async def read_short_form(
    stream: StreamReader, body: Body, pace: Pace, memory: TextMemory, names: Collection[str]
) -> Fields:
    """Return the fields called `names`; others are not kept.

    Raises:
        SubmissionError: Malformed, too slow, or no room in `memory`.
        ConnectionError: The visitor went away.
    """
    form, reading = _ShortForm(names), Reading(stream, body, pace)
    with BodyRoom(memory, body.length, reading.give_way) as room:
        await reading.into(form, room)
    return form.fields


class _ShortForm:
    """The parts of a short form. `transport.check_head` has bounded all of it."""

    def __init__(self, names: Collection[str]) -> None:
        self.fields = Fields()
        self._names = names
        self._seen = 0
        self._name = ""
        self._value = bytearray()

    def part(self, untrusted_name: str, untrusted_filename: str | None) -> None:
        self._seen += 1
        if self._seen > _PARTS_MAX:
            raise SubmissionError(Problem.MALFORMED)
        is_wanted = untrusted_filename is None and untrusted_name in self._names
        self._name, self._value = (untrusted_name if is_wanted else ""), bytearray()

    async def data(self, untrusted_piece: bytes) -> None:
        if self._name:
            self._value += untrusted_piece

    async def part_end(self) -> None:
        if self._name:
            self.fields.add(self._name, bytes(self._value))
