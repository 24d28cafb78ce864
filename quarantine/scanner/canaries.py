"""Proves at start that the scanner finds what it must: a scanner that answers OK to everything looks healthy.

That happens: clamd's defaults answer OK beyond 16 levels of nesting and to encrypted archives, and a clamd
that cannot read the descriptor may do so too.
"""

import io
import struct
import zipfile
from dataclasses import dataclass
from typing import Final

from quarantine.errors import ScannerUnfitError, UndecidableError
from quarantine.findings import Code
from quarantine.memfd import seal_bytes_in_memory
from quarantine.scanner.clamd import Scanner

NESTING_BEYOND: Final = 40  # ZIPs around the innermost file; deploy/clamd/clamd.conf allows 8 levels

_LOCAL_FLAGS: Final = 6  # offset of the general purpose flags in a local header; APPNOTE.TXT 4.3.7
_CENTRAL_FLAGS: Final = 8  # the same in a central header; APPNOTE.TXT 4.3.12


@dataclass(frozen=True, slots=True)
class Canary:
    """Bytes whose answer is known."""

    name: str
    plaintext: bytes
    expected: frozenset[Code]  # any one of these; empty means clean


def eicar() -> bytes:
    """Return the harmless file that every scanner calls malware (eicar.org).

    Assembled here, so that no file of this project contains it: scanners would remove that file.
    """
    return b"".join((b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$", b"EICAR-STANDARD-", b"ANTIVIRUS-TEST-", b"FILE!$H+H*"))


def canaries() -> tuple[Canary, ...]:
    """Return what `check_scanner` sends, in this order."""
    malware = frozenset({Code.SCANNER_MALWARE})
    deep = b"a harmless text\n"
    for _ in range(NESTING_BEYOND):
        deep = zip_of("inner.zip", deep)
    return (
        Canary("a harmless text", b"a harmless text\n", frozenset()),
        Canary("the EICAR test file", eicar(), malware),
        Canary("the EICAR test file in a ZIP in a ZIP", zip_of("in.zip", zip_of("eicar.txt", eicar())), malware),
        Canary("an encrypted ZIP", encrypted_zip(), frozenset({Code.SCANNER_ENCRYPTED})),
        Canary("ZIPs nested beyond the limit", deep, frozenset({Code.SCANNER_LIMITS})),
    )


def check_scanner(scanner: Scanner, *, deadline: float) -> None:
    """Send every canary.

    Raises:
        ScannerUnfitError: One was answered wrongly, or not before `deadline` (seconds of time.monotonic).
    """
    for canary in canaries():
        with seal_bytes_in_memory(canary.plaintext) as memfd:
            try:
                finding = scanner.scan(memfd.fd, deadline=deadline)
            except UndecidableError as error:
                raise ScannerUnfitError(f"The virus scanner failed on {canary.name}: {error}") from None
        if (finding is None and canary.expected) or (finding is not None and finding.code not in canary.expected):
            answer = "clean" if finding is None else finding.code.value
            wanted = " or ".join(sorted(canary.expected)) or "clean"
            raise ScannerUnfitError(
                f"The virus scanner reports {canary.name} as {answer}, not as {wanted} (see deploy/clamd/clamd.conf)."
            )


def zip_of(name: str, plaintext: bytes) -> bytes:
    """Return a ZIP archive with one stored member."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        # A fixed time: canaries are the same bytes on every start.
        members.writestr(zipfile.ZipInfo(name), plaintext)
    return archive.getvalue()


def encrypted_zip() -> bytes:
    """Return a ZIP whose only member is marked as encrypted, with bytes that mean nothing."""
    archive = bytearray(zip_of("secret.txt", bytes(range(64))))
    for header, offset in ((b"PK\x03\x04", _LOCAL_FLAGS), (b"PK\x01\x02", _CENTRAL_FLAGS)):
        at = archive.index(header) + offset
        (flags,) = struct.unpack_from("<H", archive, at)
        struct.pack_into("<H", archive, at, flags | 1)
    return bytes(archive)
