"""What can be wrong with an audit log that somebody gives us, or that a crash left behind."""

from disk.expected import ExpectedError


class AuditError(ExpectedError):
    """Base of the failures that a correct program has to expect of a log; one sentence for a person."""


class LineError(AuditError):
    """Bytes that are not a line of an audit log."""


class ChainError(AuditError):
    """Lines that do not follow one from the other; `line` is the place, counted from 1 in what was read."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


class LogDamagedError(AuditError):
    """The end of our own log cannot be continued; nothing was appended."""
