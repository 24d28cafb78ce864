"""A child that reads one file and answers through one pipe; it is killed with all it started.

It gets that file's descriptor, an empty environment, and nothing else of ours.
"""

import contextlib
import os
import signal
import subprocess
import time
from types import TracebackType
from typing import Self

from quarantine.cage.answer_pipe import PIECE, AnswerPipe
from quarantine.errors import UndecidableError
from quarantine.verdict import Reason


class ConfinedProcess:
    """Runs `command` while the `with` block lasts.

    Args:
        command: Program and arguments; the program confines itself (confine.py).
        fd: The only descriptor that the child inherits, under the same number, besides its pipe.
        deadline: Seconds of time.monotonic, after which reading the answer, or waiting for the end, raises.
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
            pipesize=PIECE,
            cwd="/",
            env={},
            pass_fds=(self._fd,),
            start_new_session=True,  # a group of its own, which can be killed as one
        )
        if self._process.stdout is None:
            raise RuntimeError("a child was started without a pipe")
        self._pipe = self._process.stdout
        self.answer = AnswerPipe(self._pipe.fileno(), self._deadline)
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
        """The process number of the child, which leads its group."""
        return self._process.pid

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
