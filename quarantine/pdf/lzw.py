"""LZW as PDFs have it (ISO 32000-1, 7.4.4), unpacked piece by piece: codes of 9 to 12 bits, high bits first."""

from collections.abc import Iterator
from typing import Final

_CLEAR: Final = 256
_END: Final = 257
_TABLE_MAX: Final = 4096
_YIELD: Final = 1024 * 1024  # bytes of one step


def unpack_lzw(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what comes out, up to the end of data or the first code that cannot be.

    The width changes one code early, as is the default of `/EarlyChange`; with the other value the first entries are
    right and the rest is noise, of about the same length.
    """
    table: list[bytes] = []
    width, held, bits, last, out = 9, 0, 0, b"", bytearray()
    for piece in pieces:
        for byte in piece:
            held, bits = (held << 8) | byte, bits + 8
            if bits < width:
                continue
            bits -= width
            code = held >> bits
            held &= (1 << bits) - 1
            if code == _CLEAR or not table:
                table, width, last = [bytes((one,)) for one in range(256)] + [b"", b""], 9, b""
                if code == _CLEAR:
                    continue
            if code == _END or code > len(table) or (code == len(table) and not last):
                yield bytes(out)
                return
            entry = table[code] if code < len(table) else last + last[:1]
            out += entry
            if last and len(table) < _TABLE_MAX:
                table.append(last + entry[:1])
                width = min(12, (len(table) + 1).bit_length())
            last = entry
            if len(out) >= _YIELD:
                yield bytes(out)
                out.clear()
        # After each piece, so that who counts the time sees it pass.
        yield bytes(out)
        out.clear()
