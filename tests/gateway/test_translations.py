"""The catalogues: every sentence of the pages in every language, none stale, markup and holes kept.

Invariant G6.
"""

import re
from collections.abc import Iterator
from gettext import c2py
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

import gateway
from gateway.languages import REVIEWED, Language
from gateway.pages import sentences
from gateway.pages.catalogues import SOURCE, translations
from quarantine.findings import Code, Grade

FOLDER = Path(gateway.__file__).parent
TRANSLATED: list[Language] = [language for language in Language if language is not SOURCE]
MARK = "machine-translated, not reviewed"
HOLES = re.compile(r"%\((\w+)\)s")
TAGS = re.compile(r"</?[a-z]+>")


def _written() -> set[str | tuple[str, ...]]:
    """Every message that the code and the templates hold, as `make messages` finds them."""
    with (FOLDER / "pages" / "locale" / "babel.cfg").open() as stream:
        methods, options = parse_mapping_cfg(stream)  # type: ignore[no-untyped-call]  # Babel has no types here
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None}
    found = extract_from_dir(FOLDER, methods, options, keywords=keywords)
    return {message if isinstance(message, str) else tuple(message) for _, _, message, _, _ in found}


def _catalogue(language: Language) -> Catalog:
    with (FOLDER / "pages" / "locale" / language / "LC_MESSAGES" / "messages.po").open("rb") as stream:
        return read_po(stream, locale=language.value, abort_invalid=True)


def _messages() -> Iterator[tuple[Language, Message]]:
    for language in TRANSLATED:
        yield from ((language, message) for message in _catalogue(language) if message.id)


def _forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def test_extraction_finds_what_the_pages_say() -> None:
    written = _written()
    assert len(written) > 200
    assert {"Come back", "It is too large", "or", "A complaint"} - written == {"It is too large"}


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_missing_stale_or_fuzzy(language: Language) -> None:
    catalogue = _catalogue(language)
    translated = {m.id if isinstance(m.id, str) else tuple(m.id): m for m in catalogue if m.id}
    assert set(translated) == _written()
    assert [m.id for m in translated.values() if m.fuzzy or not all(_forms(m.string))] == []
    assert catalogue.obsolete == {}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_says_whether_it_is_reviewed(language: Language) -> None:
    assert (MARK in _catalogue(language).header_comment) == language.is_unreviewed


def _numbers(language: Language) -> dict[int, list[int]]:
    """The numbers up to 200 that each plural form of a language is for, by its form's number."""
    choice = c2py(str(_catalogue(language).plural_expr))
    numbers: dict[int, list[int]] = {}
    for number in range(201):
        numbers.setdefault(choice(number), []).append(number)
    return numbers


NUMBERS: dict[Language, dict[int, list[int]]] = {language: _numbers(language) for language in TRANSLATED}


def test_plural_forms_are_those_of_the_language() -> None:
    counts = {language.value: len(numbers) for language, numbers in NUMBERS.items()}
    assert counts == {"nb": 2, "nn": 2, "da": 2, "sv": 2, "pl": 3, "uk": 3, "ar": 6}
    assert all(_catalogue(language).num_plurals == len(numbers) for language, numbers in NUMBERS.items())
    polish, ukrainian, arabic = (NUMBERS[Language(name)] for name in ("pl", "uk", "ar"))
    assert (polish[0], polish[1][:6]) == ([1], [2, 3, 4, 22, 23, 24])
    assert (ukrainian[0][:3], ukrainian[1][:4]) == ([1, 21, 31], [2, 3, 4, 22])
    assert [arabic[form][0] for form in range(6)] == [0, 1, 2, 3, 100, 11]


def _pairs(language: Language, message: Message) -> Iterator[tuple[str, str, set[str]]]:
    """Each translation, what it translates, and the holes that it may leave out: the number, in a form for one only."""
    if isinstance(message.id, str):
        yield message.id, str(message.string), set()
        return
    for form, translation in enumerate(_forms(message.string)):
        yield message.id[1], translation, {"count"} if len(NUMBERS[language][form]) == 1 else set()


@pytest.mark.parametrize(
    ("language", "message"),
    list(_messages()),
)
def test_a_translation_has_the_same_holes_and_markup(language: Language, message: Message) -> None:
    if isinstance(message.id, tuple):
        assert len(_forms(message.string)) == len(NUMBERS[language])
    for source, translation, spare in _pairs(language, message):
        assert translation
        found, wanted = HOLES.findall(translation), HOLES.findall(source)
        assert sorted(found) == sorted(hole for hole in wanted if hole in found or hole not in spare)
        assert translation.count("%") == len(HOLES.findall(translation))
        assert TAGS.findall(translation) == TAGS.findall(source)
        # A message may stand in an attribute; and what is not our markup must not look like any.
        assert not set('<>&"') & set(TAGS.sub("", translation)), translation
        assert translation == translation.strip()


def test_every_sentence_of_a_closed_set_is_marked() -> None:
    written = _written()
    tables = [value for name, value in vars(sentences).items() if name.isupper() and isinstance(value, dict)]
    assert len(tables) > 8
    for table in tables:
        for text in table.values():
            for part in _forms(text):
                assert part in written, part


def test_whatever_may_identify_a_source_has_a_sentence() -> None:
    """The literal is there for the translators; a source and the desk read the same of one file."""
    told = {code: code.sentence for code in Code if code.grade is Grade.IDENTIFIES_YOU}
    assert told == sentences.IDENTIFYING


def test_plurals() -> None:
    said = {
        language: translations(language).ngettext("complaint received", "complaints received", 1)
        for language in REVIEWED
    }
    assert len({said[Language.ENGLISH], said[Language.NYNORSK], said[Language.DANISH]}) == 3
    for language in REVIEWED:
        assert translations(language).ngettext("complaint received", "complaints received", 2) != said[language]


# What a translator writes easily, and why a native editor would not; in lower case, with spaces where they matter.
AVOIDED = {
    Language.DANISH: {
        "gøres om": "is done again; to undo is 'fortryde'",
        "embedsperson": "'offentligt ansatte'",
        "indsendelse": "'henvendelse'",
        "nævner": "a file names nobody: 'oplyser'",
    },
    Language.BOKMAL: {
        "gjøres om": "is done again; to undo is 'angre'",
        "bryte av": "an upload 'blir avbrutt'",
        "bryter av": "an upload 'blir avbrutt'",
        "tas tilbake": "'trekkes tilbake'",
        "ta det tilbake": "'trekk tilbake'",
        "i det minste": "'minst'",
        "nevner": "a file names nobody: 'oppgir'",
    },
    Language.NYNORSK: {
        "gjerast om": "is done again; to undo is 'angre'",
        "bryt av": "an upload 'blir avbroten'",
        "takast tilbake": "'trekkjast tilbake'",
        "ta det tilbake": "'trekk tilbake'",
        "i det minste": "'minst'",
        " henne": "a thing is 'den'",
        " ho ": "a thing is 'den'",
        "lèt att": "'lukkar'",
        "lat att": "'lukk'",
        "blei ": "'vart', as everywhere",
        "nemner": "a file names nobody: 'fortel'",
    },
}


QUOTES = {"nb": "«»", "nn": "«»", "da": "»«", "sv": "”", "pl": "„”", "uk": "«»", "ar": "«»"}


def test_quotation_marks_are_those_of_the_language() -> None:
    found = [
        (language.value, form)
        for language, message in _messages()
        for form in _forms(message.string)
        if set("“”„«»‘") & set(form) - set(QUOTES[language]) or _opens_wrongly(form, QUOTES[language])
    ]
    assert found == []


def _opens_wrongly(text: str, marks: str) -> bool:
    """Return whether the first mark is not one that opens: in Danish they point inwards, elsewhere outwards."""
    first = next((letter for letter in text if letter in "«»„”"), marks[0])
    return first != marks[0]


def test_no_sentence_has_words_that_a_native_editor_would_strike() -> None:
    found = [
        (language.value, message.id, meaning)
        for language, message in _messages()
        for words, meaning in AVOIDED.get(language, {}).items()
        for form in _forms(message.string)
        if words in f" {' '.join(form.lower().split())} "
    ]
    assert found == []
