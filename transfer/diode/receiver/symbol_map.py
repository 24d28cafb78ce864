"""Which symbols of one object are here (WIRE.md, 5.2): bytes in a buffer that three processes share.

Each block has a state, and each state has exactly one process that may change it, and that block's other fields:

    OPEN    network: fills in symbols, until there are enough        -> READY, or DONE with all source symbols
    READY   decode: computes what is missing                         -> DONE, or OPEN when more symbols are needed
    DONE    commit: reads                                            -> FORGET when what it read is not what was signed
    FORGET  network: drops all of the block                          -> OPEN

So there is no lock, and a process that is killed at any point leaves a state from which its successor can continue.
"""

from enum import IntEnum
from typing import Final

from transfer.diode.wire.geometry import Geometry

EXTRA: Final = 1  # symbols beyond a block's own number at the first attempt to decode: without them 1 in 200 fails


class BlockState(IntEnum):
    """Which process may change a block."""

    OPEN = 0
    READY = 1
    DONE = 2
    FORGET = 3


class SymbolMap:
    """The fields of one object, in `buffer`, which has `size_of(geometry)` bytes and was zero when it was created.

    Symbols are marked only after their bytes were written.
    """

    def __init__(self, geometry: Geometry, buffer: memoryview) -> None:
        if len(buffer) != self.size_of(geometry):
            raise ValueError("the buffer does not fit the object's size")
        self.geometry = geometry
        slots, blocks = geometry.slots * geometry.blocks, geometry.blocks
        self._esis = buffer[: 4 * slots].cast("I")  # 0 is a free slot: a repair symbol's ESI never is
        self._states = buffer[4 * slots : 4 * slots + blocks]
        self._tries = buffer[4 * slots + blocks : 4 * slots + 2 * blocks]
        self._marks = buffer[4 * slots + 2 * blocks :]
        # How many symbols of each block are here, for the one process that adds to it: `resume` counts them.
        self._here: list[int] = []
        self._repairs: list[int] = []

    @staticmethod
    def size_of(geometry: Geometry) -> int:
        """Return the size of such a map, in bytes."""
        return 4 * geometry.slots * geometry.blocks + 2 * geometry.blocks + geometry.symbols

    def release(self) -> None:
        """Release the buffer."""
        for view in (self._esis, self._states, self._tries, self._marks):
            view.release()

    # For any process.

    def state(self, block: int) -> int:
        """Return a block's state as a number: this is called for each datagram."""
        return self._states[block]

    def done(self) -> int:
        """Return how many blocks are whole."""
        return bytes(self._states).count(BlockState.DONE)

    def is_whole(self) -> bool:
        """Return whether every block is whole."""
        return self.done() == self.geometry.blocks

    def symbols_here(self) -> int:
        """Return how many of the symbols that are here count towards the object."""
        geometry, found = self.geometry, 0
        for block in range(geometry.blocks):
            here = self._marked(block).count(1) + len(self.repairs(block))
            found += (
                geometry.count(block) if self._states[block] == BlockState.DONE else min(geometry.count(block), here)
            )
        return found

    def find(self, state: BlockState, start: int = 0) -> int:
        """Return the first block from `start` on that is in this state, or -1."""
        return bytes(self._states).find(bytes([state]), start)

    def missing_symbols(self, block: int) -> list[int]:
        """Return the ESIs of the source symbols that are not here."""
        return [esi for esi, mark in enumerate(self._marked(block)) if not mark]

    def repairs(self, block: int) -> list[int]:
        """Return the ESIs of the repair symbols that are here, in the order of their slots."""
        start = block * self.geometry.slots
        esis = self._esis[start : start + self.geometry.slots].tolist()
        return esis[: esis.index(0)] if 0 in esis else esis

    # The network process, for an OPEN block.

    def resume(self) -> None:
        """Count what is here, before anything is added, and complete what a predecessor was killed in.

        A block that has enough symbols may still be OPEN.
        """
        blocks = range(self.geometry.blocks)
        self._here = [self._marked(block).count(1) for block in blocks]
        self._repairs = [len(self.repairs(block)) for block in blocks]
        for block in blocks:
            if self._states[block] == BlockState.OPEN:
                self._judge(block)

    def mark(self, block: int, first: int, count: int) -> int:
        """Mark `count` source symbols from `first` on as written; return how many of them are new."""
        start = self.geometry.first(block) + first
        new = count - bytes(self._marks[start : start + count]).count(1)
        if new:
            self._marks[start : start + count] = b"\x01" * count
            self._here[block] += new
            self._judge(block)
        return new

    def free_slot(self, block: int, esi: int) -> int | None:
        """Return the slot for a repair symbol, or None if the symbol is here already or no slot is free."""
        here = self.repairs(block)
        return None if esi in here or len(here) == self.geometry.slots else len(here)

    def keep(self, block: int, slot: int, esi: int) -> None:
        """Mark a repair symbol as written into `slot`."""
        self._esis[block * self.geometry.slots + slot] = esi
        self._repairs[block] += 1
        self._judge(block)

    def forget(self, block: int) -> None:
        """Drop all symbols of a block that is to be forgotten."""
        first, slots = self.geometry.first(block), self.geometry.slots
        count = self.geometry.count(block)
        self._marks[first : first + count] = bytes(count)
        for slot in range(block * slots, (block + 1) * slots):
            self._esis[slot] = 0
        self._here[block] = self._repairs[block] = self._tries[block] = 0
        self._states[block] = BlockState.OPEN

    # The decode process, for a READY block.

    def note_try(self, block: int) -> int:
        """Count an attempt to decode, before it is made: a process that dies of it must not try for ever."""
        self._tries[block] = min(255, self._tries[block] + 1)
        return self._tries[block]

    def take_back_try(self, block: int) -> None:
        """Do not count the last attempt: it ended before it could decide anything about the block."""
        self._tries[block] = max(0, self._tries[block] - 1)

    def set_state(self, block: int, state: BlockState) -> None:
        """Hand a block on; only the process that owns its present state may do this."""
        self._states[block] = state

    def _marked(self, block: int) -> bytes:
        first = self.geometry.first(block)
        return bytes(self._marks[first : first + self.geometry.count(block)])

    def _judge(self, block: int) -> None:
        count = self.geometry.count(block)
        if self._here[block] == count:
            self._states[block] = BlockState.DONE
        elif self._here[block] + self._repairs[block] >= count + EXTRA + self._tries[block]:
            self._states[block] = BlockState.READY
