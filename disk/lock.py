"""Locks between processes of one machine (flock): the only module that asks the kernel for one.

The kernel releases a lock when its process ends, however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE
from disk.expected import ExpectedError

_BUSY: Final = "another transfer is running on this machine; wait until it has ended"


class BusyError(ExpectedError):
    """Another process holds the lock; what it protects was not touched."""


def exclusive(path: Path, *, busy: str = _BUSY) -> AbstractContextManager[None]:
    """Hold the lock file `path` alone; `busy` is the sentence for a person when another process holds it.

    Raises:
        BusyError: Another process holds it.
    """
    return _held(path, fcntl.LOCK_EX, busy)


def shared(path: Path, *, busy: str) -> AbstractContextManager[None]:
    """Hold the lock file `path` together with any others that share it.

    Raises:
        BusyError: Another process holds it alone.
    """
    return _held(path, fcntl.LOCK_SH, busy)


def lock(fd: int) -> None:
    """Lock the open file or folder `fd` alone, once no other process holds it; closing `fd` releases it."""
    fcntl.flock(fd, fcntl.LOCK_EX)


def try_lock(fd: int) -> bool:
    """Lock `fd` alone unless another process holds it; return whether it is locked now."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share(fd: int) -> None:
    """Lock `fd` together with any others that share it, once no other process holds it alone; a lock alone ends."""
    fcntl.flock(fd, fcntl.LOCK_SH)


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock file `path`, which is never created here."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


@contextmanager
def _held(path: Path, how: int, busy: str) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(busy) from None
        yield
    finally:
        os.close(fd)
