"""What may go wrong on a one-way link."""

from enum import StrEnum

from transfer.errors import TransferError


class LinkError(TransferError):
    """The link cannot be used as it is set up; one sentence says why."""


class DropReason(StrEnum):
    """Why a datagram was dropped; each has a counter that an operator can read. A closed list."""

    SIZE = "wrong size"  # no datagram of ours has it, or cut off on the way
    VERSION = "wrong version"
    LINK = "unknown link"  # names no gateway that is paired here
    MAC = "wrong link key"  # garbage, forged, damaged, or of a gateway that was paired anew
    FORM = "wrong form"  # authentic, and still not what WIRE.md says
    SIGNATURE = "forged notice"  # of the right link key, but not signed by the gateway
    UNKNOWN_OBJECT = "unknown object"  # no header was seen for it
    NO_ROOM = "no room"  # open objects, quota or disk are used up
    TOO_MANY = "too many notices"  # more signatures to check than a genuine gateway gives cause for
    CONTRADICTION = "contradicting header"  # one batch, two descriptions


class DatagramError(TransferError):
    """A datagram is dropped, and counted as `reason`."""

    def __init__(self, reason: DropReason) -> None:
        super().__init__(str(reason))
        self.reason = reason
