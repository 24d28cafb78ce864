"""The quick-open block of RAR 5: copies of headers, from which programs show the list without reading the archive.

Source: https://www.rarlab.com/technote.htm ("Quick open header").
"""

import zlib
from collections.abc import Mapping

from quarantine.rar.blocks import DamagedRarError
from quarantine.rar.rar5 import FieldReader


def shows_another_list(untrusted_copies: bytes, offset: int, headers: Mapping[int, bytes]) -> bool:
    """Return whether a copy is not, byte for byte, the header at the place that it gives.

    Args:
        untrusted_copies: The block's data.
        offset: Of the block's own header; copies count their originals' distance back from there.
        headers: The archive's real ones by their offset.
    """
    fields = FieldReader(untrusted_copies)
    try:
        while fields.left:
            crc32 = int.from_bytes(fields.bytes(4), "little")
            before = fields.left
            size = fields.number()
            sized = untrusted_copies[-before:][: before - fields.left + size]
            record = FieldReader(fields.bytes(size))
            record.number()  # flags, none of them used yet
            distance = record.number()
            copy = record.bytes(record.number())
            if zlib.crc32(sized) != crc32 or headers.get(offset - distance) != copy:
                return True
    except DamagedRarError:
        return True
    return False
