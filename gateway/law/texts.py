"""The texts of one country, read from the files beside this module and refused when a source, date or language is
missing. Knows no page: which text stands where is the templates' business.
"""

import datetime
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from disk.settings import check_settings, read_settings, setting
from gateway.home.country import Country
from gateway.home.editors_wording import LINE_MAX, NOTHING_SAID, PARAGRAPH_MAX, PerLanguage
from gateway.languages import REVIEWED, Language


class Topic(StrEnum):
    """What a text is about; the page has one part for each."""

    RECIPIENT = "recipient"  # whether those who receive it may keep silent about you
    EMPLOYED = "employed"  # who works at the body in question
    LIMITS = "limits"  # what the law does not protect
    ELSEWHERE = "elsewhere"  # who else takes a complaint
    ACCESSIBILITY = "accessibility"  # who supervises public websites


@dataclass(frozen=True, slots=True)
class SaidText:
    """One text in the language that a reader gets, which need not be the language of the page."""

    text: str
    language: Language


def said_in(text: PerLanguage, language: Language) -> SaidText:
    """Return `text` in `language`, or in English where nobody has written it in that language."""
    own = str(getattr(text, language, ""))
    return SaidText(own, language) if own else SaidText(text.en, Language.ENGLISH)


@dataclass(frozen=True)
class LawText:
    """One statement about the law, for sources."""

    name: str = setting("", bounds=(1, 40), why="What docs/law.md calls it.")
    topic: str = setting("", choices=tuple(map(str, Topic)), why="The part of the page.")
    title: PerLanguage = setting(NOTHING_SAID, bounds=(0, LINE_MAX), why="Its heading.")
    text: PerLanguage = setting(NOTHING_SAID, bounds=(0, PARAGRAPH_MAX), why="The statement, in plain words.")
    source: str = setting("", bounds=(1, 400), why="Act and section, and where the act is published.")
    date: str = setting("", bounds=(10, 10), why="The day on which the text was written, such as 2026-11-30.")

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the text."""
        check_settings(self, f"{self.name}: ")
        _check_date(self.name, self.date)
        for text in (self.title, self.text):
            _check_languages(self.name, text)


@dataclass(frozen=True)
class EmergencyNumber:
    """Whom to call in danger."""

    number: str = setting("", bounds=(1, 20), why="Digits and spaces.")
    who: PerLanguage = setting(NOTHING_SAID, bounds=(0, LINE_MAX), why="Who answers.")
    source: str = setting("", bounds=(1, 400), why="Where the number is published.")
    date: str = setting("", bounds=(10, 10), why="The day on which this was written.")

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the number."""
        check_settings(self, f"{self.number}: ")
        _check_date(self.number, self.date)
        _check_languages(self.number, self.who)
        if not self.digits.isdecimal() or not self.digits.isascii():
            raise ValueError(f"'{self.number}' must be digits and spaces")

    @property
    def digits(self) -> str:
        """The number as a telephone dials it."""
        return self.number.replace(" ", "")


@dataclass(frozen=True)
class LawOfCountry:
    """All texts of one country."""

    country: str = setting("", choices=tuple(map(str, Country)), why="The value of the setting 'country'.")
    innocent_page: str = setting("", bounds=(9, LINE_MAX), why="Where the quick exit leads, unless a setting says.")
    emergency: tuple[EmergencyNumber, ...] = setting((), why="Whom to call, the most urgent first.")
    texts: tuple[LawText, ...] = setting((), why="In the order of the page.")

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence."""
        check_settings(self)
        names = [text.name for text in self.texts]
        if len(set(names)) < len(names):
            raise ValueError("two texts have the same name")
        if {text.topic for text in self.texts} != set(Topic) or not self.emergency:
            raise ValueError("each topic must have a text, and there must be a number to call")

    def about(self, topic: Topic) -> tuple[LawText, ...]:
        """Return the texts about `topic`."""
        return tuple(text for text in self.texts if text.topic == topic)

    def is_reviewed(self, reviewed_on: str) -> bool:
        """Return whether a review on that day (such as 2026-12-01; empty: none) covers every text as it is now."""
        return bool(reviewed_on) and all(text.date <= reviewed_on for text in self.texts)


@cache
def law_of(country: Country) -> LawOfCountry:
    """Return the texts of a country.

    Raises:
        disk.settings.SettingsError: The file lacks something; it is a part of the program, so this is a bug of ours.
    """
    with resources.as_file(resources.files("gateway.law") / f"{country}.toml") as path:
        return read_settings(path, LawOfCountry)


def _check_date(name: str, date: str) -> None:
    try:
        datetime.date.fromisoformat(date)
    except ValueError:
        raise ValueError(f"'{name}' must have a date such as 2026-11-30") from None


def _check_languages(name: str, text: PerLanguage) -> None:
    missing = [str(language) for language in REVIEWED if not getattr(text, language)]
    if missing:
        raise ValueError(f"'{name}' has no text in {', '.join(missing)}")
