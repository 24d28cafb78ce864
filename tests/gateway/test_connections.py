"""Connections over real sockets: heads without an end, too many of them, visitors who only closed their side.

Invariants G3 and G13.
"""

import asyncio
import contextlib
import resource
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from unittest import mock

import pytest
from aiohttp.web import Server

from gateway.http import connections
from gateway.http.app import Gateway, Listener
from gateway.http.connections import CONNECTIONS_MAX, FIELD_MAX, HEAD_HELD, HEAD_MAX, HELD, VisitorLine, connections_max
from gateway.limits import Limits
from gateway.pages.pages import Pages
from gateway.pages.site import Site
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Body
from gateway.station import Station
from gateway.submission.visitor import Visitor
from quarantine.file_types import FileType
from tests.worlds.waiting import WATCHDOG, until

LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))
MANY = 32  # connections that there may be
GET = b"GET /en/how HTTP/1.1\r\nHost: x\r\n\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
POST = b"POST /en/submit HTTP/1.1\r\nHost: x\r\n" + FORM + b"Content-Length: 9\r\n\r\nmessage=x"


class _House:
    """A gateway whose receiving is in the hands of the test."""

    def __init__(self, port: int, server: Server) -> None:
        self.port = port
        self.server = server
        self.visitors: list[Visitor] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self._open = contextlib.ExitStack()

    async def receive(self, *args: object, visitor: Visitor, **_: object) -> None:
        stream, body = args[1], args[2]
        assert isinstance(stream, asyncio.StreamReader) or hasattr(stream, "read")
        assert isinstance(body, Body)
        if len(await stream.read()) < body.length:
            raise SubmissionError(Problem.MALFORMED)
        self.visitors.append(visitor)
        await self.may_end.wait()
        raise SubmissionError(Problem.EMPTY)

    def connect(self) -> socket.socket:
        connection = self._open.enter_context(socket.create_connection(("127.0.0.1", self.port)))
        connection.setblocking(False)
        return connection

    async def send(self, *requests: bytes) -> socket.socket:
        connection = self.connect()
        for request in requests:
            await asyncio.get_running_loop().sock_sendall(connection, request)
        return connection

    async def ask(self, request: bytes) -> bytes:
        connection = await self.send(request)
        connection.shutdown(socket.SHUT_WR)
        return await self.rest(connection)

    async def rest(self, connection: socket.socket) -> bytes:
        """All that comes until the end."""
        answer, loop = b"", asyncio.get_running_loop()
        while piece := await asyncio.wait_for(loop.sock_recv(connection, 2**16), WATCHDOG):
            answer += piece
        return answer

    async def is_ended(self, connection: socket.socket) -> bool:
        """Whether the gateway ended it; waits for a moment that never comes otherwise."""
        with contextlib.suppress(ConnectionError):
            return await self.rest(connection) == b""
        return True

    @property
    def open(self) -> list[VisitorLine]:
        return [each for each in self.server.connections if isinstance(each, VisitorLine)]

    @property
    def counted(self) -> int:
        return sum(each._count.taken for each in self.open)

    def close(self) -> None:
        self._open.close()


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_House]:
    monkeypatch.setattr(connections, "connections_max", lambda: MANY)
    pages = Pages(Site(LIMITS))
    station = mock.Mock(Station, limits=LIMITS, valve=mock.Mock(takes_files=True))
    with mock.patch("gateway.http.app.CUT_OFF", 0.1):
        listener = Listener(Gateway(station, pages), pages)
        port = await listener.start("127.0.0.1", 0)
        server = listener._runner.server
        assert server is not None
        found = _House(port, server)
        with mock.patch("gateway.http.posts.receive", found.receive):
            yield found
        found.may_end.set()
        found.close()
        await listener.stop(finish=1)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET, b"200"),
        (POST, b"400"),
        (POST[:-1], b"400"),  # and nothing more of it can come
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (POST.replace(b"Content-Length: 9", b"Content-Length: 999999999"), b"413"),
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"DELETE /en/ HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
    ],
    ids=["a page", "submit", "half a body", "no page", "too large", "no request", "no method"],
)
async def test_a_visitor_who_only_closed_their_side_is_answered(house: _House, request_: bytes, status: bytes) -> None:
    answer = await house.ask(request_)
    assert answer.split()[1] == status
    assert answer.rstrip().endswith(b"</html>")
    await until(lambda: not house.open)


@pytest.mark.parametrize("began", [b"", b"GET /"])
async def test_who_closed_without_a_request_is_forgotten(house: _House, began: bytes) -> None:
    assert await house.ask(began) == b""
    await until(lambda: not house.open)


async def test_who_left_and_who_is_gone(house: _House) -> None:
    house.may_end.clear()
    stays, closed, reset = await house.send(POST), await house.send(POST), await house.send(POST)
    await until(lambda: len(house.visitors) == 3)
    assert not any(visitor.has_left() or visitor.is_reset() for visitor in house.visitors)
    closed.shutdown(socket.SHUT_WR)
    reset.shutdown(socket.SHUT_WR)
    await until(lambda: sum(visitor.has_left() for visitor in house.visitors) == 2)
    assert not any(visitor.is_reset() for visitor in house.visitors)
    reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reset.close()
    # After its end nobody listens to it any more: the kernel is asked.
    await until(lambda: sum(visitor.is_reset() for visitor in house.visitors) == 1)
    house.may_end.set()
    assert (await house.rest(closed)).startswith(b"HTTP/1.1 400")
    stays.close()


async def test_a_head_that_does_not_end_is_refused_and_forgotten(house: _House) -> None:
    line = b"X-Long: " + b"a" * (FIELD_MAX - 100) + b"\r\n"
    connection = await house.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
    for _ in range(2):
        await asyncio.get_running_loop().sock_sendall(connection, line)
    await until(lambda: house.counted > HELD + HEAD_HELD * FIELD_MAX)
    assert house.counted < HELD + HEAD_HELD * (HEAD_MAX + FIELD_MAX)
    await asyncio.get_running_loop().sock_sendall(connection, line)
    assert (await house.rest(connection)).split()[1] == b"431"


async def test_heads_that_are_not_complete_share_what_there_is(house: _House) -> None:
    # Each alone is within the limits; together they are more than all connections may take.
    line = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (FIELD_MAX - 100) + b"\r\n"
    begun = [await house.send(line) for _ in range(MANY - 1)]
    await until(lambda: len(house.open) < MANY - 1)
    assert house.counted <= MANY * HELD
    assert (await house.ask(GET)).startswith(b"HTTP/1.1 200")
    for connection in begun:
        connection.close()


async def test_one_more_than_there_may_be_is_let_in_for_an_old_one(house: _House) -> None:
    idle = [await house.send() for _ in range(MANY)]
    await until(lambda: len(house.open) == MANY)
    assert (await house.ask(GET)).startswith(b"HTTP/1.1 200")
    assert await house.is_ended(idle[0])
    assert len(house.open) < MANY


async def test_nobody_is_cut_off_whose_request_is_whole(house: _House) -> None:
    house.may_end.clear()
    first = await house.send(POST)
    await until(lambda: house.visitors)
    for _ in range(2):
        idle = [await house.send(b"GET") for _ in range(MANY)]
        await until(lambda: len(house.open) >= MANY // 2)
    house.may_end.set()
    first.shutdown(socket.SHUT_WR)
    assert (await house.rest(first)).startswith(b"HTTP/1.1 400")
    assert idle


async def test_a_place_keeps_its_connection(house: _House) -> None:
    await house.send(POST[:-1])
    await until(lambda: any(not each._body.is_eof() for each in house.open))
    (connection,) = house.open
    assert connection._may_be_cut_off()
    connection.has_place = True
    assert not connection._may_be_cut_off()
    with connection.answering(10):
        assert connection._may_be_cut_off()


async def test_a_page_counts_until_it_is_taken(house: _House) -> None:
    await house.send(GET)
    await until(lambda: house.counted > HELD)
    (connection,) = house.open
    before = connection._count.taken
    with connection.answering(10_000) as has_room:
        assert has_room
        assert connection._count.taken == before + 10_000
    assert connection._count.taken == before
    with connection.answering(MANY * HELD) as has_room:
        assert not has_room


async def test_who_asks_and_asks_before_an_answer_is_cut_off(house: _House) -> None:
    house.may_end.clear()
    connection = await house.send(POST)
    await until(lambda: house.visitors)
    with contextlib.suppress(ConnectionError):
        for _ in range(10):
            await asyncio.get_running_loop().sock_sendall(connection, GET)
    assert await house.is_ended(connection)


@pytest.fixture
def _granted() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("_granted")
@pytest.mark.parametrize(("granted", "most"), [(1024, 256), (65_536, CONNECTIONS_MAX), (300, 16)])
def test_some_descriptors_are_left_for_files(granted: int, most: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(granted, hard), hard))
    assert connections_max() == most
