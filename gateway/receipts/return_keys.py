"""From return words to keys, for the sources who come back: in a derivation process of their own, one at a time.

This is not the process that makes receipts ahead, and it gives way to all others, so that no number of visitors delays
a submission. Nothing is stored: keys live as long as the request that they were derived for.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Final

from audit.operational_log import LogEvent, log
from gateway.receipts.derivation_client import RESTART_AFTER, Derivation, derivation
from gateway.receipts.derivation_process import NICE, RETURN
from keys.receipt import RETURN_BITS, ReturnSecrets, parse_return_words
from keys.recipient import KeyKind
from keys.secret import SecretKey
from keys.words import Purpose, encode_words

WAITING: Final = 32  # visitors in the queue; each takes some tenths of a second
WAIT: Final = 60.0  # seconds that a visitor waits before being asked to come again
_LETTERS: Final = 4  # letters that identify a word; keys/words.py


class DeriverBusyError(Exception):
    """Too many are coming back at this moment, or keys cannot be derived now."""


@dataclass(frozen=True, slots=True)
class _Job:
    number: int = field(repr=False)
    done: "asyncio.Future[ReturnSecrets]"


def spelled(untrusted_words: str) -> str:
    """Return return words in the one spelling that a page's hidden field carries: four letters each.

    Every receipt's is of the same length, so that pages differ in nothing but these letters.

    Raises:
        keys.words.WordsError: They are no return words.
    """
    whole = encode_words(parse_return_words(untrusted_words), bits=RETURN_BITS, purpose=Purpose.RETURN)
    return " ".join(word[:_LETTERS] for word in whole.split())


class ReturnKeyDeriver:
    """Derives keys. `start` it, and `stop` it at the end."""

    def __init__(self, kind: KeyKind, *, waiting: int = WAITING) -> None:
        self._kind = kind
        self._most = waiting
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to answer."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End the process."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def derive(self, untrusted_words: str, *, has_place: bool = False) -> ReturnSecrets:
        """Return the keys behind return words. Nobody here knows whether these return words were ever given out.

        `has_place` says that the visitor is counted elsewhere (an upload is, by its place) and queues in any case.

        Raises:
            keys.words.WordsError: They are no return words; nothing was derived.
            DeriverBusyError: The queue is full, or these return words had no turn within WAIT seconds.
        """
        number = parse_return_words(untrusted_words)
        if not has_place and self._jobs.qsize() >= self._most:
            raise DeriverBusyError
        job = _Job(number, asyncio.get_running_loop().create_future())
        self._jobs.put_nowait(job)
        try:
            return await asyncio.wait_for(job.done, WAIT)
        except TimeoutError:
            raise DeriverBusyError from None

    async def _work(self) -> None:
        while True:
            try:
                async with derivation(NICE) as process:
                    while True:
                        await self._answer(process)
            except Exception as fault:  # noqa: BLE001 - a process that died is started again, whatever it died of
                log(LogEvent.FAULT, fault=fault)
            await asyncio.sleep(RESTART_AFTER)

    async def _answer(self, process: Derivation) -> None:
        job = await self._jobs.get()
        if job.done.done():  # went away while waiting
            return
        try:
            # One that hangs must not keep everybody out for ever: it is ended, and another one started.
            async with asyncio.timeout(WAIT):
                answer = await process.ask(f"{RETURN} {job.number:x}")
            secrets = self._parse_answer(answer)
        except BaseException:
            if not job.done.done():
                job.done.set_exception(DeriverBusyError())
            raise
        if not job.done.done():
            job.done.set_result(secrets)

    def _parse_answer(self, line: bytes) -> ReturnSecrets:
        answer = json.loads(line)
        secret = SecretKey(self._kind, bytes.fromhex(answer["recipient_secret"]))
        return ReturnSecrets(answer["lookup"], secret, bytes.fromhex(answer["signing_seed"]))
