"""The editors' own texts, in as many languages as they wish: settings, not translations of ours."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

from disk.settings import UNLISTED, check_settings, read_settings, setting
from gateway.home.country import Country
from gateway.languages import Language

LINE_MAX: Final = 200  # characters of a name
PARAGRAPH_MAX: Final = 2_000  # characters of a text


@dataclass(frozen=True)
class PerLanguage:
    """One text in the languages in which it was given."""

    nb: str = ""
    nn: str = ""
    da: str = ""
    en: str = ""
    # Few editors write these, and a new gateway.toml is long enough.
    sv: str = field(default="", metadata=UNLISTED)
    pl: str = field(default="", metadata=UNLISTED)
    uk: str = field(default="", metadata=UNLISTED)
    ar: str = field(default="", metadata=UNLISTED)

    def read_in(self, language: Language) -> str:
        """Return the text in `language`, or in the first one that there is; empty when there is none at all.

        Whoever reads an unreviewed language is more likely to know English than the languages that stand before it.
        """
        second = self.en if language.is_unreviewed else ""
        return next((text for text in (getattr(self, language), second, *self) if text), "")

    def __iter__(self) -> Iterator[str]:
        return (getattr(self, language) for language in Language)


NOTHING_SAID: Final = PerLanguage()


@dataclass(frozen=True)
class PublicBody:
    """A public body of the list, and who can act on a complaint about it."""

    name: PerLanguage = setting(NOTHING_SAID, bounds=(0, LINE_MAX), why="What the form's list calls it.")
    who_can_act: PerLanguage = setting(NOTHING_SAID, bounds=(0, PARAGRAPH_MAX), why="Who can decide or supervise.")

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence."""
        if not any(self.name):
            raise ValueError("each of 'bodies' must have a name in one language at least")
        check_settings(self, "bodies.")


@dataclass(frozen=True)
class _BodiesFile:
    bodies: tuple[PublicBody, ...]


def default_bodies(country: Country = Country.NORWAY) -> tuple[PublicBody, ...]:
    """Return the list that a new gateway of `country` starts with, of `gateway/bodies/`."""
    with resources.as_file(resources.files("gateway") / "bodies" / f"{country}.toml") as path:
        return read_settings(path, _BodiesFile).bodies
