"""Receipts, made ahead in a process of their own, so that a submission never waits for a key derivation."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field, replace
from typing import Final

from audit.operational_log import LogEvent, log
from gateway.receipts.derivation_client import RESTART_AFTER, derivation
from gateway.receipts.derivation_process import FRESH
from keys.receipt import PublicReceipt
from keys.recipient import KeyKind
from keys.word_list import WordList
from keys.words import translate_words

AHEAD: Final = 64  # receipts ready to be given out: a burst of so many submissions waits for nothing
WAIT: Final = 120.0  # seconds that a submission waits for one when none is ready: what is here was hard to send


class NoReceiptError(Exception):
    """No receipt could be made in time; without one nothing may be received."""


@dataclass(frozen=True, slots=True)
class FreshReceipt:
    """Return words and proof words for one source, shown once, and their public halves for the packet."""

    return_words: str = field(repr=False)
    proof_words: str = field(repr=False)
    public: PublicReceipt

    def in_words_of(self, word_list: WordList) -> "FreshReceipt":
        """Return the same receipt with its words in another list, as the page of its source's language shows it."""
        return_words = translate_words(self.return_words, word_list)
        return replace(self, return_words=return_words, proof_words=translate_words(self.proof_words, word_list))


class ReceiptMaker:
    """Keeps AHEAD receipts ready. `start` it, and `stop` it at the end."""

    def __init__(self, kind: KeyKind, *, ahead: int = AHEAD) -> None:
        self._kind = kind
        self._ready: asyncio.Queue[FreshReceipt] = asyncio.Queue(maxsize=ahead)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to make receipts."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End the process; what was made ahead was given to nobody and is forgotten."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def take(self) -> FreshReceipt:
        """Return a receipt that nobody else gets.

        Raises:
            NoReceiptError: None was made within WAIT seconds.
        """
        try:
            return await asyncio.wait_for(self._ready.get(), WAIT)
        except TimeoutError:
            raise NoReceiptError from None

    async def _work(self) -> None:
        while True:
            try:
                await self._make_until_it_dies()
            except Exception as fault:  # noqa: BLE001 - without receipts nothing is received: it never gives up
                log(LogEvent.FAULT, fault=fault)
            await asyncio.sleep(RESTART_AFTER)

    async def _make_until_it_dies(self) -> None:
        async with derivation() as process:
            while True:
                await self._ready.put(_parse_answer(await process.ask(f"{FRESH} {self._kind}")))


def _parse_answer(line: bytes) -> FreshReceipt:
    answer = json.loads(line)
    public = PublicReceipt(
        lookup=answer["lookup"], recipient=answer["recipient"], signing=answer["signing"], proof=answer["proof"]
    )
    return FreshReceipt(answer["return_words"], answer["proof_words"], public)
