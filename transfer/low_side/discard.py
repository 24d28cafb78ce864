"""Deleting packets that waited beyond the limit although perhaps nobody received them: a person decides.

Nothing here runs by itself. The ledger is written first, then the packets are deleted, then each is logged. A crash in
between is completed by whichever command comes next (`recovery`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from disk.lock import exclusive
from transfer.errors import TransferError
from transfer.low_side.low_side import LowSide
from transfer.low_side.recovery import resume, settle_discards
from transfer.low_side.status import DAY_SECONDS, age_in_days
from transfer.names import Lane, PacketId
from transfer.short_ids import find_id


class DiscardError(TransferError):
    """What was named cannot be discarded; nothing was deleted."""


@dataclass(frozen=True, slots=True)
class DiscardCandidate:
    """A packet beyond the limit; `exported` when its batch waits for acknowledgement words: it may have arrived."""

    id: PacketId
    lane: Lane
    days: int
    exported: bool


def past_retention(low: LowSide, *, days: int) -> list[DiscardCandidate]:
    """Return the packets that have waited for `days` days or longer, the oldest first."""
    now = low.spool.now()
    # One from a clock that was ahead has no age, and is listed only where every age is.
    until = now - days * DAY_SECONDS if days > 0 else math.inf
    with low.outbox.taken() as is_taken:
        found = [
            DiscardCandidate(packet.id, lane, age, is_taken(packet.id))
            for lane in Lane
            for packet in low.spool.scan(lane, until=until)
            if (age := age_in_days(packet.start, now)) >= days
        ]
    return sorted(found, key=lambda item: (-item.days, item.id))


def choose(found: Sequence[DiscardCandidate], untrusted_names: Sequence[str]) -> list[DiscardCandidate]:
    """Return the packets that are named by their ids, or by the beginnings of these.

    Raises:
        ShortIdError: One of them does not name exactly one packet beyond the limit.
    """
    by_id, names = {item.id: item for item in found}, enumerate(untrusted_names, start=1)
    absent = "id {} names no packet that has waited beyond the limit; nothing was deleted"
    chosen = [find_id(untrusted, by_id, absent=absent.format(place)) for place, untrusted in names]
    return [by_id[packet] for packet in dict.fromkeys(chosen)]


def discard_packets(low: LowSide, packets: Sequence[DiscardCandidate]) -> None:
    """Delete these packets for good, and log each."""
    with exclusive(low.lock):
        resume(low)
        if not all(low.spool.path(item.lane, item.id).exists() for item in packets):
            raise DiscardError("one of these packets has left meanwhile; nothing was deleted")
        low.outbox.discard([(item.id, item.lane) for item in packets], log_seq=low.audit.head().seq)
        settle_discards(low)
