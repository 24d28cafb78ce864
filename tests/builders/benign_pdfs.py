"""Ordinary PDFs from several producers, made when a test asks: our own, pypdf, and what this machine has installed."""

import io
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pypdf
from pypdf.annotations import FreeText, Highlight, Link, Text
from pypdf.generic import ArrayObject, DictionaryObject, Fit, FloatObject, NameObject, TextStringObject

from enveis.demo.sample_files import one_page_pdf
from tests.builders.jpeg_files import jpeg
from tests.builders.pdf_files import deflated, pdf, revised, stream, with_object_stream

# Programs that write PDFs; each is used where it is installed, and no test needs one.
CHROMIUM: Final = "chromium"
LIBREOFFICE: Final = "soffice"
GHOSTSCRIPT: Final = "gs"
GROFF: Final = "groff"

_PAGE_TEXT: Final = b"BT /F1 11 Tf 72 700 Td (I complain about the decision of 3 March.) Tj ET"
_IMAGE: Final = b"/Type /XObject /Subtype /Image /BitsPerComponent 8 "


def own() -> Iterator[tuple[str, bytes]]:
    """What many producers write, by our own writer."""
    link = b"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://example.org/) >> >>"
    inside = b"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /GoTo /D [3 0 R /Fit] >> >>"
    field = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (x) /Rect [0 0 9 9] /DA (/F1 0 Tf) >>"
    yield "sample", one_page_pdf("Klage")
    yield "plain", pdf()
    for header in (
        b"%PDF-1.3\n",
        b"%PDF-1.4\r\n%\xe2\xe3\xcf\xd3\r\n",
        b"%PDF-2.0\n",
        b"\n\n%PDF-1.5\n",
        b"\xef\xbb\xbf%PDF-1.4\n",
    ):
        yield f"header-{header[-12:]!r}", pdf(header=header)
    for name, catalog in {
        "fits": b"/OpenAction [3 0 R /Fit]",
        "zooms": b"/OpenAction << /S /GoTo /D [3 0 R /XYZ null null 1] >>",
        "named-page": b"/OpenAction << /S /Named /N /FirstPage >>",
        "language": b"/Lang (nb-NO) /MarkInfo << /Marked true >> /ViewerPreferences << /DisplayDocTitle true >>",
        "labels": b"/PageLabels << /Nums [0 << /S /r >>] >>",
        "names": b"/Names << /Dests << /Names [(JavaScript) [3 0 R /Fit] (Launch) [3 0 R /Fit]] >> >>",
        "base-address": b"/URI << /Base (https://example.org/) >>",
        "layers": b"/OCProperties << /OCGs [] /D << /Order [] >> >>",
    }.items():
        yield name, pdf(catalog)
    yield "link", pdf(b"", link, page=b"/Annots [6 0 R]")
    yield (
        "contents-list",
        pdf(b"", *[inside] * 30, page=b"/Annots [" + b" ".join(b"%d 0 R" % n for n in range(6, 36)) + b"]"),
    )
    yield "form", pdf(b"/AcroForm << /Fields [6 0 R] /NeedAppearances true >>", field, page=b"/Annots [6 0 R]")
    yield "form-with-reset", pdf(b"", field.replace(b"/V (x)", b"/A << /S /ResetForm >>"), page=b"/Annots [6 0 R]")
    yield "deflated", pdf(b"", deflated(_PAGE_TEXT * 200))
    yield (
        "object-streams",
        with_object_stream(
            b"<< /Title (a) >>", b"[1 2 3]", b"(text)", encode=zlib.compress, entries=b"/Filter /FlateDecode"
        ),
    )
    yield (
        "photograph",
        pdf(b"", stream(jpeg(gps=True), _IMAGE + b"/Width 8 /Height 8 /ColorSpace /DeviceRGB /Filter /DCTDecode")),
    )
    yield "scan-grey", pdf(
        b"", stream(jpeg(), _IMAGE + b"/Width 2480 /Height 3508 /ColorSpace /DeviceGray /Filter /DCTDecode"),
        resources=b"/Resources << /XObject << /I 6 0 R >> >>",
    )  # fmt: skip
    yield "scan-jbig2", pdf(b"", stream(b"\x00" * 40, _IMAGE + b"/Width 8 /Height 8 /Filter /JBIG2Decode"))
    yield (
        "white-page",
        pdf(b"", deflated(b"\xff" * 25_000_000, _IMAGE + b"/Width 2480 /Height 3508 /ColorSpace /DeviceRGB")),
    )
    yield "changed", revised(pdf(), 4, stream(_PAGE_TEXT))
    yield "changed-twice", revised(revised(pdf(), 4, stream(_PAGE_TEXT)), 4, stream(_PAGE_TEXT))
    signature = b"<< /Type /Sig /Filter /Adobe.PPKLite /ByteRange [0 1 2 3] /Contents <00> >>"
    yield "signed", revised(pdf(b"/AcroForm << /SigFlags 3 /Fields [] >>"), 7, signature)
    yield "line-end-after-end", pdf() + b"\r\n\x00\x00\x00"
    yield "wrong-offsets", pdf(version_of_xref=False)
    yield "wrong-startxref", pdf().replace(b"startxref\n", b"startxref\n1")
    yield "no-cross-reference", pdf().split(b"xref\n")[0] + b"%%EOF"
    invoice = deflated(b'<?xml version="1.0"?><rsm:CrossIndustryInvoice/>', b"/Type /EmbeddedFile /Subtype /text#2Fxml")
    spec = b"<< /Type /Filespec /F (factur-x.xml) /AFRelationship /Data /EF << /F 7 0 R >> >>"
    yield "invoice", pdf(b"/AF [6 0 R] /Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >>", spec, invoice)


def by_pypdf() -> Iterator[tuple[str, bytes]]:
    """What pypdf's writer does: copies, outlines, annotations, forms, encryption without a password."""

    def written(writer: pypdf.PdfWriter) -> bytes:
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()

    def copy(pages: int = 1) -> pypdf.PdfWriter:
        writer = pypdf.PdfWriter()
        for number in range(pages):
            writer.append(io.BytesIO(one_page_pdf(f"Page {number}")))
        return writer

    yield "pypdf-copy", written(copy())
    yield "pypdf-many-pages", written(copy(60))
    writer = copy(5)
    writer.add_metadata({"/Author": "A", "/Title": "B", "/CreationDate": "D:20260101120000+01'00'"})
    parent = writer.add_outline_item(title="Part", page_number=0)
    for number in range(1, 5):
        writer.add_outline_item(title=f"Chapter {number}", page_number=number, parent=parent)
    yield "pypdf-outline", written(writer)
    writer = copy(3)
    box = (50.0, 550.0, 200.0, 650.0)
    writer.add_annotation(page_number=0, annotation=FreeText(text="note", rect=box))
    writer.add_annotation(page_number=0, annotation=Text(text="note", rect=box))
    writer.add_annotation(page_number=0, annotation=Link(rect=box, url="https://example.org/"))
    writer.add_annotation(page_number=1, annotation=Link(rect=box, target_page_index=2, fit=Fit.fit()))
    quad = ArrayObject([FloatObject(value) for value in (50, 650, 200, 650, 50, 550, 200, 550)])
    writer.add_annotation(page_number=1, annotation=Highlight(rect=box, quad_points=quad))
    yield "pypdf-annotations", written(writer)
    for algorithm in ("RC4-128", "AES-128", "AES-256"):
        writer = copy(2)
        writer.encrypt(user_password="", owner_password="owner", algorithm=algorithm)  # noqa: S106 - a test's
        yield f"pypdf-restricted-{algorithm}", written(writer)
    writer = copy()
    writer.add_attachment(filename="notes.txt", data=b"Some notes.\n")
    yield "pypdf-attached-text", written(writer)
    writer = copy()
    writer.add_attachment(filename="copy.pdf", data=one_page_pdf("inside"))
    yield "pypdf-attached-pdf", written(writer)
    writer = copy(4)
    writer.compress_identical_objects()
    for page in writer.pages:
        page.compress_content_streams()
        page.rotate(90)
    yield "pypdf-compressed", written(writer)
    writer = copy()
    writer._root_object[NameObject("/ViewerPreferences")] = DictionaryObject(
        {NameObject("/Title"): TextStringObject("æ")}
    )
    writer.page_layout = "/TwoColumnLeft"
    yield "pypdf-preferences", written(writer)
    writer = pypdf.PdfWriter(io.BytesIO(one_page_pdf("first")), incremental=True)
    writer.add_blank_page(width=595, height=842)
    yield "pypdf-incremental", written(writer)


_HTML: Final = """<!DOCTYPE html><meta charset=utf-8><title>Klage</title><h1>Klage på vedtak</h1>
<p>Jeg klager på vedtaket. <a href="https://example.org/">Lenke</a> <a href="#slutt">ned</a></p>
<table border=1><tr><td>a<td>b</table><p id=slutt style="page-break-before: always">æøå 中文 العربية</p>"""


def by_programs(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What programs of this machine write, those of them that are there."""
    page, out = folder / "letter.html", folder / "letter.pdf"
    page.write_text(_HTML)
    commands = {
        CHROMIUM: [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
                   f"--print-to-pdf={out}", page.as_uri()],
        LIBREOFFICE: [LIBREOFFICE, f"-env:UserInstallation={(folder / 'office').as_uri()}", "--headless",
                      "--convert-to", "pdf", "--outdir", str(folder), str(page)],
        GHOSTSCRIPT: [GHOSTSCRIPT, "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", f"-sOutputFile={out}", "-c",
                      "/Helvetica 12 selectfont 72 720 moveto (Letter) show showpage"],
        GROFF: [GROFF, "-Tpdf", "-ms", str(page)],
    }  # fmt: skip
    for program, command in commands.items():
        if shutil.which(program) is None:
            continue
        out.unlink(missing_ok=True)
        done = subprocess.run(command, check=False, capture_output=True, timeout=60, cwd=folder)
        content = out.read_bytes() if out.exists() else done.stdout
        if content.startswith(b"%PDF-"):
            yield program, content
