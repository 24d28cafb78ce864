"""The languages of the pages: which there are, which one a visitor reads, and how the address keeps it.

No cookie remembers a choice: `/nb/return` says it itself, and so does every link and form on that page.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HEADER_MAX: Final = 1_000  # characters of Accept-Language that are read
RANGES_MAX: Final = 32  # languages in it that are read
# RFC 9110, 12.5.4 and 12.4.2.
_RANGE: Final = re.compile(r"([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?")


class Language(StrEnum):
    """A language that the pages are translated to; its value is the lang attribute and the address's first part."""

    BOKMAL = "nb"
    NYNORSK = "nn"
    DANISH = "da"
    ENGLISH = "en"
    SWEDISH = "sv"
    POLISH = "pl"
    UKRAINIAN = "uk"
    ARABIC = "ar"

    @property
    def own_name(self) -> str:
        """What those who read it call it."""
        return _OWN_NAMES[self]

    @property
    def is_unreviewed(self) -> bool:
        """Whether a machine translated it and nobody who speaks it has read the result (ADR 0050)."""
        return self in UNREVIEWED

    @property
    def direction(self) -> str:
        """Where its lines begin, as the dir attribute says it."""
        return "rtl" if self is Language.ARABIC else "ltr"


# Offered only by a gateway that names them in a setting of their own.
UNREVIEWED: Final = (Language.SWEDISH, Language.POLISH, Language.UKRAINIAN, Language.ARABIC)
REVIEWED: Final = tuple(language for language in Language if language not in UNREVIEWED)
_OWN_NAMES: Final = {
    Language.BOKMAL: "Bokmål",
    Language.NYNORSK: "Nynorsk",
    Language.DANISH: "Dansk",
    Language.ENGLISH: "English",
    Language.SWEDISH: "Svenska",
    Language.POLISH: "Polski",
    Language.UKRAINIAN: "Українська",
    Language.ARABIC: "العربية",
}
# A browser that asks for one of these gets that one. Northern Sami has no pages yet (docs/translating.md).
_READ_BY: Final = {
    "no": Language.BOKMAL,
    "se": Language.BOKMAL,
    "smj": Language.BOKMAL,
    "sma": Language.BOKMAL,
    "fo": Language.DANISH,
    "kl": Language.DANISH,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a visitor asked for: a path without its language, and the language."""

    path: str
    language: Language


def read_address(untrusted_path: str, untrusted_accepted: str, offered: Sequence[Language]) -> Asked:
    """Return what is asked for: the language that the path names, or the one that the browser prefers."""
    for language in offered:
        prefix = f"/{language}"
        if untrusted_path == prefix:
            return Asked("/", language)
        if untrusted_path.startswith(f"{prefix}/"):
            return Asked(untrusted_path.removeprefix(prefix), language)
    return Asked(untrusted_path, preferred(untrusted_accepted, offered))


def preferred(untrusted_header: str, offered: Sequence[Language]) -> Language:
    """Return the offered language that an Accept-Language header likes best.

    Without a header this is the first one offered. A browser that accepts none gets English, if offered.
    """
    liked: dict[Language, float] = {}
    ranges = untrusted_header[:HEADER_MAX].split(",")[:RANGES_MAX]
    for match in filter(None, (_RANGE.fullmatch(part.strip()) for part in ranges)):
        language = offered[0] if match[1] == "*" else _named(match[1].lower())
        if language is not None and language in offered:
            liked.setdefault(language, float(match[2] or 1))
    best = max(liked, key=lambda language: liked[language], default=None)
    if best is not None and liked[best] > 0:
        return best
    return Language.ENGLISH if untrusted_header.strip() and Language.ENGLISH in offered else offered[0]


def _named(code: str) -> Language | None:
    return Language(code) if code in set(Language) else _READ_BY.get(code)
