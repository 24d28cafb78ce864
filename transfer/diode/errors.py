"""The failures that a one-way link has to expect."""

from enum import StrEnum

from transfer.errors import TransferError


class LinkError(TransferError):
    """The link cannot be used as it is set up; the message gives the reason in one sentence."""


class DropReason(StrEnum):
    """Why a datagram was dropped. A closed list; each reason has a counter that an operator can read."""

    SIZE = "wrong size"  # not the size of any valid datagram, or truncated on the way
    VERSION = "wrong version"
    LINK = "unknown link"  # no gateway with this link id is paired here
    MAC = "wrong link key"  # garbage, forged, damaged, or from a gateway that was paired again
    FORM = "wrong form"  # authentic, but not as WIRE.md requires
    SIGNATURE = "forged notice"  # made with the right link key, but not signed by the gateway
    UNKNOWN_OBJECT = "unknown object"  # no header of it has arrived
    NO_ROOM = "no room"  # open objects, quota or disk space are used up
    TOO_MANY = "too many notices"  # more signatures to check than a genuine gateway causes
    CONTRADICTION = "contradicting header"  # one batch with two descriptions


class DatagramError(TransferError):
    """A datagram is dropped, and counted as `reason`."""

    def __init__(self, reason: DropReason) -> None:
        super().__init__(str(reason))
        self.reason = reason
