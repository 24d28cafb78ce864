"""How an object is cut into blocks and symbols (WIRE.md, 4). Pure arithmetic, with bounds."""

from dataclasses import dataclass
from typing import Final

from transfer.diode.wire.datagram import SYMBOL_MAX, SYMBOL_MIN, SYMBOL_STEP

BLOCK_SMALL: Final = 1024 * 1024  # bytes of a block at most, for symbols that fit a common Ethernet; WIRE.md 4.2
BLOCK_LARGE: Final = 4 * BLOCK_SMALL  # for larger ones
COMMON_SYMBOL: Final = 1500
BLOCK_SYMBOLS_MAX: Final = 1024  # WIRE.md 4.2
OBJECT_SIZE_MAX: Final = 2**40  # bytes; WIRE.md 4.1
ESI_MAX: Final = 2**24 - 1  # RFC 6330, 3.2
SLOTS_MIN: Final = 16  # repair symbols of a block that a receiver keeps at least


def block_symbols(symbol: int) -> int:
    """Return how many symbols a sender puts in one block at most; WIRE.md 4.2."""
    return (BLOCK_SMALL if symbol <= COMMON_SYMBOL else BLOCK_LARGE) // symbol


@dataclass(frozen=True, slots=True)
class Geometry:
    """An object of `size` bytes in symbols of `symbol` bytes, at most `block_symbols` of them in a block.

    Blocks differ by one symbol at most: a short last block would be the one that is lost most often.
    """

    size: int
    symbol: int
    block_symbols: int

    def __post_init__(self) -> None:
        """Raise ValueError for whatever WIRE.md 4 does not allow."""
        if not 1 <= self.size <= OBJECT_SIZE_MAX:
            raise ValueError("an object must have 1 to 2^40 bytes")
        if not SYMBOL_MIN <= self.symbol <= SYMBOL_MAX or self.symbol % SYMBOL_STEP:
            raise ValueError("no link uses symbols of this size")
        if not 1 <= self.block_symbols <= BLOCK_SYMBOLS_MAX:
            raise ValueError(f"a block must have 1 to {BLOCK_SYMBOLS_MAX} symbols")

    @property
    def symbols(self) -> int:
        """Source symbols of the whole object; the last one is filled with zeros."""
        return -(-self.size // self.symbol)

    @property
    def blocks(self) -> int:
        """Blocks of the object."""
        return -(-self.symbols // self.block_symbols)

    @property
    def padded_size(self) -> int:
        """Bytes of all source symbols, the zeros at the end included."""
        return self.symbols * self.symbol

    @property
    def slots(self) -> int:
        """Repair symbols of a block that a receiver keeps at most."""
        return max(SLOTS_MIN, -(-self.block_symbols // 4))

    def first(self, block: int) -> int:
        """Return the number, in the object, of a block's first symbol."""
        each, more = divmod(self.symbols, self.blocks)
        return block * each + min(block, more)

    def count(self, block: int) -> int:
        """Return how many source symbols a block has."""
        each, more = divmod(self.symbols, self.blocks)
        return each + (block < more)

    def block_of(self, offset: int) -> int:
        """Return the block that holds the byte at `offset` of the object."""
        symbol = offset // self.symbol
        each, more = divmod(self.symbols, self.blocks)
        large = more * (each + 1)
        return symbol // (each + 1) if symbol < large else more + (symbol - large) // each
