"""The port that a gateway listens on: its own, or shared with other processes of the same home, and with nobody else.

SO_REUSEPORT alone lets every process of one user share a port, so two homes would share their visitors at random, with
one desk for some and another for the rest. So the first process of a home takes the port alone, and only then
opens it to others; a process of another home, or any other program, takes it alone too and fails. Which processes are
of one home is told by a lock file in it, for each address, that all of them share. The kernel does the rest: whoever
listens already is never overlooked, however it listens.
"""

import contextlib
import errno
import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE
from disk.lock import lock, share, try_lock
from gateway.errors import GatewayError

BACKLOG: Final = 512  # connections that wait in the kernel


@dataclass(slots=True)
class OpenPort:
    """A socket that listens, and what tells processes of the same home that they may share its port."""

    listening: socket.socket
    sharing: int  # descriptor of the lock file; -1 where nobody may share it

    @property
    def number(self) -> int:
        """The port: the kernel's choice where 0 was asked for."""
        return int(self.listening.getsockname()[1])

    def leave(self) -> None:
        """Stop to let others share the port; to be called before the socket is closed, so that none shares nothing."""
        if self.sharing >= 0:
            os.close(self.sharing)
            self.sharing = -1


def open_port(host: str, port: int, *, locks: Path | None = None) -> OpenPort:
    """Listen. Processes with the same `locks`, a folder, share a port; without it nobody does.

    Raises:
        GatewayError: Another program listens there, or another home's gateway; one sentence.
        OSError: The address cannot be listened on.
    """
    if locks is None:
        return OpenPort(_listen_alone(host, port), -1)
    # Held by one starting process at a time: what the locks tell does not change in between.
    with contextlib.closing(_Lock(locks / "listening.lock")) as starting:
        lock(starting.fd)
        plate = _Lock(_plate(locks, host, port))
        try:
            if try_lock(plate.fd):
                listening = _listen_alone(host, port)
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            else:
                listening = _listen(host, port, sharing=True)
            if port == 0:
                plate.close()
                plate = _Lock(_plate(locks, host, listening.getsockname()[1]))
            share(plate.fd)
        except BaseException:
            plate.close()
            raise
        return OpenPort(listening, plate.fd)


class _Lock:
    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)

    def close(self) -> None:
        os.close(self.fd)


def _plate(locks: Path, host: str, port: int) -> Path:
    # An address is no file name: it may contain anything that a resolver takes.
    name = hashlib.sha256(f"{host}:{port}".encode()).hexdigest()[:16]
    return locks / f"listening-{name}.lock"


def _listen_alone(host: str, port: int) -> socket.socket:
    try:
        return _listen(host, port, sharing=False)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise GatewayError(
            f"another program already listens on {host} port {port}, perhaps the gateway of another home: a port is "
            "shared only by gateway processes of one home, with the same --listen"
        ) from None


def _listen(host: str, port: int, *, sharing: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of an earlier process may still be ending; one that listens is never overlooked for that.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, sharing)
        listening.bind((host, port))
        # The kernel looks once more for somebody who listens already.
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
