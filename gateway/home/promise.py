"""What an office promises its sources: the day of an answer, and what becomes of what they withdraw.

The term is the office's own, in days or in working days. It counts from the UTC day that the receipt page and the
manifest name. The day in the country's own time is the same but for the hour or two around midnight: a term that
counted from there would tell when those submissions came.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from gateway.home.country import Country

LAW_DAYS: Final = 90  # EU 2019/1937, article 9(1)(f): three months; the shortest three months have 89 or 90 days
_SATURDAY: Final = 5
# No public holidays, but most offices of that country are closed.
CLOSED: Final = {
    Country.NORWAY: ("12-24", "12-31"),
    Country.DENMARK: ("06-05", "12-24", "12-31"),
}


class Term(StrEnum):
    """What a term is counted in."""

    DAYS = "days"
    WORKING_DAYS = "working-days"  # Monday to Friday, without public holidays and the days that the office is closed


class AfterWithdrawal(StrEnum):
    """What the desk does when a source withdraws a packet that has left the gateway."""

    DELETES = "deletes"
    RESTRICTS = "restricts"  # locked away and used for nothing more: public bodies may not destroy records


@dataclass(frozen=True, slots=True)
class AnswerPromise:
    """Within how long a source is promised an answer."""

    count: int = LAW_DAYS
    term: Term = Term.DAYS
    country: Country = Country.NORWAY
    closed: tuple[str, ...] = ()  # MM-DD

    def until(self, received: date) -> date:
        """Return the last day of the term for what came on `received`; never later than the law's limit."""
        limit = received + timedelta(days=LAW_DAYS)
        if self.term is Term.DAYS:
            return min(limit, received + timedelta(days=self.count))
        day, left = received, self.count
        while left and day < limit:
            day += timedelta(days=1)
            left -= self._is_open(day)
        return day

    def _is_open(self, day: date) -> bool:
        return day.weekday() < _SATURDAY and f"{day:%m-%d}" not in self.closed and day not in _holidays(self.country)


@cache
def _holidays(country: Country) -> Container[date]:
    """Return the public holidays of a country, of any year: each year is worked out when it is first asked for."""
    # Loaded by gateways that count in working days only: it takes 19 MiB and a tenth of a second.
    import holidays

    match country:
        case Country.NORWAY:
            return holidays.country_holidays("NO")
        case Country.DENMARK:
            return holidays.country_holidays("DK")


BY_LAW: Final = AnswerPromise()


def check_closed(days: tuple[str, ...]) -> None:
    """Raise ValueError, with a sentence, unless each of `days` is a day of the year as MM-DD."""
    for day in days:
        try:
            # A leap year, so that 29 February is a day.
            valid = f"{date.fromisoformat(f'2024-{day}'):%m-%d}" == day
        except ValueError:
            valid = False
        if not valid:
            raise ValueError("each of 'closed_days' must be a day of the year as MM-DD, such as 12-24")
