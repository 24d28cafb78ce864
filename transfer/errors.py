"""What can go wrong between the low side and the high side, sorted by whose fault it is."""

from disk.expected import ExpectedError


class TransferError(ExpectedError):
    """Base of the failures of a crossing that a correct program has to expect; one sentence for a person."""


class BatchError(TransferError):
    """A batch is forged, damaged or not one of ours; nothing was taken from it."""


class UnknownGatewayError(BatchError):
    """A batch is signed by a key that this desk does not trust."""


class ContradictionError(BatchError):
    """A gateway's log differs from what the desk has of it: evidence that history was rewritten."""


class CopyDamagedError(TransferError):
    """A desk's copy of a gateway's log was changed, cut or lost here: the gateway is not to blame."""


class NoRoomError(TransferError):
    """A batch does not fit on the desk's disk; nothing was taken from it, and nothing of it was left there."""


class BagError(TransferError):
    """A bag cannot be written where it should be: out of space, a failing medium, or something is there already."""


class SpoiltPacketError(TransferError):
    """A waiting packet can no longer be read; the others are not affected."""


class CodeError(TransferError):
    """Acknowledgement words that fit no outstanding batch; nothing was deleted."""


class LedgerError(TransferError):
    """The ledger of what crossed cannot be used, or has no such batch."""


class BundleError(TransferError):
    """A bundle is forged, altered, out of date, for another gateway, or not a bundle; nothing was taken from it."""


class ReplyError(TransferError):
    """A reply cannot be sealed, or what was opened is not a reply."""
