"""One batch into one bag: a new batch, or once more one that is in the ledger. The caller holds the lock."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from disk.handed_over import HandedOverError, read_handed_over
from transfer.batch.batch import MANIFEST_MAX, Batch, PacketEntry, gateway_id, parse_batch
from transfer.batch.files import AUDIT, MANIFEST, SECRET, SIGNATURE
from transfer.errors import BagError, LedgerError, SpoiltPacketError
from transfer.low_side.draft import BatchDraft, audit_again, record_draft, sign_draft
from transfer.low_side.low_side import LowSide
from transfer.low_side.outbox import BatchState
from transfer.low_side.recovery import log_export
from transfer.names import Lane, PacketId
from transfer.spool.spool import SpooledPacket
from transfer.usb.bag_writer import BagWriter, Progress, bag_name
from transfer.usb.free_space import FreeSpace, free_space_on


@dataclass(frozen=True, slots=True)
class ExportedBatch:
    """One bag that now stands on the stick; `unreadable` packets should be in it and could not be copied.

    They stay in the spool. A new batch leaves them out; of a batch that is exported again the desk misses them.
    """

    number: int
    lane: Lane
    packets: int
    size: int
    folder: Path
    unreadable: tuple[PacketId, ...] = ()


def space_for_packets(low: LowSide, destination: Path, *, audit: int, secret: int) -> FreeSpace:
    """Return what is left for packets on a medium beside a bag's small files; `audit` and `secret` in bytes."""
    space = free_space_on(destination, beside=low.spool.root)
    space.take_bag(audit=audit, secret=secret)
    return space


def bag_new(
    low: LowSide,
    destination: Path,
    draft: BatchDraft,
    chosen: Sequence[SpooledPacket],
    *,
    progress: Progress,
    spoilt: dict[PacketId, SpoiltPacketError],
) -> ExportedBatch | None:
    """Put packets of one lane into a new batch; None if no packet could be read; `spoilt` collects those.

    Raises:
        BagError: The medium failed. If the message names a batch, the ledger has it; otherwise nothing happened.
    """
    moved = _counter(progress, 2 * sum(packet.size for packet in chosen))
    gateway, day = gateway_id(low.key.public), low.today()
    with BagWriter(destination, gateway=gateway, number=draft.number, day=day) as bag:
        entries = _copy(bag, chosen, moved, spoilt)
        if not entries:
            return None
        signed = sign_draft(low, draft, chosen[0].lane, entries)
        _add_rest(bag, draft.lines, draft.sealed, signed.manifest, signed.signature)
        bag.finish(moved)
        record_draft(low, draft, signed)
        _publish(low, bag, draft.number)
    log_export(low, draft.number)
    return _exported(signed.batch, destination, tuple(packet.id for packet in chosen if packet.id in spoilt))


def bag_again(low: LowSide, destination: Path, number: int, *, progress: Progress) -> ExportedBatch:
    """Put an outstanding batch onto a medium once more: the same number, list and signature, byte for byte.

    Raises:
        LedgerError: There is no such batch, or it was acknowledged already.
        BagError: Out of space, or the medium failed.
    """
    kept = low.outbox.find(number)
    if kept.state is not BatchState.OUTSTANDING or kept.sealed_secret is None:
        raise LedgerError(f"batch {number} was acknowledged; nothing is left to export")
    batch = parse_batch(kept.manifest)
    if not kept.published and _stands_there(destination / bag_name(batch.gateway, number), kept.manifest):
        # A crash came between giving the bag its name and recording that.
        low.outbox.mark_published(number, low.today())
        return _exported(batch, destination, ())
    _demand_space(low, destination, batch)
    moved = _counter(progress, 2 * sum(entry.size for entry in batch.packets))
    with BagWriter(destination, gateway=batch.gateway, number=number, day=batch.day) as bag:
        unreadable = [entry.id for entry in batch.packets if not _copy_again(low, bag, batch.lane, entry, moved)]
        _add_rest(bag, audit_again(low, batch.audit), kept.sealed_secret, kept.manifest, kept.signature)
        bag.finish(moved)
        _publish(low, bag, number)
    return _exported(batch, destination, tuple(unreadable))


def _demand_space(low: LowSide, destination: Path, batch: Batch) -> None:
    space = space_for_packets(low, destination, audit=batch.audit.size, secret=batch.secret.size)
    if not all(space.take_packet(entry.size) for entry in batch.packets):
        raise BagError(f"{destination} has no space for batch {batch.number}; use an empty or larger stick")


def _stands_there(folder: Path, manifest: bytes) -> bool:
    try:
        return read_handed_over(folder / MANIFEST, largest=MANIFEST_MAX) == manifest
    except (OSError, HandedOverError):
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
        raise BagError(f"{error}; batch {number} was made nevertheless: the next export puts it onto a stick") from None
    low.outbox.mark_published(number, low.today())


def _copy(
    bag: BagWriter,
    chosen: Sequence[SpooledPacket],
    moved: Callable[[int], None],
    spoilt: dict[PacketId, SpoiltPacketError],
) -> list[PacketEntry]:
    entries = []
    for packet in chosen:
        try:
            entries.append(bag.add_packet(packet.id, packet.path, moved))
        except SpoiltPacketError as error:
            # One bad sector must not stop everything that came after it from crossing.
            bag.drop_packet(packet.id)
            spoilt[packet.id] = error
    return entries


def _copy_again(low: LowSide, bag: BagWriter, lane: Lane, entry: PacketEntry, moved: Callable[[int], None]) -> bool:
    source = low.spool.path(lane, entry.id)
    # A packet that is gone or spoilt here must not stop the others from crossing: the desk lists it as missing.
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


def _counter(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def moved(size: int) -> None:
        nonlocal done
        done = min(done + size, total)
        progress(done, total)

    return moved
