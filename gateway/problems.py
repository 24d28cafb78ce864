"""How a request may end without what it asked for: a closed set, each with its HTTP status and a sentence."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from gateway.form import Fields


class Problem(StrEnum):
    """Why nothing was received, or nothing done. The value names the page's text."""

    EMPTY = "empty"  # no message and no file
    NOTHING_ACCEPTABLE = "nothing-acceptable"  # every file was refused, and nothing was written
    TOO_LARGE = "too-large"  # the body is beyond the sum of all limits
    TEXT_TOO_LONG = "text-too-long"
    FIELD_TOO_LONG = "field-too-long"
    MALFORMED = "malformed"
    NO_LENGTH = "no-length"
    WRONG_TYPE = "wrong-type"  # of the request, not of a file
    TOO_SLOW = "too-slow"
    BUSY = "busy"
    FULL = "full"
    FILES_OFF = "files-off"  # files are not accepted at the moment; text is
    WORDS = "words"  # a source who adds to a case typed something that is not return words
    RECEIPT_PUBLIC = "receipt-public"  # what was pasted is not the public halves of a receipt
    FAULT = "fault"  # the one after which nobody knows how far it came
    ADDRESS_TOO_LONG = "address-too-long"
    HEADERS_TOO_LONG = "headers-too-long"  # of the request: mostly cookies of other services on this host
    NOT_FOUND = "not-found"
    METHOD = "method"
    CROSS_SITE = "cross-site"  # another website had the visitor's browser send it


STATUS: dict[Problem, int] = {
    Problem.EMPTY: 400,
    Problem.NOTHING_ACCEPTABLE: 415,  # 413 when a file was refused for its size
    Problem.TOO_LARGE: 413,
    Problem.TEXT_TOO_LONG: 413,
    Problem.FIELD_TOO_LONG: 413,
    Problem.MALFORMED: 400,
    Problem.NO_LENGTH: 411,
    Problem.WRONG_TYPE: 415,
    Problem.TOO_SLOW: 408,
    Problem.BUSY: 503,
    Problem.FULL: 503,
    Problem.FILES_OFF: 503,
    Problem.WORDS: 400,
    Problem.RECEIPT_PUBLIC: 400,
    Problem.FAULT: 500,
    Problem.ADDRESS_TOO_LONG: 414,
    Problem.HEADERS_TOO_LONG: 431,
    Problem.NOT_FOUND: 404,
    Problem.METHOD: 405,
    Problem.CROSS_SITE: 403,
}


class RefusedReason(StrEnum):
    """Why one file was not accepted; written into the manifest and shown on the page."""

    NAME = "type.name"
    CONTENT = "type.content"
    DISAGREE = "type.disagree"
    EMPTY = "empty"  # no byte in it: phones send files so that are in a cloud only, and browsers send folders so
    SIZE = "size"
    COUNT = "count"
    FILES_OFF = "files-off"  # files are not accepted at the moment; text is


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """One file that was not accepted. The name goes back to its source's own page and into the sealed manifest only."""

    untrusted_name: str
    reason: RefusedReason


class SubmissionError(Exception):
    """A submission ends without a receipt, and nothing of it is kept.

    `fields` is what was typed, as far as it was read: the page gives it back. Carries no text of the source in
    its message, for messages may be logged.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        fields: Fields | None = None,
        refused: tuple[RefusedFile, ...] = (),
        field_name: str = "",
    ) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.fields = fields or Fields()
        self.refused = refused
        self.field_name = field_name

    def without_frames(self) -> Self:
        """Return it without the frames that it came through.

        They hold the request with all that was typed, and one of them holds this error again: a circle, which stays in
        memory until the garbage collector comes by.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        if self.problem is Problem.NOTHING_ACCEPTABLE and any(f.reason is RefusedReason.SIZE for f in self.refused):
            return 413
        return STATUS[self.problem]
