"""Requests of sources on their way into the journal: a bounded number at a time, written together, answered together.

All that wait are written in one transaction, whatever comes of each, so a flood of them costs one write of the disk
after the other, and not one for each. Requests that are not ours are the first to be sent away.
"""

import asyncio
from collections.abc import Coroutine
from typing import Final

from audit.operational_log import LogEvent, log
from gateway.problems import Problem, SubmissionError
from transfer.errors import TransferError
from transfer.spool.request_journal import JournalEntry, JournalFullError, RequestJournal

PLACES: Final = 256  # requests that may wait to be written, of some 5 KB; as many again where they are ours


class RequestQueue:
    """The requests of one gateway process. For one event loop."""

    def __init__(self, journal: RequestJournal, *, places: int = PLACES) -> None:
        self.journal = journal
        self._places = places
        self._waiting: list[tuple[JournalEntry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._following: set[asyncio.Task[None]] = set()

    async def put(self, entry: JournalEntry) -> None:
        """Write one request; durable when this returns, if it is one that is kept.

        Raises:
            SubmissionError: It is not: too many come at this moment, or too many wait for the end of their tick.
        """
        if len(self._waiting) >= self._places * (2 if entry.is_kept else 1):
            raise SubmissionError(Problem.BUSY)
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await done

    def follow(self, work: Coroutine[object, object, None]) -> None:
        """Do what follows a request after it is durable, while its source is answered already."""
        task = asyncio.create_task(work)
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def finish(self) -> None:
        """Wait until everything that was begun is done."""
        while self._following or self._writing is not None:
            under_way = [*self._following, *([] if self._writing is None else [self._writing])]
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                problem = await self._written([entry for entry, _ in batch])
                for _, done in batch:
                    if done.done():  # its visitor went away
                        continue
                    if problem is None:
                        done.set_result(None)
                    else:
                        done.set_exception(SubmissionError(problem))
        finally:
            self._writing = None

    async def _written(self, entries: list[JournalEntry]) -> Problem | None:
        try:
            await asyncio.to_thread(self.journal.put, entries)
        except JournalFullError:
            return Problem.FULL
        except (TransferError, OSError) as fault:
            # Written or not is not certain: the source should try again, not trust an answer.
            log(LogEvent.FAULT, fault=fault)
            return Problem.FAULT
        return None
