"""The threads that derive keys, for those who send and for those who come back: as many as there are cores.

A derivation is some milliseconds in libsodium, which lets other threads run meanwhile, and takes ARGON2_MEMORY of
`keys.receipt` until it ends: this much for each thread, however many wait. Knows no words and no keys.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

VISITORS_MAX: Final = 256  # who come back and wait; whoever is one more is asked to come again
# While both wait, of so many derivations that begin one is for somebody who comes back: no flood of visitors delays a
# submission by more than a third of what the submissions before it take, and no flood of these shuts visitors out.
VISITORS_TURN: Final = 4
_Key = TypeVar("_Key")
_Turns = deque["asyncio.Future[None]"]


class PoolFullError(Exception):
    """Too many are coming back at this moment."""


class DerivationPool:
    """Derives keys in threads. For one event loop; `close` it at the end."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or len(os.sched_getaffinity(0))
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="derivation")
        self._submissions: _Turns = deque()
        self._visitors: _Turns = deque()
        self._running = 0
        self._since_visitor = 0  # derivations that began since the last one for somebody who comes back

    async def for_submission(self, derive: Callable[[], _Key]) -> _Key:
        """Return what `derive` returns, called in a thread. Whoever sends always has a place in the queue."""
        return await self._in_turn(self._submissions, derive)

    async def for_visitor(self, derive: Callable[[], _Key]) -> _Key:
        """Return what `derive` returns, called in a thread, for somebody who comes back.

        Raises:
            PoolFullError: VISITORS_MAX wait already.
        """
        if sum(not turn.done() for turn in self._visitors) >= VISITORS_MAX:
            raise PoolFullError
        return await self._in_turn(self._visitors, derive)

    def close(self) -> None:
        """Give up whoever waits, and end the threads: after the derivations that they are at."""
        for turn in (*self._submissions, *self._visitors):
            turn.cancel()
        self._executor.shutdown(cancel_futures=True)

    async def _in_turn(self, queue: _Turns, derive: Callable[[], _Key]) -> _Key:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        queue.append(turn)
        self._give_turns()
        try:
            await turn
            return await loop.run_in_executor(self._executor, derive)
        finally:
            if not turn.cancelled():
                self._running -= 1
            self._give_turns()

    def _give_turns(self) -> None:
        while self._running < self._threads and (turn := self._next()) is not None:
            self._running += 1
            turn.set_result(None)

    def _next(self) -> "asyncio.Future[None] | None":
        """Take whose turn it is out of its queue; None when nobody waits."""
        for queue in (self._submissions, self._visitors):
            while queue and queue[0].done():
                queue.popleft()  # gave up
        if self._visitors and (not self._submissions or self._since_visitor >= VISITORS_TURN - 1):
            self._since_visitor = 0
            return self._visitors.popleft()
        if not self._submissions:
            return None
        self._since_visitor += 1
        return self._submissions.popleft()
