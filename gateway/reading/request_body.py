"""Reads one request's body: deadlines by rate, bytes counted, the form parsed; and drains what is refused.

The parser is `multipart`'s push parser, or ours of url-encoded forms, which carry text only. `request.post()` is never
called: it writes parts to temporary files.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote_to_bytes

from aiohttp import StreamReader
from aiohttp.web import BaseRequest
from multipart import MultipartError, MultipartSegment, ParserError, PushMultipartParser

from gateway.charsets import readable
from gateway.form import Fields
from gateway.problems import Problem, SubmissionError
from gateway.reading.body_room import BodyRoom
from gateway.reading.urlencoded import FieldBegins, UrlencodedError, UrlencodedParser

PART_HEADER_MAX: Final = 8 * 1024  # bytes of one header line of a part; a file name of 1,000 characters fits
PARTS_MAX: Final = 5_000
STALL: Final = 120.0  # seconds without a byte; Tor circuits pause
DRAIN_BYTES: Final = 8 * 1024 * 1024  # dropped unread for a visitor who is to see our page, ...
DRAIN_SECONDS: Final = 20.0  # ... for this long at most, ...
DRAINERS: Final = 16  # ... and for so many of them at one time
PART_HEADERS_MAX: Final = 4  # header lines of a part; browsers send two
_URLENCODED: Final = re.compile(r"application/x-www-form-urlencoded\s*(;[ -~]{0,100})?", re.I)
# RFC 5987: what some programs send in the place of a name that is not ASCII.
_EXTENDED_NAME: Final = re.compile(r";\s*filename\*\s*=\s*[A-Za-z0-9-]{1,20}'[^'\s]{0,20}'([^\s;]+)", re.I)
# RFC 2046, 5.1.1; browsers use letters, digits, hyphens and a few more. Longer ones serve to slow the parser.
_BOUNDARY: Final = re.compile(r"multipart/form-data\s*;\s*boundary=(?:\"([ !#-~]{1,70})\"|([!#-~]{1,70}))\s*", re.I)


class Parts(Protocol):
    """Takes the parts of a form in the order in which they come: `Intake` and `ShortForm` do."""

    @property
    def fields(self) -> Fields:
        """What was typed, as far as it is here."""

    def part(self, untrusted_name: str, untrusted_filename: str | None) -> None:
        """A part begins."""

    async def data(self, untrusted_piece: bytes) -> None:
        """Bytes of it."""

    async def part_end(self) -> None:
        """It is complete."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a request's head says of its body, after it was found acceptable."""

    length: int  # bytes
    boundary: str | None  # between the parts; None for an url-encoded form


def check_head(request: BaseRequest, *, body_max: int, typed_max: int | None = None) -> Body:
    """Return what the head says, or refuse before a byte of the body is read.

    Args:
        request: Its head only is looked at.
        body_max: Bytes that a body may have.
        typed_max: Bytes that an url-encoded one may have, which has no files; None for as many.

    Raises:
        SubmissionError: No length, too long, compressed, or not a form.
    """
    if request.headers.getall("Transfer-Encoding", []) or request.content_length is None:
        raise SubmissionError(Problem.NO_LENGTH)
    content_type = request.headers.get("Content-Type", "")
    is_urlencoded = _URLENCODED.fullmatch(content_type) is not None
    if request.content_length > (body_max if typed_max is None or not is_urlencoded else typed_max):
        raise SubmissionError(Problem.TOO_LARGE)
    # What is inflated here was never bounded by its length.
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SubmissionError(Problem.WRONG_TYPE)
    if is_urlencoded:
        return Body(request.content_length, None)
    match = _BOUNDARY.fullmatch(content_type)
    if match is None:
        raise SubmissionError(Problem.WRONG_TYPE)
    return Body(request.content_length, match[1] or match[2])


class Pace:
    """How long an upload may take: `base` seconds, and what its bytes take at `min_rate` bytes per second."""

    def __init__(self, *, base: float, min_rate: int) -> None:
        self.base = base
        self.min_rate = min_rate

    def deadline(self, *, started: float, now: float, received: int) -> float:
        """Return when the next byte has to be here; all times on the loop's clock."""
        return min(now + STALL, started + self.base + received / self.min_rate)


class Reading:
    """The reading of one body. `give_way` ends it from outside."""

    def __init__(self, stream: StreamReader, body: Body, pace: Pace) -> None:
        self._stream = stream
        self._body = body
        self._pace = pace
        self._timeout: asyncio.Timeout | None = None
        self._gave_way = False

    def give_way(self) -> None:
        """End the reading for another's sake; after its last byte this does nothing."""
        self._gave_way = True
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    async def into(self, intake: Parts, room: BodyRoom) -> None:
        """Push all of the body into `intake`.

        Raises:
            SubmissionError: Malformed, too slow, had to give way, or what the intake refuses.
            ConnectionError: The visitor went away.
        """
        try:
            async with asyncio.timeout(None) as self._timeout:
                await self._push(intake, room)
        except TimeoutError:
            raise SubmissionError(Problem.BUSY if self._gave_way else Problem.TOO_SLOW, fields=intake.fields) from None
        except MultipartError as error:
            error.__traceback__ = None  # the parser remembers its error, whose frames would remember the parser
            raise SubmissionError(Problem.MALFORMED, fields=intake.fields) from None
        except UrlencodedError:
            # Whoever sends such a form by hand is told how.
            raise SubmissionError(Problem.WRONG_TYPE, fields=intake.fields) from None
        finally:
            # A deadline that has ended raises when it is moved.
            self._timeout = None

    async def _push(self, intake: Parts, room: BodyRoom) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        parser = _parser_of(self._body)
        while not self._stream.at_eof():
            self._allow(self._pace.deadline(started=started, now=clock(), received=room.received))
            piece = await self._stream.readany()
            # The time that our own disk takes is not the visitor's.
            self._allow(None)
            if not piece:
                break
            with _keeping_what_was_typed(intake):
                room.arrived(len(piece))
            await room.turn(len(piece))
            for event in parser.parse(piece):
                await _give(event, intake)
            with _keeping_what_was_typed(intake):
                room.take_place()
        # No bytes are the end of them: raises unless the closing boundary was there, or all of an url-encoded form.
        for event in parser.parse(b""):
            await _give(event, intake)
        if room.received < self._body.length:
            # Whoever sends no more of it may still read why it is not enough.
            raise SubmissionError(Problem.MALFORMED, fields=intake.fields)
        room.settle()

    def _allow(self, deadline: float | None) -> None:
        if self._timeout is not None and not self._gave_way:
            self._timeout.reschedule(deadline)


@contextlib.contextmanager
def _keeping_what_was_typed(intake: Parts) -> Iterator[None]:
    try:
        yield
    except SubmissionError as error:
        raise SubmissionError(error.problem, fields=intake.fields) from None


_Event = MultipartSegment | FieldBegins | bytes | None


class _Parser(Protocol):
    def parse(self, chunk: bytes, /) -> Iterator[_Event]: ...


async def _give(event: _Event, intake: Parts) -> None:
    match event:
        case None:
            await intake.part_end()
        case MultipartSegment():
            intake.part(_reread(event.name or ""), _filename(event))
        case FieldBegins():
            intake.part(readable(event.untrusted_name), None)
        case _:
            await intake.data(event)


def _filename(segment: MultipartSegment) -> str | None:
    """Return the name of a part's file; None for a field."""
    if segment.filename:
        return _reread(segment.filename)
    extended = _EXTENDED_NAME.search(segment.header("Content-Disposition", ""))
    return segment.filename if extended is None else readable(unquote_to_bytes(extended[1].encode("latin-1")))


def _reread(untrusted: str) -> str:
    """Return what a header's bytes say. The parser takes each byte for a character: only so does it take them all."""
    return readable(untrusted.encode("latin-1"))


class _UnfoldedParser(PushMultipartParser):
    """Refuses folded header lines: no browser sends them, and each costs the parser a copy of all before it.

    A second of CPU for one megabyte, on the event loop (measured). `strict=True` refuses them too, but also the
    line break that some browsers put behind the last boundary.
    """

    def _on_segment_headerline(self, line: bytes) -> None:
        if line[:1] in (b" ", b"\t"):
            raise ParserError("a folded header line")
        super()._on_segment_headerline(line)


def _parser_of(body: Body) -> _Parser:
    if body.boundary is None:
        return UrlencodedParser(body.length)
    return _UnfoldedParser(
        body.boundary,
        content_length=body.length,
        max_header_size=PART_HEADER_MAX,
        max_header_count=PART_HEADERS_MAX,
        max_segment_count=PARTS_MAX,
        header_charset="latin-1",
        strict=False,
    )


class Drain:
    """Reads and drops what a refused visitor still sends, within bounds, so that our page reaches them.

    Closing with unread bytes makes the kernel send a reset, and the browser shows that instead of the page.
    """

    def __init__(self) -> None:
        self._running = 0

    async def run(self, stream: StreamReader, *, bytes_max: int = DRAIN_BYTES) -> None:
        """Drop bytes until the body ends or a bound is reached."""
        if self._running >= DRAINERS:
            return
        self._running += 1
        try:
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await _drop(stream.readany, stream.at_eof, bytes_max)
        finally:
            self._running -= 1


async def _drop(read: Callable[[], Awaitable[bytes]], at_eof: Callable[[], bool], bytes_max: int) -> None:
    dropped = 0
    while dropped < bytes_max and not at_eof():
        dropped += len(await read())
