"""What was typed in the form and is not sent yet: it is read, put into the form of another language, and forgotten.

Fields only. A file that is chosen comes as its name at most, which is noticed and never kept.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from aiohttp import StreamReader

from gateway.form import FIELD_BYTES_MAX, FIELDS_MAX, OTHERS_BYTES_MAX, Fields, is_known
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Body, Pace, Reading
from gateway.reading.upload_slots import UploadSlot

TEXTS_MAX: Final = 128 * 1024 * 1024  # bytes of memory of all texts that are being read at one time
RESERVE: Final = 32 * 1024 * 1024  # bytes of it that only small texts may use, ...
SMALL_TEXT: Final = 64 * 1024  # ... those of so many bytes, as they come, ...
SMALL_FIELDS: Final = 128  # ... in so many fields; the form has some fifty
HELD_FOR_BYTE: Final = 4  # bytes: Python keeps a text at the width of its widest character, and an emoji takes four
HELD_FOR_FIELD: Final = 512  # bytes: its name, its list, and its place among the fields; an empty one takes them too
SMALL_HELD: Final = HELD_FOR_BYTE * SMALL_TEXT + HELD_FOR_FIELD * SMALL_FIELDS


class TextMemory:
    """Bounds the memory of all texts that are being read: each byte that comes counts as what it may take as text.

    One that is announced and never comes takes no room. What long ones leave over is for small ones: a few that send
    slowly would otherwise stop everybody.
    """

    def __init__(self, limit: int = TEXTS_MAX, *, reserve: int = RESERVE) -> None:
        """Count up to `limit` bytes; only texts of up to SMALL_HELD may take the last `reserve` bytes."""
        self._left = limit
        self._reserve = reserve

    @property
    def left(self) -> int:
        """How many bytes more there may be."""
        return self._left

    @contextlib.contextmanager
    def counting(self) -> Iterator["TextCount"]:
        """Count one text; at the end of the block its bytes are free again."""
        count = TextCount(self)
        try:
            yield count
        finally:
            self._left += count.taken

    def take(self, size: int, *, is_small: bool) -> bool:
        """Take so many bytes; return whether there was room."""
        if size > self._left - (0 if is_small else self._reserve):
            return False
        self._left -= size
        return True


class TextCount:
    """The memory of one text, in bytes."""

    def __init__(self, memory: TextMemory) -> None:
        self._memory = memory
        self.taken = 0

    def add(self, received: int, *, fields: int = 0) -> None:
        """Count what `received` more bytes and `fields` more fields take.

        Raises:
            SubmissionError: There is no room. Nothing of the text is shown then: a part of it would pass for all.
        """
        size = HELD_FOR_BYTE * received + HELD_FOR_FIELD * fields
        if not self._memory.take(size, is_small=self.taken + size <= SMALL_HELD):
            raise SubmissionError(Problem.BUSY)
        self.taken += size


class TypedText:
    """The parts of a form that is not sent yet: fields within the limits of a submission, and whether files came."""

    def __init__(self, limits: Limits, count: TextCount) -> None:
        self.fields = Fields()
        self.had_files = False
        self._limits = limits
        self._count = count
        self._seen = 0
        self._others = 0
        self._name = ""
        self._is_file = False
        self._value = bytearray()

    def part(self, untrusted_name: str, untrusted_filename: str | None) -> None:
        """A part begins.

        Raises:
            SubmissionError: No form of ours has so many, or the memory for texts is full.
        """
        self._seen += 1
        if self._seen > FIELDS_MAX:
            raise SubmissionError(Problem.MALFORMED)
        self._is_file = untrusted_filename is not None or untrusted_name == "files"
        self.had_files |= bool(untrusted_filename)
        self._name = untrusted_name if is_known(untrusted_name) and not self._is_file else ""
        self._value = bytearray()
        if self._name:
            self._count.add(0, fields=1)

    async def data(self, untrusted_piece: bytes) -> None:
        """Bytes of it.

        Raises:
            SubmissionError: No form of ours sends so much, or the memory for texts is full.
        """
        # An url-encoded form says of a file its name, as the value of a field.
        self.had_files |= self._is_file and bool(untrusted_piece)
        if not self._name:
            return
        self._count.add(len(untrusted_piece))
        self._value += untrusted_piece
        if self._name == "message":
            if len(self._value) > self._limits.message_max_bytes:
                raise SubmissionError(Problem.TEXT_TOO_LONG)
            return
        self._others += len(untrusted_piece)
        if len(self._value) > FIELD_BYTES_MAX or self._others > OTHERS_BYTES_MAX:
            raise SubmissionError(Problem.TOO_LARGE)

    async def part_end(self) -> None:
        """It is complete."""
        if self._name:
            self.fields.add(self._name, bytes(self._value))


async def read_typed(stream: StreamReader, body: Body, pace: Pace, limits: Limits, memory: TextMemory) -> TypedText:
    """Return what was typed.

    Raises:
        SubmissionError: Malformed, too slow, beyond the limits, or no room in `memory`. It has no fields.
        ConnectionError: The visitor went away.
    """
    with memory.counting() as count:
        typed = TypedText(limits, count)
        try:
            # Not one of the gateway's places: an upload must never wait for a change of language.
            await Reading(stream, body, pace).into(typed, UploadSlot(body.length, 0.0, lambda: None))
        except SubmissionError as error:
            raise SubmissionError(error.problem) from None
        return typed
