"""The chunks of a PNG (W3C PNG, third edition, section 5): its structure, and what its metadata reveals.

Reads a stream chunk by chunk; picture data is summed and not kept.
"""

import zlib
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from quarantine.findings import Code
from quarantine.image.exif import exif_privacy, xmp_privacy

PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"

_CHUNKS_MAX: Final = 100_000
_KEPT_MAX: Final = 1024 * 1024  # bytes of a chunk of metadata, and of a compressed text that is inflated
_PIECE: Final = 1024 * 1024  # bytes of one read
_METADATA: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf"})
_KEYWORDS: Final[dict[str, Code]] = {
    **dict.fromkeys(("author", "artist", "copyright"), Code.PRIVACY_PICTURE_AUTHOR),
    **dict.fromkeys(("creation time", "date:create", "date:modify", "date:timestamp"), Code.PRIVACY_PICTURE_TIMES),
    "software": Code.PRIVACY_PICTURE_SOFTWARE,
    "source": Code.PRIVACY_PICTURE_DEVICE,
}  # in lower case; 11.3.3.1


@dataclass(slots=True)
class PngChunks:
    """What reading all chunks found."""

    sound: bool = False  # IHDR first, every CRC right, IEND last
    size: tuple[int, int] = (0, 0)  # pixels
    end: int = 0  # offset after IEND
    codes: set[Code] = field(default_factory=set)


def read_png(stream: BinaryIO) -> PngChunks:
    """Read a PNG's chunks from its beginning; stops where they are damaged."""
    read = PngChunks()
    stream.seek(len(PNG_MAGIC))
    for number in range(_CHUNKS_MAX):
        head = stream.read(8)
        length, kind = int.from_bytes(head[:4]), head[4:]
        if len(head) < 8 or length > 0x7FFFFFFF or (number == 0) != (kind == b"IHDR"):
            return read
        kept = _read_chunk(stream, kind, length)
        if kept is None:
            return read
        if kind == b"IHDR":
            read.size = int.from_bytes(kept[:4]), int.from_bytes(kept[4:8])
        if kind == b"IEND":
            read.sound, read.end = length == 0, stream.tell()
            return read
        read.codes |= _metadata(kind, kept)
    return read


def _read_chunk(stream: BinaryIO, kind: bytes, length: int) -> bytes | None:
    """Return the chunk's first bytes, when all of it was there and its sum is right."""
    crc, kept, left = zlib.crc32(kind), b"", length
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            return None
        crc, left = zlib.crc32(piece, crc), left - len(piece)
        if len(kept) < _KEPT_MAX and (kind in _METADATA or kind == b"IHDR"):
            kept += piece
    return kept if stream.read(4) == crc.to_bytes(4) else None


def _metadata(kind: bytes, content: bytes) -> set[Code]:
    if kind == b"eXIf":
        return exif_privacy(content)
    if kind == b"tIME":
        return {Code.PRIVACY_PICTURE_TIMES}
    if kind not in _METADATA:
        return set()
    keyword, _, text = content.partition(b"\x00")
    word = keyword.lower()
    if word == b"xml:com.adobe.xmp":
        return xmp_privacy(text)
    if word in {b"raw profile type exif", b"raw profile type app1"}:
        return exif_privacy(_hex_profile(_inflate(text[1:]) if kind == b"zTXt" else text))
    return meaning_of_keyword(keyword.decode("latin-1"))


def meaning_of_keyword(keyword: str) -> set[Code]:
    """Return what the presence of a text under this keyword reveals; an unknown keyword is a text all the same."""
    return {_KEYWORDS.get(keyword.lower(), Code.PRIVACY_PICTURE_TEXT)}


def _inflate(compressed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(compressed, _KEPT_MAX)
    except zlib.error:
        return b""


def _hex_profile(text: bytes) -> bytes:
    """ImageMagick's way: a name, a length, and hex digits in lines."""
    try:
        profile = bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        return b""
    return profile.removeprefix(b"Exif\x00\x00")
