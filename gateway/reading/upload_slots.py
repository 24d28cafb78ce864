"""How many uploads run at one time, and which one gives way when no slot is left. Knows nobody's address.

Text is always let in: it is what a source who is pressed for time sends. A newcomer with files takes the slot of
the slowest large upload, if that had its fair time; otherwise the newcomer is asked to come back. When small uploads
have taken every slot, the slowest upload of any size that had its time gives way to the next small one. An upload that
has arrived completely never gives way.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

SMALL_MAX: Final = 1024 * 1024 + 128 * 1024  # bytes of body that count as text: transfer.spool.quota's small submission
SMALL_SHARE: Final = 4  # small uploads beyond all slots, in multiples of these: memory has to end somewhere
GRACE: Final = 30.0  # seconds before an upload may be asked to give way to another large one


class NoSlotError(Exception):
    """All slots are taken; nobody can be asked to give way."""


@dataclass(slots=True, eq=False)
class UploadSlot:
    """One upload's slot; `received` bytes are kept up to date by its owner."""

    length: int  # bytes announced
    started: float
    on_give_way: Callable[[], None]
    received: int = 0

    @property
    def is_small(self) -> bool:
        """Return whether it may be nothing but text and small files."""
        return self.length <= SMALL_MAX

    @property
    def is_whole(self) -> bool:
        """Return whether all of it is here: it is being inspected and sealed now."""
        return self.received >= self.length

    def rate(self, now: float) -> float:
        """Bytes per second since it began."""
        return self.received / max(now - self.started, 1.0)


class UploadSlots:
    """A fixed number of slots. For one event loop."""

    def __init__(self, count: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._now = now
        self._taken: set[UploadSlot] = set()

    def __len__(self) -> int:
        return len(self._taken)

    @property
    def crowding(self) -> float:
        """The share of all slots that large uploads take, 0 to 1; may be read from another thread."""
        return sum(not slot.is_small for slot in list(self._taken)) / self._count

    def take(self, length: int, on_give_way: Callable[[], None]) -> "SlotHeld":
        """Take a slot for an upload of `length` bytes.

        `on_give_way` is called at most once, when the upload has to end for another's sake; its slot is free then.

        Raises:
            NoSlotError: There is no slot, now.
        """
        slot = UploadSlot(length, self._now(), on_give_way)
        if len(self._taken) >= self._count:
            is_crowded = len(self._taken) >= self._count * (1 + SMALL_SHARE)
            slowest = self._slowest_large(slot) or (self._slowest_of_all() if is_crowded and slot.is_small else None)
            if slowest is not None:
                self._taken.discard(slowest)
                slowest.on_give_way()
            elif not slot.is_small or is_crowded:
                raise NoSlotError
        self._taken.add(slot)
        return SlotHeld(self, slot)

    def leave(self, slot: UploadSlot) -> None:
        """Free a slot; a second call does nothing."""
        self._taken.discard(slot)

    def _slowest_large(self, newcomer: UploadSlot) -> UploadSlot | None:
        grace = 0.0 if newcomer.is_small else GRACE
        return self._slowest(slot for slot in self._unfinished(grace) if not slot.is_small)

    def _slowest_of_all(self) -> UploadSlot | None:
        return self._slowest(self._unfinished(GRACE))

    def _unfinished(self, grace: float) -> Iterator[UploadSlot]:
        now = self._now()
        return (slot for slot in self._taken if not slot.is_whole and now - slot.started >= grace)

    def _slowest(self, slots: Iterable[UploadSlot]) -> UploadSlot | None:
        now = self._now()
        return min(slots, key=lambda slot: slot.rate(now), default=None)


class SlotHeld:
    """A slot that is given back at the end of the `with` block."""

    def __init__(self, slots: UploadSlots, slot: UploadSlot) -> None:
        self._slots = slots
        self.slot = slot

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.leave(self.slot)
