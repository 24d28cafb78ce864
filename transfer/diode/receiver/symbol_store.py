"""Where `DatagramIntake` puts what arrives: into files, or into memory in tests."""

from typing import Protocol

from transfer.diode.receiver.symbol_map import SymbolMap
from transfer.diode.wire.notices import History, ObjectHeader


class SymbolStore(Protocol):
    """Stores the symbols of objects, each named by `ObjectHeader.name`."""

    def open(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Make room for an object; raise DatagramError(NO_ROOM) if there is none."""

    def renew(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Restart an open object that is cut differently now: drop what was here of it, and release its map.

        Raise DatagramError(NO_ROOM) if there is no room for it; then it stays as it is.
        """

    def close(self, name: str) -> None:
        """Close an object's files; another process has taken or removed them."""

    def write(self, name: str, offset: int, pieces: list[memoryview]) -> None:
        """Write source symbols at their place in the object."""

    def write_repair(self, name: str, offset: int, piece: memoryview) -> None:
        """Write one repair symbol at its place among the object's repair symbols."""

    def is_here(self, name: str) -> bool:
        """Return whether an open object's files are still there."""

    def was_received(self, name: str) -> bool:
        """Return whether the whole object was received before."""

    def keep_history(self, history: History, payload: bytes) -> None:
        """Store the newest history of a gateway."""
