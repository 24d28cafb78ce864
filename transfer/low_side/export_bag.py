"""One batch into one bag: a new one, or one that the ledger knows, once more. Who calls holds the lock."""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from audit.chain import hash_line, parse_line, split_lines
from keys.age.small import seal_bytes
from transfer.batch.acknowledgement import SECRET_SIZE
from transfer.batch.batch import (
    NUMBER_MAX,
    AuditPart,
    Batch,
    Entry,
    SecretPart,
    digest_batch,
    encode_batch,
    gateway_id,
    parse_batch,
    sign_batch,
)
from transfer.errors import BagError, LedgerError, SpoiltPacketError
from transfer.low_side.acknowledge import LowSide, say_exported
from transfer.low_side.consistency import verify_signed_line
from transfer.low_side.outbox import BatchState
from transfer.names import Lane, PacketId
from transfer.spool.spool import SpooledPacket
from transfer.usb.bag_writer import AUDIT, MANIFEST, SECRET, SIGNATURE, BagWriter, Progress, bag_name
from transfer.usb.free_space import Room, room_on

# Bytes of the log that one batch takes along. A thousand packets make half of it, from sealing to deleting, so what a
# long wait has piled up is carried off batch by batch, and memory does not grow with it.
AUDIT_PART_MAX: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExportedBatch:
    """One bag that now stands on the stick; `unreadable` packets should be in it and could not be copied.

    They stay in the spool: of a new batch they are no part, of one that is exported again the desk misses them.
    """

    number: int
    lane: Lane
    packets: int
    size: int
    folder: Path
    unreadable: tuple[PacketId, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new batch holds beside its packets: the new lines of the log, and a secret of its own."""

    number: int
    previous: str | None
    audit: AuditPart
    lines: bytes
    sealed: bytes
    secret: bytes = field(repr=False)

    def room_on(self, low: LowSide, destination: Path) -> Room:
        """Return what is left for packets on a medium."""
        room = room_on(destination, beside=low.spool.root)
        room.take_bag(audit=len(self.lines), secret=len(self.sealed))
        return room


def draft_batch(low: LowSide) -> Draft:
    """Return the next batch of this gateway, without packets.

    Raises:
        BagError: There is no number left.
        LedgerError: The log lost what the last batch signed.
    """
    last = low.outbox.last()
    verify_signed_line(last, low.audit)
    number = last.number + 1 if last else 1
    if number > NUMBER_MAX:
        raise BagError("this gateway has used up its batch numbers; set up a new one")
    secret = low.random(SECRET_SIZE)
    audit, lines = _audit_part(low, after=last.audit_last if last else 0)
    return Draft(number, last.digest if last else None, audit, lines, seal_bytes(secret, low.recipients), secret)


def bag_new(
    low: LowSide,
    destination: Path,
    draft: Draft,
    chosen: Sequence[SpooledPacket],
    *,
    progress: Progress,
    spoilt: dict[PacketId, SpoiltPacketError],
) -> ExportedBatch | None:
    """Put packets of one lane into a new batch; None where no packet could be read; `spoilt` is told which.

    Raises:
        BagError: The medium failed. Where the message names a batch, the ledger has it; else nothing happened.
    """
    moved = _counter(progress, 2 * sum(packet.size for packet in chosen))
    gateway, day = gateway_id(low.key.public), low.today()
    with BagWriter(destination, gateway=gateway, number=draft.number, day=day) as bag:
        entries = _copy(bag, chosen, moved, spoilt)
        if not entries:
            return None
        batch, manifest, signature = sign_draft(low, draft, chosen[0].lane, entries)
        _add_rest(bag, draft.lines, draft.sealed, manifest, signature)
        bag.finish(moved)
        # From here on this number belongs to this batch. Were the bag visible first, a crash could give the
        # number to another batch, and the desk would see two histories.
        secrets = (draft.secret, draft.sealed)
        low.outbox.record(
            batch,
            digest=digest_batch(manifest),
            manifest=manifest,
            signature=signature,
            secrets=secrets,
            log_seq=low.audit.head().seq,
        )
        _publish(low, bag, draft.number)
    say_exported(low, draft.number)
    return _exported(batch, destination, tuple(packet.id for packet in chosen if packet.id in spoilt))


def sign_draft(low: LowSide, draft: Draft, lane: Lane, entries: Sequence[Entry]) -> tuple[Batch, bytes, str]:
    """Return the batch of a draft and its packets, the bytes of its list, and their signature."""
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
    return batch, manifest, sign_batch(manifest, low.key)


def bag_again(low: LowSide, destination: Path, number: int, *, progress: Progress) -> ExportedBatch:
    """Put an outstanding batch onto a medium once more: the same number, list and signature, byte for byte.

    Raises:
        LedgerError: There is no such batch, or it was acknowledged already.
        BagError: No room, or the medium failed.
    """
    kept = low.outbox.find(number)
    if kept.state is not BatchState.OUTSTANDING or kept.sealed_secret is None:
        raise LedgerError(f"batch {number} was acknowledged; there is nothing left to export")
    batch = parse_batch(kept.manifest)
    if not kept.published and _stands_there(destination / bag_name(batch.gateway, number), kept.manifest):
        # A crash came between the bag's name and the note of it.
        low.outbox.mark_published(number, low.today())
        return _exported(batch, destination, ())
    _demand_room(low, destination, batch)
    moved = _counter(progress, 2 * sum(entry.size for entry in batch.packets))
    with BagWriter(destination, gateway=batch.gateway, number=number, day=batch.day) as bag:
        unreadable = [entry.id for entry in batch.packets if not _copy_again(low, bag, batch.lane, entry, moved)]
        _add_rest(bag, audit_again(low, batch.audit), kept.sealed_secret, kept.manifest, kept.signature)
        bag.finish(moved)
        _publish(low, bag, number)
    return _exported(batch, destination, tuple(unreadable))


def _demand_room(low: LowSide, destination: Path, batch: Batch) -> None:
    room = room_on(destination, beside=low.spool.root)
    room.take_bag(audit=batch.audit.size, secret=batch.secret.size)
    if not all(room.take_packet(entry.size) for entry in batch.packets):
        raise BagError(f"{destination} has no room for batch {batch.number}; use an empty or larger stick")


def _stands_there(folder: Path, manifest: bytes) -> bool:
    try:
        return (folder / MANIFEST).read_bytes() == manifest
    except OSError:
        return False


def _add_rest(bag: BagWriter, lines: bytes, sealed: bytes, manifest: bytes, signature: str) -> None:
    bag.add_file(AUDIT, lines)
    bag.add_file(SECRET, sealed)
    bag.add_file(MANIFEST, manifest)
    bag.add_file(SIGNATURE, signature.encode())


def _publish(low: LowSide, bag: BagWriter, number: int) -> None:
    try:
        bag.publish()
    except BagError as error:
        raise BagError(f"{error}; batch {number} was made all the same: the next export puts it onto a stick") from None
    low.outbox.mark_published(number, low.today())


def _copy(
    bag: BagWriter,
    chosen: Sequence[SpooledPacket],
    moved: Callable[[int], None],
    spoilt: dict[PacketId, SpoiltPacketError],
) -> list[Entry]:
    entries = []
    for packet in chosen:
        try:
            entries.append(bag.add_packet(packet.id, packet.path, moved))
        except SpoiltPacketError as error:
            # One bad sector must not keep everything that came after it from crossing.
            bag.drop_packet(packet.id)
            spoilt[packet.id] = error
    return entries


def _copy_again(low: LowSide, bag: BagWriter, lane: Lane, entry: Entry, moved: Callable[[int], None]) -> bool:
    source = low.spool.path(lane, entry.id)
    # A packet that is gone or spoilt here must not keep the others from crossing: the desk lists it as missing.
    with contextlib.suppress(SpoiltPacketError):
        if bag.add_packet(entry.id, source, moved) == entry:
            return True
    bag.drop_packet(entry.id)
    return False


def _exported(batch: Batch, destination: Path, unreadable: tuple[PacketId, ...]) -> ExportedBatch:
    return ExportedBatch(
        number=batch.number,
        lane=batch.lane,
        packets=len(batch.packets),
        size=sum(entry.size for entry in batch.packets),
        folder=destination / bag_name(batch.gateway, batch.number),
        unreadable=unreadable,
    )


def _audit_part(low: LowSide, *, after: int) -> tuple[AuditPart, bytes]:
    text = low.audit.lines_after(after, size_max=AUDIT_PART_MAX)
    lines = split_lines(text)
    if lines:
        last, head = parse_line(lines[-1]).seq, hash_line(lines[-1])
    else:
        current = low.audit.head()
        last, head = current.seq, current.hash
    return AuditPart(after + 1, last, head, len(text), hashlib.sha256(text).hexdigest()), text


def audit_again(low: LowSide, part: AuditPart) -> bytes:
    """Return the part of the log that was signed into a batch.

    Raises:
        LedgerError: The log is no longer what it was.
    """
    text = low.audit.lines_after(part.first - 1, size_max=part.size)
    if len(text) != part.size or hashlib.sha256(text).hexdigest() != part.sha256:
        raise LedgerError("the audit log is no longer what was signed into this batch; verify it")
    return text


def _counter(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def moved(size: int) -> None:
        nonlocal done
        done = min(done + size, total)
        progress(done, total)

    return moved
