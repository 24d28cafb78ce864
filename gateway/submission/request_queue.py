"""Requests of sources on their way to the disk: a bounded number at a time, written together, answered together.

All that wait are written in one transaction, whatever comes of each, so a flood of them costs one write of the disk
after the other and one thread, and not one for each. Requests that are not ours are the first to be sent away.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Final, Generic, TypeVar

from audit.operational_log import LogEvent, log
from gateway.errors import GatewayError
from gateway.problems import Problem, SubmissionError
from transfer.errors import TransferError
from transfer.spool.request_journal import JournalEntry, JournalFullError, RequestJournal

PLACES: Final = 256  # requests that may wait to be written, of some 5 KB; as many again where they are ours
T = TypeVar("T")


class WriteQueue(Generic[T]):
    """Small writes of one kind. For one event loop.

    Args:
        write: Makes all of its items durable, in a thread.
        places: How many may wait; as many again where they are ours.
    """

    def __init__(self, write: Callable[[Sequence[T]], object], *, places: int = PLACES) -> None:
        self._write = write
        self._places = places
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, item: T, *, is_ours: bool) -> None:
        """Write one item; durable when this returns.

        Raises:
            SubmissionError: It is not: too many come at this moment, or there is no space for it.
        """
        if len(self._waiting) >= self._places * (2 if is_ours else 1):
            raise SubmissionError(Problem.BUSY)
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def finish(self) -> None:
        """Wait until all that was put is written."""
        while self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                problem: Problem | None = Problem.FAULT  # whatever happens, nobody waits for ever
                try:
                    problem = await self._written([item for item, _ in batch])
                finally:
                    _answer([done for _, done in batch], problem)
        finally:
            self._writing = None

    async def _written(self, items: list[T]) -> Problem | None:
        try:
            await asyncio.to_thread(self._write, items)
        except JournalFullError:
            return Problem.FULL
        except (TransferError, GatewayError, OSError) as fault:
            # Written or not is not certain: the source should try again, not trust an answer.
            log(LogEvent.FAULT, fault=fault)
            return Problem.FAULT
        return None


def _answer(waiting: Sequence["asyncio.Future[None]"], problem: Problem | None) -> None:
    for done in waiting:
        if done.done():  # its visitor went away
            continue
        if problem is None:
            done.set_result(None)
        else:
            done.set_exception(SubmissionError(problem))


class RequestQueue:
    """What sources ask at one gateway process: of the desk, in the journal, and of this gateway (`deletions`)."""

    def __init__(self, journal: RequestJournal, delete: Callable[[Sequence[str]], object]) -> None:
        self.journal = journal
        self.deletions: WriteQueue[str] = WriteQueue(delete)  # of the replies to a lookup
        self._entries: WriteQueue[JournalEntry] = WriteQueue(journal.put)
        self._following: set[asyncio.Task[None]] = set()

    async def put(self, entry: JournalEntry) -> None:
        """Write one request; durable when this returns, if it is one that is kept.

        Raises:
            SubmissionError: See WriteQueue.
        """
        await self._entries.put(entry, is_ours=entry.is_kept)

    def follow(self, work: Coroutine[object, object, None]) -> None:
        """Do what follows a request after it is durable, while its source is answered already."""
        task = asyncio.create_task(work)
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def finish(self) -> None:
        """Wait until everything that was begun is done."""
        await self._entries.finish()
        await self.deletions.finish()
        while self._following:
            await asyncio.gather(*self._following, return_exceptions=True)
