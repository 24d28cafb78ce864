"""A stored ZIP that fits in memory, in the one form that our writer gives it. Does no input or output.

Reading is writing backwards: the members that the directory lists are written again, and must give the same bytes. So
no two readers can see different members, and nothing can hide between them.
"""

import struct
from collections.abc import Sequence
from typing import Final

from transfer.packet.stored_zip import StoredZip

_END: Final = struct.Struct("<4s4H2LH")  # APPNOTE 6.3.10, 4.3.16
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_LOCAL_SIZE: Final = 30  # bytes before a member's name; 4.3.7
_EXTRA_SIZE: Final = 20  # bytes of the ZIP64 field that our writer puts behind the name
_NAME_MAX: Final = 255  # bytes


class NotOurZipError(ValueError):
    """These bytes are not what `write_zip` returns for any members."""


def write_zip(members: Sequence[tuple[str, bytes]]) -> bytes:
    """Return a stored ZIP of `members`, in their order; names are ASCII and ours."""
    archive, pieces = StoredZip(), []
    for name, content in members:
        pieces.append(archive.begin(name))
        archive.take(content)
        pieces += [content, archive.end()]
    pieces.append(archive.close())
    return b"".join(pieces)


def read_zip(untrusted: bytes, *, most: int) -> tuple[tuple[str, bytes], ...]:
    """Return the members of what `write_zip` wrote, at most `most` of them.

    Raises:
        NotOurZipError: Anything else, however valid a ZIP it may be.
    """
    try:
        members = tuple(_members(untrusted, most))
        same = write_zip(members) == untrusted
    except (struct.error, UnicodeError, IndexError):
        raise NotOurZipError from None
    if not same:
        raise NotOurZipError
    return members


def _members(untrusted: bytes, most: int) -> list[tuple[str, bytes]]:
    if len(untrusted) < _END.size:
        raise NotOurZipError
    *_, count, size, start, _comment = _END.unpack(untrusted[-_END.size :])
    # The size limits how long the loop below may get; the bytes themselves are compared at the end.
    if count > most or start + size != len(untrusted) - _END.size or size > most * (_CENTRAL.size + _NAME_MAX):
        raise NotOurZipError
    members, place, left = [], start, len(untrusted)
    for _ in range(count):
        entry = _CENTRAL.unpack_from(untrusted, place)
        length, name_length, offset = entry[9], entry[10], entry[-1]
        name = untrusted[place + _CENTRAL.size : place + _CENTRAL.size + name_length].decode("ascii")
        begin = offset + _LOCAL_SIZE + name_length + _EXTRA_SIZE
        # Members that share bytes would cost many times as much memory as what came.
        left -= length
        if left < 0:
            raise NotOurZipError
        members.append((name, untrusted[begin : begin + length]))
        place += _CENTRAL.size + name_length
    return members
