"""Small office documents and e-mails, as programs write them but for their length, and such that are none."""

import io
import zipfile
from collections.abc import Mapping
from typing import Final

OFFICE: Final = "application/vnd.openxmlformats-officedocument"
MAIN: Final = {
    "docx": ("word/document.xml", f"{OFFICE}.wordprocessingml.document.main+xml"),
    "xlsx": ("xl/workbook.xml", f"{OFFICE}.spreadsheetml.sheet.main+xml"),
    "pptx": ("ppt/presentation.xml", f"{OFFICE}.presentationml.presentation.main+xml"),
}
MIMETYPES: Final = {
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}
_CORE: Final = (
    '<cp:coreProperties xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{}</dc:creator></cp:coreProperties>'
)
_META: Final = "<office:meta><meta:initial-creator>{}</meta:initial-creator></office:meta>"
MAIL: Final = (
    b"Received: from a by b\r\n\twith ESMTP; Mon, 30 Nov 2026 10:00:00 +0100\r\nFrom: Kari <kari@example.org>\r\n"
    b"To: Ola <ola@example.org>\r\nDate: Mon, 30 Nov 2026 10:00:00 +0100\r\nSubject: =?utf-8?B?aGVp?=\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello.\r\n"
)


def zipped(members: Mapping[str, bytes | str], *, stored: str = "") -> bytes:
    """A ZIP with these members in their order; the one called `stored` is not compressed."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == stored else None)
    return target.getvalue()


def ooxml(kind: str, *, author: str = "", more: Mapping[str, bytes | str] | None = None, main: str = "") -> bytes:
    """A docx, xlsx or pptx; `main` is another type for its main part."""
    part, content_type = MAIN[kind]
    types = f'<Types><Override PartName="/{part}" ContentType="{main or content_type}"/></Types>'
    members: dict[str, bytes | str] = {
        "[Content_Types].xml": types,
        "_rels/.rels": f'<Relationships><Relationship Target="{part}"/></Relationships>',
        part: "<document>Hello.</document>",
    }
    if author:
        members["docProps/core.xml"] = _CORE.format(author)
    return zipped(members | dict(more or {}))


def odf(kind: str, *, author: str = "", more: Mapping[str, bytes | str] | None = None, mimetype: str = "") -> bytes:
    """An odt or ods."""
    members: dict[str, bytes | str] = {
        "mimetype": mimetype or MIMETYPES[kind],
        "content.xml": "<office:document-content>Hello.</office:document-content>",
        "META-INF/manifest.xml": "<manifest:manifest/>",
    }
    if author:
        members["meta.xml"] = _META.format(author)
    return zipped(members | dict(more or {}), stored="mimetype")


def document(kind: str, *, author: str = "", more: Mapping[str, bytes | str] | None = None) -> bytes:
    """A sound document of any of these types."""
    if kind == "eml":
        return MAIL
    return odf(kind, author=author, more=more) if kind in MIMETYPES else ooxml(kind, author=author, more=more)


KINDS: Final = (*MAIN, *MIMETYPES, "eml")
