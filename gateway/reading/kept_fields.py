"""The fields of one form as they come: each byte is counted before it is kept, names too, whatever the field.

Bytes, as they were sent: the text of an emoji takes four bytes a character in memory, and four times that in a page.
"""

from gateway.form import FIELD_BYTES_MAX, FIELDS_MAX, Fields, is_known
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.reading.body_room import BodyRoom
from gateway.reading.text_memory import HELD_FOR_FIELD

MESSAGE_FIELD = "message"


class KeptFields:
    """Collects the fields that the form has, within the limits of a submission; others are dropped as they come."""

    def __init__(self, limits: Limits, room: BodyRoom) -> None:
        self.fields = Fields()
        self._limits = limits
        self._room = room
        self._seen = 0
        self._size = 0  # bytes of all names and values
        self._message_size = 0
        self._name = ""
        self._value = bytearray()

    def begin(self, untrusted_name: str) -> None:
        """A field begins.

        Raises:
            SubmissionError: No form of ours has so many, or there is no room.
        """
        self._seen += 1
        if self._seen > FIELDS_MAX:
            raise SubmissionError(Problem.MALFORMED, fields=self.fields)
        self._name, self._value = (untrusted_name if is_known(untrusted_name) else ""), bytearray()
        if self._name:
            self._count(len(self._name))
            self._keep(HELD_FOR_FIELD)

    def data(self, untrusted_piece: bytes) -> None:
        """Bytes of it.

        Raises:
            SubmissionError: Beyond a limit, or there is no room. What came before is in its fields.
        """
        if not self._name:
            return
        size = len(untrusted_piece)
        if self._name == MESSAGE_FIELD:
            self._message_size += size
            if self._message_size > self._limits.message_max_bytes:
                raise SubmissionError(Problem.TEXT_TOO_LONG, fields=self._with(untrusted_piece))
        elif len(self._value) + size > FIELD_BYTES_MAX:
            self._refuse(untrusted_piece[: FIELD_BYTES_MAX + 1])
        self._count(size)
        self._keep(size)
        self._value += untrusted_piece

    def end(self) -> None:
        """It is complete."""
        if self._name:
            self.fields.add(self._name, bytes(self._value))
            self._value = bytearray()

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._limits.fields_max_bytes:
            self._refuse(b"")

    def _keep(self, size: int) -> None:
        try:
            self._room.keeps(size)
        except SubmissionError as error:
            raise SubmissionError(error.problem, fields=self.fields) from None

    def _refuse(self, untrusted_piece: bytes) -> None:
        raise SubmissionError(Problem.FIELD_TOO_LONG, fields=self._with(untrusted_piece), field_name=self._name)

    def _with(self, untrusted_piece: bytes) -> Fields:
        self.fields.add(self._name, bytes(self._value) + untrusted_piece)
        return self.fields
