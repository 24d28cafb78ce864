"""Stands where clamd stands and answers whatever a test wants, byte for byte."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.worlds.waiting import WATCHDOG

Answer = Callable[[socket.socket], None]


@contextlib.contextmanager
def clamd_server(folder: Path, answer: Answer) -> Iterator[Path]:
    """Serve one connection after the other with `answer`, which gets it after the request was read."""
    path = folder / "fake.sock"
    stopping = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(0.05)

        def serve() -> None:
            while not stopping.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(WATCHDOG)
                    _read_request(connection)
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield path
        finally:
            stopping.set()
            thread.join()
            path.unlink()


def reply(line: bytes) -> Answer:
    """Answer with these bytes and hang up."""
    return lambda connection: connection.sendall(line)


def _read_request(connection: socket.socket) -> None:
    request = b""
    while not request.endswith((b"\0\0", b"\n")):
        piece, descriptors, _, _ = socket.recv_fds(connection, 100, 1)
        for descriptor in descriptors:
            os.close(descriptor)
        if not piece:
            return
        request += piece
