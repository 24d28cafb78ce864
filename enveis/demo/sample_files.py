"""Small real files for the demonstration and the tests: a PDF, a text, a ZIP, and a stored RAR."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final

# RAR 5.0 archive format, https://www.rarlab.com/technote.htm
_RAR_MAGIC: Final = b"Rar!\x1a\x07\x01\x00"
_MAIN, _FILE, _END = 1, 2, 5  # types of header
_DATA_AREA: Final = 0x02  # flag of a header that bytes follow
_HAS_CRC: Final = 0x04  # flag of a file
_REGULAR: Final = 0o100644  # mode of a file on Unix
_UNIX: Final = 1
_STORED: Final = 0  # version 0, method 0


def stored_rar(files: Mapping[str, bytes]) -> bytes:
    """Return a RAR 5 archive of `files` uncompressed."""
    blocks = [_block(_MAIN, _vint(0))]
    for name, content in files.items():
        encoded = name.encode()
        body = (_vint(_HAS_CRC), _vint(len(content)), _vint(_REGULAR), zlib.crc32(content).to_bytes(4, "little"))
        tail = (_vint(_STORED), _vint(_UNIX), _vint(len(encoded)), encoded)
        blocks += [_block(_FILE, b"".join(body + tail), data=len(content)), content]
    return b"".join((_RAR_MAGIC, *blocks, _block(_END, _vint(0))))


def deflated_zip(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive of `files`, with a fixed date."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def one_page_pdf(text: str) -> bytes:
    """Return a PDF of one page with one line of ASCII text, and a correct table of its objects (ISO 32000-1, 7.5)."""
    shown = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("ascii")
    drawing = b"BT /F1 14 Tf 72 720 Td (" + shown + b") Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    document = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(document)


def _block(kind: int, body: bytes, *, data: int | None = None) -> bytes:
    flags = b"" if data is None else _vint(data)
    fields = _vint(kind) + _vint(0 if data is None else _DATA_AREA) + flags + body
    sized = _vint(len(fields)) + fields
    return zlib.crc32(sized).to_bytes(4, "little") + sized


def _vint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
