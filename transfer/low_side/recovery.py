"""Completing what the ledger decided: packets to delete, events to log. The caller holds the low side's lock.

The ledger is written first, then packets are moved or deleted, then the log reports it. A crash in between is completed
by whichever command comes next (`resume`), and each step may be repeated.
"""

from audit.chain import EMPTY
from audit.events import Event, LogRecord
from transfer.batch.batch import parse_batch
from transfer.low_side.low_side import LowSide
from transfer.low_side.outbox import BatchState
from transfer.names import Lane


def resume(low: LowSide) -> None:
    """Complete what a crash interrupted: events not yet in the log, packets not yet deleted."""
    for number in low.outbox.unlogged():
        log_export(low, number)
    for number in low.outbox.numbers(BatchState.ACKNOWLEDGED):
        settle_batch(low, number)
    settle_discards(low)
    if not low.outbox.outstanding():
        low.spool.put_all_back()  # a ledger of a new key knows nothing of the batches of the old one


def log_export(low: LowSide, number: int) -> None:
    """Put the packets of a batch aside, and log its export, once."""
    batch = low.outbox.find(number)
    low.spool.set_aside(batch.lane, low.outbox.packets(number))
    record = LogRecord(
        event=Event.BATCH_EXPORTED, batch=number, lane=str(batch.lane), count=batch.packets, digest=batch.digest
    )
    low.audit.extend_once([record], after=batch.audit_last if batch.log_seq is None else batch.log_seq)
    low.outbox.mark_logged(number)


def settle_batch(low: LowSide, number: int) -> None:
    """Delete and log what arrived of an acknowledged batch; what did not waits for another one."""
    batch = low.outbox.find(number)
    arrived = low.outbox.packets(number)
    low.spool.put_back(batch.lane, {entry.id for entry in parse_batch(batch.manifest).packets} - arrived)
    # What was discarded is deleted already, and the log has its own event for that.
    left = sorted(arrived - low.outbox.discarded(arrived))
    low.spool.remove_all(batch.lane, left)
    records = [
        LogRecord(event=Event.BATCH_ACKNOWLEDGED, batch=number, count=len(arrived), digest=batch.digest),
        *(LogRecord(event=Event.PACKET_DELETED, packet=packet, batch=number) for packet in left),
    ]
    low.audit.extend_once(records, after=batch.log_seq or EMPTY.seq)
    low.outbox.settle(number)


def settle_discards(low: LowSide) -> None:
    """Delete and log the packets that a person discarded; does nothing when that was done before."""
    discards = low.outbox.discarding()
    if not discards:
        return
    with low.spool.withdrawals.locked():
        for lane in Lane:
            low.spool.remove_all(lane, [item.id for item in discards if item.lane is lane])
        low.spool.withdrawals.forget(item.id for item in discards)
    records = [LogRecord(event=Event.PACKET_DISCARDED, packet=item.id, lane=str(item.lane)) for item in discards]
    low.audit.extend_once(records, after=min(item.log_seq for item in discards))
    low.outbox.mark_discarded()
