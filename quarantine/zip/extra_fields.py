"""Extra fields of a ZIP's headers (APPNOTE.TXT 4.5, 4.6; Info-ZIP's extrafld.txt)."""

import struct
import zlib
from typing import Final

from quarantine.findings import Code

FIELDS_MAX: Final = 64  # in one header; writers use five at most, and an area of 64 kB could hold 16,000
ZIP64: Final = 0x0001
UNICODE_PATH: Final = 0x7075
AES: Final = 0x9901

_UNIX_NEW, _UNIX_2, _UNIX_1, _ASI, _NT_ACL = 0x7875, 0x7855, 0x5855, 0x756E, 0x4453
_TIMESTAMP, _NTFS = 0x5455, 0x000A

Extra = tuple[tuple[int, bytes], ...]


def parse_extra(untrusted_area: bytes) -> tuple[Extra, bool]:
    """Return the fields of one header's area, and whether they fill it; zeros at its end are padding (zipalign)."""
    fields: list[tuple[int, bytes]] = []
    at = 0
    while at + 4 <= len(untrusted_area) and len(fields) < FIELDS_MAX:
        kind, size = struct.unpack_from("<HH", untrusted_area, at)
        if at + 4 + size > len(untrusted_area) or (kind == 0 and size == 0):
            break
        fields.append((kind, untrusted_area[at + 4 : at + 4 + size]))
        at += 4 + size
    return tuple(fields), not untrusted_area[at:].strip(b"\x00")


def extra_field(extra: Extra, kind: int) -> bytes | None:
    """Return the first field of this kind."""
    return next((body for known, body in extra if known == kind), None)


def unicode_path(extra: Extra, name: bytes) -> str | None:
    """Return the second name of a member; None when it is missing, or is one that belongs to another name (4.6.9).

    Raises:
        UnicodeDecodeError: It is valid and not UTF-8.
    """
    body = extra_field(extra, UNICODE_PATH)
    if body is None or len(body) < 5 or body[0] != 1 or struct.unpack_from("<I", body, 1)[0] != zlib.crc32(name):
        return None
    return body[5:].decode("utf-8")


def extra_findings(extra: Extra) -> set[Code]:
    """Return what identifies the source."""
    found = set()
    for kind, body in extra:
        if kind in {_ASI, _NT_ACL} or (kind in {_UNIX_NEW, _UNIX_2, _UNIX_1} and _has_owner(kind, body)):
            found.add(Code.PRIVACY_ARCHIVE_OWNER)
        if (kind == _TIMESTAMP and len(body) >= 5) or (kind == _NTFS and len(body) >= 32):
            found.add(Code.PRIVACY_ARCHIVE_TIMES)
        if kind == _UNIX_1 and len(body) >= 8:
            found.add(Code.PRIVACY_ARCHIVE_TIMES)
    return found


def _has_owner(kind: int, body: bytes) -> bool:
    """Return whether it contains ids other than root's: every system has a root, and no other number."""
    if kind == _UNIX_1:
        return any(body[8:12])  # after two times
    if kind == _UNIX_2:
        return any(body[:4])
    uid_size = body[1] if len(body) > 1 else 0
    return any(body[2 : 2 + uid_size]) or any(body[3 + uid_size :])  # version, length and uid, length and gid
