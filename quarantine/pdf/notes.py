"""What pypdf would have warned about while it read an object: a key that is there twice, or a value that it gave up on.

It warns through `logging` and goes on with what it has, so this is the only sign that it saw less than another reader
may. No record is made of a warning, for it would quote the file, and making one asks for the process's number, which
the cage refuses.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LOGGER: Final = logging.getLogger("pypdf.generic._data_structures")
_REPEAT: Final = "Multiple definitions"


@dataclass(slots=True)
class Notes:
    """Counts of one walk."""

    repeats: int = 0  # keys that were there before
    guesses: int = 0  # values that were left out, with what followed them in their dictionary

    def take(self, message: object, *_: object, **__: object) -> None:
        """Count one warning; in the place of Logger.warning."""
        if str(message).startswith(_REPEAT):
            self.repeats += 1
        else:
            self.guesses += 1


@contextlib.contextmanager
def noting() -> Iterator[Notes]:
    """Count the warnings of the reader that is used in this context; an inner one counts for itself."""
    notes, before = Notes(), _LOGGER.warning
    _LOGGER.warning = notes.take  # type: ignore[method-assign, assignment]  # see the module
    try:
        yield notes
    finally:
        _LOGGER.warning = before  # type: ignore[method-assign]
