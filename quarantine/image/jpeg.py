"""The segments of a JPEG (ITU-T T.81, annex B): its structure, and what its metadata reveals about its maker."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from quarantine.findings import Code
from quarantine.image.exif import exif_privacy, xmp_privacy

JPEG_MAGIC: Final = b"\xff\xd8\xff"

_SEGMENTS_MAX: Final = 2000  # a large colour profile takes 200
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RSTn have no length
_START_OF_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = 0xD9
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn
_APP1: Final = 0xE1
_APP13: Final = 0xED
_COMMENT: Final = 0xFE
_EXIF: Final = b"Exif\x00\x00"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\x00"
_XMP_EXTENSION: Final = b"http://ns.adobe.com/xmp/extension/\x00"
_PHOTOSHOP: Final = b"Photoshop 3.0\x00"
_IPTC_PERSON: Final = (
    b"\x1c\x02\x50",
    b"\x1c\x02\x55",
    b"\x1c\x02\x74",
    b"\x1c\x02\x7a",
)  # by-line, title, copyright, writer
_IPTC_TIME: Final = (b"\x1c\x02\x37", b"\x1c\x02\x3c")  # date and time created


@dataclass(frozen=True, slots=True)
class JpegSegment:
    """One marker segment; `payload` is what follows its length."""

    marker: int
    payload: bytes
    complete: bool  # whether all of it was there
    end: int  # offset after it


def segments(jpeg: bytes) -> Iterator[JpegSegment]:
    """Yield the segments up to the first scan's header, or to where the bytes are no JPEG any more."""
    place = 2
    for _ in range(_SEGMENTS_MAX):
        while jpeg[place : place + 2] == b"\xff\xff":  # fill bytes; B.1.1.2
            place += 1
        if len(jpeg) < place + 2 or jpeg[place] != 0xFF:
            return
        marker = jpeg[place + 1]
        if marker in _STANDALONE:
            place += 2
            continue
        length = int.from_bytes(jpeg[place + 2 : place + 4])
        end = place + 2 + length
        yield JpegSegment(marker, jpeg[place + 4 : end], length >= 2 and end <= len(jpeg), end)
        if length < 2 or marker in {_START_OF_SCAN, _END_OF_IMAGE}:
            return
        place = end


def jpeg_privacy(jpeg: bytes) -> set[Code]:
    """Return what kinds of things the metadata reveals; `jpeg` may be only a picture's beginning."""
    codes: set[Code] = set()
    for segment in segments(jpeg):
        payload = segment.payload
        if segment.marker == _APP1 and payload.startswith(_EXIF):
            codes |= exif_privacy(payload[len(_EXIF) :])
        elif segment.marker == _APP1 and payload.startswith((_XMP, _XMP_EXTENSION)):
            codes |= xmp_privacy(payload)
        elif segment.marker == _COMMENT and payload.strip(b"\x00 "):
            codes.add(Code.PRIVACY_PICTURE_TEXT)
        elif segment.marker == _APP13 and payload.startswith(_PHOTOSHOP):
            codes |= {Code.PRIVACY_PICTURE_AUTHOR} if any(tag in payload for tag in _IPTC_PERSON) else set()
            codes |= {Code.PRIVACY_PICTURE_TIMES} if any(tag in payload for tag in _IPTC_TIME) else set()
    return codes


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels as the frame gives them; None without a sound frame header and scan header."""
    size = None
    for segment in segments(jpeg):
        if not segment.complete:
            return None
        if segment.marker in _FRAMES and len(segment.payload) >= 6:
            size = int.from_bytes(segment.payload[3:5]), int.from_bytes(segment.payload[1:3])
        if segment.marker == _START_OF_SCAN:
            return size
    return None
