"""What a new gateway's settings start with, for each kind of office and each country. Later, gateway.toml alone counts.

The terms: a journalists' portal promises what the law allows at most; a company's routine two weeks, a police district
four weeks, a city's ombudsman ten working days. Public bodies may not destroy records, so there a withdrawal restricts.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.home.config import GatewayConfig
from gateway.home.country import Country
from gateway.home.editors_wording import default_bodies
from gateway.home.promise import CLOSED, LAW_DAYS, AfterWithdrawal, Term
from gateway.languages import Language


class Profile(StrEnum):
    """A kind of office."""

    JOURNALISTS = "journalists"
    COMPANY = "company"
    PUBLIC_BODY = "public-body"
    POLICE = "police"
    OMBUDSMAN = "ombudsman"


@dataclass(frozen=True, slots=True)
class _Usual:
    feedback_days: int
    feedback_in: Term
    withdrawal: AfterWithdrawal


_USUAL: Final = {
    Profile.JOURNALISTS: _Usual(LAW_DAYS, Term.DAYS, AfterWithdrawal.DELETES),
    Profile.COMPANY: _Usual(14, Term.DAYS, AfterWithdrawal.DELETES),
    Profile.PUBLIC_BODY: _Usual(LAW_DAYS, Term.DAYS, AfterWithdrawal.RESTRICTS),
    Profile.POLICE: _Usual(28, Term.DAYS, AfterWithdrawal.RESTRICTS),
    Profile.OMBUDSMAN: _Usual(10, Term.WORKING_DAYS, AfterWithdrawal.RESTRICTS),
}


def new_config(
    *, name: str = "", country: Country = Country.NORWAY, profile: Profile = Profile.JOURNALISTS
) -> GatewayConfig:
    """Return the settings that a new gateway starts with.

    Raises:
        ValueError: The name is no single line of its length.
    """
    usual, offered = _USUAL[profile], GatewayConfig().languages
    if country is Country.DENMARK:
        offered = (Language.DANISH, *(language for language in offered if language != Language.DANISH))
    return GatewayConfig(
        name=name,
        country=country,
        languages=offered,
        feedback_days=usual.feedback_days,
        feedback_in=usual.feedback_in,
        closed_days=CLOSED[country],
        withdrawal=usual.withdrawal,
        bodies=default_bodies(country),
    )
