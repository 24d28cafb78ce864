"""Locks between processes of one machine: one transfer at a time, and none while a key is changed.

The kernel lets go of a lock when its process ends, however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE
from disk.expected import ExpectedError

_BUSY: Final = "another transfer is under way on this machine; wait until it has ended"


class BusyError(ExpectedError):
    """Another process holds the lock; what it protects was not touched."""


def exclusive(path: Path, *, busy: str = _BUSY) -> AbstractContextManager[None]:
    """Hold the lock file `path` alone; `busy` is the sentence for when that cannot be.

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


def is_held(path: Path) -> bool:
    """Tell whether a process holds the lock file `path`; makes none."""
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
