"""The low side after an export: the desk's acknowledgement words let it delete exactly what arrived."""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from disk.lock import exclusive
from transfer.batch.acknowledgement import is_acknowledgement, parse_acknowledgement
from transfer.errors import CodeError
from transfer.low_side.low_side import LowSide
from transfer.low_side.outbox import OutBatch
from transfer.low_side.recovery import resume, settle_batch
from transfer.names import PacketId
from transfer.short_ids import ShortIdError, find_id

_CODE_DOMAIN: Final = b"enveis-code-v1"  # BLAKE2b's personalisation


@dataclass(frozen=True, slots=True)
class AcknowledgeReport:
    """Which batch was acknowledged, what was deleted, and what goes into a later batch again."""

    number: int
    deleted: tuple[PacketId, ...]
    returned: tuple[PacketId, ...]
    repeated: bool = False


def acknowledge(low: LowSide, code: str, *, missing: Sequence[str] = ()) -> AcknowledgeReport:
    """Delete exactly what arrived of the batch that was acknowledged; the rest goes into a later batch.

    Args:
        code: The acknowledgement words, as typed.
        missing: Ids of the packets that the desk lists as missing, or their first four digits or more.

    Raises:
        keys.words.WordsError: A word is wrong; it names which one where that is known. Nothing was deleted.
        CodeError: The words do not fit any outstanding batch with just these packets missing, or one of the ids does
            not name a packet of such a batch; the message names it. Nothing was deleted.

    Invariant T9.
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
    raise CodeError(_why_not(low, missing, named))


def _resolve(untrusted: str, listed: set[PacketId]) -> PacketId | None:
    """Return the one packet of a batch that a typed id, or its beginning, names."""
    with contextlib.suppress(ShortIdError):
        return find_id(untrusted, listed, absent="")
    return None


def _why_not(low: LowSide, missing: Sequence[str], named: set[int]) -> str:
    wrong = [place for place in range(len(missing)) if place not in named]
    if not wrong:
        return "these words do not fit any outstanding batch with just these packets missing; nothing was deleted"
    numbers = ", ".join(str(place + 1) for place in wrong)
    which = "the id" if len(missing) == 1 else f"number {numbers} of the {len(missing)} ids"
    absent = (
        f"{which} after --missing does not name exactly one packet of a batch that waits for its acknowledgement words"
    )
    waiting = [packet for batch in low.outbox.outstanding() for packet in low.outbox.packets(batch.number)]
    try:
        find_id(missing[wrong[0]], waiting, absent=absent)
    except ShortIdError as error:  # too few digits, or which ids begin with them
        found = str(error)
        return f"{found if found.startswith(absent) else f'{which} after --missing: {found}'}; nothing was deleted"
    return f"{absent}; nothing was deleted"


def _acknowledged(
    low: LowSide, batch: OutBatch, arrived: set[PacketId], lost: set[PacketId], code_hash: bytes
) -> AcknowledgeReport:
    seq = low.audit.head().seq
    discarded = low.outbox.discarded(arrived | lost)
    low.outbox.acknowledge(batch.number, arrived=arrived, code_hash=code_hash, log_seq=seq)
    settle_batch(low, batch.number)
    return AcknowledgeReport(batch.number, tuple(sorted(arrived - discarded)), tuple(sorted(lost - discarded)))
