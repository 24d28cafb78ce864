"""A file's plaintext in memory, and how many of those there may be. Nothing of it is on a disk.

The memory is a plain memfd: clamd answers OK to whatever lies in a memfd_secret, because it cannot read it.
"""

import contextlib
import fcntl
import os
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from quarantine.budgets import FILE_MAX
from quarantine.errors import FileTooLargeError

if TYPE_CHECKING:
    import asyncio

_MFD_NOEXEC_SEAL: Final = 0x8  # memfd_create(2), since Linux 6.3; Python 3.11 has no name for it
SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class _Memfd:
    """A descriptor that is given back once; as a context, at the end of the block."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SealedMemfd(_Memfd):
    """Bytes in memory that no process can change any more, this one included.

    A read-only descriptor would not be enough: a process that gets it may open /proc/self/fd/N for writing.
    """

    def __init__(self, fd: int, size: int) -> None:
        super().__init__(fd)
        self.size = size  # bytes

    def head(self, size: int) -> bytes:
        """Return the first `size` bytes, or all of a shorter file."""
        return os.pread(self.fd, size, 0)


class MemfdWriter(_Memfd):
    """A memfd that is being filled; `seal` hands it over. Leaving the `with` block unsealed throws it away."""

    def __init__(self, limit: int = FILE_MAX) -> None:
        super().__init__(_create())
        self._limit = limit
        self._size = 0  # bytes

    def write(self, plaintext: bytes | memoryview) -> None:
        """Append `plaintext`.

        Raises:
            FileTooLargeError: More than `limit` bytes; nothing of this piece was kept.
        """
        view = memoryview(plaintext).cast("B")  # a length in other items would take too little
        if self._size + len(view) > self._limit:
            raise FileTooLargeError(f"a file has more than {self._limit} bytes")
        self._size += len(view)
        while view:
            view = view[os.write(self.fd, view) :]

    def seal(self) -> SealedMemfd:
        """Forbid every further change and hand the memory over; the writer is done."""
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, SEALS)
        os.lseek(self.fd, 0, os.SEEK_SET)
        sealed = SealedMemfd(self.fd, self._size)
        self.fd = -1
        return sealed


def seal_bytes_in_memory(plaintext: bytes) -> SealedMemfd:
    """Return a sealed memfd with `plaintext`."""
    with MemfdWriter(len(plaintext)) as writer:
        writer.write(plaintext)
        return writer.seal()


def _create() -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    # The name shows in /proc; it is ours and always the same.
    with contextlib.suppress(OSError):  # EINVAL from kernels that do not know the flag
        return os.memfd_create("enveis", flags | _MFD_NOEXEC_SEAL)
    return os.memfd_create("enveis", flags)


class Slot:
    """The right to keep one file in memory; give it back when its memory was given back."""

    def __init__(self, free: "asyncio.Semaphore") -> None:
        self._free: asyncio.Semaphore | None = free

    def give_back(self) -> None:
        """Let the next one in; a second call does nothing."""
        if self._free is not None:
            self._free.release()
            self._free = None


class Slots:
    """A fixed number of files in memory at one time, whatever the number of visitors. For one event loop."""

    def __init__(self, count: int, *, file_max: int = FILE_MAX, resident_max: int = 0) -> None:
        import asyncio  # here, as workers need the memory but no event loop, and each fork costs what is loaded

        if count < 1:
            raise ValueError("at least one inspection slot is needed")
        self._free = asyncio.Semaphore(count)
        self.bytes_bound = count * (file_max + resident_max)  # bytes of plaintext in memory, at most

    async def take(self, *, deadline: float) -> Slot | None:
        """Wait for a slot until `deadline` (seconds of time.monotonic); None when there was none."""
        import asyncio

        try:
            await asyncio.wait_for(self._free.acquire(), max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return None
        return Slot(self._free)
