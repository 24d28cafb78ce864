"""Settings in tables of their own, for what a letterbox states about itself: `[receivers]`, `[danger]`, `[law_review]`
and `[accessibility]`. Each may stay as it is; the pages then say what is not stated.
"""

import datetime
import re
from dataclasses import dataclass
from typing import Final

from disk.settings import check_settings, setting
from gateway.home.editors_wording import LINE_MAX, NOTHING_SAID, PARAGRAPH_MAX, PerLanguage

NOT_ASSESSED: Final = "not-assessed"
# Nothing that could end an attribute, hide who is addressed (no user@), or name a port nobody expects.
_HTTPS: Final = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~/?=&%#-]*)?")


@dataclass(frozen=True)
class Receivers:
    """Who is written to, in their own words."""

    editors: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, PARAGRAPH_MAX),
        why="What kind of office it is, who reads, who is responsible. Say whether you may keep silent about a source.",
        while_empty="the pages say that nobody has stated who reads what is sent here",
    )
    contact: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, PARAGRAPH_MAX),
        why="How the office is reached otherwise: telephone, visiting and postal address.",
        while_empty="the pages say that no other way to reach you has been stated",
    )

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key."""
        check_settings(self, "receivers.")


@dataclass(frozen=True)
class InDanger:
    """What the pages offer to somebody in danger, or surprised while reading."""

    quick_exit: bool = setting(True, why="Whether each page has a link that leaves at once.")
    quick_exit_to: str = setting(
        "",
        bounds=(0, LINE_MAX),
        why="Address (https) of the harmless page that it leads to; empty: the weather forecast of the country.",
    )
    advice: PerLanguage = setting(
        NOTHING_SAID, bounds=(0, PARAGRAPH_MAX), why="What to do, in the place of the country's emergency numbers."
    )

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key."""
        check_settings(self, "danger.")
        _check_https("danger.quick_exit_to", self.quick_exit_to)


@dataclass(frozen=True)
class LawReview:
    """Who has read the texts about the law."""

    by: str = setting(
        "",
        bounds=(0, LINE_MAX),
        why="Name, as the page shows it.",
        while_empty="the page on the law says that no lawyer has reviewed it (docs/law.md)",
    )
    on: str = setting(
        "",
        bounds=(0, 10),
        why="Day of the review, such as 2026-12-31. It covers texts up to that day: after an update of the program the"
        " page may ask for another review.",
    )

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key."""
        check_settings(self, "law_review.")
        _check_date("law_review.on", self.on)
        if bool(self.by) != bool(self.on):
            raise ValueError("'law_review.by' and 'law_review.on' must both be set, or neither")


@dataclass(frozen=True)
class AccessibilityStatement:
    """What the page on accessibility says about this letterbox."""

    status: str = setting(
        NOT_ASSESSED,
        choices=(NOT_ASSESSED, "full", "partly", "not"),
        why="Whether these pages meet the requirements for public websites: full, partly, not; or not-assessed.",
    )
    stated_on: str = setting(
        "",
        bounds=(0, 10),
        why="Day of the statement, such as 2026-12-31. A statement is renewed every year.",
        while_empty="the accessibility statement says that nobody has made it",
    )
    official: str = setting(
        "",
        bounds=(0, LINE_MAX),
        why="Address (https) of the statement that public bodies make in uustatus.no (Norway) or WAS-Tool (Denmark).",
    )
    responsible: PerLanguage = setting(
        NOTHING_SAID, bounds=(0, LINE_MAX), why="Who is responsible, if that is not the name of the letterbox."
    )
    assessed: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, PARAGRAPH_MAX),
        why="How the pages were assessed, by whom and when: by yourselves with axe and a screen reader, for example.",
        while_empty="the accessibility statement says that nobody has assessed the pages",
    )
    shortcomings: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, PARAGRAPH_MAX),
        why="What does not meet the requirements, why, and what people can do instead.",
    )
    feedback: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, PARAGRAPH_MAX),
        why="How people tell you of a barrier, in writing and by telephone, and how soon you answer.",
        while_empty="the accessibility statement says that no way to tell you of a barrier has been stated",
    )

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key."""
        check_settings(self, "accessibility.")
        _check_date("accessibility.stated_on", self.stated_on)
        _check_https("accessibility.official", self.official)


def _check_https(key: str, address: str) -> None:
    if address and not _HTTPS.fullmatch(address):
        raise ValueError(f"'{key}' must be empty, or an address such as https://www.example.org/page")


def _check_date(key: str, day: str) -> None:
    try:
        is_day = not day or datetime.date.fromisoformat(day).isoformat() == day
    except ValueError:
        is_day = False
    if not is_day:
        raise ValueError(f"'{key}' must be empty, or a day such as 2026-12-31")
