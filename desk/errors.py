"""What can go wrong at the desk: its home, its keys, a packet that does not match its manifest."""

from disk.expected import ExpectedError


class DeskError(ExpectedError):
    """Base of the desk's expected failures; one sentence for the person at the desk."""


class PacketDamagedError(DeskError):
    """A packet opened, but its content does not match its own manifest. Nothing of it was written."""
