"""The pipe through which a process that reads a stranger's bytes answers: whatever comes is untrusted, bounded by the
reader, and late after the deadline.
"""

import os
import select
import time
from typing import Final

from quarantine.errors import UndecidableError
from quarantine.verdict import Reason

PIECE: Final = 256 * 1024  # bytes of one read


class AnswerPipe:
    """The reading end of such a pipe.

    Args:
        fd: Whoever opened it closes it.
        deadline: Seconds of time.monotonic.
    """

    def __init__(self, fd: int, deadline: float) -> None:
        self._fd = fd
        self._deadline = deadline

    def read(self, size: int = PIECE) -> bytes:
        """Return the next bytes, at most `size`; b"" at the end.

        Raises:
            UndecidableError: The deadline has passed.
        """
        wait_for(self._fd, self._deadline)
        return os.read(self._fd, min(size, PIECE))

    def read_exactly(self, size: int) -> bytes:
        """All that is left, up to `size` bytes; fewer when the process ended before."""
        pieces = bytearray()
        while len(pieces) < size and (piece := self.read(size - len(pieces))):
            pieces += piece
        return bytes(pieces)


def wait_for(descriptor: int, deadline: float) -> None:
    """Wait until `descriptor` can be read.

    Raises:
        UndecidableError: The deadline (seconds of time.monotonic) has passed.
    """
    left = deadline - time.monotonic()
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    if left <= 0 or not ready.poll(left * 1000):
        raise UndecidableError(Reason.OUT_OF_TIME)
