"""Which object is sent next, and how often (WIRE.md, 6). Pure: the time is an argument.

First every pass of every object, at least the gap apart; then the carousel, for batches without acknowledgement.
"""

from dataclasses import dataclass

from transfer.diode.settings import SenderSettings
from transfer.diode.wire.notices import BatchProgress


@dataclass(slots=True)
class _Plan:
    passes: int
    sent: int  # transmissions that have ended
    due: float


class Schedule:
    """The outstanding batches of this link, by number."""

    def __init__(self, settings: SenderSettings) -> None:
        self._settings = settings
        self._plans: dict[int, _Plan] = {}

    def add(self, number: int, *, small: bool, sent: int, now: float) -> None:
        """Add a batch that was sent `sent` times before; when it was sent last is no longer known."""
        passes = self._settings.small_passes if small else self._settings.passes
        self._plans[number] = _Plan(passes, sent, now + (self._gap(passes, sent) if sent else 0))

    def remove(self, number: int) -> None:
        """Remove a batch that was acknowledged."""
        self._plans.pop(number, None)

    def numbers(self) -> list[int]:
        """Return the batches in this schedule."""
        return sorted(self._plans)

    def ask(self, number: int, now: float) -> None:
        """Start a batch again at its first pass, as if it had never been sent."""
        plan = self._plans[number]
        plan.sent, plan.due = 0, now

    def ended(self, number: int, now: float) -> int:
        """Count a transmission that has ended; return how many there were."""
        plan = self._plans[number]
        plan.sent += 1
        plan.due = now + self._gap(plan.passes, plan.sent)
        return plan.sent

    def failed(self, number: int, now: float) -> None:
        """Do not count a transmission that could not be sent: it is due again after the gap."""
        plan = self._plans[number]
        plan.due = now + self._settings.pass_gap_seconds

    def next(self, now: float) -> int | None:
        """Return the batch to be sent now: batches never sent come first, the carousel last."""
        due = [
            (plan.sent >= plan.passes, plan.sent > 0, plan.due if plan.sent else 0.0, number)
            for number, plan in self._plans.items()
            if plan.due <= now and plan.sent < plan.passes + self._settings.carousel_times
        ]
        return min(due)[-1] if due else None

    def waiting(self) -> int:
        """Return how many batches have passes left, without the carousel."""
        return sum(plan.sent < plan.passes for plan in self._plans.values())

    def sent(self, number: int) -> int:
        """Return how often a batch was sent."""
        return self._plans[number].sent

    def passes(self, number: int) -> int:
        """Return how often a batch is sent before the carousel."""
        return self._plans[number].passes

    def progress(self, number: int) -> BatchProgress:
        """Return what the history reports about a batch."""
        plan = self._plans[number]
        return BatchProgress.COMING if plan.sent < plan.passes else BatchProgress.SENT

    def named(self, most: int, last: int) -> tuple[list[int], int]:
        """Return the batches that a history names, in rising order, and the number up to which it is complete.

        Batches with passes left come first, oldest first. If they are too many, the history is complete only up to the
        last one it names, so that nobody asks for a batch that is still on its way (WIRE.md 3.3).
        """
        coming = [number for number in self.numbers() if self.progress(number) is BatchProgress.COMING]
        if len(coming) > most:
            return coming[:most], coming[most - 1]
        others = [number for number in self.numbers() if number not in coming]
        return sorted([*coming, *others[len(others) - (most - len(coming)) :]]), last

    def _gap(self, passes: int, sent: int) -> float:
        return float(self._settings.pass_gap_seconds if sent < passes else self._settings.carousel_seconds)
