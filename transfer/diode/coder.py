"""RaptorQ (RFC 6330) for one block. The only module that loads the coder, and only two processes load this one.

The library returns wrong bytes on a forged symbol, panics on a malformed one, aborts on absurd lengths and holds
the interpreter's lock. So symbols are authenticated and bounded before they come here, and each side calls it in a
process of its own. Its output is trusted only after all hashes of the object match.
"""

import contextlib
import ctypes
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from raptorq import Decoder, Encoder

from transfer.diode.wire.datagram import SYMBOL_MAX, SYMBOL_STEP
from transfer.diode.wire.geometry import BLOCK_SYMBOLS_MAX, ESI_MAX

_PAYLOAD_ID: Final = struct.Struct(">I")  # source block number 0 in 8 bits, symbol number in 24; RFC 6330, 3.2

_M_TRIM_THRESHOLD: Final = -1  # mallopt(3)
_M_MMAP_THRESHOLD: Final = -3
_KEPT: Final = 64 * 1024 * 1024  # bytes; several times what a block of 4 MiB takes
_LARGEST: Final = 32 * 1024 * 1024  # what glibc allows


def keep_memory() -> None:
    """Make the C library keep the memory of a block for the next one. Only for a process that does nothing else.

    The kernel zeroes every page that is returned and requested again, which took half of all time at MTU 9000.
    """
    with contextlib.suppress(AttributeError):  # another C library than glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)


def encode_repair(block: bytes, *, symbol: int, first: int, count: int) -> Sequence[bytes]:
    """Return `count` repair symbols of a block; `first` of them, counted from 0, are skipped.

    The block is a whole number of symbols. Its repair symbol number `i` has the ESI (symbols of the block) + `i`.
    """
    _check(len(block), symbol)
    packets = Encoder.with_defaults(block, symbol).get_encoded_packets(first + count)
    wanted = packets[len(block) // symbol + first :]
    return [packet[_PAYLOAD_ID.size :] for packet in wanted]


def decode_block(symbols: Iterable[tuple[int, bytes | memoryview]], *, count: int, symbol: int) -> bytes | None:
    """Return the block of `count` source symbols, or None when these symbols do not determine it.

    Args:
        symbols: Pairs of an ESI and the bytes of that symbol.
        count: Source symbols of the block.
        symbol: Bytes of each symbol.
    """
    _check(count * symbol, symbol)
    decoder = Decoder.with_defaults(count * symbol, symbol)
    for esi, content in symbols:
        if len(content) != symbol or not 0 <= esi <= ESI_MAX:
            raise ValueError("this symbol does not belong in this block")
        found: bytes | None = decoder.decode(_PAYLOAD_ID.pack(esi) + content)
        if found is not None:
            return found
    return None


def _check(size: int, symbol: int) -> None:
    # The library aborts the process on lengths that make no sense.
    if not SYMBOL_STEP <= symbol <= SYMBOL_MAX or symbol % SYMBOL_STEP or size % symbol:
        raise ValueError("a block must be a whole number of symbols, each of a size that links use")
    if not 1 <= size // symbol <= BLOCK_SYMBOLS_MAX:
        raise ValueError("a block must have at least one symbol, and not too many")
