"""Who waits at the other end for the answer to a submission, as far as a connection shows it."""

from typing import Protocol


class Visitor(Protocol):
    """A visitor's connection."""

    def is_reset(self) -> bool:
        """Return whether the connection was reset: whatever is sent, nobody sees it."""

    def holds_place(self, *, is_held: bool) -> None:
        """Note whether a large upload of theirs has a place: then their connection is not cut off for another."""

    def has_left(self) -> bool:
        """Return whether the visitor may be gone: at least, nothing more comes from there."""
