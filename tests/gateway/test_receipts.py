"""Receipts made ahead by a process of their own: that dies, that is slow, that has to be gone at the end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

import pytest

from gateway.receipts import premade
from gateway.receipts.premade import NoReceiptError, ReceiptMaker
from keys.receipt import parse_proof_words, parse_return_words
from keys.recipient import KeyKind
from keys.word_list import WORDS, WordList
from tests.worlds.waiting import WATCHDOG, until


def _children() -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return [pid for pid in found if b"gateway.receipts.derivation_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.fixture
async def maker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReceiptMaker]:
    monkeypatch.setattr(premade, "RESTART_AFTER", 0.05)
    maker = ReceiptMaker(KeyKind.CLASSIC, ahead=2)
    maker.start()
    yield maker
    await maker.stop()
    assert _children() == []


async def test_no_two_sources_get_the_same(maker: ReceiptMaker) -> None:
    given = await asyncio.gather(*(maker.take() for _ in range(5)))
    for part in ("return_words", "proof_words"):
        assert len({getattr(receipt, part) for receipt in given}) == 5
    assert len({receipt.public.lookup for receipt in given}) == 5
    assert given[0].public.recipient.startswith("age1")
    assert given[0].return_words not in repr(given[0])
    assert given[0].proof_words not in repr(given[0])


async def test_a_receipt_is_the_same_in_other_words(maker: ReceiptMaker) -> None:
    given = await maker.take()
    shown = given.in_words_of(WordList.DANISH)
    assert set(f"{shown.return_words} {shown.proof_words}".split()) <= set(WORDS[WordList.DANISH])
    assert parse_return_words(shown.return_words) == parse_return_words(given.return_words)
    assert parse_proof_words(shown.proof_words) == parse_proof_words(given.proof_words)
    assert shown.public == given.public


async def test_a_process_that_dies_is_started_again(maker: ReceiptMaker) -> None:
    first = await maker.take()
    (pid,) = _children()
    os.kill(pid, signal.SIGKILL)
    rest = [await asyncio.wait_for(maker.take(), WATCHDOG) for _ in range(4)]
    assert first.return_words not in {receipt.return_words for receipt in rest}
    (again,) = _children()
    assert again != pid


async def test_stopping_ends_the_process_and_may_be_done_twice(maker: ReceiptMaker) -> None:
    await maker.take()
    assert _children()
    await maker.stop()
    assert _children() == []
    await maker.stop()


async def test_without_a_receipt_in_time_nothing_may_be_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(premade, "WAIT", 0.1)
    maker = ReceiptMaker(KeyKind.CLASSIC)
    with pytest.raises(NoReceiptError):
        await maker.take()


async def test_a_process_that_cannot_be_started_is_tried_again(maker: ReceiptMaker) -> None:
    await maker.stop()
    real = asyncio.create_subprocess_exec
    failing = mock.AsyncMock(side_effect=[OSError(24, "too many open files")] * 2)
    with mock.patch("asyncio.create_subprocess_exec", failing):
        maker.start()
        await until(lambda: failing.await_count >= 2)
        failing.side_effect = real
        assert (await asyncio.wait_for(maker.take(), WATCHDOG)).return_words


async def test_an_answer_that_is_no_receipt_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[BaseException] = []
    monkeypatch.setattr(premade, "log", lambda _, fault: said.append(fault))
    answers = [b"no json\n", b"[]\n", b'{"return_words": "x"}\n', b"x" * 100_000 + b"\n"]
    for answer in answers:
        fake = ReceiptMaker(KeyKind.CLASSIC)
        process = mock.Mock(wait=mock.AsyncMock(), stdin=mock.Mock(drain=mock.AsyncMock()))
        process.stdout.readline = mock.AsyncMock(side_effect=[answer, b""])
        with mock.patch("asyncio.create_subprocess_exec", mock.AsyncMock(return_value=process)):
            fake.start()
            await until(lambda: said)
            assert fake._task is not None
            assert not fake._task.done()
            await fake.stop()
        process.kill.assert_called()
        assert said
        said.clear()
        assert fake._ready.empty()
