"""What a correct program has to expect from inspecting a stranger's file. Messages never contain a byte of it."""

from disk.expected import ExpectedError
from quarantine.verdict import Reason


class QuarantineError(ExpectedError):
    """Base of this station's expected failures."""


class UndecidableError(QuarantineError):
    """This file cannot be judged now; `reason` becomes the reason of its Undecided verdict."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.sentence)
        self.reason = reason


class ScannerUnfitError(QuarantineError):
    """The scanner answers, but lets through what it must not: its use would only look like scanning."""


class CageError(QuarantineError):
    """The cage cannot be built on this machine, or does not withstand an attack; the message names the part."""


class LocalClamdError(QuarantineError):
    """A clamd of our own could not be started; the message gives the reason."""


class OverBudgetError(QuarantineError):
    """A file costs more than the budgets allow: members, bytes, memory, depth or time."""


class FileTooLargeError(QuarantineError):
    """More bytes were written than this memfd was made for."""
