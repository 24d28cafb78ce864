"""Office documents and e-mails sent as they are: told by name and content, built as their type, and always held."""

import io
from collections.abc import Callable

import pytest

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.examination import Examination
from quarantine.file_types import (
    DEFAULT_TYPES,
    HEAD_SIZE,
    OFFICE,
    PICTURES,
    FileType,
    RefusedType,
    TypeRefusal,
    accepted_type,
    type_of_content,
)
from quarantine.findings import Code
from quarantine.text.mail import HEADER_MAX
from quarantine.verdict import Held, conclude
from quarantine.zip.office import CONTENT_TYPES_MAX
from tests.builders.documents import KINDS, MAIL, MAIN, MIMETYPES, document, odf, ooxml, zipped
from tests.builders.hostile_zip import BUILDERS
from tests.builders.quarantine_vectors import codes
from tests.builders.zip_writer import ZipEntry, make_zip

ALL = frozenset(FileType)
DOCUMENTS = OFFICE | {FileType.EML}


def _examined(kind: str, content: bytes) -> Examination:
    return examine_bytes(io.BytesIO(content), FileType(kind), Budgets())


def _accepted(name: str, content: bytes, allowed: frozenset[FileType] = ALL) -> FileType | TypeRefusal:
    try:
        return accepted_type(name, content[:HEAD_SIZE], allowed)
    except RefusedType as refused:
        return refused.refusal


def test_they_are_not_taken_unless_a_gateway_says_so() -> None:
    assert DEFAULT_TYPES.isdisjoint(DOCUMENTS)
    assert DEFAULT_TYPES | PICTURES | DOCUMENTS == ALL
    assert set(map(str, DOCUMENTS)) == set(KINDS)
    for kind in KINDS:
        assert _accepted(f"a.{kind}", document(kind), DEFAULT_TYPES) is TypeRefusal.NAME_NOT_ALLOWED


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_told_by_its_name_and_its_content(kind: str) -> None:
    content = document(kind)
    assert _accepted(f"A.{kind.upper()}", content) is FileType(kind)
    # Also where the type that its bytes look like by themselves is not taken.
    assert _accepted(f"a.{kind}", content, frozenset({FileType(kind)})) is FileType(kind)
    # Under the name of what it is built of, it is that, as before.
    plain = "txt" if kind == "eml" else "zip"
    assert _accepted(f"a.{plain}", content) is FileType(plain)
    assert type_of_content(content[:HEAD_SIZE]) is FileType(plain)


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("a.docx", b"%PDF-1.7\n", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.docx", b"text", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), TypeRefusal.CONTENT_NOT_RECOGNISED),
        ("a.odt", document("docx"), TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.odt", document("ods"), TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.ods", document("odt"), TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.ods", odf("ods", mimetype=f"{MIMETYPES['ods']}-template"), TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.eml", b"Dear Kari,\r\nfrom: what I saw\r\n", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.eml", b"From: kari\r\n\r\nto: ola\r\n", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.eml", b" folded: first\r\nFrom: a\r\nTo: b\r\n\r\n", TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.eml", document("docx"), TypeRefusal.NAME_AND_CONTENT_DISAGREE),
        ("a.eml", b"From: a\r\nTo: \x00\r\n", TypeRefusal.CONTENT_NOT_RECOGNISED),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", TypeRefusal.NAME_NOT_ALLOWED),
        ("a.docm", document("docx"), TypeRefusal.NAME_NOT_ALLOWED),
    ],
)
def test_what_is_not_of_its_type_is_refused(name: str, content: bytes, refusal: TypeRefusal) -> None:
    assert _accepted(name, content) is refusal


@pytest.mark.parametrize(
    "mail",
    [
        MAIL,
        MAIL.replace(b"\r\n", b"\n"),
        b"From kari@example.org Mon Nov 30\n" + MAIL,
        MAIL.partition(b"Hello.")[0],
        b"Received: from a\r\n" + b"\tb\r\n" * 2000 + MAIL,
        b"Received: from a\r\nReturn-Path: <>\r\nX-Long: " + b"x" * 10_000 + b"\r\n" + MAIL,
        "From: Kåre\r\nTo: Ola\r\nSubject: Blåbær\r\n\r\n".encode("latin-1"),
    ],
)
def test_mails_as_programs_save_them(mail: bytes) -> None:
    if b"\tb" not in mail:  # more than the head is one folded line: nothing shows that a mail has
        assert _accepted("a.eml", mail) is FileType.EML
    assert codes(_examined("eml", mail)) == {Code.DOCUMENT_NOT_INSPECTED, Code.PRIVACY_MAIL_PEOPLE}


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_held_whatever_is_in_it(kind: str) -> None:
    for content in (document(kind), b"", b"text", b"PK\x05\x06" + bytes(18), *(make() for make in _some_hostile())):
        found = _examined(kind, content)
        assert Code.DOCUMENT_NOT_INSPECTED in codes(found)
        assert isinstance(conclude("0" * 64, found.findings), Held)


def _some_hostile() -> list[Callable[[], bytes]]:
    return [make for name, make in BUILDERS.items() if "bomb" not in name][::7]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_document_has_no_other_finding_than_that(kind: str) -> None:
    expected = {Code.DOCUMENT_NOT_INSPECTED} | ({Code.PRIVACY_MAIL_PEOPLE} if kind == "eml" else set())
    assert codes(_examined(kind, document(kind))) == expected


@pytest.mark.parametrize("kind", sorted(map(str, OFFICE)))
def test_what_the_zip_shows_stands_beside_it_in_the_words_of_a_document(kind: str) -> None:
    more = {"word/vbaProject.bin": b"x", "a/../../b.exe": b"MZ" + bytes(70)}
    found = codes(_examined(kind, document(kind, author="Kari Nordmann", more=more)))
    assert found == {
        Code.DOCUMENT_NOT_INSPECTED,
        Code.PRIVACY_DOCUMENT_AUTHOR,
        Code.ARCHIVE_MACRO,
        Code.ARCHIVE_PATH_OUTSIDE,
        Code.ARCHIVE_EXECUTABLE,
    }


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("docx", document("xlsx")),
        ("docx", ooxml("docx", main="application/vnd.ms-word.document.macroEnabled.main+xml")),
        ("docx", zipped({"a.txt": "text"})),
        ("docx", ooxml("docx", more={"[Content_Types].xml": " " * CONTENT_TYPES_MAX + MAIN["docx"][1]})),
        ("docx", make_zip(ZipEntry("[Content_Types].xml", b"x", method=12))),
        ("docx", document("docx")[:-30]),
        ("odt", zipped({"mimetype": MIMETYPES["odt"], "a.txt": "text"}, stored="mimetype")),
        ("odt", document("docx")),
        ("ods", document("odt")),
        ("eml", b"Dear Kari,\r\n\r\n"),
        ("eml", MAIL.partition(b"\r\n\r\n")[0]),
        ("eml", MAIL[:60] + b"\r\nX: " + b"x" * HEADER_MAX + b"\r\n\r\n"),
    ],
)
def test_what_is_built_otherwise_is_told(kind: str, content: bytes) -> None:
    assert Code.DOCUMENT_OTHER_TYPE in codes(_examined(kind, content))


def test_a_mail_that_ends_as_an_archive_is_both() -> None:
    assert Code.FILE_POLYGLOT in codes(_examined("eml", MAIL + zipped({"a.txt": "text"})))


@pytest.mark.parametrize("kind", KINDS)
def test_inside_an_archive_each_is_examined_as_before(kind: str) -> None:
    found = codes(_examined("zip", zipped({f"a.{kind}": document(kind, author="Kari")})))
    assert Code.DOCUMENT_NOT_INSPECTED not in found
    assert found == (set() if kind == "eml" else {Code.PRIVACY_OFFICE_AUTHOR})


def test_a_picture_or_a_rar_inside_is_handed_back_by_its_place() -> None:
    found = _examined("docx", document("docx", more={"word/media/a.rar": b"Rar!\x1a\x07\x01\x00" + bytes(20)}))
    assert [member.place for member in found.members] == [(3,)]
