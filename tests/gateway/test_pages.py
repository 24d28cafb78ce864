"""The form's fields and the pages: everything escaped, nothing inline, a label for every input, what was typed kept.

Invariant G9.
"""

import html
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.form import (
    Fields,
    FieldTooLongError,
    filled_rows,
    has_details,
    is_known,
    parse_form,
    person_rows,
    rows_closed_up,
)
from gateway.home.editors_wording import PerLanguage, PublicBody
from gateway.http.responses import SCRIPT_TAG
from gateway.languages import Language
from gateway.limits import Limits
from gateway.pages import receipt_pages
from gateway.pages.pages import AGAIN, Pages
from gateway.pages.rendering import STYLE, static
from gateway.pages.site import Site
from gateway.problems import Problem, RefusedFile, RefusedReason, SubmissionError
from gateway.receipts.fresh_receipt import FreshReceipt
from gateway.submission.intake import KeptFile
from gateway.submission.receive import Received
from keys.receipt import PublicReceipt, new_receipt_words, parse_proof_words, parse_return_words
from keys.word_list import WORDS as WORD_LISTS
from keys.word_list import WordList
from quarantine.file_types import FileType
from quarantine.findings import Code, Finding
from quarantine.verdict import Clear, Held, Reason, Undecided, Verdict
from transfer.bundle.contents import Counters
from transfer.names import new_packet_id
from transfer.packet.message import (
    FAMILY_NAMES_MAX,
    FIELD_MAX,
    PEOPLE_MAX,
    TEXT_MAX,
    Message,
    MessageKind,
    Origin,
    Relation,
    Side,
)
from transfer.packet.writer import PacketMember

LIMITS = Limits(files_max=3, file_max_bytes=2**20, message_max_bytes=1024, allowed=frozenset(FileType))
BODY = PublicBody(PerLanguage(en='A "court" <b>'), PerLanguage(en="Another <court>"))
PAGES = Pages(Site(LIMITS, name='the "editors" & <friends>', bodies=(BODY,)))
EVIL = "\"'><script>alert(1)</script><img src=x onerror=y>&amp;{{ 7 * 7 }}</textarea>"
VOID = {"base", "meta", "link", "input", "br", "img"}


class _Html(HTMLParser):
    """Collects elements; raises on what is not well nested, on scripts, inline styles and handlers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.labelled: set[str] = set()
        self.unlabelled: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []
        ids = Counter(attributes["id"] for _, attributes in self.elements if "id" in attributes)
        assert not [name for name, count in ids.items() if count > 1]
        controls = [at for tag, at in self.elements if tag in ("input", "select", "textarea") and "in-label" not in at]
        controls = [control for control in controls if control.get("type") != "hidden"]
        assert all(control.get("id") in self.labelled for control in controls)
        for _, attributes in self.elements:
            for name in attributes.get("aria-describedby", "").split() + attributes.get("aria-labelledby", "").split():
                assert name in ids

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: text or "" for name, text in attrs}
        assert len(attributes) == len(attrs)
        assert tag != "script" or attributes == {"src": "/enveis.js", "defer": ""}
        assert tag not in ("style", "img", "iframe", "object", "embed")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action"):
            assert not attributes.get(name, "").lower().startswith(("javascript:", "data:", "//", "http:"))
        if "label" in self.open:
            attributes["in-label"] = ""
        if tag == "label" and "for" in attributes:
            self.labelled.add(attributes["for"])
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _fields(*values: tuple[str, str]) -> Fields:
    fields = Fields()
    for name, value in values:
        assert is_known(name)
        fields.add(name, value.encode())
    return fields


WORDS = new_receipt_words()


def _received(name: str) -> Received:
    member = PacketMember("files/01.txt", 0, 1, "0" * 64)
    kept = KeptFile(name, FileType.TXT, member)
    verdicts: list[Verdict] = [
        Clear("0" * 64),
        Held("0" * 64, (Finding(Code.SCANNER_MALWARE),)),
        Undecided("0" * 64, Reason.NO_SLOT),
    ]
    return Received(
        packet=new_packet_id(),
        day=date(2026, 1, 2),
        promised=date(2026, 1, 16),
        receipt=FreshReceipt(WORDS.return_words, WORDS.proof_words, PublicReceipt("l", "r", "s", "p")),
        has_text=True,
        files=tuple((kept, verdict) for verdict in verdicts),
        refused=tuple(RefusedFile(name, reason) for reason in RefusedReason),
    )


ALL_NAMES = [
    *("message", "public_body_other", "contact_name", "contact_phone", "contact_email", "contact_address"),
    *("contact_language", "person-1-given_name", "person-1-family_names", "person-7-role", "person-1-workplace"),
]


@pytest.mark.parametrize("problem", list(Problem))
@pytest.mark.parametrize("text", ["", EVIL, "\0\x1b\u202e\ud7ff\U0010ffff"])
def test_every_page_is_well_formed_and_gives_everything_back_escaped(problem: Problem, text: str) -> None:
    fields = _fields(*((name, text) for name in ALL_NAMES))
    page = PAGES.problem(SubmissionError(problem, fields=fields, refused=(RefusedFile(text, RefusedReason.SIZE),)))
    _Html(page)
    assert page.replace(SCRIPT_TAG, "").count("<script") == 0


def test_the_empty_form_and_the_receipt_are_well_formed() -> None:
    _Html(PAGES.form())
    page = receipt_pages.receipt(PAGES, _received(EVIL))
    _Html(page)
    assert page.replace(SCRIPT_TAG, "").count("<script") == 0
    # What a scanner thought of a file is for the desk.
    assert "malware" not in page
    assert [at for tag, at in _Html(page).elements if tag == "output" and at["id"] == "receipt"]


@pytest.mark.parametrize(
    "verdict",
    [
        Clear("00" * 32, (Finding(Code.PRIVACY_PDF_AUTHOR),)),
        Held("00" * 32, (Finding(Code.SCANNER_MALWARE), Finding(Code.PRIVACY_PDF_AUTHOR))),
    ],
)
def test_a_receipt_warns_of_what_identifies_and_of_nothing_else(verdict: Clear | Held) -> None:
    received = _received("a.pdf")
    (kept, _), *_ = received.files
    page = receipt_pages.receipt(PAGES, replace(received, files=((kept, verdict),)))
    assert Finding(Code.PRIVACY_PDF_AUTHOR).sentence in html.unescape(page)
    assert Finding(Code.SCANNER_MALWARE).sentence not in html.unescape(page)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60))
def test_what_was_typed_is_in_the_form_again(text: str) -> None:
    text = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    fields = _fields(("contact_name", text), ("kind", "question"), ("relation", "user"), ("person-1-side", "involved"))
    html = _Html(PAGES.form(SubmissionError(Problem.EMPTY, fields=fields)))
    (value,) = (at["value"] for tag, at in html.elements if at.get("id") == "contact_name")
    assert value == text
    assert [at["value"] for tag, at in html.elements if tag == "option" and "selected" in at] == [
        *("involved", *["complained-about"] * 5, "user")
    ]
    assert [at["value"] for _, at in html.elements if at.get("type") == "radio" and "checked" in at] == ["question"]


def test_rows_of_people_that_were_filled_are_open_again() -> None:
    page = PAGES.form(SubmissionError(Problem.EMPTY, fields=_fields(("person-9-role", "x"))))
    # The first row is always open, the ninth was filled; both stand behind the one door, which is open too.
    assert len(re.findall(r'<details class="person" open>', page)) == 1
    assert '<details class="more" open>' in page
    # It is the seventh now: the page has no gap, and no row but those that are always there.
    (role,) = (at for _, at in _Html(page).elements if at.get("name") == "person-7-role")
    assert role["value"] == "x"
    assert page.count('<details class="person"') == 6


def test_a_page_is_as_long_as_what_was_filled_in() -> None:
    empty = PAGES.form(SubmissionError(Problem.EMPTY, fields=_fields()))
    for name, value in (("person-999-side", "x"), ("person-999-role", ""), ("person-200-side", "involved")):
        assert len(PAGES.form(SubmissionError(Problem.EMPTY, fields=_fields((name, value))))) < len(empty) + 200
    many = [(f"person-{number}-role", "x") for number in range(1, 1000)]
    closed, _ = rows_closed_up(_fields(*many))
    assert person_rows(closed) == PEOPLE_MAX


def test_rows_that_are_all_filled_leave_one_to_spare() -> None:
    filled = [(f"person-{number}-role", "x") for number in (*range(1, 7), 40)]
    closed, _ = rows_closed_up(_fields(*filled))
    assert filled_rows(closed) == set(range(1, 8))
    assert person_rows(closed) == 8


def test_a_problem_names_the_row_that_the_page_shows() -> None:
    fields = _fields(("person-40-role", "x" * 2000))
    error = SubmissionError(Problem.FIELD_TOO_LONG, fields=fields, field_name="person-40-role")
    (wrong,) = (at for _, at in _Html(PAGES.form(error)).elements if at.get("aria-invalid"))
    assert wrong["name"] == "person-7-role"


@pytest.mark.parametrize(
    ("name", "value", "is_open"),
    [
        ("message", "x", False),
        ("kind", "complaint", False),
        ("kind", "question", True),
        ("person-3-side", "involved", False),
        ("contact_please_call", "yes", True),
        ("employed", "yes", True),
        ("receipt_public", "x", True),
    ],
)
def test_the_details_are_open_when_anything_in_them_was_filled(name: str, value: str, is_open: bool) -> None:
    assert has_details(_fields((name, value))) is is_open
    page = PAGES.form(SubmissionError(Problem.EMPTY, fields=_fields((name, value))))
    assert ('<details class="more" open>' in page) is is_open


@pytest.mark.parametrize("problem", [Problem.RECEIPT_PUBLIC, Problem.FIELD_TOO_LONG])
def test_the_details_are_open_when_the_wrong_field_is_in_them(problem: Problem) -> None:
    assert '<details class="more" open>' in PAGES.form(SubmissionError(problem, field_name="people"))
    assert '<details class="more" open>' not in PAGES.form(SubmissionError(Problem.EMPTY))


def test_the_style_sheet_loads_nothing() -> None:
    assert "url(" not in static(STYLE)
    assert "@import" not in static(STYLE)


def test_the_style_sheet_knows_no_left_and_no_right() -> None:
    """Arabic is written from right to left: what is physical would stay on the wrong side."""
    style = re.sub(r"/\*.*?\*/", "", static(STYLE), flags=re.DOTALL)
    assert re.findall(r"(?<![\w-])(?:[\w-]*-)?(?:left|right)\b", style) == []
    # Four values in one property are top, right, bottom, left.
    properties = re.findall(r"(?:margin|padding|inset|border-(?:width|style|color|radius)): *([^;}]+)", style)
    assert len(properties) > 50
    assert [values for values in properties if len(values.split()) == 4] == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Message",
        "message ",
        "person-0-role",
        "person-1000-role",
        "person-1-x",
        "person-١-role",
        "files",
        "person-1-role\n",
    ],
)
def test_an_unknown_field_is_not_known(name: str) -> None:
    assert not is_known(name)


def _parse(*values: tuple[str, str]) -> Message:
    return parse_form(_fields(*values), bodies=("A court",), page_language="en")


def test_a_choice_that_is_not_on_the_form_counts_as_not_made() -> None:
    strange = [("kind", "x"), ("relation", "x"), ("road", "x"), ("public_body", "x"), ("person-1-side", "x")]
    message = _parse(*strange, ("person-1-role", "r"), ("contact_please_call", "on"))
    assert message == Message(people=message.people, public_body_other="x", page_language="en")
    assert message.people[0].side is Side.COMPLAINED_ABOUT
    choices = [("kind", "question"), ("relation", "user"), ("road", "copy-of"), ("public_body", "A court")]
    message = _parse(*choices, ("contact_please_call", "yes"))
    assert (message.kind, message.relation, message.road) == (MessageKind.QUESTION, Relation.USER, None)
    assert message.public_body == "A court"
    assert message.contact.please_call
    assert _parse(("road", "copy")).road is Origin.COPY


def test_nothing_that_comes_twice_is_lost() -> None:
    message = _parse(
        *(("message", "one"), ("message", "two\n"), ("message", "one"), ("kind", "strange"), ("kind", "question")),
        *(("contact_phone", "12"), ("contact_phone", "34"), ("contact_address", "A street"), ("contact_address", "2")),
        *(
            ("public_body", "A court"),
            ("public_body", "Nav"),
            ("public_body", "A court"),
            ("public_body_other", "Oslo"),
        ),
        *(("person-1-role", "judge"), ("person-1-role", ""), ("person-1-role", "clerk"), ("relation", "user")),
        *(("contact_please_call", "no"), ("contact_please_call", "yes")),
    )
    assert message.text == "one\n\ntwo\n"
    assert (message.kind, message.relation) == (MessageKind.QUESTION, Relation.USER)
    assert (message.contact.phone, message.contact.address) == ("12; 34", "A street\n2")
    assert message.contact.please_call
    assert (message.public_body, message.public_body_other) == ("A court", "Oslo; Nav")
    assert message.people[0].role == "judge; clerk"
    with pytest.raises(FieldTooLongError):
        _parse(("contact_phone", "1" * 600), ("contact_phone", "2" * 600))


def test_what_came_twice_is_in_the_form_again() -> None:
    fields = _fields(("message", "one"), ("message", "two"), ("contact_phone", "12"), ("contact_phone", "34"))
    page = PAGES.problem(SubmissionError(Problem.RECEIPT_PUBLIC, fields=fields))
    assert "\none\n\ntwo</textarea>" in page
    assert 'value="12; 34"' in page


def test_what_a_page_says_of_the_rest_of_the_text_is_so() -> None:
    fields = _fields(("message", "one"))
    whole = {Problem.EMPTY, Problem.NOTHING_ACCEPTABLE, Problem.RECEIPT_PUBLIC}
    for problem in AGAIN:
        page = PAGES.problem(SubmissionError(problem, fields=fields))
        assert ("What you typed is still in the form below." in page) == (problem in whole)
        assert ("check whether anything is missing" in page) == (problem not in whole)


@pytest.mark.parametrize("problem", [Problem.FAULT, Problem.METHOD, Problem.NOT_FOUND, Problem.HEADERS_TOO_LONG])
def test_no_page_says_that_nothing_was_received_where_nobody_knows_or_nothing_was_sent(problem: Problem) -> None:
    assert "Nothing was received" not in PAGES.problem(SubmissionError(problem))


@pytest.mark.parametrize("problem", list(Problem))
def test_who_sent_only_words_is_not_told_of_texts_files_and_uploads(problem: Problem) -> None:
    page = PAGES.refusal(SubmissionError(problem), is_sending=False)
    title = page.partition("<title>")[2].partition("<")[0]
    assert "received" not in title
    if problem in {Problem.TOO_LARGE, Problem.TOO_SLOW, Problem.BUSY, Problem.FULL, Problem.WRONG_TYPE}:
        assert not [word for word in (" file", "upload", "curl") if word in page.partition("<main")[2]]


def test_a_program_that_sends_the_wrong_kind_of_form_is_told_how() -> None:
    assert "curl -F" in PAGES.problem(SubmissionError(Problem.WRONG_TYPE))


def test_a_file_without_a_name_has_its_own_reason() -> None:
    page = PAGES.problem(SubmissionError(Problem.NOTHING_ACCEPTABLE, refused=(RefusedFile("", RefusedReason.NAME),)))
    assert "a file without a name</bdi>: it came without a name" in page


@pytest.mark.parametrize("types", [{"pdf", "txt", "zip", "rar"}, {"pdf"}, {"txt"}])
def test_the_advice_says_what_to_do_here_and_asks_nobody_who_they_are(types: set[str]) -> None:
    limits = replace(LIMITS, allowed=frozenset(map(FileType, types)))
    pages = Pages(Site(limits))
    page = pages.problem(SubmissionError(Problem.NOTHING_ACCEPTABLE, refused=(RefusedFile("x", RefusedReason.NAME),)))
    advice = page.partition('class="refused"')[2].partition("</section>")[0]
    assert ("into a ZIP file" in advice) == ("zip" in types)
    assert ("make a PDF" in advice) == ("pdf" in types)
    assert '/en/how#other-files"' in advice
    assert "come back with the return words" in advice
    assert "reached" not in advice
    # A phone shows files of other types grey, and nothing would ever be refused.
    assert '/en/how#other-files"' in pages.form().partition('id="files-hint"')[2].partition("<input")[0]
    how = pages.how()
    assert 'id="other-files"' in how
    assert ("Compress" in how) == ("zip" in types)


def test_people_stand_in_the_order_of_their_numbers_and_names_in_the_order_given() -> None:
    names = [
        ("person-33-role", "c"),
        ("person-2-family_names", " z "),
        ("person-2-family_names", "a"),
        ("person-1-role", "a"),
    ]
    message = _parse(*names, ("person-3-side", "involved"), ("person-4-role", "  "))
    assert [(person.role, person.family_names) for person in message.people] == [("a", ()), ("", ("z", "a")), ("c", ())]


def test_several_family_names_stand_in_one_field() -> None:
    typed = "van der Berg,Nordmann ;\n, Hansen"
    names = _parse(("person-1-family_names", typed), ("person-1-family_names", "Dahl")).people[0].family_names
    assert names == ("van der Berg", "Nordmann", "Hansen", "Dahl")
    fields = _fields(("person-1-family_names", "a, b"), ("person-1-family_names", "c"))
    html = _Html(PAGES.form(SubmissionError(Problem.EMPTY, fields=fields)))
    (value,) = [at["value"] for _, at in html.elements if at.get("id") == "person-1-family_names"]
    assert value == "a, b, c"


@pytest.mark.parametrize(
    ("typed", "road", "role", "read_back"),
    [
        ([("road", "conversation")], Origin.CONVERSATION, "", None),
        ([("writer_role", " foreman ")], Origin.CONVERSATION, "foreman", None),
        ([("read_back", "no")], Origin.CONVERSATION, "", False),
        ([("read_back", "yes"), ("road", "own-matter")], Origin.OWN, "", True),
        ([("read_back", "maybe"), ("road", "x")], None, "", None),
        ([("read_back", ""), ("writer_role", " ")], None, "", None),
    ],
)
def test_a_conversation_that_was_written_down(
    typed: list[tuple[str, str]], road: Origin | None, role: str, read_back: bool | None
) -> None:
    message = _parse(*typed)
    assert (message.road, message.writer_role, message.read_back) == (road, role, read_back)
    page = PAGES.form(SubmissionError(Problem.EMPTY, fields=_fields(*typed)))
    assert ('<details class="conversation" open>' in page) is (road is not None)


def test_whoever_works_there_keeps_what_else_they_are() -> None:
    for typed, employed in (("yes", True), ("no", False)):
        message = _parse(("employed", typed), ("relation", "relative"))
        assert (message.employed, message.relation) == (employed, Relation.RELATIVE)
    html = _Html(PAGES.form(SubmissionError(Problem.EMPTY, fields=_fields(("employed", "yes")))))
    (box,) = [at for _, at in html.elements if at.get("id") == "employed"]
    assert "checked" in box


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("message", TEXT_MAX),
        ("contact_address", FIELD_MAX),
        ("writer_role", FIELD_MAX),
        ("person-3-family_names", FIELD_MAX),
        ("person-3-role", FIELD_MAX),
    ],
)
def test_bounds_count_characters(name: str, limit: int) -> None:
    _parse((name, "æ" * limit))
    with pytest.raises(FieldTooLongError) as caught:
        _parse((name, "CanarySecret" + "æ" * limit))
    assert (caught.value.name, caught.value.limit) == (name, limit)
    assert "Canary" not in str(caught.value)


def test_bounds_of_people() -> None:
    rows = [(f"person-{number}-role", "x") for number in range(1, PEOPLE_MAX + 1)]
    assert len(_parse(*rows).people) == PEOPLE_MAX
    with pytest.raises(FieldTooLongError):
        _parse(*rows, ("person-999-role", "x"))
    names = [("person-1-family_names", "x")] * FAMILY_NAMES_MAX
    assert len(_parse(*names).people[0].family_names) == FAMILY_NAMES_MAX
    with pytest.raises(FieldTooLongError):
        _parse(*names, ("person-1-family_names", "y"))


def test_line_ends_are_one_character_and_broken_utf_8_is_shown_as_such() -> None:
    assert _parse(("message", "a\r\nb\rc\n\rd")).text == "a\nb\nc\n\nd"
    fields = Fields()
    fields.add("message", b"\xff\xed\xa0\x80ok")
    text = parse_form(fields, bodies=(), page_language="en").text
    assert text.endswith("ok")
    assert text.encode()


def test_counters_are_shown_from_their_floor_on_and_never_without_a_bundle() -> None:
    site = Site(LIMITS, counters_floor=10, counters=lambda: Counters(1, 12, 9))
    page = Pages(site).form()
    assert "<strong>12</strong> bodies complained about" in page
    assert page.count("<strong>9</strong>") == page.count("<strong>1</strong>") == 0
    assert "<strong>1</strong> complaint received" in Pages(replace(site, counters_floor=1)).form()
    assert 'class="counters"' not in Pages(replace(site, counters_floor=13)).form()
    assert 'class="counters"' not in Pages(Site(LIMITS)).form()


def test_what_the_editors_say_is_in_the_page_language_or_in_one_that_they_gave() -> None:
    body = PublicBody(PerLanguage(nb="Politiet", en="The police"), PerLanguage(nb="Spesialenheten <b>"))
    names = PerLanguage(nn="Bladet")
    site = Site(LIMITS, name="Avisa", names=names, bodies=(body,), languages=(Language.BOKMAL, Language.ENGLISH))
    english, nynorsk = Pages(site, Language.ENGLISH), Pages(site, Language.NYNORSK)
    assert (english.name, nynorsk.name, Pages(Site(LIMITS), Language.DANISH).name) == ("Avisa", "Bladet", "redaktionen")
    page = english.form()
    # The packet gets the same name whichever language was read.
    assert '<option value="Politiet">The police</option>' in page
    assert "Spesialenheten &lt;b&gt;" in page
    assert site.body_values == ("Politiet",)


@pytest.mark.parametrize(
    ("count", "danish"),
    [(512, "512 byte"), (2**20, "1 MB"), (256 * 2**20, "256 MB"), (2**30, "1 GB"), (3 * 2**29, "1,5 GB"),
     (2**40, "1.024 GB"), (2**31 - 1, "1,9 GB")],
)  # fmt: skip
def test_sizes_are_written_as_people_do(count: int, danish: str) -> None:
    assert PAGES.speaking(Language.DANISH).size(count) == danish


@pytest.mark.parametrize(
    ("tick", "english", "danish"),
    [(2, "2 seconds", "2 sekunder"), (5400, "90 minutes", "90 minutter"), (6 * 3600, "6 hours", "6 timer"),
     (2 * 3600 + 1, "3 hours", "3 timer")],
)  # fmt: skip
def test_pages_tell_this_gateways_own_times(tick: int, english: str, danish: str) -> None:
    pages = Pages(Site(LIMITS, tick_seconds=tick, languages=(Language.ENGLISH, Language.DANISH)))
    for language, wait in ((Language.ENGLISH, english), (Language.DANISH, danish)):
        spoken = pages.speaking(language)
        assert f" {wait}," in spoken.how()
        assert f" {wait}," in spoken.privacy()


@pytest.mark.parametrize("language", Language)
def test_a_receipt_is_in_the_words_of_its_page(language: Language) -> None:
    own = {
        Language.BOKMAL: WordList.NORWEGIAN,
        Language.NYNORSK: WordList.NORWEGIAN,
        Language.DANISH: WordList.DANISH,
    }
    pages = Pages(Site(LIMITS, languages=tuple(Language)), language=language)
    page = receipt_pages.receipt(pages, _received("a"))
    shown = [
        re.sub("<[^>]*>", "", text)
        for text in re.findall(r'<output id="(?:receipt|proof)"[^>]*>(.*?)</output>', page, re.S)
    ]
    assert len(shown) == 2
    listed = WORD_LISTS[own.get(language, WordList.ENGLISH)]
    assert set(" ".join(shown).split()) <= set(listed)
    # A browser must not translate them, and a screen reader reads them in their own language.
    assert len(re.findall(r'<output id="(?:receipt|proof)"[^>]* translate="no"', page)) == 2
    spoken = language if language in own else Language.ENGLISH
    assert page.count(f'<span role="listitem" lang="{spoken}">') == 22
    return_words, proof_words = shown
    assert parse_return_words(return_words) == parse_return_words(WORDS.return_words)
    assert parse_proof_words(proof_words) == parse_proof_words(WORDS.proof_words)


def test_no_page_that_answers_a_form_leads_away_by_another_language() -> None:
    pages = Pages(Site(LIMITS, languages=tuple(Language)))
    assert 'hreflang="da"' in pages.form()
    answers = [
        receipt_pages.receipt(pages, _received("a")),
        receipt_pages.added(pages, _received("a"), "w"),
        *map(pages.problem, map(SubmissionError, Problem)),
    ]
    for page in answers:
        assert "hreflang" not in page


def test_the_field_that_is_wrong_says_so_and_is_led_to() -> None:
    error = SubmissionError(
        Problem.FIELD_TOO_LONG, field_name="person-3-family_names", fields=_fields(("person-3-role", "x"))
    )
    html = _Html(PAGES.form(error))
    (field,) = [at for tag, at in html.elements if at.get("aria-invalid") == "true"]
    assert (field["id"], field["aria-describedby"]) == (
        "person-3-family_names",
        "person-3-family_names-hint problem-text",
    )
    assert [at["href"] for tag, at in html.elements if tag == "a" and at.get("href") == "#person-3-family_names"]
    (problem,) = [at for tag, at in html.elements if at.get("id") == "problem"]
    assert problem.items() >= {"role": "alert", "tabindex": "-1", "autofocus": ""}.items()
