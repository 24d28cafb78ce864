"""What the pages show of the law, danger, the quick exit and accessibility: a site and a language to values."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from gateway.home.country import Country
from gateway.home.statements import NOT_ASSESSED
from gateway.languages import Language
from gateway.law.texts import LawOfCountry, LawText, SaidText, Topic, law_of, said_in
from gateway.pages.catalogues import marked, translations
from gateway.pages.site import Site

_COUNTRIES: Final = {
    Country.NORWAY: marked("It is about the law of Norway."),
    Country.DENMARK: marked("It is about the law of Denmark."),
}
# How far the pages meet the requirements for public websites, after the European model statement.
_STATUSES: Final = {
    NOT_ASSESSED: marked("These pages have not been assessed yet."),
    "full": marked("These pages meet the requirements for public websites."),
    "partly": marked("These pages meet most of the requirements for public websites, but not all."),
    "not": marked("These pages do not meet the requirements for public websites."),
}


@dataclass(frozen=True, slots=True)
class ShownText:
    """One statement about the law, as a page shows it."""

    title: SaidText
    text: SaidText
    source: str
    written: date


@dataclass(frozen=True, slots=True)
class Rights:
    """What the templates ask for, in one language."""

    site: Site
    language: Language

    @property
    def is_reviewed(self) -> bool:
        """Whether a lawyer has reviewed every text as it is now."""
        return self._law.is_reviewed(self.site.law_review.on)

    @property
    def reviewed_on(self) -> date:
        """The day of that review; only for a site that has one."""
        return date.fromisoformat(self.site.law_review.on)

    @property
    def country(self) -> str:
        """The sentence that says whose law this is."""
        return self._said(_COUNTRIES[self.site.country])

    @property
    def country_language(self) -> str:
        """The lang attribute of the names of acts."""
        return "da" if self.site.country is Country.DENMARK else "nb"

    def texts(self, topic: str) -> list[ShownText]:
        """Return the statements about one topic, in the order of the page."""
        return [self._shown(text) for text in self._law.about(Topic(topic))]

    @property
    def emergency(self) -> list[tuple[str, str, SaidText]]:
        """Each number as people read it and as a telephone dials it, with who answers."""
        return [(entry.number, entry.digits, said_in(entry.who, self.language)) for entry in self._law.emergency]

    @property
    def exit_address(self) -> str:
        """Where the quick exit leads; empty when it is switched off."""
        own = self.site.danger
        return (own.quick_exit_to or self._law.innocent_page) if own.quick_exit else ""

    @property
    def exit_place(self) -> str:
        """The host that the quick exit leads to, as people know it."""
        return (urlsplit(self.exit_address).hostname or "").removeprefix("www.")

    @property
    def accessibility_status(self) -> str:
        """How far the pages meet the requirements, in a sentence."""
        return self._said(_STATUSES[self.site.accessibility.status])

    @property
    def stated_on(self) -> date | None:
        """The day of the accessibility statement."""
        day = self.site.accessibility.stated_on
        return date.fromisoformat(day) if day else None

    @property
    def _law(self) -> LawOfCountry:
        return law_of(self.site.country)

    def _said(self, message: str) -> str:
        return translations(self.language).gettext(message)

    def _shown(self, text: LawText) -> ShownText:
        title, body = said_in(text.title, self.language), said_in(text.text, self.language)
        return ShownText(title, body, text.source, date.fromisoformat(text.date))
