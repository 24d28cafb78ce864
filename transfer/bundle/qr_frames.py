"""A bundle on paper: pieces that fit a QR code each, as text of letters and digits (BUNDLE.md, 6). No input or output.

A piece contains its bundle's digest, its place and its own checksum, so scans may come in any order, twice, or from a
scanner that types them with the signs of another keyboard. Only the bundle's signature decides whether it is trusted.
"""

import base64
import hashlib
import struct
from typing import Final

from transfer.errors import BundleError

PAPER_MAX: Final = 64 * 1024  # bytes of a bundle: nobody scans more than a hundred codes
FRAME_PAYLOAD: Final = 560  # bytes in one code: 930 characters, version 20 of QR at level M
TEXT_MAX: Final = 1024 * 1024  # bytes of scanned lines that are read: every code several times
MARK: Final = "ENVEIS"  # begins every frame
_HEAD: Final = struct.Struct(">B8sHH")  # version, beginning of the bundle's SHA-256, place from 0, number of pieces
_SUM_SIZE: Final = 4  # bytes of SHA-256 over all before it
_VERSION: Final = 1


def encode_frames(bundle: bytes, *, payload: int = FRAME_PAYLOAD) -> list[str]:
    """Return the texts of the codes, in order, with `payload` bytes of the bundle in each.

    Raises:
        BundleError: The bundle is too large for paper.
    """
    if len(bundle) > PAPER_MAX:
        raise BundleError(
            f"the bundle is too large for paper ({len(bundle) // 1024} KiB; {PAPER_MAX // 1024} KiB is the most): "
            "carry the file on a fresh disc"
        )
    digest = hashlib.sha256(bundle).digest()[:8]
    pieces = [bundle[start : start + payload] for start in range(0, len(bundle), payload)]
    frames = [_HEAD.pack(_VERSION, digest, place, len(pieces)) + piece for place, piece in enumerate(pieces)]
    return [MARK + _text(frame + _sum(frame)) for frame in frames]


def join_frames(untrusted_text: str) -> bytes:
    """Return the bundle in scanned lines.

    Raises:
        BundleError: A line is damaged or of another bundle, or pieces are missing: the message names it.
    """
    if len(untrusted_text) > TEXT_MAX:
        raise BundleError(f"the scanned text is too long: {TEXT_MAX // 1024} KiB is the most")
    lines = [(number, line.strip()) for number, line in enumerate(untrusted_text.splitlines(), 1)]
    found: dict[int, bytes] = {}
    kinds: set[tuple[bytes, int]] = set()
    for number, line in lines:
        if line:
            digest, place, total, piece = _parse(line, number)
            kinds.add((digest, total))
            if found.setdefault(place, piece) != piece or len(kinds) > 1:
                raise BundleError(f"line {number} is of another bundle than the lines before it")
    if not kinds:
        raise BundleError("there is no scanned code in this file")
    (digest, total) = kinds.pop()
    missing = [str(place + 1) for place in range(total) if place not in found]
    if missing:
        shown = ", ".join(missing[:20]) + (" and more" if len(missing) > 20 else "")
        raise BundleError(f"of {total} codes {len(missing)} are missing: scan {shown}")
    bundle = b"".join(found[place] for place in range(total))
    if hashlib.sha256(bundle).digest()[:8] != digest:
        raise BundleError("the codes do not make up one bundle: scan all of them again")
    return bundle


def _parse(line: str, number: int) -> tuple[bytes, int, int, bytes]:
    body = line.upper().removeprefix(MARK)
    try:
        frame = base64.b32decode(body + "=" * (-len(body) % 8))
        version, digest, place, total = _HEAD.unpack_from(frame)
    except (ValueError, struct.error):  # no Base32, signs beyond ASCII, or too short
        raise BundleError(_damaged(number)) from None
    content, checksum = frame[:-_SUM_SIZE], frame[-_SUM_SIZE:]
    if version != _VERSION or _sum(content) != checksum or not place < total <= PAPER_MAX // FRAME_PAYLOAD + 1:
        raise BundleError(_damaged(number))
    return digest, place, total, content[_HEAD.size :]


def _damaged(number: int) -> str:
    return f"line {number} is not a code of a bundle, or was scanned wrongly"


def _text(frame: bytes) -> str:
    # Base32 and not base45: a fifteenth longer, and no sign in it that a keyboard layout could turn into another.
    return base64.b32encode(frame).decode("ascii").rstrip("=")


def _sum(frame: bytes) -> bytes:
    return hashlib.sha256(frame).digest()[:_SUM_SIZE]
