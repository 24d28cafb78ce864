"""A full disk is nobody's bug: what was to be written waits, or is refused and counted."""

from collections.abc import Iterator
from contextlib import contextmanager

from disk.durable import is_disk_full
from transfer.diode.errors import DatagramError, DropReason


@contextmanager
def no_room() -> Iterator[None]:
    """Drop the current datagram when the disk is full: raise DatagramError(NO_ROOM)."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise DatagramError(DropReason.NO_ROOM) from None
        raise
