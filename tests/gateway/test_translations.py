"""The catalogues: every sentence of the pages in every language, none stale, markup and holes kept.

Invariant G6.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

import gateway
from gateway.languages import Language
from gateway.pages import sentences
from gateway.pages.catalogues import SOURCE, translations
from quarantine.findings import Code, Grade

FOLDER = Path(gateway.__file__).parent
TRANSLATED = [language for language in Language if language is not SOURCE]
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
    assert catalogue.num_plurals == 2


@pytest.mark.parametrize(("language", "message"), list(_messages()))
def test_a_translation_has_the_same_holes_and_markup(language: Language, message: Message) -> None:
    assert len(_forms(message.id)) == len(_forms(message.string))
    for source, translation in zip(_forms(message.id), _forms(message.string), strict=True):
        assert sorted(HOLES.findall(translation)) == sorted(HOLES.findall(source))
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
        for language in Language
    }
    assert len({said[Language.ENGLISH], said[Language.NYNORSK], said[Language.DANISH]}) == 3
    for language in Language:
        assert translations(language).ngettext("complaint received", "complaints received", 2) != said[language]


# What a translator from Norwegian writes easily, and what it tells a Dane.
FALSE_FRIENDS = {Language("da"): {"gøres om": "is done again; to undo is 'fortryde'"}}


def test_no_sentence_reads_as_its_opposite() -> None:
    found = [
        (language.value, message.id, meaning)
        for language, message in _messages()
        for words, meaning in FALSE_FRIENDS.get(language, {}).items()
        for form in _forms(message.string)
        if words in " ".join(form.split())
    ]
    assert found == []
