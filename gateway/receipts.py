"""Receipts, made ahead in a process of their own, so that a submission never waits for a key derivation."""

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass, field
from typing import Final

from gateway.derivation import FRESH
from gateway.log import LogEvent, log
from keys.receipt import PublicReceipt
from keys.recipient import Kind

AHEAD: Final = 64  # receipts ready to be given out: a burst of so many submissions waits for nothing
WAIT: Final = 30.0  # seconds that a submission waits for one when none is ready
RESTART_AFTER: Final = 1.0  # seconds before a process that died is started again
ANSWER_MAX: Final = 16 * 1024  # bytes; a hybrid recipient has 2 KiB


class NoReceiptError(Exception):
    """No receipt could be made in time; without one nothing may be received."""


@dataclass(frozen=True, slots=True)
class FreshReceipt:
    """Words for one source, shown once, and their public halves for the packet."""

    return_words: str = field(repr=False)
    proof_words: str = field(repr=False)
    public: PublicReceipt


class ReceiptMaker:
    """Keeps AHEAD receipts ready. `start` it, and `stop` it at the end."""

    def __init__(self, kind: Kind, *, ahead: int = AHEAD) -> None:
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
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "gateway.derivation",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=ANSWER_MAX,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without pipes")
        try:
            while True:
                process.stdin.write(f"{FRESH} {self._kind}\n".encode("ascii"))
                await process.stdin.drain()
                line = await process.stdout.readline()
                if not line:
                    raise EOFError
                await self._ready.put(_parse_answer(line))
        finally:
            process.stdin.close()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _parse_answer(line: bytes) -> FreshReceipt:
    answer = json.loads(line)
    public = PublicReceipt(
        lookup=answer["lookup"], recipient=answer["recipient"], signing=answer["signing"], proof=answer["proof"]
    )
    return FreshReceipt(answer["return_words"], answer["proof_words"], public)
