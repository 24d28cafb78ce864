"""PDFs made for tests: one trick each, named for it. What each has to be found as is data, in vectors/quarantine."""

import io
import zlib
from collections.abc import Callable
from typing import Final

import pypdf

from tests.builders.jpeg_files import jpeg

HOSTILE: Final[dict[str, Callable[[], bytes]]] = {}
CONTENT: Final = b"BT /F1 12 Tf 72 720 Td (A page) Tj ET"


def vector(make: Callable[[], bytes]) -> Callable[[], bytes]:
    HOSTILE[make.__name__] = make
    return make


def pdf(
    catalog: bytes = b"",
    *objects: bytes,
    page: bytes = b"",
    resources: bytes = b"/Resources << /Font << /F1 5 0 R >> >> ",
    trailer: bytes = b"",
    header: bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    version_of_xref: bool = True,
) -> bytes:
    """Catalog 1, pages 2, page 3, content 4, font 5; `objects` are 6 and on. Entries of catalog and page are added."""
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R " + resources + page + b" >>",
        stream(CONTENT),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *objects,
    ]
    out, places = bytearray(header), []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    shift = 0 if version_of_xref else 7
    out += b"".join(b"%010d 00000 n \n" % (place + shift) for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, trailer, start)
    return bytes(out)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def deflated(content: bytes, entries: bytes = b"") -> bytes:
    return stream(zlib.compress(content), b"/Filter /FlateDecode " + entries)


def revised(base: bytes, number: int, body: bytes, trailer: bytes = b"") -> bytes:
    """`base` with an incremental update that replaces one object."""
    start = int(base.rsplit(b"startxref\n", 1)[1].split()[0])
    place = len(base)
    out = base + b"%d 0 obj\n%s\nendobj\n" % (number, body)
    xref = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size 20 /Root 1 0 R /Prev %d %s >>\n" % (
        number,
        place,
        start,
        trailer,
    )
    return out + xref + b"startxref\n%d\n%%%%EOF\n" % len(out)


def with_object_stream(
    *objects: bytes, encode: Callable[[bytes], bytes], entries: bytes, catalog: bytes = b""
) -> bytes:
    """Catalog 1 to page 3 plain, 4 the object stream, 5 the cross-reference stream, `objects` 6 and on inside of 4."""
    offsets, inner = [], b""
    for number, body in enumerate(objects, 6):
        offsets.append(b"%d %d" % (number, len(inner)))
        inner += body + b" "
    index = b" ".join(offsets) + b" "
    content = encode(index + inner)
    numbers = b"/Type /ObjStm /N %d /First %d " % (len(objects), len(index))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        stream(content, numbers + entries),
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    rows = [(0, 0, 255), *((1, place, 0) for place in [*places, start]), *((2, 4, at) for at in range(len(objects)))]
    table = b"".join(kind.to_bytes(1) + place.to_bytes(4) + third.to_bytes(1) for kind, place, third in rows)
    size = b"/Type /XRef /Size %d /W [1 4 1] /Root 1 0 R" % len(rows)
    return bytes(out + b"5 0 obj\n" + stream(table, size) + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % start)


def encrypted(base: bytes, *, user: str, owner: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(base)))
    writer.encrypt(user_password=user, owner_password=owner, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


JS: Final = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
FLATE: Final = b"/Filter /FlateDecode "
FILESPEC: Final = b"/Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >>"


def attached(content: bytes) -> bytes:
    spec = b"<< /Type /Filespec /F (a) /EF << /F 7 0 R >> >>"
    return pdf(FILESPEC, spec, deflated(content, b"/Type /EmbeddedFile"))


def annotation(entries: bytes) -> bytes:
    return pdf(b"", b"<< /Type /Annot /Rect [0 0 9 9] " + entries + b" >>", page=b"/Annots [6 0 R]")


@vector
def javascript_when_opened() -> bytes:
    return pdf(b"/OpenAction " + JS)


@vector
def javascript_name_escaped() -> bytes:
    return pdf(b"/OpenAction 6 0 R", b"<< /S /J#61va#53cript /JS (x) >>")


@vector
def javascript_key_escaped() -> bytes:
    return pdf(b"/OpenAction 6 0 R", b"<< /#53 /Java#53cript /J#53 (x) >>")


@vector
def javascript_in_name_tree() -> bytes:
    return pdf(b"/Names << /JavaScript << /Names [(a) 6 0 R] >> >>", JS)


@vector
def javascript_when_page_opens() -> bytes:
    return pdf(page=b"/AA << /O " + JS + b" >>")


@vector
def javascript_in_object_stream() -> bytes:
    return with_object_stream(JS, encode=zlib.compress, entries=FLATE, catalog=b"/OpenAction 6 0 R")


@vector
def javascript_in_object_stream_of_two_filters() -> bytes:
    return with_object_stream(
        JS,
        encode=lambda content: zlib.compress(content).hex().encode() + b">",
        entries=b"/Filter [/ASCIIHexDecode /FlateDecode]",
        catalog=b"/OpenAction 6 0 R",
    )


@vector
def javascript_in_object_stream_with_predictor() -> bytes:
    def encode(content: bytes) -> bytes:
        padded = content.ljust(-(-len(content) // 8) * 8)
        rows = (padded[at : at + 8] for at in range(0, len(padded), 8))
        return zlib.compress(
            b"".join(b"\x01" + bytes((row[i] - (row[i - 1] if i else 0)) % 256 for i in range(8)) for row in rows)
        )

    entries = FLATE + b"/DecodeParms << /Predictor 11 /Columns 8 >>"
    return with_object_stream(JS, encode=encode, entries=entries, catalog=b"/OpenAction 6 0 R")


@vector
def javascript_in_object_stream_nobody_points_to() -> bytes:
    inner = b"9 0 " + JS
    return pdf(b"", deflated(inner, b"/Type /ObjStm /N 1 /First 4"))


@vector
def javascript_in_old_revision() -> bytes:
    return revised(pdf(b"/OpenAction 6 0 R", JS), 6, b"<< /S /GoTo /D [3 0 R /Fit] >>")


@vector
def javascript_in_new_revision() -> bytes:
    return revised(pdf(b"/OpenAction 6 0 R", b"<< /S /GoTo /D [3 0 R /Fit] >>"), 6, JS)


@vector
def javascript_nobody_points_to() -> bytes:
    return pdf(b"").replace(b"xref\n0 6", b"99 0 obj\n" + JS + b"\nendobj\nxref\n0 6")


@vector
def javascript_type_by_reference() -> bytes:
    return pdf(b"/OpenAction 6 0 R", b"<< /S 7 0 R /JS (x) >>", b"/JavaScript")


@vector
def javascript_behind_comment() -> bytes:
    return pdf(b"/OpenAction << /S %comment\n /JavaScript /J#53 (x) >>")


@vector
def javascript_with_wrong_offsets() -> bytes:
    return pdf(b"/OpenAction " + JS, version_of_xref=False)


@vector
def javascript_without_cross_reference() -> bytes:
    return pdf(b"/OpenAction " + JS).split(b"xref\n")[0]


@vector
def javascript_behind_goto() -> bytes:
    return pdf(b"/OpenAction << /S /GoTo /D [3 0 R /Fit] /Next [<< /S /Named /N /NextPage /Next 6 0 R >>] >>", JS)


@vector
def javascript_formats_a_field() -> bytes:
    field = b"<< /FT /Tx /T (a) /AA << /K << /S /JavaScript /JS (AFNumber_Keystroke\\(2\\)) >> >> >>"
    return pdf(b"/AcroForm << /Fields [6 0 R] >>", field)


@vector
def javascript_in_a_link() -> bytes:
    return annotation(b"/Subtype /Link /A << /S /URI /URI (javascript:app.alert\\(1\\)) >>")


@vector
def javascript_under_encryption_without_password() -> bytes:
    return encrypted(pdf(b"/OpenAction " + JS), user="", owner="x")


@vector
def javascript_in_object_stream_under_encryption() -> bytes:
    plain = with_object_stream(JS, encode=zlib.compress, entries=FLATE, catalog=b"/OpenAction 6 0 R")
    return encrypted(plain, user="", owner="x")


@vector
def launch_of_a_program() -> bytes:
    return annotation(b"/Subtype /Link /A << /S /Launch /F (calc.exe) >>")


@vector
def launch_when_opened() -> bytes:
    return pdf(b"/OpenAction << /S /Launch /Win << /F (cmd.exe) /P (/c calc) >> >>")


@vector
def launch_name_escaped() -> bytes:
    return annotation(b"/Subtype /Link /A << /S /#4caunc#68 /F (calc.exe) >>")


@vector
def form_sent_by_button() -> bytes:
    return annotation(b"/Subtype /Widget /FT /Btn /A << /S /SubmitForm /F (https://example.org/) >>")


@vector
def form_sent_when_opened() -> bytes:
    return pdf(b"/OpenAction << /S /SubmitForm /F (https://example.org/) >>")


@vector
def form_reads_a_file() -> bytes:
    return annotation(b"/Subtype /Widget /FT /Btn /A << /S /ImportData /F (/etc/passwd) >>")


@vector
def link_to_another_file() -> bytes:
    return annotation(b"/Subtype /Link /A << /S /GoToR /F (volume2.pdf) /D [0 /Fit] >>")


@vector
def link_to_a_network_share() -> bytes:
    return annotation(b"/Subtype /Link /A << /S /GoToR /F (\\\\\\\\192.0.2.1\\\\a) /D [0 /Fit] >>")


@vector
def network_share_when_page_opens() -> bytes:
    return pdf(page=b"/AA << /O << /S /GoToE /F << /Type /Filespec /F (\\\\\\\\192.0.2.1\\\\a) >> /D [0 /Fit] >> >>")


@vector
def link_into_an_attachment() -> bytes:
    return annotation(b"/Subtype /Link /A << /S /GoToE /D [0 /Fit] /T << /R /C /N (a) >> >>")


@vector
def link_opened_by_itself() -> bytes:
    return pdf(b"/OpenAction << /S /URI /URI (https://example.org/opened) >>")


@vector
def link_to_a_local_file() -> bytes:
    return annotation(b"/Subtype /Link /A << /S /URI /URI (file://192.0.2.1/a) >>")


@vector
def link_of_an_unusual_scheme() -> bytes:
    return annotation(b"/Subtype /Link /A << /S /URI /URI (ms-msdt:/id) >>")


@vector
def action_chain_without_end() -> bytes:
    return pdf(b"/OpenAction 6 0 R", b"<< /S /GoTo /D [3 0 R /Fit] /Next 6 0 R >>")


@vector
def attached_program() -> bytes:
    return attached(b"MZ\x90\x00" + bytes(100))


@vector
def attached_script() -> bytes:
    return attached(b"#!/bin/sh\nrm -rf ~\n")


@vector
def attached_page() -> bytes:
    return attached(b"<!DOCTYPE html><script>alert(1)</script>")


@vector
def attached_archive() -> bytes:
    return attached(b"PK\x03\x04" + bytes(100))


@vector
def attached_pdf_with_javascript() -> bytes:
    return attached(javascript_when_opened())


@vector
def attached_text_for_terminals() -> bytes:
    return attached(b"hello\x1b]0;owned\x07\n")


@vector
def attached_bomb() -> bytes:
    return attached(bytes(100 * 1024 * 1024))


@vector
def attached_behind_two_filters() -> bytes:
    content = zlib.compress(b"MZ\x90\x00" + bytes(100)).hex().encode() + b">"
    entries = b"/Type /EmbeddedFile /Filter [/ASCIIHexDecode /FlateDecode]"
    return pdf(FILESPEC, b"<< /Type /Filespec /F (a) /EF << /F 7 0 R >> >>", stream(content, entries))


@vector
def attached_where_nobody_points() -> bytes:
    body = deflated(b"MZ\x90\x00" + bytes(100), b"/Type /EmbeddedFile")
    return pdf(b"").replace(b"xref\n0 6", b"99 0 obj\n" + body + b"\nendobj\nxref\n0 6")


@vector
def film_of_flash() -> bytes:
    return annotation(b"/Subtype /RichMedia /RichMediaContent << /Assets << >> >>")


@vector
def film() -> bytes:
    return annotation(b"/Subtype /Movie /Movie << /F (a.avi) >>")


@vector
def sound() -> bytes:
    return annotation(b"/Subtype /Screen /A << /S /Rendition /OP 0 >>")


@vector
def model_in_3d() -> bytes:
    return annotation(b"/Subtype /3D /3DD 4 0 R")


@vector
def form_of_xfa() -> bytes:
    return pdf(b"/AcroForm << /Fields [] /XFA 6 0 R >>", deflated(b"<xdp:xdp/>"))


@vector
def stream_that_lies_elsewhere() -> bytes:
    return pdf(b"", b"<< /Length 0 /F (https://example.org/a) >>\nstream\n\nendstream")


@vector
def encrypted_with_password() -> bytes:
    return encrypted(pdf(b""), user="secret", owner="x")


@vector
def bomb_of_a_gigabyte() -> bytes:
    deflater = zlib.compressobj(9)
    piece = bytes(16 * 1024 * 1024)
    content = b"".join(deflater.compress(piece) for _ in range(64)) + deflater.flush()
    return pdf(b"", stream(content, FLATE + b"/Type /XObject /Subtype /Image"))


@vector
def bomb_in_an_object_stream() -> bytes:
    inner = b"9 0 " + b"[" * 40 + b" " * (40 * 1024 * 1024)
    return pdf(b"", deflated(inner, b"/Type /ObjStm /N 1 /First 4"))


@vector
def bomb_of_many_streams() -> bytes:
    return pdf(b"", *[deflated(bytes(64 * 1024 * 1024))] * 17)


@vector
def bomb_of_two_layers() -> bytes:
    inner = zlib.compress(bytes(16 * 1024 * 1024))
    return pdf(b"", stream(zlib.compress(inner), b"/Filter [/FlateDecode /FlateDecode]"))


@vector
def archive_at_the_end() -> bytes:
    import zipfile

    out = io.BytesIO(pdf(b""))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(zipfile.ZipInfo("a.txt"), b"hello")
    return out.getvalue()


@vector
def page_before_the_header() -> bytes:
    return pdf(header=b"<html><script>alert(1)</script><!--\n%PDF-1.7\n")


@vector
def junk_before_the_header() -> bytes:
    return pdf(header=b"junk junk junk\n%PDF-1.7\n")


@vector
def program_after_the_end() -> bytes:
    return pdf(b"") + b"\n" + b"MZ\x90\x00" + bytes(64)


@vector
def junk_after_the_end() -> bytes:
    return pdf(b"") + b"\njunk junk junk\n"


@vector
def cut_off() -> bytes:
    return pdf(b"", deflated(bytes(range(256)) * 100))[:-300]


@vector
def no_catalog() -> bytes:
    return pdf(b"").replace(b"/Catalog", b"/Nothing").replace(b"/Pages 2 0 R", b"/Hello 2 0 R")


@vector
def only_a_header() -> bytes:
    return b"%PDF-1.7\n"


@vector
def nested_very_deeply() -> bytes:
    return pdf(b"", b"[" * 100_000 + b"]" * 100_000)


@vector
def cross_reference_in_a_loop() -> bytes:
    base = pdf(b"")
    start = int(base.rsplit(b"startxref\n", 1)[1].split()[0])
    return pdf(b"", trailer=b"/Prev %d" % start)


@vector
def object_stream_damaged() -> bytes:
    return with_object_stream(
        JS,
        encode=lambda content: zlib.compress(content)[:-9] + b"\xff" * 9,
        entries=FLATE,
        catalog=b"/OpenAction 6 0 R",
    )


@vector
def picture_with_place_and_camera() -> bytes:
    image = b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceRGB /Filter /DCTDecode"
    return pdf(b"", stream(jpeg(gps=True, device=True), image))


@vector
def author_comment_signature_and_revision() -> bytes:
    base = pdf(
        b"/AcroForm << /Fields [7 0 R] >>",
        b"<< /Author (A) /Creator (B) /CreationDate (D:20260101120000+02'00') /Company (C) >>",
        b"<< /FT /Sig /T (s) /V << /Type /Sig /ByteRange [0 1 2 3] /Contents <00> >> >>",
        b"<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /T (A) /Contents (b) >>",
        page=b"/Annots [8 0 R]",
        trailer=b"/Info 6 0 R /ID [<00> <01>]",
    )
    return revised(base, 4, stream(CONTENT), b"/Info 6 0 R /ID [<00> <01>]")


@vector
def scan_in_colour() -> bytes:
    image = b"/Type /XObject /Subtype /Image /Width 1654 /Height 2339 /ColorSpace /DeviceRGB /Filter /DCTDecode"
    return pdf(b"", stream(jpeg(), image), resources=b"/Resources << /XObject << /I 6 0 R >> >>")
