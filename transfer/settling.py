"""The low side after an export: what the words of the desk let it delete, and completing what a crash interrupted.

The ledger is written first, and says what is still to be deleted and to be logged: whichever command comes next
completes it.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from audit.chain import EMPTY, parse_line, split_lines
from audit.events import Event, Record
from audit.log import AuditLog
from keys.recipient import Recipient
from keys.signing import SigningKey
from transfer.acknowledge import is_acknowledgement, parse_acknowledgement
from transfer.batch import parse_batch
from transfer.errors import CodeError
from transfer.exclusive import exclusive
from transfer.names import PacketId
from transfer.outbox import BatchState, OutBatch, Outbox
from transfer.spool import Spool

PREFIX_MIN: Final = 4  # digits of a missing packet's id that have to be typed

_CODE_DOMAIN: Final = b"enveis-code-v1"  # BLAKE2b's personalisation


@dataclass(frozen=True, slots=True)
class LowSide:
    """What the commands of the low side work with; `random(n)` gives n unpredictable bytes."""

    key: SigningKey
    recipients: tuple[Recipient, ...]
    spool: Spool
    outbox: Outbox
    audit: AuditLog
    lock: Path
    today: Callable[[], date]
    random: Callable[[int], bytes] = field(default=secrets.token_bytes)


@dataclass(frozen=True, slots=True)
class AcknowledgeReport:
    """Which batch the words were for, what was deleted, and what goes into a later batch again."""

    number: int
    deleted: tuple[PacketId, ...]
    returned: tuple[PacketId, ...]
    repeated: bool = False


def acknowledge(low: LowSide, code: str, *, missing: Sequence[str] = ()) -> AcknowledgeReport:
    """Delete exactly what arrived of the batch that these words are for; the rest goes into a later batch.

    Args:
        code: The words, as typed.
        missing: Ids of the packets that the desk lists as missing, or their first four digits or more.

    Raises:
        keys.words.WordsError: A word is wrong; which one, where that can be told. Nothing was deleted.
        CodeError: The words fit no outstanding batch with just these packets missing. Nothing was deleted.
    """
    number = parse_acknowledgement(code)
    code_hash = hashlib.blake2b(number.to_bytes(16), person=_CODE_DOMAIN, digest_size=32).digest()
    with exclusive(low.lock):
        resume(low)
        for batch in low.outbox.in_state(BatchState.OUTSTANDING):
            listed = low.outbox.packets(batch.number)
            lost = _resolve(missing, listed)
            if lost is None or batch.secret is None:
                continue
            arrived = listed - lost
            if is_acknowledgement(number, batch.secret, digest=batch.digest, arrived=arrived):
                seq = low.audit.head().seq
                low.outbox.acknowledge(batch.number, arrived=arrived, code_hash=code_hash, log_seq=seq)
                _settle(low, low.outbox.find(batch.number))
                return AcknowledgeReport(batch.number, tuple(sorted(arrived)), tuple(sorted(lost)))
        for batch in low.outbox.in_state(BatchState.SETTLED):
            if batch.code_hash == code_hash:
                return AcknowledgeReport(batch.number, (), (), repeated=True)
    raise CodeError(
        "these words fit none of the outstanding batches with just these packets missing; nothing was deleted"
    )


def resume(low: LowSide) -> None:
    """Complete what a crash interrupted: events not yet in the log, packets not yet deleted."""
    for batch in low.outbox.unsaid():
        say_exported(low, batch)
    for batch in low.outbox.in_state(BatchState.ACKNOWLEDGED):
        _settle(low, batch)


def _resolve(missing: Iterable[str], listed: set[PacketId]) -> set[PacketId] | None:
    """Return the packets that the typed ids or beginnings name; None when one does not name exactly one."""
    found = set()
    for untrusted in missing:
        typed = untrusted.strip().lower()
        fitting = [packet for packet in listed if len(typed) >= PREFIX_MIN and packet.startswith(typed)]
        if len(fitting) != 1:
            return None
        found.add(fitting[0])
    return found


def _settle(low: LowSide, batch: OutBatch) -> None:
    arrived = sorted(low.outbox.packets(batch.number))
    for packet in arrived:
        low.spool.remove(batch.lane, packet)
    records = [
        Record(event=Event.BATCH_ACKNOWLEDGED, batch=batch.number, count=len(arrived), digest=batch.digest),
        *(Record(event=Event.PACKET_DELETED, packet=packet, batch=batch.number) for packet in arrived),
    ]
    _say_once(low, records, after=batch.log_seq or EMPTY.seq)
    low.outbox.settle(batch.number)


def say_exported(low: LowSide, batch: OutBatch) -> None:
    """Log the export of a batch, once."""
    count = len(parse_batch(batch.manifest).packets)
    record = Record(
        event=Event.BATCH_EXPORTED, batch=batch.number, lane=str(batch.lane), count=count, digest=batch.digest
    )
    _say_once(low, [record], after=batch.audit_last)
    low.outbox.mark_said(batch.number)


def _say_once(low: LowSide, records: Sequence[Record], *, after: int) -> None:
    """Log what is not in the log yet: a crash may have come between the log and the ledger."""
    said = {parse_line(line).record for line in split_lines(low.audit.lines_after(after))}
    left = [record for record in records if record not in said]
    if left:
        low.audit.extend(left)
