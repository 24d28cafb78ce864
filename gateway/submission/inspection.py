"""The inspection of one submission's files: each in a slot, in memory, and all of them under one budget.

File N is inspected while file N+1 arrives. A file that is not decided when the budget is used up is undecided:
a scanner that is slow delays a receipt by the budget at most and never loses a file.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from audit.operational_log import LogEvent, log
from gateway.submission.intake import KeptFile
from gateway.submission.plaintext_span import Span
from keys.age.errors import PayloadError
from quarantine.inspector import Inspector
from quarantine.memfd import MemfdWriter, Slot, Slots
from quarantine.verdict import Reason, Undecided, Verdict


@dataclass(frozen=True, slots=True)
class Inspections:
    """What all submissions of one gateway share."""

    inspector: Inspector | None  # None where inspection is switched off: every file is undecided
    slots: Slots
    budget: float  # seconds after a submission's last byte
    file_max: int  # bytes

    def open(self) -> "SubmissionInspection":
        """Return the inspection of a new submission."""
        return SubmissionInspection(self)


@dataclass(slots=True)
class SubmissionInspection:
    """The jobs of one submission. Always `close` it: its spans hold descriptors and the packet's key."""

    shared: Inspections
    _tasks: list[asyncio.Task[Verdict]] = field(default_factory=list)
    _digests: list[str] = field(default_factory=list)
    _over_at: float | None = None  # time.monotonic() after which nothing is waited for

    def add(self, kept: KeptFile, span: Span) -> None:
        """Inspect a file as soon as a slot is free; takes the span over."""
        held = contextlib.ExitStack()
        held.callback(span.close)
        task = asyncio.create_task(self._inspect(kept, span, held))
        # Not by a `with` in the task: one that is cancelled before its first step never enters it.
        task.add_done_callback(lambda _: held.close())
        self._digests.append(kept.member.sha256)
        self._tasks.append(task)

    async def verdicts(self) -> list[Verdict]:
        """Return a verdict for each file, in order, within the budget: the last byte has come."""
        self._over_at = time.monotonic() + self.shared.budget
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.shared.budget)
        found: list[Verdict] = []
        for digest, task in zip(self._digests, self._tasks, strict=True):
            found.append(_verdict(digest, task))
        return found

    async def close(self) -> None:
        """Give up what is not done. A thread that still works ends by its own deadline and cleans up itself."""
        for task in self._tasks:
            task.cancel()
        # The results were taken or are not wanted any more.
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _inspect(self, kept: KeptFile, span: Span, held: contextlib.ExitStack) -> Verdict:
        digest = kept.member.sha256
        if self.shared.inspector is None:
            return Undecided(digest, Reason.SWITCHED_OFF)
        if kept.member.size > self.shared.file_max:
            # Granted to a case, but memory is what slots were measured for: the desk inspects it.
            return Undecided(digest, Reason.TOO_LARGE)
        slot = await self._slot()
        if slot is None:
            return Undecided(digest, Reason.NO_SLOT)
        held.callback(slot.give_back)
        deadline = self._over_at or time.monotonic() + self.shared.budget
        job = asyncio.get_running_loop().run_in_executor(
            None, _inspect_span, self.shared.inspector, kept, span, self.shared.file_max, deadline
        )
        # From here on slot and span are the thread's, also when nobody waits for it any more.
        handed_over = held.pop_all()
        job.add_done_callback(lambda _: handed_over.close())
        return await asyncio.shield(job)

    async def _slot(self) -> Slot | None:
        """Wait for a slot: without limit during the upload, and after it until the budget is used up."""
        while True:
            slot = await self.shared.slots.take(deadline=self._over_at or time.monotonic() + self.shared.budget)
            if slot is not None or (self._over_at is not None and time.monotonic() >= self._over_at):
                return slot


def _verdict(digest: str, task: asyncio.Task[Verdict]) -> Verdict:
    if not task.done():
        return Undecided(digest, Reason.OUT_OF_TIME)
    if (fault := task.exception()) is not None:
        # A fault of ours: the file is kept and held all the same.
        log(LogEvent.FAULT, fault=fault)
        return Undecided(digest, Reason.INSPECTION_FAILED)
    return task.result()


def _inspect_span(inspector: Inspector, kept: KeptFile, span: Span, file_max: int, deadline: float) -> Verdict:
    """Read a file's plaintext back into sealed memory and have it judged. Runs in a thread."""
    try:
        with MemfdWriter(file_max) as writer:
            for piece in span.pieces():
                writer.write(piece)
            memfd = writer.seal()
    except (PayloadError, OSError):
        return Undecided(kept.member.sha256, Reason.INSPECTION_FAILED)
    with memfd:
        return inspector.inspect(memfd, kept.type, kept.member.sha256, deadline=deadline)
