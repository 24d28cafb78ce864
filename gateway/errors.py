"""What can go wrong at the gateway before a stranger's first byte: its home, its keys, its settings."""

from disk.expected import ExpectedError


class GatewayError(ExpectedError):
    """Base of the gateway's own expected failures; one sentence for the operator, nothing of a source."""
