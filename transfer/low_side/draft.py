"""A new batch, before anything of it leaves: its number, its part of the log, its secret, and the record in the ledger.

Knows no medium: the packets come from a bag or from the link, and how they travel is not decided here. The caller
holds the low side's lock.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from audit.chain import hash_line, parse_line, split_lines
from audit.clock import Clock
from keys.age.small import seal_bytes
from transfer.batch.acknowledgement import SECRET_SIZE
from transfer.batch.batch import (
    NUMBER_MAX,
    AuditPart,
    Batch,
    PacketEntry,
    SecretPart,
    SignedBatch,
    encode_batch,
    gateway_id,
    sign_batch,
)
from transfer.errors import BagError, LedgerError
from transfer.low_side.consistency import verify_signed_line
from transfer.low_side.low_side import LowSide
from transfer.names import Lane

# Bytes of the log that one batch takes along. A thousand packets make half of it, from sealing to deleting, so what a
# long wait has piled up is carried off batch by batch, and memory does not grow with it.
AUDIT_PART_MAX: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BatchDraft:
    """What a new batch has beside its packets: the new lines of the log, and a secret of its own."""

    number: int
    previous: str | None
    audit: AuditPart
    lines: bytes
    sealed: bytes
    secret: bytes = field(repr=False)


def draft_batch(low: LowSide) -> BatchDraft:
    """Return the next batch of this gateway, without packets.

    Raises:
        ClockError: The clock is behind the log: nothing is signed by it.
        BagError: There is no number left.
        LedgerError: The log lost what the last batch signed.
    """
    Clock(low.audit, today=low.today).demand()
    last = low.outbox.last()
    verify_signed_line(last, low.audit)
    number = last.number + 1 if last else 1
    if number > NUMBER_MAX:
        raise BagError("this gateway has used up its batch numbers; set up a new one")
    secret = low.random(SECRET_SIZE)
    audit, lines = _audit_part(low, after=last.audit_last if last else 0)
    return BatchDraft(number, last.digest if last else None, audit, lines, seal_bytes(secret, low.recipients), secret)


def sign_draft(low: LowSide, draft: BatchDraft, lane: Lane, entries: Sequence[PacketEntry]) -> SignedBatch:
    """Return the batch of a draft and its packets, signed."""
    batch = Batch(
        gateway=gateway_id(low.key.public),
        number=draft.number,
        previous=draft.previous,
        lane=lane,
        day=low.today(),
        packets=tuple(sorted(entries, key=lambda entry: entry.id)),
        audit=draft.audit,
        secret=SecretPart(len(draft.sealed), hashlib.sha256(draft.sealed).hexdigest()),
    )
    manifest = encode_batch(batch)
    return SignedBatch(batch, manifest, sign_batch(manifest, low.key))


def record_draft(low: LowSide, draft: BatchDraft, signed: SignedBatch) -> None:
    """Write a signed draft into the ledger: from here on its number belongs to this batch.

    This comes before anything of it becomes visible outside. Otherwise a crash could give the number to another
    batch, and the desk would see two histories.
    """
    low.outbox.record(signed, secrets=(draft.secret, draft.sealed), log_seq=low.audit.head().seq)


def audit_again(low: LowSide, part: AuditPart) -> bytes:
    """Return the part of the log that was signed into a batch.

    Raises:
        LedgerError: The log is no longer what it was.
    """
    text = low.audit.lines_after(part.first - 1, size_max=part.size)
    if len(text) != part.size or hashlib.sha256(text).hexdigest() != part.sha256:
        raise LedgerError("the audit log is no longer what was signed into this batch; verify it")
    return text


def _audit_part(low: LowSide, *, after: int) -> tuple[AuditPart, bytes]:
    text = low.audit.lines_after(after, size_max=AUDIT_PART_MAX)
    lines = split_lines(text)
    if lines:
        last, head = parse_line(lines[-1]).seq, hash_line(lines[-1])
    else:
        current = low.audit.head()
        last, head = current.seq, current.hash
    return AuditPart(after + 1, last, head, len(text), hashlib.sha256(text).hexdigest()), text
