"""The memory that bodies take while they are read and until they are sealed: one budget for a whole process.

A byte counts when it is here; what is announced and never comes takes no room. Where the room is short, the body with
the most bytes x age gives way to the others, so whoever holds much for long pays, and whoever sends a few words in a
few seconds never does. A body that is whole never gives way.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from gateway.problems import Problem, SubmissionError

TEXTS_MAX: Final = 128 * 1024 * 1024  # bytes of all bodies that have no place of their own (upload_slots)
RESERVE: Final = 32 * 1024 * 1024  # bytes of it that only small bodies may use, ...
SMALL_TEXT: Final = 16 * 1024  # ... those of which so many bytes are here at most
SPARE_SHARE: Final = 16  # of the budget: what gives way at one time is so large a part, if there is so much
HELD_FOR_FIELD: Final = 512  # bytes: its name, its list and its place among the fields; an empty one takes them too


class TextMemory:
    """Counts up to `limit` bytes; what has more than SMALL_TEXT cannot take the last `reserve`. For one event loop."""

    def __init__(
        self,
        limit: int = TEXTS_MAX,
        *,
        reserve: int = RESERVE,
        small: int = SMALL_TEXT,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._reserve = reserve
        self._small = small
        self._now = now
        self._used = 0
        self._turns = asyncio.Lock()
        self._counts: set[TextCount] = set()

    @property
    def left(self) -> int:
        """How many bytes more there may be."""
        return self._limit - self._used

    def counting(
        self, on_give_way: Callable[[], None] = lambda: None, *, may_give_way: Callable[[], bool] = lambda: True
    ) -> "TextCount":
        """Return the count of one body; its bytes are free again at the end of its `with` block.

        `on_give_way` is called at most once, when it has to end for another's sake; its bytes count as free then.
        `may_give_way` returns whether it could at this moment.
        """
        return TextCount(self, on_give_way, may_give_way, self._now())

    async def turn(self) -> None:
        """Wait for the turn to parse much at once: one body in each turn of the event loop.

        A few hundred that send thousands of fields at once would otherwise keep everybody waiting for all of them.
        """
        async with self._turns:
            await asyncio.sleep(0)

    def enter(self, count: "TextCount") -> None:
        """Begin to count for it."""
        self._counts.add(count)

    def leave(self, count: "TextCount") -> None:
        """Give back all of it."""
        self._counts.discard(count)
        self.give_back(count, count.taken)

    def give_back(self, count: "TextCount", size: int) -> None:
        """Give back a part of it."""
        self._used -= size
        count.taken -= size

    def take(self, count: "TextCount", size: int) -> bool:
        """Take so many bytes more, if need be from others; return whether there was room."""
        kept = 0 if count.taken + size <= self._small else self._reserve
        short = self._used + size - (self._limit - kept)
        if short > 0 and not self._make_room(short, count, count.taken + size):
            return False
        self._used += size
        count.taken += size
        return True

    def _make_room(self, short: int, asking: "TextCount", wanted: int) -> bool:
        """Have the heaviest give way, but none that weighs less than `asking` would; return whether that is enough."""
        now = self._now()
        least = asking.weight(now, wanted)
        others = (count for count in self._counts if count is not asking and count.taken and count.may_give_way)
        heavier = [count for count in others if count.weight(now) >= least]
        if sum(count.taken for count in heavier) < short:
            return False
        # More than is wanted now: to look for the heaviest takes time, and a flood would have it done for each byte.
        enough = short + self._limit // SPARE_SHARE
        for count in sorted(heavier, key=lambda count: count.weight(now), reverse=True):
            enough -= count.taken
            self.leave(count)
            count.gave_way = True
            count.on_give_way()
            if enough <= 0:
                break
        return True


class TextCount:
    """The bytes of one body. Use it in a `with` block."""

    def __init__(
        self, memory: TextMemory, on_give_way: Callable[[], None], may_give_way: Callable[[], bool], started: float
    ) -> None:
        self.on_give_way = on_give_way
        self._may_give_way = may_give_way
        self._is_settled = False
        self.gave_way = False
        self.taken = 0
        self._memory = memory
        self._started = started

    def __enter__(self) -> Self:
        self._memory.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memory.leave(self)

    def weight(self, now: float, taken: int | None = None) -> float:
        """Return bytes x seconds: what it cost the others until now."""
        return (self.taken if taken is None else taken) * (now - self._started)

    @property
    def may_give_way(self) -> bool:
        """Return whether it may be asked to at this moment."""
        return not self._is_settled and self._may_give_way()

    def try_add(self, size: int) -> bool:
        """Count `size` bytes more; return whether there was room."""
        return not self.gave_way and self._memory.take(self, size)

    def add(self, size: int) -> None:
        """Count `size` bytes more, before they are kept.

        Raises:
            SubmissionError: There is no room, and this body is the one that has to give way, or did already.
        """
        if not self.try_add(size):
            raise SubmissionError(Problem.BUSY)

    def shrink(self, size: int) -> None:
        """Keep `size` bytes and give back the others: it was counted more than is kept of it now."""
        self._memory.give_back(self, max(0, self.taken - size))

    def settle(self) -> None:
        """It is whole: it never gives way from here on."""
        self._is_settled = True
