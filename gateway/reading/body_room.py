"""What one body takes of what there is for all: bytes of the memory for texts and, when it is large, a place.

Counted is what has come. A small body is counted as a whole, with what is around its fields. A large one is counted
likewise until there is more of it than of a small text; then it needs a place, and only its fields are counted, for its
files pass through on their way to the disk.
"""

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from gateway.problems import Problem, SubmissionError
from gateway.reading.text_memory import SMALL_TEXT, TextMemory
from gateway.reading.upload_slots import SMALL_MAX, NoSlotError, UploadSlot, UploadSlots

AT_ONCE: Final = 8 * 1024  # bytes


class BodyRoom:
    """The room of one body, in a `with` block.

    Args:
        length: Bytes that were announced.
        on_give_way: Called at most once, when the body has to end for another's sake.
        on_place: Called with `is_held` when it takes its place, and when it ends.
        places: Where a large body takes its place; None where only text can come, which needs none.
    """

    def __init__(
        self,
        memory: TextMemory,
        length: int,
        on_give_way: Callable[[], None],
        *,
        places: UploadSlots | None = None,
        on_place: Callable[..., None] = lambda **_: None,
    ) -> None:
        self.is_small = places is None or length <= SMALL_MAX
        self._places = places
        self._memory = memory
        self._count = memory.counting(on_give_way)
        self._slot = UploadSlot(length, 0.0 if places is None else places.now(), on_give_way)
        self._kept = 0
        self._place = contextlib.ExitStack()
        self._has_place = False
        self._on_place = on_place

    def __enter__(self) -> Self:
        self._count.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._place.close()
        if self._has_place:
            self._on_place(is_held=False)
        self._count.__exit__(kind, error, trace)

    @property
    def length(self) -> int:
        """Bytes that were announced."""
        return self._slot.length

    @property
    def received(self) -> int:
        """Bytes that have come."""
        return self._slot.received

    def arrived(self, size: int) -> None:
        """Note that `size` more bytes came, before anything is done with them.

        Raises:
            SubmissionError: There is no room for them.
        """
        self._slot.received += size
        if self._places is not None:
            self._slot.last = self._places.now()
        if not self._has_place:
            self._count.add(size)

    async def turn(self, size: int) -> None:
        """Wait for the turn to parse `size` bytes; a few are parsed at once."""
        if size > AT_ONCE:
            await self._memory.turn()

    @property
    def may_write(self) -> bool:
        """Whether its files may go to the disk: a large body has its place by then."""
        return self.is_small or self._has_place

    def take_place(self, *, anyway: bool = False) -> None:
        """Take a place if the body needs one by now, or `anyway`, because there is a file to write.

        To be called when what came was read, so that its text is known.

        Raises:
            SubmissionError: There is none.
        """
        if self._places is None or self.may_write or (self.received <= SMALL_TEXT and not anyway):
            return
        try:
            self._place.enter_context(self._places.take(self._slot))
        except NoSlotError:
            raise SubmissionError(Problem.BUSY) from None
        self._has_place = True
        self._on_place(is_held=True)
        self._count.shrink(self._kept)

    def keeps(self, size: int) -> None:
        """Note that `size` bytes are to be kept in memory until the end: of a field, or around one.

        Raises:
            SubmissionError: There is no room for them.
        """
        self._kept += size
        # Of a small body they were counted when they came, but for what is around a field in memory.
        if self._kept > self._count.taken:
            self._count.add(self._kept - self._count.taken)

    def settle(self) -> None:
        """The body is whole: it gives way to nobody, and needs its place no more. What is kept of it stays counted."""
        self._place.close()
        self._count.shrink(self._kept)
        self._count.settle()
