"""The low side of a crossing: the next batches onto a stick, or one of them once more. Deletes nothing."""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from audit.chain import hash_line, parse_line, split_lines
from keys.age.small import seal_bytes
from transfer.acknowledge import SECRET_SIZE
from transfer.batch import (
    AUDIT_SIZE_MAX,
    NUMBER_MAX,
    PACKETS_MAX,
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
from transfer.exclusive import exclusive
from transfer.names import Lane, PacketId
from transfer.outbox import BatchState
from transfer.settling import AcknowledgeReport, LowSide, acknowledge, resume, say_exported
from transfer.spool import SpooledPacket
from transfer.usb import (
    AUDIT,
    CLUSTER,
    MANIFEST,
    OVERHEAD,
    SECRET,
    SIGNATURE,
    BagWriter,
    Progress,
    bag_name,
    prepare_destination,
)

__all__ = [
    "AcknowledgeReport",
    "ExportReport",
    "ExportedBatch",
    "LowSide",
    "acknowledge",
    "export",
    "reexport",
    "resume",
]


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
class ExportReport:
    """What was exported, how many packets still wait for a batch, and which batches wait for their words."""

    batches: tuple[ExportedBatch, ...]
    remaining: int
    outstanding: tuple[int, ...]


def export(low: LowSide, destination: Path, *, progress: Progress) -> ExportReport:
    """Put every packet whose tick has passed, and that is in no batch yet, into bags: oldest first, by lane.

    Stops when the stick is full; what did not fit stays in the spool and is counted as remaining, and so is what
    cannot be read here.

    Raises:
        BagError: Not even the oldest packet fits, or the stick does not give back what was written.
        SpoiltPacketError: Every packet that could be exported cannot be read here.
        OSError: The stick or our own disk failed. No bag is half there; the spool is as it was.
    """
    with exclusive(low.lock):
        prepare_destination(destination)
        resume(low)
        batches: list[ExportedBatch] = []
        spoilt: dict[PacketId, SpoiltPacketError] = {}
        while chosen := _choose(low, destination, first=not batches, without=spoilt):
            batches += _export_one(low, destination, chosen, progress, spoilt)
        if spoilt and not batches:
            raise next(iter(spoilt.values()))
        remaining = sum(len(_waiting(low, lane)) for lane in Lane)
        outstanding = tuple(batch.number for batch in low.outbox.in_state(BatchState.OUTSTANDING))
        return ExportReport(tuple(batches), remaining, outstanding)


def reexport(low: LowSide, destination: Path, number: int, *, progress: Progress) -> ExportedBatch:
    """Put an outstanding batch onto a stick once more: the same number, list and signature, byte for byte.

    Raises:
        LedgerError: There is no such batch, or it was acknowledged already.
        BagError, OSError: As for `export`.
    """
    with exclusive(low.lock):
        prepare_destination(destination)
        resume(low)
        kept = low.outbox.find(number)
        if kept.state is not BatchState.OUTSTANDING or kept.sealed_secret is None:
            raise LedgerError(f"batch {number} was acknowledged; there is nothing left to export")
        batch = parse_batch(kept.manifest)
        total = 2 * sum(entry.size for entry in batch.packets)
        moved = _counter(progress, total)
        with BagWriter(destination, gateway=batch.gateway, number=number, day=batch.day) as bag:
            entries = batch.packets
            unreadable = [entry.id for entry in entries if not _copy_again(low, bag, batch.lane, entry, moved)]
            bag.add_file(AUDIT, _audit_again(low, batch.audit))
            bag.add_file(SECRET, kept.sealed_secret)
            bag.add_file(MANIFEST, kept.manifest)
            bag.add_file(SIGNATURE, kept.signature.encode())
            bag.finish(moved)
            bag.publish()
        return _exported(batch, destination, tuple(unreadable))


def _waiting(low: LowSide, lane: Lane) -> list[SpooledPacket]:
    taken = low.outbox.packets()
    return [packet for packet in low.spool.ready(lane) if packet.id not in taken]


def _choose(low: LowSide, destination: Path, *, first: bool, without: Collection[PacketId]) -> list[SpooledPacket]:
    """Return the oldest waiting packets of one lane, as many as a batch and the stick take."""
    room = shutil.disk_usage(destination).free - OVERHEAD
    refused = False
    for lane in Lane:
        chosen: list[SpooledPacket] = []
        left = room
        for packet in [packet for packet in _waiting(low, lane) if packet.id not in without][:PACKETS_MAX]:
            left -= packet.size + CLUSTER
            if left < 0:
                refused = True
                break
            chosen.append(packet)
        if chosen:
            return chosen
    if refused and first:
        raise BagError(f"{destination} has no room for even one packet; use an empty or larger stick")
    return []


def _export_one(
    low: LowSide,
    destination: Path,
    chosen: list[SpooledPacket],
    progress: Progress,
    spoilt: dict[PacketId, SpoiltPacketError],
) -> list[ExportedBatch]:
    """Return the one batch, or none where no packet could be read; `spoilt` is told which could not."""
    last = low.outbox.last()
    number = last.number + 1 if last else 1
    if number > NUMBER_MAX:
        raise BagError("this gateway has used up its batch numbers; set up a new one")
    gateway, day = gateway_id(low.key.public), low.today()
    secret = low.random(SECRET_SIZE)
    sealed = seal_bytes(secret, low.recipients)
    audit, lines = _audit_part(low, after=last.audit_last if last else 0)
    moved = _counter(progress, 2 * sum(packet.size for packet in chosen))
    with BagWriter(destination, gateway=gateway, number=number, day=day) as bag:
        entries = _copy(bag, chosen, moved, spoilt)
        if not entries:
            return []
        batch = Batch(
            gateway=gateway,
            number=number,
            previous=last.digest if last else None,
            lane=chosen[0].lane,
            day=day,
            packets=tuple(sorted(entries, key=lambda entry: entry.id)),
            audit=audit,
            secret=SecretPart(len(sealed), hashlib.sha256(sealed).hexdigest()),
        )
        manifest = encode_batch(batch)
        signature = sign_batch(manifest, low.key)
        bag.add_file(AUDIT, lines)
        bag.add_file(SECRET, sealed)
        bag.add_file(MANIFEST, manifest)
        bag.add_file(SIGNATURE, signature.encode())
        bag.finish(moved)
        # From here on this number belongs to this batch. Were the bag visible first, a crash could give the
        # number to another batch, and the desk would see two histories.
        low.outbox.record(
            batch, digest=digest_batch(manifest), manifest=manifest, signature=signature, secrets=(secret, sealed)
        )
        bag.publish()
    say_exported(low, low.outbox.find(number))
    return [_exported(batch, destination, tuple(packet.id for packet in chosen if packet.id in spoilt))]


def _copy(
    bag: BagWriter,
    chosen: list[SpooledPacket],
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
    text = low.audit.lines_after(after, size_max=AUDIT_SIZE_MAX)
    lines = split_lines(text)
    if lines:
        last, head = parse_line(lines[-1]).seq, hash_line(lines[-1])
    else:
        current = low.audit.head()
        last, head = current.seq, current.hash
    return AuditPart(after + 1, last, head, len(text), hashlib.sha256(text).hexdigest()), text


def _audit_again(low: LowSide, part: AuditPart) -> bytes:
    text = low.audit.lines_after(part.first - 1, size_max=part.size)
    if len(text) != part.size or hashlib.sha256(text).hexdigest() != part.sha256:
        raise LedgerError("the audit log is no longer what was signed into this batch; verify it")
    return text


def _copy_again(low: LowSide, bag: BagWriter, lane: Lane, entry: Entry, moved: Callable[[int], None]) -> bool:
    source = low.spool.path(lane, entry.id)
    # A packet that is gone or spoilt here must not keep the others from crossing: the desk lists it as missing.
    with contextlib.suppress(SpoiltPacketError):
        if bag.add_packet(entry.id, source, moved) == entry:
            return True
    bag.drop_packet(entry.id)
    return False


def _counter(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def moved(size: int) -> None:
        nonlocal done
        done = min(done + size, total)
        progress(done, total)

    return moved
