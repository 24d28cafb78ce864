"""The two ledgers of a crossing, one on each side (BATCH.md, 5)."""

from transfer.high_side.arrivals import Alarm, AlarmKind, Arrivals, Gap, StoredPacket
from transfer.low_side.outbox import BatchState, OutBatch, Outbox

__all__ = ["Alarm", "AlarmKind", "Arrivals", "BatchState", "Gap", "OutBatch", "Outbox", "StoredPacket"]
