"""What can go wrong on the road from the low side to the high side, sorted by whose fault it is."""


class TransferError(Exception):
    """Base of the failures of a crossing that a correct program has to expect; one sentence for a person."""
