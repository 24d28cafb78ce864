"""What the pages say about the law, danger, the quick exit and accessibility: sourced, dated, honest where unset."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

import gateway.law
from disk.settings import SettingsError, read_settings
from gateway.home.config import GatewayConfig, encode_gateway_config
from gateway.home.country import Country
from gateway.home.editors_wording import PerLanguage
from gateway.home.statements import AccessibilityStatement, InDanger, LawReview, Receivers
from gateway.languages import REVIEWED, Language
from gateway.law.texts import LawOfCountry, Topic, law_of
from gateway.limits import Limits
from gateway.pages.pages import Pages
from gateway.pages.site import Site
from quarantine.file_types import FileType
from tests.builders.law_table import MARK, PAGE, law_tables

LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))
SITES = {country: Site(LIMITS, country=country, languages=tuple(Language)) for country in Country}
NORWAY = SITES[Country.NORWAY]
FILES = {country: Path(gateway.law.__file__).with_name(f"{country}.toml") for country in Country}
NUMBERS = {Country.NORWAY: ["112", "113", "110", "116 123"], Country.DENMARK: ["112", "114", "70 201 201"]}
NOT_REVIEWED = {
    "nb": "Ikke gjennomgått av en jurist.",
    "nn": "Ikkje gjennomgått av ein jurist.",
    "da": "Ikke gennemgået af en jurist.",
    "en": "Not reviewed by a lawyer.",
}


def _text(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- the texts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", Country)
def test_a_page_shows_each_text_with_its_source_and_date(country: Country) -> None:
    for language in REVIEWED:
        pages = Pages(SITES[country], language)
        shown = _text(pages.law()) + _text(pages.accessibility())
        for text in law_of(country).texts:
            assert getattr(text.text, language) in shown, text.name
            assert f"{text.source} ." in shown, text.name
        assert shown.count("2026") >= len(law_of(country).texts)


def test_what_the_issue_names_is_there() -> None:
    sources = {country: " ".join(text.source for text in law_of(country).texts) for country in Country}
    for act in ("Straffeprosessloven (lov 22. mai 1981 nr. 25) § 125", "§ 22-11", "§ 2 A-7", "EMK artikkel 10"):
        assert act in sources[Country.NORWAY]
    for act in ("Retsplejeloven § 172", "lov nr. 1436 af 29. juni 2021", "(EU) 2019/1937", "EMRK artikel 10"):
        assert act in sources[Country.DENMARK]
    elsewhere = {
        country: " ".join(text.title.nb for text in law_of(country).about(Topic.ELSEWHERE)) for country in Country
    }
    for channel in ("Spesialenheten", "Sivilombudet", "Arbeidstilsynet"):
        assert channel in elsewhere[Country.NORWAY]
    for channel in ("Den Nationale Whistleblowerordning", "Folketingets Ombudsmand", "DUP", "Borgerrådgiver"):
        assert channel in elsewhere[Country.DENMARK]


@pytest.mark.parametrize(
    ("line", "instead", "word"),
    [
        (r'source = "Straffeprosessloven.*\n', "", "no-editors: source' must be one line of 1 to 400"),
        (r'date = .*(\n\n.*\nname = "no-public)', r"\1", "no-editors: date'"),
        (r'date = .*(\n\n.*\nname = "no-public)', r'date = "30.11.2026"\1', "must have a date"),
        (r'text\.da = "Redakt.*\n', "", "'no-editors' has no text in da"),
        (r'who\.nn = "politiet"\n', "", "'112' has no text in nn"),
        (r'name = "no-public-body"', 'name = "no-editors"', "the same name"),
        (r'topic = "limits"', 'topic = "elsewhere"', "each topic must have a text"),
        (r'topic = "limits"', 'topic = "other"', "topic' must be one of"),
        (r'number = "112"', 'number = "politiet"', "digits and spaces"),
        (r'source = "politiet.no"', 'source = ""', "112: source'"),
    ],
)  # fmt: skip
def test_a_file_that_lacks_something_is_refused(tmp_path: Path, line: str, instead: str, word: str) -> None:
    whole = FILES[Country.NORWAY].read_text("utf-8")
    changed, count = re.subn(line, instead, whole, count=1)
    assert count == 1
    (tmp_path / "no.toml").write_text(changed, "utf-8")
    with pytest.raises(SettingsError) as raised:
        read_settings(tmp_path / "no.toml", LawOfCountry)
    assert word in str(raised.value)


def test_the_page_in_the_documents_has_the_same_texts() -> None:
    assert PAGE.read_text("utf-8").partition(MARK)[2] == law_tables()


def test_a_language_without_the_texts_shows_them_in_english_and_says_so() -> None:
    page = Pages(NORWAY, Language.ARABIC).law()
    english = law_of(Country.NORWAY).texts[0].text.en
    assert f'<span lang="en" dir="ltr">{english}</span>' in unescape(page)
    assert '<span lang="en"' not in Pages(NORWAY, Language.NYNORSK).law()


# --- who has reviewed them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", Country)
@pytest.mark.parametrize("language", REVIEWED)
def test_the_page_says_that_no_lawyer_has_reviewed_it_until_one_has(country: Country, language: Language) -> None:
    site = SITES[country]
    assert NOT_REVIEWED[language] in Pages(site, language).law()
    page = Pages(replace(site, law_review=LawReview("Kari Nordmann", "2026-12-01")), language).law()
    assert NOT_REVIEWED[language] not in page
    assert "Kari Nordmann" in page
    # A text that is younger than the review was not read.
    page = Pages(replace(site, law_review=LawReview("Kari Nordmann", "2026-11-29")), language).law()
    assert NOT_REVIEWED[language] in page
    assert "Kari Nordmann" not in page


@pytest.mark.parametrize(
    ("by", "on"), [("Kari", ""), ("", "2026-12-01"), ("Kari", "1.12.2026"), ("Kari", "2026-13-01")]
)
def test_half_a_review_is_refused(by: str, on: str) -> None:
    with pytest.raises(ValueError, match="'law_review"):
        LawReview(by, on)


# --- danger -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", Country)
@pytest.mark.parametrize("language", REVIEWED)
def test_the_numbers_to_call_are_those_of_the_country(country: Country, language: Language) -> None:
    for page in (Pages(SITES[country], language).law(), Pages(SITES[country], language).how()):
        called = re.findall(r'<a href="tel:(\d+)" dir="ltr">([\d ]+)</a>', page)
        assert [number for _, number in called] == NUMBERS[country]
        assert [digits for digits, _ in called] == [number.replace(" ", "") for number in NUMBERS[country]]


def test_an_office_may_say_what_to_do_in_danger_itself() -> None:
    page = Pages(replace(NORWAY, danger=InDanger(advice=PerLanguage(nb="Ring vakten: 555."))), Language.BOKMAL).law()
    assert "Ring vakten: 555." in page
    assert "tel:" not in page


def test_the_form_leads_to_the_numbers_and_to_the_law_beside_it() -> None:
    page = Pages(NORWAY, Language.BOKMAL).form()
    for place in ("/nb/law#danger", "/nb/law#employed", "/nb/how#limits"):
        assert f'<a href="{place}" target="_blank" rel="noopener">' in page
    assert 'id="danger"' in Pages(NORWAY, Language.BOKMAL).law()
    assert 'id="employed"' in Pages(NORWAY, Language.BOKMAL).law()


# --- the quick exit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", Country)
def test_each_page_has_a_link_that_leaves_without_a_referrer(country: Country) -> None:
    innocent = law_of(country).innocent_page
    for language in REVIEWED:
        pages = Pages(SITES[country], language)
        for page in (pages.form(), pages.how(), pages.privacy(), pages.law(), pages.accessibility()):
            (link,) = re.findall(r'<a [^>]*data-exit target="_self">', page)
            assert link == f'<a href="{innocent}" rel="noreferrer" data-exit target="_self">'
            # Twice: in the link itself, for those who hear it, and at the foot, for those who see it.
            assert page.count(innocent.removeprefix("https://www.").rstrip("/")) == 3


def test_the_quick_exit_can_lead_elsewhere_and_be_switched_off() -> None:
    elsewhere = replace(NORWAY, danger=InDanger(quick_exit_to="https://www.bokklubb.no/a?b=1"))
    page = Pages(elsewhere, Language.BOKMAL).form()
    assert '<a href="https://www.bokklubb.no/a?b=1" rel="noreferrer" data-exit target="_self">' in page
    assert "yr.no" not in page
    off = Pages(replace(NORWAY, danger=InDanger(quick_exit=False)), Language.BOKMAL).form()
    assert "data-exit" not in off
    assert "yr.no" not in off


@pytest.mark.parametrize(
    "address",
    ["http://www.yr.no/", "https://", "https://yr", "//yr.no", "https://a@yr.no/", "https://yr.no:8080/",
     "javascript:x", 'https://yr.no/"onclick="', "https://yr.no/ x", "https://yr.no/\n", "https://YR.no/", "https://yr.no/<b>"],
)  # fmt: skip
def test_only_an_https_address_is_taken(address: str) -> None:
    for made in (lambda: InDanger(quick_exit_to=address), lambda: AccessibilityStatement(official=address)):
        with pytest.raises(ValueError, match=r"'danger\.quick_exit_to'|'accessibility\.official'"):
            made()


# --- who receives, and accessibility ------------------------------------------------------------------------------


def test_what_the_office_has_not_stated_is_said_to_be_missing() -> None:
    form = _text(Pages(NORWAY, Language.ENGLISH).form())
    assert "Who reads it there has not been stated here yet." in form
    assert "No other way to reach them has been stated here yet." in form
    receivers = Receivers(editors=PerLanguage(nb="Tre jurister."), contact=PerLanguage(nb="Telefon 22 00 00 00."))
    stated = replace(NORWAY, receivers=receivers)
    pages = Pages(stated, Language.ENGLISH)
    for page in (pages.form(), pages.privacy()):
        assert "Tre jurister." in page
        assert "Telefon 22 00 00 00." in page
        assert "stated here yet" not in page.replace("legal basis", "")


def test_an_accessibility_statement_that_nobody_made_says_so() -> None:
    page = _text(Pages(NORWAY, Language.ENGLISH).accessibility())
    for sentence in (
        "These pages have not been assessed yet.",
        "that is no assessment of this letterbox",
        "None have been stated yet.",
        "has not been stated yet. You can use the form",
        "This statement has no date yet",
    ):
        assert sentence in page
    assert "Uu-tilsynet" in page
    assert "Digitaliseringsstyrelsen" in _text(Pages(SITES[Country.DENMARK], Language.ENGLISH).accessibility())


def test_an_accessibility_statement_shows_what_its_office_states() -> None:
    statement = AccessibilityStatement(
        status="partly",
        stated_on="2026-12-31",
        official="https://uustatus.no/nb/erklaringer/publisert/1",
        responsible=PerLanguage(en="The Example Agency"),
        assessed=PerLanguage(en="By ourselves, with axe."),
        shortcomings=PerLanguage(en="No sign language."),
        feedback=PerLanguage(en="Call 22 00 00 00."),
    )
    page = Pages(replace(NORWAY, accessibility=statement), Language.ENGLISH).accessibility()
    text = _text(page)
    for stated in ("The Example Agency are responsible", "meet most of the requirements", "By ourselves, with axe."):
        assert stated in text
    for stated in ("No sign language.", "Call 22 00 00 00.", "Stated on 31 December 2026."):
        assert stated in text
    assert '<a href="https://uustatus.no/nb/erklaringer/publisert/1" rel="noreferrer">' in page
    assert "yet" not in text.partition("Tell us of a barrier")[2]


def test_both_pages_stand_at_the_foot_of_every_page() -> None:
    pages = Pages(NORWAY, Language.DANISH)
    for page in (pages.form(), pages.how(), pages.privacy(), pages.law(), pages.accessibility()):
        foot = page.partition("<footer>")[2]
        assert 'href="/da/law"' in foot
        assert 'href="/da/accessibility"' in foot


def test_statements_are_written_to_the_settings_and_read_back(tmp_path: Path) -> None:
    config = GatewayConfig(
        danger=InDanger(quick_exit=False, quick_exit_to="https://www.yr.no/"),
        law_review=LawReview("Kari", "2026-12-01"),
        accessibility=AccessibilityStatement(status="full", feedback=PerLanguage(da="Ring.")),
        receivers=Receivers(editors=PerLanguage(nn="Vi.")),
    )
    (tmp_path / "gateway.toml").write_text(encode_gateway_config(config))
    assert read_settings(tmp_path / "gateway.toml", GatewayConfig) == config
    for text, word in (
        ("[danger]\nadvise = 1", "unknown key 'danger.advise'"),
        ('[accessibility]\nstatus = "good"', "'accessibility.status' must be one of"),
        ('[accessibility.feedback]\nnb = "a\\nb"', "'accessibility.feedback.nb' must be one line"),
    ):
        (tmp_path / "gateway.toml").write_text(text)
        with pytest.raises(SettingsError, match=word):
            read_settings(tmp_path / "gateway.toml", GatewayConfig)
