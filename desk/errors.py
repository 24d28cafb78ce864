"""What can go wrong at the desk: its home, its keys, a packet that is not what it should be."""

from disk.expected import ExpectedError


class DeskError(ExpectedError):
    """Base of the desk's expected failures; one sentence for the person at the desk."""


class PacketDamagedError(DeskError):
    """A packet opened, but what is in it is not what its own manifest says. Nothing of it was written."""
