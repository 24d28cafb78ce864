"""Exif and XMP: which kinds of things they reveal about the person who made a picture or document. Never the things.

Exif is a TIFF file inside a picture: directories of tagged entries (CIPA DC-008, section 4.6).
"""

import re
from typing import Final

from quarantine.findings import Code

_ENTRY_SIZE: Final = 12  # bytes; TIFF 6.0, section 2
_ENTRIES_MAX: Final = 1000  # of one directory
_DIRECTORIES_MAX: Final = 8
_SUB_DIRECTORIES: Final = frozenset({0x8769, 0xA005})  # Exif, interoperability
_GPS: Final = 0x8825
_DEVICE: Final = frozenset({
    0x010F, 0x0110, 0x013C, 0x927C, 0xA420, 0xA431, 0xA433, 0xA434, 0xA435, 0xC614, 0xC62F,
})  # make, model, host, maker's note, image id, serial numbers, lens  # fmt: skip
_TIME: Final = frozenset({0x0132, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012})
_AUTHOR: Final = frozenset({0x013B, 0x8298, 0xA430, 0x9C9D, 0x9C9C, 0x9286})  # artist, copyright, owner, comments

_FILLED: Final = rb"\s*=\s*[\"'][^\"'\s]"
_ELEMENT: Final = rb"(?:\s[^<>]{0,200})?>(?:\s|<rdf:[A-Za-z]+[^<>]{0,200}>){0,20}[^\s<]"
_XMP: Final[tuple[tuple[Code, re.Pattern[bytes]], ...]] = tuple(
    (code, re.compile(rb"\b(?:" + names + rb")(?:" + _FILLED + rb"|" + _ELEMENT + rb")"))
    for code, names in (
        (
            Code.PRIVACY_PICTURE_AUTHOR,
            rb"dc:creator|photoshop:AuthorsPosition|photoshop:CaptionWriter|pdfx:Author|tiff:Artist",
        ),
        (Code.PRIVACY_PICTURE_SOFTWARE, rb"xmp:CreatorTool|xap:CreatorTool|pdf:Producer"),
        (
            Code.PRIVACY_PICTURE_TIMES,
            rb"(?:xmp|xap):(?:Create|Modify|Metadata)Date|photoshop:DateCreated|exif:DateTime\w+",
        ),
        (Code.PRIVACY_PICTURE_DOCUMENT_ID, rb"(?:xmp|xap)MM:(?:Original)?(?:Document|Instance)ID|stRef:documentID"),
        (Code.PRIVACY_PICTURE_LOCATION, rb"exif:GPS\w+"),
        (Code.PRIVACY_PICTURE_DEVICE, rb"aux:(?:SerialNumber|Lens\w*)|exifEX:\w*SerialNumber|tiff:(?:Make|Model)"),
    )
)


def exif_privacy(tiff: bytes) -> set[Code]:
    """Return what kinds of things an Exif block reveals, beginning with its byte order; whatever the bytes are."""
    order: str = {b"II": "little", b"MM": "big"}.get(tiff[:2], "")
    if order not in {"little", "big"}:
        return set()
    codes: set[Code] = set()
    waiting, seen = [(_whole(tiff[4:8], order), 0)], set[int]()
    while waiting and len(seen) < _DIRECTORIES_MAX:
        place, number = waiting.pop()
        if place in seen or place < 8 or place + 2 > len(tiff):
            continue
        seen.add(place)
        if number == 1:
            codes.add(Code.PRIVACY_PICTURE_THUMBNAIL)
        count = min(_whole(tiff[place : place + 2], order), _ENTRIES_MAX)
        entries = [tiff[at : at + _ENTRY_SIZE] for at in range(place + 2, place + 2 + count * _ENTRY_SIZE, _ENTRY_SIZE)]
        for entry in entries:
            tag, target = _whole(entry[:2], order), _whole(entry[8:12], order)
            if tag in _SUB_DIRECTORIES:
                waiting.append((target, -1))
            codes |= meaning_of_tag(tag)
        following = place + 2 + count * _ENTRY_SIZE
        if number == 0 and (second := _whole(tiff[following : following + 4], order)):
            waiting.append((second, 1))
    return codes


def meaning_of_tag(tag: int) -> set[Code]:
    """Return what the presence of an entry reveals."""
    if tag == _GPS:
        return {Code.PRIVACY_PICTURE_LOCATION}
    if tag in _DEVICE:
        return {Code.PRIVACY_PICTURE_DEVICE}
    if tag in _TIME:
        return {Code.PRIVACY_PICTURE_TIMES}
    if tag in _AUTHOR:
        return {Code.PRIVACY_PICTURE_AUTHOR}
    return {Code.PRIVACY_PICTURE_SOFTWARE} if tag == 0x0131 else set()


def xmp_privacy(packet: bytes) -> set[Code]:
    """Return what kinds of things an XMP packet reveals (ISO 16684-1): properties that are not empty.

    Searched and not parsed: an XML parser is one more that a stranger's bytes would reach.
    """
    # UTF-16 and UTF-32 are allowed; without NUL, their ASCII is ASCII.
    text = packet.replace(b"\x00", b"") if b"\x00" in packet[:64] else packet
    return {code for code, pattern in _XMP if pattern.search(text)}


def _whole(field: bytes, order: str) -> int:
    return int.from_bytes(field, "big" if order == "big" else "little")
