"""A full disk is no fault of anybody's code: what was to be written waits, or is refused and counted."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from transfer.diode.errors import DatagramError, Refusal

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def is_full(error: OSError) -> bool:
    """Tell whether this failure says that the disk, or our share of it, is used up."""
    return error.errno in _FULL


@contextmanager
def no_room() -> Iterator[None]:
    """Drop the datagram at hand when the disk is full: DatagramError(NO_ROOM)."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DatagramError(Refusal.NO_ROOM) from None
        raise
