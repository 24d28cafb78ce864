"""What was typed in the form and is not sent yet: it is read, put into the form of another language, and forgotten.

Fields only. A file that is chosen comes as its name at most, which is noticed and never kept.
"""

from aiohttp import StreamReader

from gateway.form import Fields
from gateway.limits import Limits
from gateway.problems import SubmissionError
from gateway.reading.body_room import BodyRoom
from gateway.reading.kept_fields import KeptFields
from gateway.reading.request_body import Body, Pace, Reading
from gateway.reading.text_memory import TextMemory


class TypedText:
    """The parts of a form that is not sent yet: fields within the limits of a submission, and whether files came."""

    def __init__(self, limits: Limits, room: BodyRoom) -> None:
        self.had_files = False
        self._kept = KeptFields(limits, room)
        self._is_file = False

    @property
    def fields(self) -> Fields:
        """What was typed."""
        return self._kept.fields

    def part(self, untrusted_name: str, untrusted_filename: str | None) -> None:
        """A part begins.

        Raises:
            SubmissionError: No form of ours has so many, or the memory for texts is full.
        """
        self._is_file = untrusted_filename is not None or untrusted_name == "files"
        self.had_files |= bool(untrusted_filename)
        self._kept.begin("" if self._is_file else untrusted_name)

    async def data(self, untrusted_piece: bytes) -> None:
        """Bytes of it.

        Raises:
            SubmissionError: No form of ours sends so much, or the memory for texts is full.
        """
        # An url-encoded form says of a file its name, as the value of a field.
        self.had_files |= self._is_file and bool(untrusted_piece)
        self._kept.data(untrusted_piece)

    async def part_end(self) -> None:
        """It is complete."""
        self._kept.end()


async def read_typed(stream: StreamReader, body: Body, pace: Pace, limits: Limits, memory: TextMemory) -> TypedText:
    """Return what was typed.

    Raises:
        SubmissionError: Malformed, too slow, beyond the limits, or no room in `memory`. It has no fields: a part of a
            text would pass for all of it.
        ConnectionError: The visitor went away.
    """
    reading = Reading(stream, body, pace)
    # Not one of the gateway's places: an upload must never wait for a change of language.
    with BodyRoom(memory, body.length, reading.give_way) as room:
        typed = TypedText(limits, room)
        try:
            await reading.into(typed, room)
        except SubmissionError as error:
            raise SubmissionError(error.problem) from None
        return typed
