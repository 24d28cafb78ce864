"""How a command fails: called wrongly, refused, or as anything outside of this program may fail."""

from disk.expected import ExpectedError


class UsageError(Exception):
    """The command line does not make sense; one sentence says what is missing. Exit status 2."""


class RefusedError(ExpectedError):
    """The command was understood and is not carried out; one sentence says why."""


def expected_sentence(error: BaseException) -> str | None:
    """Return the sentence for a failure that may happen, None for a fault of ours."""
    if isinstance(error, ExpectedError):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        if error.strerror is None:
            return " ".join(str(error).split())
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return None
