"""Workers that were forked ahead: each waits for one file, without having seen any, and is gone after it.

Fork, Landlock and the first touch of the interpreter's memory take most of what a cage costs; here they are paid while
no file waits. A spare has no descriptor but its own socket. The last layers (rlimits, seccomp) need the request, and
are put on before the first byte of the file is read (worker.py).
"""

import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from typing import Final

from quarantine.cage.layers import Cage
from quarantine.workers.worker import FAILED, work

SPARES: Final = 2  # one that is taken, and one for the next file while the first is replaced


@dataclass(frozen=True, slots=True)
class Spare:
    """One process that waits; `channel` takes its request."""

    pid: int
    channel: socket.socket


class Spares:
    """A zygote's spares. Nothing here reads a request."""

    def __init__(self, cage: Cage) -> None:
        self._cage = cage
        self._zygote = os.getpid()
        self._waiting: list[Spare] = []

    def refill(self, least: int = SPARES) -> bool:
        """Fork one spare if there are not as many; false when there are, or when none can be started now.

        One that dies while it waits is noticed when it is asked, so that a broken machine is not kept busy.
        """
        if len(self._waiting) >= least:
            return False
        try:
            self._waiting.append(self._fork())
        except OSError:
            return False
        return True

    def assign(self, packet: bytes, descriptors: list[int]) -> int:
        """Give a request to a spare, or to a worker made for it; return the worker's process number.

        Raises:
            OSError: No process could be started.
        """
        while self._waiting:
            spare = self._waiting.pop(0)
            if _send(spare, packet, descriptors):
                return spare.pid
        spare = self._fork()
        if not _send(spare, packet, descriptors):
            raise ProcessLookupError("a worker ended before it was given its file")
        return spare.pid

    def close(self) -> None:
        """End those that wait."""
        for spare in self._waiting:
            _drop(spare)
        self._waiting.clear()

    def _fork(self) -> Spare:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if pid == 0:
                try:
                    work(its, self._cage, self._zygote)
                finally:
                    os._exit(FAILED)
        return Spare(pid, ours)


def _send(spare: Spare, packet: bytes, descriptors: list[int]) -> bool:
    """False when it had ended while it waited; then it is buried."""
    try:
        socket.send_fds(spare.channel, [packet], descriptors)
    except OSError:
        _drop(spare)
        return False
    spare.channel.close()
    return True


def _drop(spare: Spare) -> None:
    spare.channel.close()
    with contextlib.suppress(ProcessLookupError):
        os.kill(spare.pid, signal.SIGKILL)
    os.waitpid(spare.pid, 0)
