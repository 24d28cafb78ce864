"""Coming back: for words that lead nowhere exactly the same is done, key by key, as for a case without replies.

Invariant G11.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest import mock

import nacl.exceptions
import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from gateway.form import WORDS_FIELD, Fields
from gateway.limits import Limits
from gateway.problems import SubmissionError
from gateway.reading.file_valve import Valve
from gateway.reading.request_body import Body, Pace
from gateway.reading.text_memory import TextMemory
from gateway.receipts.derivation_pool import DerivationPool
from gateway.receipts.return_keys import DeriverBusyError, ReturnKeyDeriver, spelled
from gateway.replies.mailboxes import Mailboxes
from gateway.replies.reply_store import ReplyStore
from gateway.return_visit import return_visit
from gateway.return_visit.return_visit import open_case
from gateway.station import Station
from gateway.submission.later_visit import LaterVisit
from gateway.views import CaseView, ReplyView, ReturnView
from keys.receipt import new_receipt_words, return_secrets
from keys.recipient import KeyKind
from keys.word_list import WordList
from keys.words import WordsError, translate_words
from quarantine.file_types import FileType
from tests.builders.bundles import DESK, GATEWAY, TODAY, a_bundle
from tests.worlds.gateway_process import form_body
from tests.worlds.tracing import recorded
from tests.worlds.waiting import WATCHDOG
from transfer.bundle.reply import Reply, ReplyId, State, seal_reply

LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))
# Where keys are used: what these do is what costs time and can be told apart.
KEY_MODULES = ("keys.age.wrap", "keys.age.stream", "keys.age.header", "keys.receipt", "keys.secret", "keys.recipient")
OUR_PACKAGES = ("gateway.", "keys.", "transfer.")
ANSWERED, EMPTY = new_receipt_words().return_words, new_receipt_words().return_words


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """One case with one reply, one whose replies were deleted."""
    store = ReplyStore(tmp_path / "way-back.sqlite")
    store.begin()
    bodies, replies = {}, []
    for number, words in enumerate((ANSWERED, EMPTY), start=1):
        secrets = return_secrets(words, KeyKind.CLASSIC)
        reply = Reply(ReplyId(f"{number:032x}"), secrets.lookup, TODAY, State.ANSWERED, "An answer.")
        bodies[number] = seal_reply(reply, secrets.recipient)
        replies.append((number, secrets.lookup))
    bundle = a_bundle(1, replies, bodies=bodies)
    store.accept(bundle, gateway=GATEWAY, min_serial=None, today=TODAY)
    store.delete(return_secrets(EMPTY, KeyKind.CLASSIC).lookup)
    pool = DerivationPool(threads=1)
    deriver = ReturnKeyDeriver(KeyKind.CLASSIC, pool)
    mail = Mailboxes(tmp_path / "way-back.sqlite", gateway=GATEWAY, desk_key=DESK.public, today=lambda: TODAY)
    yield mock.Mock(
        Station,
        deriver=deriver,
        mail=mail,
        limits=LIMITS,
        pace=Pace(base=60.0, min_rate=1),
        texts=TextMemory(),
        today=lambda: TODAY,
    )
    pool.close()


async def _come_back(station: Station, words: str) -> CaseView | ReturnView:
    body, boundary = form_body([("words", words)], [])
    protocol = mock.Mock(BaseProtocol, _reading_paused=False)
    stream = StreamReader(protocol, 2**16, loop=asyncio.get_running_loop())
    stream.feed_data(body)
    stream.feed_eof()
    return await open_case(station, stream, Body(len(body), boundary))


def _of_keys(called: list[str]) -> list[str]:
    return [name for name in called if name.startswith(KEY_MODULES)]


async def _trace(station: Station, words: str) -> list[str]:
    with recorded(OUR_PACKAGES, KEY_MODULES) as called:
        assert isinstance(await _come_back(station, words), CaseView)
    # How often the loop wakes a reader is the loop's affair.
    return [name for name in called if not name.startswith("gateway.reading.request_body")]


async def _traces(station: Station) -> tuple[list[str], list[str], list[str]]:
    await _trace(station, ANSWERED)  # what is done once, at first use
    unknown = await _trace(station, new_receipt_words().return_words)
    return unknown, await _trace(station, EMPTY), await _trace(station, ANSWERED)


async def test_the_same_keys_are_used_in_the_same_order_whether_words_lead_anywhere(station: Station) -> None:
    unknown, empty, answered = await _traces(station)
    assert unknown == empty
    assert _of_keys(unknown) == _of_keys(answered)
    assert sum("unwrap_x25519" in name for name in unknown) >= 1
    assert sum(name.endswith((" wrap_x25519", ".wrap_x25519")) for name in unknown) >= 1


def _only_when_there_is_something(real: Callable[..., object]) -> Callable[..., object]:
    def shortcut(station: Station, secrets: object) -> object:
        return real(station, secrets) if station.mail.replies(secrets.lookup) else ((), 0)  # type: ignore[attr-defined]

    return shortcut


async def test_a_shortcut_for_who_has_no_reply_would_be_seen(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(return_visit, "_opened", _only_when_there_is_something(return_visit._opened))
    unknown, _, answered = await _traces(station)
    assert _of_keys(unknown) != _of_keys(answered)


async def test_replies_are_shown_and_the_decoy_is_not(station: Station) -> None:
    case = await _come_back(station, ANSWERED.upper())
    assert isinstance(case, CaseView)
    assert case.replies == (ReplyView(TODAY, State.ANSWERED, "An answer."),)
    assert case.words == spelled(ANSWERED)
    assert "An answer" not in repr(case)
    assert case.words not in repr(case)
    empty = await _come_back(station, EMPTY)
    assert isinstance(empty, CaseView)
    assert (empty.replies, empty.unreadable) == ((), 0)


@pytest.mark.parametrize("word_list", WordList)
def test_every_receipt_is_spelled_in_as_many_letters(word_list: WordList) -> None:
    """In whatever list the words are typed, the page that carries them on is the same."""
    made = [new_receipt_words() for _ in range(50)]
    for words in made:
        typed = translate_words(words.return_words, word_list)
        assert spelled(typed) == spelled(words.return_words)
        assert len(spelled(typed)) == 54
        assert spelled(spelled(typed)) == spelled(typed)
        with pytest.raises(WordsError):
            spelled(translate_words(words.proof_words, word_list))


@pytest.mark.parametrize("word_list", WordList)
async def test_words_of_each_list_lead_to_the_same_page(station: Station, word_list: WordList) -> None:
    case = await _come_back(station, translate_words(ANSWERED, word_list))
    assert case == await _come_back(station, ANSWERED)
    assert isinstance(case, CaseView)
    assert case.replies


@contextmanager
def _nobody_has_a_turn(station: Station) -> Iterator[None]:
    with mock.patch.object(station.deriver._pool, "_next", return_value=None):
        yield
    station.deriver._pool._give_turns()


async def test_visitors_are_bounded_but_not_who_has_a_place(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.receipts.derivation_pool.VISITORS_MAX", 2)
    with _nobody_has_a_turn(station):
        waiting = [asyncio.create_task(station.deriver.derive(EMPTY)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(DeriverBusyError):
            await station.deriver.derive(EMPTY)
        adding = asyncio.create_task(station.deriver.derive(EMPTY, has_place=True))
        await asyncio.sleep(0)
        assert not adding.done()
    found = await asyncio.wait_for(asyncio.gather(*waiting, adding), WATCHDOG)
    assert {secrets.lookup for secrets in found} == {return_secrets(EMPTY, KeyKind.CLASSIC).lookup}


async def test_who_waits_too_long_is_asked_to_come_again(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.receipts.return_keys.WAIT", 0.05)
    with _nobody_has_a_turn(station), pytest.raises(DeriverBusyError):
        await station.deriver.derive(EMPTY)


async def test_without_memory_for_a_key_a_visitor_is_asked_to_come_again(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[BaseException] = []
    monkeypatch.setattr("gateway.receipts.return_keys.log", lambda _, fault: logged.append(fault))
    failing = mock.Mock(side_effect=nacl.exceptions.RuntimeError)  # as libsodium's binding has it
    with mock.patch("keys.receipt.argon2id.kdf", failing), pytest.raises(DeriverBusyError):
        await station.deriver.derive(EMPTY)
    assert [type(fault) for fault in logged] == [OSError]


async def test_an_upload_outlives_a_derivation_that_failed_while_it_came(station: Station) -> None:
    later, fields = LaterVisit(station), Fields()
    fields.add(WORDS_FIELD, EMPTY.encode())
    with mock.patch.object(station.deriver, "derive", side_effect=DeriverBusyError), pytest.raises(SubmissionError):
        await later.wider(fields)
    assert (await later.carried(fields)).note.lookup == return_secrets(EMPTY, KeyKind.CLASSIC).lookup
    with mock.patch.object(station.deriver, "derive", side_effect=DeriverBusyError):
        assert (await later.carried(fields)).note.lookup == return_secrets(EMPTY, KeyKind.CLASSIC).lookup
        with pytest.raises(SubmissionError):
            await LaterVisit(station).carried(fields)


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_valve_shuts_after_a_while_and_opens_after_a_calm_one() -> None:
    clock, crowd = _Clock(), [False]
    valve = Valve(lambda: crowd[0], seconds=60, now=clock)

    def after(seconds: float, *, crowded: bool) -> bool:
        crowd[0] = crowded
        clock.now += seconds
        valve.look()
        return valve.takes_files

    assert after(100, crowded=False)
    assert after(1, crowded=True)
    assert after(59, crowded=True)
    assert after(1, crowded=False)  # one calm look, and it counts from the beginning
    assert after(1, crowded=True)
    assert after(59, crowded=True)
    assert not after(1, crowded=True)
    assert not after(50, crowded=False)
    assert not after(1, crowded=True)
    assert not after(1, crowded=False)
    assert not after(59, crowded=False)
    assert after(1, crowded=False)


def test_a_grant_never_takes_away() -> None:
    from gateway.submission.later_visit import limits_with
    from transfer.bundle.contents import Grant

    small = Grant("ab" * 16, files_max=1, file_max_bytes=10, expires=TODAY + timedelta(days=1))
    assert (limits_with(LIMITS, small).files_max, limits_with(LIMITS, small).file_max_bytes) == (3, 1000)
    assert not limits_with(LIMITS, None).tables
    assert not limits_with(LIMITS, small).tables, "only a grant that says so allows tables"
    assert limits_with(LIMITS, replace(small, tables=True)).tables
