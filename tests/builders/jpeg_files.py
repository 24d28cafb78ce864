"""JPEG and PNG pictures for tests: structure and metadata; what they show does not matter."""

import struct
import zlib


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2) + payload


def tiff(*, gps: bool = False, device: bool = False, time: bool = False, author: bool = False) -> bytes:
    """An Exif block: little-endian, one directory, values that fit into their entries."""
    tags = [(0x010F, device), (0x0132, time), (0x013B, author), (0x8825, gps)]
    entries = [struct.pack("<HHI4s", tag, 2, 2, b"A\x00\x00\x00") for tag, wanted in tags if wanted]
    return b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def jpeg(
    *,
    gps: bool = False,
    device: bool = False,
    time: bool = False,
    author: bool = False,
    size: int = 8,
    xmp: bytes = b"",
) -> bytes:
    exif = segment(0xE1, b"Exif\x00\x00" + tiff(gps=gps, device=device, time=time, author=author))
    packet = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + xmp) if xmp else b""
    frame = segment(0xC0, b"\x08" + size.to_bytes(2) * 2 + b"\x01\x01\x11\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\x34"
    return b"\xff\xd8" + exif + packet + frame + scan + b"\xff\xd9"


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def png(*chunks: bytes, size: int = 8) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress((b"\x00" + bytes(8)) * 8))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + chunk(b"IEND", b"")
