"""What the pages say of the office's own promises: the day of the answer, and what a withdrawal does."""

import re
from datetime import date

import pytest

from gateway.home.config import GatewayConfig
from gateway.home.country import Country
from gateway.home.profiles import Profile, new_config
from gateway.home.promise import AfterWithdrawal, AnswerPromise, Term
from gateway.languages import REVIEWED, Language
from gateway.limits import Limits
from gateway.pages import receipt_pages
from gateway.pages.pages import Pages
from gateway.pages.site import Site, promise_of
from gateway.receipts.fresh_receipt import FreshReceipt
from gateway.submission.receive import Received
from gateway.views import CaseLimits, CaseView, Withdrawal, WithdrawForm, WithdrawnView
from keys.receipt import PublicReceipt, new_receipt_words
from quarantine.file_types import FileType
from transfer.names import new_packet_id

LIMITS = Limits(files_max=3, file_max_bytes=2**20, message_max_bytes=1024, allowed=frozenset(FileType))
TEN = AnswerPromise(10, Term.WORKING_DAYS)


def pages_of(kind: AfterWithdrawal) -> dict[Language, Pages]:
    site = Site(LIMITS, promise=TEN, withdrawal=kind, languages=REVIEWED)
    return {language: Pages(site, language) for language in REVIEWED}


DELETES, RESTRICTS = map(pages_of, AfterWithdrawal)
SECRETS = new_receipt_words()
RECEIVED = Received(
    packet=new_packet_id(),
    day=date(2026, 12, 18),
    promised=date(2027, 1, 7),
    receipt=FreshReceipt(SECRETS.return_words, SECRETS.proof_words, PublicReceipt("l", "r", "s", "p")),
    has_text=True,
    files=(),
    refused=(),
    withdraw=WithdrawForm(new_packet_id(), date(2026, 12, 19), "00" * 32, "00" * 32),
)
CASE = CaseView(words="w", replies=(), limits=CaseLimits(files_max=3, file_max_bytes=1))


def words_of(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page).split())


@pytest.mark.parametrize(
    ("language", "day"),
    [
        (Language.BOKMAL, "7. januar 2027"),
        (Language.NYNORSK, "7. januar 2027"),
        (Language.DANISH, "7. januar 2027"),
        (Language.ENGLISH, "7 January 2027"),
    ],
)
def test_the_day_of_the_manifest_is_on_the_page(language: Language, day: str) -> None:
    pages = DELETES[language]
    assert day in words_of(receipt_pages.receipt(pages, RECEIVED))
    assert day in words_of(receipt_pages.added(pages, RECEIVED, "w"))


@pytest.mark.parametrize(
    ("language", "term"),
    [
        (Language.BOKMAL, "innen 10 arbeidsdager"),
        (Language.NYNORSK, "innan 10 arbeidsdagar"),
        (Language.DANISH, "inden for 10 arbejdsdage"),
        (Language.ENGLISH, "within 10 working days"),
    ],
)
def test_the_term_is_said_in_its_own_unit(language: Language, term: str) -> None:
    pages = DELETES[language]
    assert term in words_of(pages.how())
    assert term in words_of(pages.case(CASE))
    one = Pages(Site(LIMITS, promise=AnswerPromise(1)), Language.ENGLISH)
    assert "within 1 day," in words_of(one.case(CASE))


@pytest.mark.parametrize("language", REVIEWED)
def test_what_a_withdrawal_does_is_said_before_send_and_after(language: Language) -> None:
    def told(pages: Pages) -> list[str]:
        form = words_of(pages.form())
        view = WithdrawnView(Withdrawal.RECEIVED, date(2026, 12, 19))
        return [
            form,
            words_of(receipt_pages.receipt(pages, RECEIVED)),
            words_of(receipt_pages.added(pages, RECEIVED, "w")),
            pages.withdrawn(view),
        ]

    locked = {Language.ENGLISH: "locked away", Language.BOKMAL: "sperre", Language.NYNORSK: "sperr"}
    word = locked.get(language, "spærre")
    assert all(word in page for page in told(RESTRICTS[language]))
    assert not any(word in page for page in told(DELETES[language]))


def test_it_stands_above_the_button() -> None:
    for pages, word in (
        (DELETES[Language.ENGLISH], "ask that it be deleted"),
        (RESTRICTS[Language.ENGLISH], "locked away"),
    ):
        page = pages.form()
        send = page.index('type="submit">Send<')
        assert 0 < send - page.index(word) < 1000


def test_the_settings_reach_the_pages() -> None:
    config = new_config(country=Country.DENMARK, profile=Profile.OMBUDSMAN)
    assert promise_of(config) == AnswerPromise(10, Term.WORKING_DAYS, Country.DENMARK, config.closed_days)
    assert promise_of(GatewayConfig()).until(date(2026, 1, 1)) == date(2026, 4, 1)
