"""The connections of a gateway: what each holds in memory, and which one is cut off when there are too many.

aiohttp's server with our limits and our answers to what cannot be parsed: its own name the software, echo bytes of the
request, and log the visitor's address. All connections share one budget: each counts with what it takes by itself, with
the head of its request, and with the page that its visitor has not taken yet. Where the budget is short, the one with
most bytes x age is cut off, but none between the last byte of its request and the first of its answer, and no large
upload that has a place: `reading.upload_slots` decides about these.
"""

import asyncio
import resource
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from gateway.http.responses import Page, silent_logger
from gateway.problems import STATUS, Problem
from gateway.reading.text_memory import TextMemory

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
KEEPALIVE: Final = 15.0  # seconds; also the only deadline for a request's head (aiohttp >= 3.14.4)
LINE_MAX: Final = 8 * 1024  # bytes of a request's first line
FIELD_MAX: Final = 16 * 1024  # bytes of one header; not LINE_MAX, for by this number aiohttp says which was too long
HEADERS_MAX: Final = 64  # a browser sends some 20
HEAD_MAX: Final = 32 * 1024  # bytes of all headers; each may be long, and a connection keeps them while it is open
READ_SIZE: Final = 32 * 1024  # bytes buffered for each upload before its sender is slowed, twice over, ...
RECEIVED: Final = 64 * 1024  # ... and bytes taken from the kernel at one time
CONNECTIONS_MAX: Final = 4096
HELD: Final = 48 * 1024  # bytes that a connection takes with a request under way, its head apart (measured: 30 to 45)
HEAD_HELD: Final = 3  # bytes for each of a head: aiohttp keeps it as bytes and as text
OWN_DESCRIPTORS: Final = 256  # for the gateway's own files
DESCRIPTORS_EACH: Final = 3  # a connection, its packet, and what is read back of it
PIPELINED_MAX: Final = 2  # requests that wait for the answer to the one before them; browsers send none


def connections_max() -> int:
    """Return how many connections there may be: of the descriptors that the system grants, some are for files."""
    granted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(CONNECTIONS_MAX, (granted - OWN_DESCRIPTORS) // DESCRIPTORS_EACH))


class QuietServer(web.Server):
    """aiohttp's server with our answer to what cannot be parsed."""

    def __init__(self, handler: Handler, unparsed: Mapping[Problem, str]) -> None:
        super().__init__(
            handler,
            keepalive_timeout=KEEPALIVE,
            lingering_time=0,
            access_log=None,
            logger=silent_logger(),
            auto_decompress=False,
            read_bufsize=READ_SIZE,
            max_line_size=LINE_MAX,
            max_field_size=FIELD_MAX,
            max_headers=HEADERS_MAX,
        )
        self._unparsed = unparsed
        self._memory = TextMemory(connections_max() * HELD, reserve=0, small=0)

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return VisitorLine(self, self._unparsed, self._memory, loop=asyncio.get_running_loop(), **self._kwargs)


class VisitorLine(RequestHandler):
    """One connection of a visitor. `has_place` is set while a large upload over it has a place."""

    __slots__ = (
        "_body",
        "_body_seen",
        "_count",
        "_head",
        "_heads",
        "_is_answering",
        "_unparsed",
        "has_place",
    )

    def __init__(
        self, manager: web.Server, unparsed: Mapping[Problem, str], memory: TextMemory, **kwargs: object
    ) -> None:
        super().__init__(manager, **kwargs)  # type: ignore[arg-type]  # the server's own keyword arguments
        self._unparsed = unparsed
        self._count = memory.counting(self._cut_off, may_give_way=self._may_be_cut_off)
        self.has_place = False
        self._head = 0  # bytes of a head that is not complete yet
        self._heads = 0  # bytes of those that came last and are complete
        self._body: StreamReader = EMPTY_PAYLOAD  # of the newest request
        self._body_seen = 0  # bytes of it that came before
        self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count a new connection."""
        super().connection_made(transport)
        if isinstance(transport, asyncio.Transport):
            # A page is under way until its visitor has taken all of it: until then there is a deadline for it.
            transport.set_write_buffer_limits(high=0)
            # asyncio's own is four times that, for each of thousands of connections. It has no argument for it.
            vars(transport)["max_size"] = RECEIVED
        self._count.__enter__()
        self._keep(HELD)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self._count.__exit__(None, None, None)

    def data_received(self, data: bytes) -> None:
        """Have it parsed; refuse a head that does not come to an end."""
        before = self._request_count
        super().data_received(data)
        if self._close or self._force_close:
            return
        self._head += len(data)
        if (new := self._request_count - before) > 0:
            requests = list(self._messages)[-new:]
            if isinstance(requests[-1][0], _ErrInfo):
                # It is answered, and what follows is dropped: left unread, it would take the answer with it.
                self._close = True
                return
            self._begun(requests)
        else:
            self._head -= self._body.total_bytes - self._body_seen
        self._body_seen = self._body.total_bytes
        # Whatever follows a request that is whole is a head, and nothing before that is.
        self._head = max(0, self._head) if self._body.is_eof() else 0
        self._keep(HELD + HEAD_HELD * (self._heads + self._head))
        if self._head > HEAD_MAX + LINE_MAX:
            self._refuse_head()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks whether to keep the connection open
        """A visitor sends nothing more, and still reads: they get their answer."""
        if not self._messages and self._waiter is not None:
            return False  # nobody waits for anything
        if not self._body.is_eof():
            self._body.feed_eof()
        self._close = True  # after the answer
        return True

    @contextmanager
    def answering(self, size: int) -> Iterator[bool]:
        """Count an answer of `size` bytes while the visitor takes it; yields whether there is room for it.

        What the visitor still sends waits in the kernel meanwhile.
        """
        is_paused = self.transport is not None and not self._body.is_eof()
        if is_paused:
            self._pause_transport_reading()
        self._is_answering = True
        has_room = self._count.try_add(size)
        try:
            yield has_room
        finally:
            self._is_answering = False
            if has_room:
                self._count.shrink(self._count.taken - size)
            if is_paused and not (self._reading_paused or self._buffer_paused):
                self._resume_transport_reading()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer with our page; nothing of `exc` or `message` is shown or logged."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was sent already")
        problem = _unparsed(exc) if 400 <= status < 500 else Problem.FAULT
        return Page(self._unparsed[problem], status=STATUS[problem], close=True)

    def _begun(self, requests: Sequence[tuple[object, StreamReader]]) -> None:
        for message, body in requests:
            self._head -= _head_size(message) + body.total_bytes
            self._body = body
        self._heads = sum(_head_size(message) for message, _ in self._messages)
        if len(self._messages) > PIPELINED_MAX:
            self._cut_off()

    def _keep(self, size: int) -> None:
        """Count `size` bytes in all, but for an answer; without room for them this connection has to end."""
        if size < self._count.taken:
            self._count.shrink(size)
        elif not self._count.try_add(size - self._count.taken):
            self._cut_off()

    def _refuse_head(self) -> None:
        """Answer a head that is too long and does not end; a client that sends so much unasked is cut off."""
        if self._messages or self._waiter is None or self._waiter.done():
            self._cut_off()
            return
        fault = BadHttpMessage("Too many headers received")
        self._messages.append((_ErrInfo(status=400, exc=fault, message=""), EMPTY_PAYLOAD))
        self._waiter.set_result(None)
        # Nothing more is read, and what came is forgotten.
        self._close = True
        self._parser = None
        self._head = 0

    def _may_be_cut_off(self) -> bool:
        is_idle = self._waiter is not None and not self._messages
        return self._is_answering or is_idle or not (self._body.is_eof() or self.has_place)

    def _cut_off(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def line_of(request: web.BaseRequest) -> VisitorLine:
    """Return the line that a request came over."""
    if not isinstance(request.protocol, VisitorLine):
        raise TypeError("a request comes over a line of ours")
    return request.protocol


def _head_size(message: object) -> int:
    """Return about how many bytes a request's head had; none for one that could not be parsed."""
    if not isinstance(message, RawRequestMessage):
        return 0
    return len(message.path) + 20 + sum(len(name) + len(value) + 4 for name, value in message.raw_headers)


def _unparsed(fault: BaseException | None) -> Problem:
    """Return what is wrong with a request that could not be parsed."""
    match fault:
        case LineTooLong(args=(_, limit, *_)):
            return Problem.ADDRESS_TOO_LONG if limit == LINE_MAX else Problem.HEADERS_TOO_LONG
        case BadHttpMessage(message="Too many headers received"):  # aiohttp has no other sign of it
            return Problem.HEADERS_TOO_LONG
        case _:
            return Problem.MALFORMED


def has_long_head(request: web.BaseRequest) -> bool:
    """Return whether the headers of a request have more than HEAD_MAX bytes, which aiohttp has no limit for."""
    return sum(len(name) + len(value) for name, value in request.raw_headers) > HEAD_MAX
