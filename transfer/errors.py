"""What can go wrong on the road from the low side to the high side, sorted by whose fault it is."""

from disk.expected import ExpectedError


class TransferError(ExpectedError):
    """Base of the failures of a crossing that a correct program has to expect; one sentence for a person."""


class BatchError(TransferError):
    """A batch is forged, damaged or not one of ours; nothing of it was taken."""


class UnknownGatewayError(BatchError):
    """A batch is signed by a key that this desk does not trust."""


class ContradictionError(BatchError):
    """A gateway's log says something else than what it said before: evidence that history was rewritten."""


class CopyDamagedError(TransferError):
    """What a desk keeps of a gateway's log was changed, cut or lost here: the gateway is not to blame for it."""


class BagError(TransferError):
    """A bag cannot be written where it should be: no room, a medium that fails, or something stands there already."""


class SpoiltPacketError(TransferError):
    """A packet that waits here cannot be read any more; the others are not touched by it."""


class CodeError(TransferError):
    """Acknowledgement words that fit no outstanding batch; nothing was deleted."""


class LedgerError(TransferError):
    """The ledger of what crossed cannot be used, or knows nothing of what was asked for."""


class BundleError(TransferError):
    """A bundle is forged, altered, out of date, for somebody else, or not one at all; nothing of it was taken."""


class ReplyError(TransferError):
    """A reply cannot be sealed, or what was opened is none."""
