"""What a new gateway starts with, and the day by which an answer is promised, over Christmas and Easter."""

import subprocess
import sys
import tomllib
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

import pytest

from disk.settings import read_settings
from enveis.commands.gateway import COUNTRIES, PROFILES
from enveis.main import main
from gateway.home.config import GatewayConfig, encode_gateway_config
from gateway.home.country import Country
from gateway.home.editors_wording import default_bodies
from gateway.home.profiles import Profile, new_config
from gateway.home.promise import CLOSED, LAW_DAYS, AnswerPromise, Term
from gateway.languages import REVIEWED, Language

TEN = {country: AnswerPromise(10, Term.WORKING_DAYS, country, CLOSED[country]) for country in Country}


@pytest.mark.parametrize("country", list(Country))
@pytest.mark.parametrize(
    ("received", "until"),
    [
        # 24, 25 and 31 December and 1 January are closed: five and two days of each week are left.
        (date(2026, 12, 18), date(2027, 1, 7)),
        (date(2026, 12, 19), date(2027, 1, 7)),  # a Saturday counts as the Friday before
        # Maundy Thursday 25 March, Good Friday, Easter Monday 29 March 2027.
        (date(2027, 3, 18), date(2027, 4, 6)),
        (date(2027, 3, 24), date(2027, 4, 12)),
        # Ascension Day 6 May and Whit Monday 17 May 2027; the latter is Norway's national day too.
        (date(2027, 5, 5), date(2027, 5, 21)),
    ],
)
def test_ten_working_days(country: Country, received: date, until: date) -> None:
    assert TEN[country].until(received) == until


@pytest.mark.parametrize(
    ("received", "norway", "denmark"),
    [
        (date(2026, 4, 20), date(2026, 5, 5), date(2026, 5, 4)),  # 1 May 2026, a Friday: a holiday in Norway only
        (date(2026, 6, 1), date(2026, 6, 15), date(2026, 6, 16)),  # 5 June 2026, a Friday: closed in Denmark only
        (
            date(2023, 5, 4),
            date(2023, 5, 22),
            date(2023, 5, 22),
        ),  # Great Prayer Day (5 May), and Norway's 17 May
        (date(2028, 5, 11), date(2028, 5, 29), date(2028, 5, 26)),  # the Great Prayer Day is none since 2024
    ],
)
def test_the_country_s_own_holidays(received: date, norway: date, denmark: date) -> None:
    assert (TEN[Country.NORWAY].until(received), TEN[Country.DENMARK].until(received)) == (norway, denmark)


def test_an_office_s_own_closed_day_counts() -> None:
    open_at_christmas = AnswerPromise(10, Term.WORKING_DAYS, Country.NORWAY)
    assert open_at_christmas.until(date(2026, 12, 18)) == date(2027, 1, 5)


@pytest.mark.parametrize("term", list(Term))
@pytest.mark.parametrize("country", list(Country))
def test_never_later_than_the_law(term: Term, country: Country) -> None:
    for day in (date(2026, 1, 1) + timedelta(days=n) for n in range(0, 400, 13)):
        for count in (1, 60, LAW_DAYS):
            until = AnswerPromise(count, term, country, CLOSED[country]).until(day)
            assert day < until <= day + timedelta(days=LAW_DAYS)


def test_days_are_days() -> None:
    assert AnswerPromise(14).until(date(2026, 12, 18)) == date(2027, 1, 1)


def test_a_gateway_that_counts_in_days_loads_no_holidays() -> None:
    script = (
        "import sys; from datetime import date; from gateway.home.promise import AnswerPromise;"
        "AnswerPromise(14).until(date(2026, 12, 18)); sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("country", list(Country))
def test_the_list_of_each_country_is_complete(country: Country) -> None:
    bodies = default_bodies(country)
    assert len(bodies) >= 20
    for language in REVIEWED:
        names = [getattr(body.name, language) for body in bodies]
        assert all(names)
        assert len(set(names)) == len(names)
        assert all(getattr(body.who_can_act, language) for body in bodies)


def test_each_country_has_its_own_list() -> None:
    named = {country: {body.name.nb for body in default_bodies(country)} for country in Country}
    assert {"Nav", "Sametinget", "Statsforvalteren", "En privat arbeidsgiver"} <= named[Country.NORWAY]
    assert {"Udlændingestyrelsen eller SIRI", "Folketingets Ombudsmand"} <= named[Country.DENMARK]
    said = "".join(body.who_can_act.da for body in default_bodies(Country.DENMARK))
    assert "Statsforvalter" not in said
    assert "Sivilombud" not in said
    assert "Den Uafhængige Politiklagemyndighed" in said


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("country", list(Country))
def test_each_start_is_written_and_read_back(tmp_path: Path, country: Country, profile: Profile) -> None:
    config = new_config(country=country, profile=profile)
    (tmp_path / "gateway.toml").write_text(encode_gateway_config(config))
    assert read_settings(tmp_path / "gateway.toml", GatewayConfig) == config


def test_what_each_profile_promises() -> None:
    usual = {profile: new_config(profile=profile) for profile in Profile}
    assert {p: (c.feedback_days, c.feedback_in, c.withdrawal) for p, c in usual.items()} == {
        "journalists": (90, "days", "deletes"),
        "company": (14, "days", "deletes"),
        "public-body": (90, "days", "restricts"),
        "police": (28, "days", "restricts"),
        "ombudsman": (10, "working-days", "restricts"),
    }
    assert new_config() == GatewayConfig()


def test_a_danish_letterbox_offers_danish_first() -> None:
    config = new_config(country=Country.DENMARK)
    assert config.languages[0] == Language.DANISH
    assert set(config.languages) == set(GatewayConfig().languages)
    assert config.closed_days == ("06-05", "12-24", "12-31")


def test_init_writes_what_was_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    high, low = tmp_path / "high", tmp_path / "low"
    assert main(["desk", "init", "--classic", "--home", str(high), "--backup", str(tmp_path / "backup")]) == 0
    files = ["--recipients", str(high / "recipients.txt"), "--desk-key", str(high / "desk.pub")]
    chosen = ["--country", "dk", "--profile", "ombudsman", "--name", "Borgerrådgiveren"]
    assert main(["gateway", "init", "--home", str(low), *files, *chosen]) == 0
    written = tomllib.loads((low / "gateway.toml").read_text())
    assert (written["country"], written["name"]) == ("dk", "Borgerrådgiveren")
    assert (written["feedback_days"], written["feedback_in"], written["withdrawal"]) == (
        10,
        "working-days",
        "restricts",
    )
    assert [body["name"]["da"] for body in written["bodies"]] == [b.name.da for b in default_bodies(Country.DENMARK)]
    assert set(written) == {field.name for field in fields(GatewayConfig)}


def test_the_choices_of_init_are_those_that_there_are() -> None:
    assert tuple(map(str, Country)) == COUNTRIES
    assert tuple(map(str, Profile)) == PROFILES
