"""The places of large uploads, and who loses one when none is left. Knows nobody's address.

A place is taken by bytes: by an upload of which more than a small text is here, and never by a head that announces one.
Whoever comes when all are taken gets the place of an upload that has sent nothing for a while, or has fallen below the
rate that is asked of everybody: of one of these at random, so that nobody can arrange whose it is. An upload that keeps
its rate keeps its place, and one that has arrived completely never gives way. Text takes no place (`text_memory`).
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

SMALL_MAX: Final = 1024 * 1024 + 128 * 1024  # bytes of body that need no place: transfer.spool.quota's small submission
IDLE: Final = 10.0  # seconds without a byte, and seconds of leeway for the rate, after which a place may be lost


class NoSlotError(Exception):
    """All places are taken; nobody can be asked to give way."""


@dataclass(slots=True, eq=False)
class UploadSlot:
    """One upload's place; `received` and `last` are kept up to date by its owner, in bytes and on its clock."""

    length: int  # bytes announced
    started: float
    on_give_way: Callable[[], None]
    received: int = 0
    last: float = 0.0  # when the last bytes came

    @property
    def is_whole(self) -> bool:
        """Return whether all of it is here: it is being inspected and sealed now."""
        return self.received >= self.length

    def may_lose_it(self, now: float, min_rate: int) -> bool:
        """Return whether somebody else may have its place: `min_rate` in bytes per second."""
        is_behind = self.received < min_rate * (now - self.started - IDLE)
        return not self.is_whole and (is_behind or now - max(self.last, self.started) >= IDLE)


class UploadSlots:
    """A fixed number of places. For one event loop."""

    def __init__(self, count: int, *, min_rate: int, now: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._min_rate = min_rate
        self._now = now
        self._taken: set[UploadSlot] = set()

    def __len__(self) -> int:
        return len(self._taken)

    @property
    def crowding(self) -> float:
        """The share of all places that are taken, 0 to 1; may be read from another thread."""
        return len(self._taken) / self._count

    def now(self) -> float:
        """Return the time on the clock of the places, in seconds."""
        return self._now()

    def take(self, slot: UploadSlot) -> "SlotHeld":
        """Take a place. `slot.on_give_way` is called at most once, when the upload has to end for another's sake.

        Raises:
            NoSlotError: There is no place, now.
        """
        if len(self._taken) >= self._count:
            now = self._now()
            losing = [other for other in self._taken if other.may_lose_it(now, self._min_rate)]
            if not losing:
                raise NoSlotError
            loser = secrets.choice(losing)
            self._taken.discard(loser)
            loser.on_give_way()
        self._taken.add(slot)
        return SlotHeld(self, slot)

    def leave(self, slot: UploadSlot) -> None:
        """Free a place; a second call does nothing."""
        self._taken.discard(slot)


class SlotHeld:
    """A place that is given back at the end of the `with` block."""

    def __init__(self, slots: UploadSlots, slot: UploadSlot) -> None:
        self._slots = slots
        self.slot = slot

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.leave(self.slot)
