"""The broker's end of a zygote: starts it, asks it for workers, and starts another when it is gone.

Any number of threads may ask at once. A zygote that dies takes nothing along but the workers of that moment.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from types import TracebackType
from typing import Final, Self

from quarantine.cage.layers import Cage
from quarantine.errors import CageError, UndecidableError
from quarantine.verdict import Reason
from quarantine.workers.assignment import END_SECONDS, Assignment
from quarantine.workers.protocol import PICTURES, REQUEST_MAX, Hello, Request, encode_cage, encode_request, parse_hello

PROGRAM: Final = ("-m", "quarantine.workers.zygote")  # arguments of the interpreter
START_SECONDS: Final = 60.0  # a warm zygote takes half a second; a busy machine much more
REST_SECONDS: Final = 1.0  # between two starts that failed, so that a broken machine is not kept busy by it


class ZygoteClient:
    """A zygote, started again when it is needed and gone. `start` it before any key is read; `close` it at the end."""

    def __init__(self, cage: Cage | None = None, *, program: tuple[str, ...] = PROGRAM, pictures: bool = False) -> None:
        self._cage = cage or Cage()
        self._program = program
        self._options = (PICTURES,) if pictures else ()
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._rest_until = 0.0

    def start(self) -> Hello:
        """Start the zygote unless it runs, and return what it reports of its cage.

        Raises:
            CageError: It cannot be caged as it must be.
        """
        with self._lock:
            return self._start(time.monotonic() + START_SECONDS).hello

    @property
    def pid(self) -> int | None:
        """The process number of the zygote's outermost process, while it runs."""
        running = self._running
        return running.process.pid if running is not None and running.process.poll() is None else None

    def worker(self, request: Request, fd: int, *, deadline: float) -> Assignment:
        """Have a fresh worker examine the file `fd`.

        Raises:
            UndecidableError: No zygote was available before `deadline` (seconds of time.monotonic).
        """
        packet = encode_request(request)
        if len(packet) > REQUEST_MAX:
            raise ValueError("a request is too long")
        worker = Assignment(deadline)
        try:
            try:
                self._send(packet, [fd, *worker.zygotes_ends], deadline)
            finally:
                worker.hand_over()
        except BaseException:
            worker.close()
            raise
        return worker

    def close(self) -> None:
        """End the zygote and its workers; a second call does nothing."""
        with self._lock:
            if self._running is not None:
                self._running.stop()
                self._running = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, packet: bytes, descriptors: list[int], deadline: float) -> None:
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise UndecidableError(Reason.OUT_OF_TIME)
        try:
            for _ in range(2):
                running = self._start(deadline)
                try:
                    running.channel.settimeout(max(0.001, deadline - time.monotonic()))
                    socket.send_fds(running.channel, [packet], descriptors)
                except TimeoutError:
                    raise UndecidableError(Reason.OUT_OF_TIME) from None
                except OSError:
                    # It is gone, and has not seen this request: another one will.
                    running.stop()
                else:
                    return
            raise UndecidableError(Reason.WORKER_FAILED)
        except CageError:
            raise UndecidableError(Reason.WORKER_FAILED) from None
        finally:
            self._lock.release()

    def _start(self, deadline: float) -> "_Running":
        running = self._running
        if running is not None and running.process.poll() is None:
            return running
        if running is not None:
            running.stop()
            self._running = None
        if time.monotonic() < self._rest_until:
            raise CageError("the zygote has just failed to start")
        try:
            until = min(deadline, time.monotonic() + START_SECONDS)
            self._running = _Running(self._program, self._options, self._cage, until)
        except (CageError, OSError) as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            if isinstance(error, OSError):
                raise CageError(f"the zygote cannot be started: {error.strerror}") from None
            raise
        return self._running


class _Running:
    """One process of a zygote, from its exec to its end."""

    def __init__(self, program: tuple[str, ...], options: tuple[str, ...], cage: Cage, deadline: float) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            # A fresh interpreter by exec: nothing of this process's memory, environment or descriptors comes along.
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", *program, str(its.fileno()), encode_cage(cage), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                pass_fds=(its.fileno(),),
                start_new_session=True,
            )
        self.channel = ours
        # Also where it is never closed: at the end of the program, or when the owner is forgotten.
        self._end = weakref.finalize(self, _end, self.process, ours)
        try:
            self.hello = self._greet(deadline)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it and all its workers."""
        self._end()

    def _greet(self, deadline: float) -> Hello:
        self.channel.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            packet = self.channel.recv(REQUEST_MAX)
        except OSError:
            raise CageError("the zygote did not start in time") from None
        if not packet:
            raise CageError("the zygote ended before it was ready")
        hello = parse_hello(packet)
        if hello.fault:
            raise CageError(f"the cage cannot be built here: {hello.fault}")
        return hello


def _end(process: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
    # The zygote ends when its socket does, and reaps its workers first: where process 1 of a container is no real
    # init, a worker that is killed from outside stays as a zombie. So force comes last.
    channel.close()
    for number in (0, signal.SIGTERM):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.send_signal(number)
            process.wait(END_SECONDS)
            return
    # The whole group: with namespaces there are two processes, without them the workers are in it too.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


_default = ZygoteClient()


def default_zygote() -> ZygoteClient:
    """Return this process's own zygote, for callers that bring none; it starts with its first file."""
    return _default
