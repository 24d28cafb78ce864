"""Who may share a port: gateway processes of one home, and nobody else, whatever options they set.

Invariant G35.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from gateway.errors import GatewayError
from gateway.http.app import Listener
from gateway.http.port import OpenPort, open_port
from gateway.serve import quiet_loop
from tests.worlds.waiting import descriptors, descriptors_before, until

HOST = "127.0.0.1"


@contextmanager
def opened(locks: Path | None, port: int = 0) -> Iterator[OpenPort]:
    found = open_port(HOST, port, locks=locks)
    try:
        yield found
    finally:
        found.leave()
        found.listening.close()


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    return tmp_path / "one", tmp_path / "other"


def waiting(listening: socket.socket) -> int:
    """How many connections the kernel gave to this socket."""
    listening.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listening.accept()[0].close()
            count += 1
    return count


def test_processes_of_one_home_share_its_visitors(homes: tuple[Path, Path]) -> None:
    with opened(homes[0]) as first, opened(homes[0], first.number) as second, contextlib.ExitStack() as visits:
        for _ in range(64):
            visits.enter_context(socket.create_connection((HOST, first.number)))
        counts = waiting(first.listening), waiting(second.listening)
        assert sum(counts) == 64
        assert min(counts) > 0


def test_another_home_does_not_get_the_port(homes: tuple[Path, Path]) -> None:
    with opened(homes[0]) as first, opened(homes[0], first.number) as second:
        for _ in range(2):
            with pytest.raises(GatewayError, match=f"already listens on {HOST} port {first.number}, perhaps the gate"):
                open_port(HOST, first.number, locks=homes[1])
            second.leave()
            second.listening.close()


def test_any_other_program_keeps_its_port_even_where_it_would_share_it(homes: tuple[Path, Path]) -> None:
    for option in (0, 1):
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, option)
            other.bind((HOST, 0))
            other.listen()
            with pytest.raises(GatewayError, match="another program already listens"):
                open_port(HOST, other.getsockname()[1], locks=homes[0])


def test_a_port_that_its_home_has_left_is_taken_alone_again(homes: tuple[Path, Path]) -> None:
    with opened(homes[0]) as first:
        port = first.number
    with opened(homes[1], port), pytest.raises(GatewayError):
        open_port(HOST, port, locks=homes[0])


def test_without_a_home_nobody_shares(homes: tuple[Path, Path]) -> None:
    with opened(None) as first:
        for locks in (None, *homes):
            with pytest.raises(GatewayError):
                open_port(HOST, first.number, locks=locks)


def test_ports_of_the_kernels_choice_are_never_shared(homes: tuple[Path, Path]) -> None:
    with contextlib.ExitStack() as held:
        ports = [held.enter_context(opened(home)).number for home in homes * 20]
    assert len(set(ports)) == len(ports)


def test_a_refused_start_leaves_no_lock(homes: tuple[Path, Path]) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        before = descriptors_before()
        with pytest.raises(GatewayError):
            open_port(HOST, other.getsockname()[1], locks=homes[0])
        assert descriptors() == before


class Exhausted(socket.socket):
    """Has visitors, and no descriptor left for them."""

    tries = 0

    def accept(self) -> tuple[socket.socket, object]:
        type(self).tries += 1
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_without_a_descriptor_left_one_connection_is_tried_and_then_none_for_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gateway.http.port.socket.socket", Exhausted)

    async def run() -> None:
        quiet_loop(asyncio.get_running_loop())
        gateway, pages = mock.AsyncMock(), mock.Mock()
        pages.problem.return_value = ""
        listener = Listener(gateway, pages)
        port = await listener.start(HOST, 0)
        with contextlib.closing(await asyncio.to_thread(socket.create_connection, (HOST, port))):
            await until(lambda: Exhausted.tries)
            for _ in range(100):  # turns of the loop
                await asyncio.sleep(0)
            tries = Exhausted.tries
        await listener.stop()
        assert tries == 1

    asyncio.run(run())
    assert capsys.readouterr().err == '{"event": "connections-wait"}\n'
