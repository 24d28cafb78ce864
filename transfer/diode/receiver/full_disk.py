"""A full disk is no fault of anybody's code: what was to be written waits, or is refused and counted."""

from collections.abc import Iterator
from contextlib import contextmanager

from disk.durable import is_disk_full
from transfer.diode.errors import DatagramError, DropReason


@contextmanager
def no_room() -> Iterator[None]:
    """Drop the datagram at hand when the disk is full: DatagramError(NO_ROOM)."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise DatagramError(DropReason.NO_ROOM) from None
        raise
