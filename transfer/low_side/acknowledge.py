"""The low side after an export: what the words of the desk let it delete, and completing what a crash interrupted.

The ledger is written first, and says what is still to be deleted and to be logged: whichever command comes next
completes it.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from audit.chain import EMPTY, parse_line, split_lines
from audit.events import Event, Record
from audit.log import AuditLog
from disk.lock import exclusive
from keys.recipient import Recipient
from keys.signing import SigningKey
from transfer.batch.acknowledgement import is_acknowledgement, parse_acknowledgement
from transfer.errors import CodeError
from transfer.low_side.outbox import BatchState, OutBatch, Outbox
from transfer.names import Lane, PacketId
from transfer.spool.spool import Spool

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
        CodeError: The words fit no outstanding batch with just these packets missing, or one of the ids names no
            packet of any such batch; the message says which. Nothing was deleted.
    """
    number = parse_acknowledgement(code)
    code_hash = hashlib.blake2b(number.to_bytes(16), person=_CODE_DOMAIN, digest_size=32).digest()
    with exclusive(low.lock):
        resume(low)
        named: set[int] = set()  # places in `missing` that name one packet of some batch
        for outstanding in low.outbox.outstanding():
            listed = low.outbox.packets(outstanding.number)
            found = [_resolve(untrusted, listed) for untrusted in missing]
            named.update(place for place, packet in enumerate(found) if packet)
            batch = low.outbox.find(outstanding.number)
            if None in found or batch.secret is None:
                continue
            lost = {packet for packet in found if packet}
            arrived = listed - lost
            if is_acknowledgement(number, batch.secret, digest=batch.digest, arrived=arrived):
                return _acknowledged(low, batch, arrived, lost, code_hash)
        settled = low.outbox.find_code(code_hash)
        if settled:
            return AcknowledgeReport(settled.number, (), (), repeated=True)
    raise CodeError(_why_not(len(missing), named))


def resume(low: LowSide) -> None:
    """Complete what a crash interrupted: events not yet in the log, packets not yet deleted."""
    for number in low.outbox.unsaid():
        say_exported(low, number)
    for number in low.outbox.numbers(BatchState.ACKNOWLEDGED):
        _settle(low, low.outbox.find(number))
    settle_discards(low)


def say_exported(low: LowSide, number: int) -> None:
    """Log the export of a batch, once."""
    batch = low.outbox.find(number)
    record = Record(
        event=Event.BATCH_EXPORTED, batch=number, lane=str(batch.lane), count=batch.packets, digest=batch.digest
    )
    _say_once(low, [record], after=batch.audit_last if batch.log_seq is None else batch.log_seq)
    low.outbox.mark_said(number)


def settle_discards(low: LowSide) -> None:
    """Delete and log what was given up; nothing is left to do when that was done before."""
    given_up = low.outbox.discarding()
    if not given_up:
        return
    with low.spool.withdrawals.locked():
        for lane in Lane:
            low.spool.remove_all(lane, [item.id for item in given_up if item.lane is lane])
        low.spool.withdrawals.forget(item.id for item in given_up)
    records = [Record(event=Event.PACKET_DISCARDED, packet=item.id, lane=str(item.lane)) for item in given_up]
    _say_once(low, records, after=min(item.log_seq for item in given_up))
    low.outbox.mark_discarded()


def _resolve(untrusted: str, listed: set[PacketId]) -> PacketId | None:
    """Return the one packet that a typed id, or its beginning, names."""
    typed = untrusted.strip().lower()
    if len(typed) < PREFIX_MIN:
        return None
    fitting = [packet for packet in listed if packet.startswith(typed)]
    return fitting[0] if len(fitting) == 1 else None


def _why_not(count: int, named: set[int]) -> str:
    wrong = [str(place + 1) for place in range(count) if place not in named]
    if wrong:
        which = "the id" if count == 1 else f"number {', '.join(wrong)} of the {count} ids"
        return (
            f"{which} after --missing names no packet, or more than one, of any batch that waits for its words "
            f"(at least {PREFIX_MIN} digits are needed); nothing was deleted"
        )
    return "these words fit none of the outstanding batches with just these packets missing; nothing was deleted"


def _acknowledged(
    low: LowSide, batch: OutBatch, arrived: set[PacketId], lost: set[PacketId], code_hash: bytes
) -> AcknowledgeReport:
    seq = low.audit.head().seq
    given_up = low.outbox.discarded(arrived | lost)
    low.outbox.acknowledge(batch.number, arrived=arrived, code_hash=code_hash, log_seq=seq)
    _settle(low, low.outbox.find(batch.number))
    return AcknowledgeReport(batch.number, tuple(sorted(arrived - given_up)), tuple(sorted(lost - given_up)))


def _settle(low: LowSide, batch: OutBatch) -> None:
    arrived = low.outbox.packets(batch.number)
    # What was given up is deleted already, and the log says that of it.
    left = sorted(arrived - low.outbox.discarded(arrived))
    low.spool.remove_all(batch.lane, left)
    records = [
        Record(event=Event.BATCH_ACKNOWLEDGED, batch=batch.number, count=len(arrived), digest=batch.digest),
        *(Record(event=Event.PACKET_DELETED, packet=packet, batch=batch.number) for packet in left),
    ]
    _say_once(low, records, after=batch.log_seq or EMPTY.seq)
    low.outbox.settle(batch.number)


def _say_once(low: LowSide, records: Sequence[Record], *, after: int) -> None:
    """Log what is not in the log yet: a crash may have come between the log and the ledger."""
    said = {parse_line(line).record for line in split_lines(low.audit.lines_after(after))}
    left = [record for record in records if record not in said]
    if left:
        low.audit.extend(left)
