"""The broker's end of one caged worker, from the request to the worker's end.

Each worker has an answer's pipe and a status socket of its own, so that no slow or dead one delays another.
"""

import contextlib
import fcntl
import os
import socket
from types import TracebackType
from typing import Final, Self

from quarantine.cage.answer_pipe import PIECE, AnswerPipe, wait_for
from quarantine.cage.layers import OUT_OF_CPU
from quarantine.errors import UndecidableError
from quarantine.verdict import Reason
from quarantine.workers.protocol import END_SIZE, End, parse_end

END_SECONDS: Final = 2.0  # that a killed worker has to be gone


class Assignment:
    """One file in one worker's hands. `close` it (or use it with `with`): a worker that still runs is killed.

    Args:
        deadline: Seconds of time.monotonic, after which everything here raises UndecidableError.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._fd, answer = os.pipe2(os.O_CLOEXEC)
        # A member of a ZIP comes through it whole. At the user's limit of pipe memory the usual size stays.
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, PIECE)
        self.answer = AnswerPipe(self._fd, deadline)
        self._status, status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._theirs = (answer, status.detach())
        self.end: End | None = None  # how the worker ended and what it took, once that is known

    @property
    def zygotes_ends(self) -> tuple[int, int]:
        """The descriptors that belong to the zygote: of the answer and of the status."""
        return self._theirs

    def hand_over(self) -> None:
        """Close our copies of the zygote's ends, so that its end can be seen."""
        for descriptor in self._theirs:
            os.close(descriptor)

    def exit_code(self) -> int:
        """Wait for the worker's own end: its exit code, or minus the signal that ended it.

        Raises:
            UndecidableError: The deadline has passed, or the zygote is gone and the exit code with it.
        """
        if self.end is None:
            wait_for(self._status.fileno(), self._deadline)
            self._read_end()
        if self.end is None:
            raise UndecidableError(Reason.WORKER_FAILED)
        return os.waitstatus_to_exitcode(self.end.status)

    def check_end(self) -> None:
        """Wait for the worker's end.

        Raises:
            UndecidableError: It was not the end of a worker that wrote its whole answer.
        """
        code = self.exit_code()
        if code != 0:
            raise UndecidableError(Reason.OUT_OF_TIME if code == -OUT_OF_CPU else Reason.WORKER_FAILED)

    def close(self) -> None:
        """Kill the worker unless it has ended, and wait until its memory is free; a second call does nothing."""
        if self._fd < 0:
            return
        os.close(self._fd)
        self._fd = -1
        with self._status:
            if self.end is None:
                # The zygote sees the end of this stream and kills; then it reports, or is gone itself.
                self._status.shutdown(socket.SHUT_WR)
                self._status.settimeout(END_SECONDS)
                self._read_end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_end(self) -> None:
        with contextlib.suppress(OSError):
            packet = self._status.recv(END_SIZE)
            # Nothing comes when the zygote has ended.
            self.end = parse_end(packet) if packet else None
