"""Where the books put what arrives: what `intake` asks of files, or of a test's memory."""

from typing import Protocol

from transfer.diode.receiver.symbol_map import SymbolMap
from transfer.diode.wire.notices import History, ObjectHeader


class SymbolStore(Protocol):
    """Objects are called by `ObjectHeader.name`."""

    def open(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Make room for an object; raise DatagramError(NO_ROOM) when there is none."""

    def renew(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Begin an open object anew, cut otherwise: what was here of it is dropped, and its map released.

        Raise DatagramError(NO_ROOM) when there is no room for it; then it stays as it is.
        """

    def close(self, name: str) -> None:
        """Let go of an object's files; another process has taken or removed them."""

    def write(self, name: str, offset: int, pieces: list[memoryview]) -> None:
        """Write source symbols at their place in the object."""

    def write_repair(self, name: str, offset: int, piece: memoryview) -> None:
        """Write one repair symbol at its place among the object's repair symbols."""

    def is_here(self, name: str) -> bool:
        """Tell whether an open object's files are still there."""

    def was_received(self, name: str) -> bool:
        """Tell whether the whole object came before."""

    def keep_history(self, history: History, payload: bytes) -> None:
        """Keep the newest history of a gateway."""
