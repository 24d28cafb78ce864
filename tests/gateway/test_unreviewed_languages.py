"""Languages that a machine translated: shown nowhere unless a gateway names them, and never without saying so.

Invariant G6.
"""

import asyncio
import re
from pathlib import Path
from unittest import mock

import pytest

from disk.settings import read_settings
from gateway.home.config import GatewayConfig
from gateway.home.editors_wording import PerLanguage
from gateway.http.app import Gateway, Listener
from gateway.languages import REVIEWED, UNREVIEWED, Language
from gateway.limits import Limits
from gateway.pages.pages import PLACES, Pages
from gateway.pages.sentences import MACHINE_TRANSLATED
from gateway.pages.site import Site, site_of
from gateway.problems import Problem, SubmissionError
from gateway.station import Station
from keys.recipient import KeyKind, Recipient
from quarantine.file_types import FileType
from tests.worlds.waiting import WATCHDOG

LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))
OFF = Site(LIMITS, languages=REVIEWED)
ON = Site(LIMITS, languages=(*REVIEWED, *UNREVIEWED))
TRACE = re.compile("|".join([*(f'lang="{language}"|"/{language}/' for language in UNREVIEWED), "[؀-ۿ]", "Українська"]))


def _shown(pages: Pages) -> list[str]:
    refusals = map(pages.problem, map(SubmissionError, Problem))
    return [pages.form(), pages.how(), pages.privacy(), pages.law(), pages.accessibility(), *refusals]


def test_without_the_setting_no_page_has_a_trace_of_them() -> None:
    for language in REVIEWED:
        for page in _shown(Pages(OFF, language)):
            assert TRACE.search(page) is None
            assert "unreviewed" not in page
    assert set(TRACE.findall(Pages(ON).form())) >= {'lang="ar"', '"/ar/', '"/uk/'}


@pytest.mark.parametrize("language", UNREVIEWED)
def test_every_page_says_that_a_machine_translated_it(language: Language) -> None:
    pages = Pages(ON, language)
    said = pages.said(MACHINE_TRANSLATED)
    assert said != MACHINE_TRANSLATED
    for page in _shown(pages):
        assert f'<html lang="{language}" dir="{language.direction}">' in page
        assert page.count(said) == page.count(MACHINE_TRANSLATED) == 1
        # At the foot: a phone shows the first field first.
        assert page.index("</main>") < page.index(said)


def test_the_setting_switches_them_on_by_name(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    recipients = (Recipient.from_secret(KeyKind.CLASSIC, bytes(32)),)
    path.write_text("")
    assert site_of(read_settings(path, GatewayConfig), recipients, LIMITS).languages == REVIEWED
    path.write_text('unreviewed_languages = ["ar"]\n')
    site = site_of(read_settings(path, GatewayConfig), recipients, LIMITS)
    assert site.languages == (*REVIEWED, Language.ARABIC)


async def _ask(port: int, path: str, accepted: str) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Language: {accepted}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = (await asyncio.wait_for(reader.read(), WATCHDOG)).decode()
    writer.close()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("site", [OFF, ON], ids=["off", "on"])
async def test_neither_an_address_nor_a_browser_gets_one_that_is_off(site: Site) -> None:
    pages = Pages(site)
    station = mock.Mock(Station, limits=LIMITS, valve=mock.Mock(takes_files=True))
    listener = Listener(Gateway(station, pages), pages)
    port = await listener.start("127.0.0.1", 0)
    try:
        for language in UNREVIEWED:
            for place in PLACES:
                status, answer = await _ask(port, f"/{language}{place}", "ar, uk;q=0.9")
                assert status == (200 if site is ON else 404)
                assert (TRACE.search(answer) is None) == (site is OFF)
            _, answer = await _ask(port, "/", f"{language}, da;q=0.5")
            assert f'<html lang="{language if site is ON else "da"}"' in answer
    finally:
        await listener.stop(finish=1)


def test_what_the_editors_did_not_write_in_it_is_shown_in_english() -> None:
    text = PerLanguage(nb="Politiet", en="The police", pl="Policja")
    read = [text.read_in(language) for language in (Language.ARABIC, Language.POLISH, Language.DANISH)]
    assert read == ["The police", "Policja", "Politiet"]
    assert PerLanguage(nn="Bladet").read_in(Language.ARABIC) == "Bladet"
