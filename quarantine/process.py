"""A child that reads one file and answers through one pipe; it is killed with all it started.

It gets that file's descriptor, an empty environment, and nothing else of ours. What comes out of the pipe is
untrusted, bounded by the reader, and late after the deadline.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from types import TracebackType
from typing import Final, Self

from quarantine.errors import UndecidableError
from quarantine.verdict import Reason

_PIECE: Final = 256 * 1024  # bytes of one read


class ConfinedProcess:
    """Runs `command` while the `with` block lasts.

    Args:
        command: Program and arguments; the program confines itself (confine.py).
        fd: The only descriptor that the child inherits, under the same number, besides its pipe.
        deadline: Seconds of time.monotonic, after which every read raises.
    """

    def __init__(self, command: list[str], *, fd: int, deadline: float) -> None:
        self._command = command
        self._fd = fd
        self._deadline = deadline

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pipesize=_PIECE,
            cwd="/",
            env={},
            pass_fds=(self._fd,),
            start_new_session=True,  # a group of its own, which can be killed as one
        )
        if self._process.stdout is None:
            raise RuntimeError("a child was started without a pipe")
        self._pipe = self._process.stdout
        self._ready = select.poll()
        self._ready.register(self._pipe.fileno(), select.POLLIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Before the child is reaped: until then its number, and so its group's, cannot belong to another.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._pipe.close()

    @property
    def pid(self) -> int:
        """Of the child, which leads its group."""
        return self._process.pid

    def read(self, size: int = _PIECE) -> bytes:
        """The next bytes, at most `size`; b"" at the end.

        Raises:
            UndecidableError: The deadline has passed.
        """
        left = self._deadline - time.monotonic()
        if left <= 0 or not self._ready.poll(left * 1000):
            raise UndecidableError(Reason.OUT_OF_TIME)
        return os.read(self._pipe.fileno(), min(size, _PIECE))

    def read_exactly(self, size: int) -> bytes:
        """All that is left, up to `size` bytes; fewer when the child ended before."""
        pieces = bytearray()
        while len(pieces) < size and (piece := self.read(size - len(pieces))):
            pieces += piece
        return bytes(pieces)

    def exit_code(self) -> int:
        """Wait for the child's own end: its exit code, or minus the signal that ended it.

        Raises:
            UndecidableError: The deadline has passed.
        """
        left = max(0.0, self._deadline - time.monotonic())
        # The group may outlive its leader: kill what is left of it before the leader is reaped.
        until = time.monotonic() + left
        while os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() >= until:
                raise UndecidableError(Reason.OUT_OF_TIME)
            time.sleep(0.001)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()
