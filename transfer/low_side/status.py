"""What waits on the low side, for how long, and what needs attention. Counts and days, nothing finer."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from transfer.low_side.outbox import Outbox, WaitingBatch
from transfer.names import Lane
from transfer.spool.lanes import TickFolder
from transfer.spool.room import FolderCount
from transfer.spool.spool import Spool

DAY_SECONDS: Final = 24 * 3600


class LowAlarm(StrEnum):
    """What needs somebody's attention."""

    # Perhaps nobody received them; the law gives seven days. Also those of unknown age.
    OLD_PACKETS = "packets-wait-too-long"
    OVERDUE_BATCHES = "batches-overdue"  # exported, and no acknowledgement words came back
    PAST_RETENTION = "packets-past-retention"  # beyond the set limit for keeping what nobody fetches


@dataclass(frozen=True, slots=True)
class WaitingLimits:
    """After how many days what waits is an alarm."""

    alarm_days: int
    overdue_days: int
    retention_days: int


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The packets of one lane: `fresh` wait for their tick, `exported` for their acknowledgement; `size` in bytes.

    `ahead` counts those that were stamped by a clock that was ahead: they may leave, and their age is not known.
    """

    lane: Lane
    ready: int
    fresh: int
    exported: int
    size: int
    oldest_days: int | None
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch that waits for its acknowledgement words, `days` after it was last put onto a medium."""

    batch: WaitingBatch
    days: int
    overdue: bool


@dataclass(frozen=True, slots=True)
class LowStatus:
    """The whole status. A person may discard the `past_retention` packets; no program does."""

    lanes: tuple[LaneStatus, ...]
    batches: tuple[BatchStatus, ...]
    past_retention: int
    alarms: tuple[LowAlarm, ...]


def read_low_status(
    spool: Spool, outbox: Outbox, *, today: date, limits: WaitingLimits, before: float = math.inf
) -> LowStatus:
    """Read what is counted of the spool, and the ledger; no packet is listed, however many there are.

    Packets whose tick did not begin `before` (seconds since the epoch) are left out, except those that were stamped by
    a clock that was ahead.
    """
    counts = [one for one in spool.counts() if one.folder.start < before or spool.is_ahead(one.folder.start)]
    lanes = tuple(_lane(spool, lane, [one for one in counts if one.folder.lane is lane]) for lane in Lane)
    past = sum(one.packets for one in counts if age_in_days(one.folder.start, spool.now()) >= limits.retention_days)
    batches = tuple(_batch(item, today, limits.overdue_days) for item in outbox.outstanding())
    found = (
        (LowAlarm.OLD_PACKETS, any(lane.ahead or (lane.oldest_days or 0) >= limits.alarm_days for lane in lanes)),
        (LowAlarm.OVERDUE_BATCHES, any(item.overdue for item in batches)),
        (LowAlarm.PAST_RETENTION, past > 0),
    )
    return LowStatus(lanes, batches, past, tuple(alarm for alarm, is_so in found if is_so))


def age_in_days(start: int, now: float) -> int:
    """Return the whole days since a tick that began at `start`, 0 for one to come; both in seconds since the epoch."""
    return max(0, int(now) - start) // DAY_SECONDS


def oldest_age(counts: Iterable[FolderCount], now: float) -> int | None:
    """Return for how many whole days the oldest packet has waited at `now`; None without one."""
    return max((age_in_days(one.folder.start, now) for one in counts), default=None)


def _lane(spool: Spool, lane: Lane, counts: Sequence[FolderCount]) -> LaneStatus:
    def packets(kind: Callable[[TickFolder], bool]) -> int:
        return sum(one.packets for one in counts if kind(one.folder))

    return LaneStatus(
        lane,
        ready=packets(lambda folder: not folder.is_batched and spool.is_due(folder.start)),
        fresh=packets(lambda folder: not folder.is_batched and not spool.is_due(folder.start)),
        exported=packets(lambda folder: folder.is_batched),
        size=sum(one.size for one in counts),
        oldest_days=oldest_age(counts, spool.now()),
        ahead=packets(lambda folder: spool.is_ahead(folder.start)),
    )


def _batch(batch: WaitingBatch, today: date, overdue_days: int) -> BatchStatus:
    days = max(0, (today - batch.sent).days)
    return BatchStatus(batch, days, days >= overdue_days)
