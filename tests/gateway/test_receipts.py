"""The threads that derive keys, and the receipts they make: whose turn it is, who gives up, what has to end.

Invariant G13.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import nacl.exceptions
import pytest

from gateway.receipts import derivation_pool, fresh_receipt
from gateway.receipts.derivation_pool import VISITORS_TURN, DerivationPool, PoolFullError
from gateway.receipts.fresh_receipt import NoReceiptError, ReceiptMaker
from keys.receipt import parse_proof_words, parse_return_words, return_secrets
from keys.recipient import KeyKind
from keys.word_list import WORDS, WordList
from tests.worlds.waiting import WATCHDOG, until


@pytest.fixture
async def pool() -> AsyncIterator[DerivationPool]:
    pool = DerivationPool(threads=1)
    yield pool
    pool.close()


@contextmanager
def _busy(pool: DerivationPool, threads: int = 1) -> Iterator[list["asyncio.Task[bool]"]]:
    """Keep every thread busy until the end of the block."""
    may_end = threading.Event()
    working = [asyncio.create_task(pool.for_submission(lambda: may_end.wait(WATCHDOG))) for _ in range(threads)]
    try:
        yield working
    finally:
        may_end.set()


async def test_no_two_sources_get_the_same(pool: DerivationPool) -> None:
    given = await asyncio.gather(*(ReceiptMaker(KeyKind.CLASSIC, pool).make() for _ in range(5)))
    for part in ("return_words", "proof_words"):
        assert len({getattr(receipt, part) for receipt in given}) == 5
    assert len({receipt.public.lookup for receipt in given}) == 5
    assert given[0].public.recipient.startswith("age1")
    assert given[0].public.lookup == return_secrets(given[0].return_words, KeyKind.CLASSIC).lookup
    assert given[0].return_words not in repr(given[0])
    assert given[0].proof_words not in repr(given[0])


async def test_a_receipt_is_the_same_in_other_words(pool: DerivationPool) -> None:
    given = await ReceiptMaker(KeyKind.CLASSIC, pool).make()
    shown = given.in_words_of(WordList.DANISH)
    assert set(f"{shown.return_words} {shown.proof_words}".split()) <= set(WORDS[WordList.DANISH])
    assert parse_return_words(shown.return_words) == parse_return_words(given.return_words)
    assert parse_proof_words(shown.proof_words) == parse_proof_words(given.proof_words)
    assert shown.public == given.public


async def test_as_many_derive_at_one_time_as_there_are_threads() -> None:
    pool, running, most = DerivationPool(threads=2), [0], [0]
    both = threading.Barrier(2)

    def derive() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        both.wait(WATCHDOG)
        running[0] -= 1
        both.wait(WATCHDOG)

    await asyncio.gather(*(pool.for_submission(derive) for _ in range(6)))
    assert most == [2]
    pool.close()


async def test_visitors_and_submissions_take_turns(pool: DerivationPool) -> None:
    order: list[str] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    with _busy(pool) as working:
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(pool.for_visitor(note("visitor"))) for _ in range(20)]
        waiting += [asyncio.create_task(pool.for_submission(note("submission"))) for _ in range(20)]
        await asyncio.sleep(0)
    await asyncio.gather(*working, *waiting)
    sent = [place for place, name in enumerate(order) if name == "submission"]
    # However many visitors came before: a submission waits for one of them and no more for each three that were first.
    assert 2 <= VISITORS_TURN <= 8
    assert all(place <= number + number // (VISITORS_TURN - 1) + 1 for number, place in enumerate(sent))
    came_back = [place for place, name in enumerate(order) if name == "visitor"]
    # And a flood of submissions shuts no visitor out.
    assert all(place <= (number + 1) * VISITORS_TURN - 1 for number, place in enumerate(came_back))


async def test_visitors_are_bounded_and_submissions_are_not(
    pool: DerivationPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derivation_pool, "VISITORS_MAX", 2)
    with _busy(pool) as working:
        await asyncio.sleep(0)
        visitors = [asyncio.create_task(pool.for_visitor(lambda: None)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(PoolFullError):
            await pool.for_visitor(lambda: None)
        submissions = [asyncio.create_task(pool.for_submission(lambda: None)) for _ in range(500)]
        visitors.pop().cancel()
        await asyncio.sleep(0)
        visitors.append(asyncio.create_task(pool.for_visitor(lambda: None)))
        await asyncio.sleep(0)
    await asyncio.gather(*working, *visitors, *submissions)


async def test_who_gives_up_takes_nobody_elses_turn(pool: DerivationPool) -> None:
    """At whatever moment: before the turn, when it was just given, and while the thread is at work."""
    with _busy(pool) as working:
        await asyncio.sleep(0)
        tasks = [asyncio.create_task(pool.for_submission(lambda: 1)) for _ in range(10)]
        tasks += [asyncio.create_task(pool.for_visitor(lambda: 1)) for _ in range(10)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        working[0].cancel()
        await asyncio.sleep(0)
        for task in tasks[1::4]:
            task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in ended if not isinstance(one, asyncio.CancelledError)] == [1] * 5
    assert pool._running == 0
    assert await pool.for_submission(lambda: 2) == 2


async def test_what_a_derivation_raises_reaches_who_asked_and_nobody_else(pool: DerivationPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.for_submission(lambda: 1 // 0)
    assert await pool.for_visitor(lambda: 3) == 3


async def test_closing_gives_up_who_waits_and_ends_the_threads() -> None:
    pool = DerivationPool(threads=2)
    with _busy(pool, 2):
        await asyncio.sleep(0)
        waiting = asyncio.create_task(pool.for_visitor(lambda: None))
        await asyncio.sleep(0)
    pool.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: not [one for one in threading.enumerate() if one.name.startswith("derivation")])


async def test_without_a_receipt_in_time_nothing_may_be_received(
    pool: DerivationPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_receipt, "WAIT", 0.05)
    with _busy(pool), pytest.raises(NoReceiptError):
        await asyncio.sleep(0)
        await ReceiptMaker(KeyKind.CLASSIC, pool).make()


async def test_without_memory_for_a_key_there_is_no_receipt(
    pool: DerivationPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[BaseException] = []
    monkeypatch.setattr(fresh_receipt, "log", lambda _, fault: logged.append(fault))
    failing = mock.Mock(side_effect=nacl.exceptions.RuntimeError)  # as libsodium's binding has it
    with mock.patch("keys.receipt.argon2id.kdf", failing), pytest.raises(NoReceiptError):
        await ReceiptMaker(KeyKind.CLASSIC, pool).make()
    assert [type(fault) for fault in logged] == [OSError]
