"""The high side of a crossing: one bag in, verified before it is believed, and the acknowledgement words for it.

Nothing of a bag is parsed before its signature verifies. Packets are copied beside the inbox, each opened to its
last chunk, and come into the inbox all together at the end: a bag that fails as a whole leaves nothing.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from audit.events import Event, LogRecord
from disk.durable import make_private_folder
from disk.lock import exclusive
from keys.errors import KeyMaterialError
from transfer.batch.acknowledgement import SECRET_SIZE, acknowledgement_words
from transfer.batch.batch import MANIFEST_MAX, SIGNATURE_MAX, Batch, PacketEntry, SignedBatch, verify_batch
from transfer.batch.files import AUDIT, MANIFEST, PACKET_SUFFIX, SECRET, SIGNATURE
from transfer.errors import BatchError, NoRoomError
from transfer.high_side.alarms import Alarm
from transfer.high_side.arrivals import Gap, MissingPacket, MissingReason, StoredPacket
from transfer.high_side.high_side import HighSide
from transfer.high_side.signed_heads import keep_head
from transfer.high_side.staging import file_packets, is_another, stage, staging_in
from transfer.names import PacketId
from transfer.usb.bag_reader import BagReader, PacketFaultError
from transfer.usb.bag_writer import Progress
from transfer.usb.free_space import room_for_packets

LOCK: Final = ".lock"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of one bag.

    `arrived` is what the acknowledgement words in `code` cover; `duplicates` are those that were here before this bag.
    `gaps` are batch numbers of this gateway that have not come; `alarms` are new contradictions.
    """

    batch: Batch
    digest: str
    arrived: tuple[PacketId, ...]
    duplicates: tuple[PacketId, ...]
    missing: tuple[MissingPacket, ...]
    code: str
    gaps: tuple[Gap, ...]
    alarms: tuple[Alarm, ...]
    repeated: bool


@dataclass(frozen=True, slots=True)
class _Verified:
    """A bag whose list, part of the log and secret were verified; none of its packets was read yet."""

    signed: SignedBatch
    lines: bytes
    secret: bytes = field(repr=False)


@dataclass(slots=True)
class _Sorting:
    """The packets of a bag, by what became of them."""

    staged: list[PacketEntry]
    duplicates: list[PacketId]
    missing: list[MissingPacket]


def import_bag(high: HighSide, source: Path, *, progress: Progress) -> ImportReport:
    """Take the bag in the folder `source`: verify it, file its packets into the inbox, return the acknowledgement.

    `progress` is told how many bytes are copied, and of how many.

    Raises:
        BatchError: Forged, damaged as a whole, of an unknown gateway, contradicting that gateway's log, or on a
            medium that was pulled out meanwhile; one sentence names it. Nothing was taken.
        NoRoomError: Its packets do not fit on our own disk, which is found out before any is copied. Nothing was taken.
        CopyDamagedError: The desk's copy of that gateway's log cannot be read. Nothing was taken.
        OSError: Our own disk failed. The inbox is as it was.

    Invariants T3 and T17.
    """
    make_private_folder(high.inbox)
    with exclusive(high.inbox / LOCK), BagReader(source) as bag:
        try:
            verified = _verify(high, bag)
        except BatchError:
            high.audit.append(Event.BATCH_REFUSED)
            raise
        with staging_in(high.inbox) as staging:
            try:
                sorting = _take_packets(high, bag, verified.signed.batch, staging, progress)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                # Something else took the room meanwhile.
                raise NoRoomError(f"the disk of {high.inbox} became full while it was copied") from None
            file_packets(sorting.staged, staging, high.inbox)
        return _record(high, verified, sorting)


def _verify(high: HighSide, bag: BagReader) -> _Verified:
    manifest = bag.read_small(MANIFEST, largest=MANIFEST_MAX)
    signature = bag.read_small(SIGNATURE, largest=SIGNATURE_MAX).decode("utf-8", "replace")
    batch = verify_batch(manifest, signature, high.trusted)
    lines = bag.read_signed(AUDIT, size=batch.audit.size, sha256=batch.audit.sha256)
    sealed = bag.read_signed(SECRET, size=batch.secret.size, sha256=batch.secret.sha256)
    heads = high.arrivals.heads(batch.gateway, first=batch.audit.first - 1, last=batch.audit.last)
    high.log_copy(batch.gateway).verify(batch.audit, lines, heads=heads)
    try:
        secret = high.open_secret(sealed)
    except KeyMaterialError as error:
        raise BatchError(f"the batch is not sealed to this desk: {error}") from None
    if len(secret) != SECRET_SIZE:
        raise BatchError("the batch's secret has a wrong length")
    return _Verified(SignedBatch(batch, manifest, signature), lines, secret)


def _take_packets(high: HighSide, bag: BagReader, batch: Batch, staging: Path, progress: Progress) -> _Sorting:
    total, done = sum(entry.size for entry in batch.packets), 0
    sorting = _Sorting([], [], [])

    def moved(size: int) -> None:
        nonlocal done
        done += size
        progress(done, total)

    def miss(entry: PacketEntry, reason: MissingReason, detail: str) -> None:
        sorting.missing.append(MissingPacket(entry.id, batch.number, reason, detail))

    came = high.arrivals.stored(entry.id for entry in batch.packets)
    _demand_room(high.inbox, bag, [entry for entry in batch.packets if not _is_here(came.get(entry.id), entry)])
    for entry in batch.packets:
        known = came.get(entry.id)
        # Whichever gateway brought it: one that replays another's packets must not keep them from being acknowledged.
        if _is_here(known, entry):
            sorting.duplicates.append(entry.id)
            continue
        if known is not None or is_another(high.inbox / f"{entry.id}{PACKET_SUFFIX}", entry):
            miss(entry, MissingReason.OTHER, "another packet with this id came before; that one is kept")
            continue
        try:
            stage(bag, entry, staging, high.open_packet, moved)
            sorting.staged.append(entry)
        except PacketFaultError as error:
            if not bag.is_there():
                # Otherwise all the rest would be reported as missing, and half of the batch taken.
                raise BatchError("the medium no longer answers: was it pulled out?") from None
            miss(entry, MissingReason.DAMAGED, str(error))
        except KeyMaterialError as error:
            miss(entry, MissingReason.SEALED, f"it does not open: {error}")
    return sorting


def _is_here(known: StoredPacket | None, entry: PacketEntry) -> bool:
    return known is not None and known.sha256 == entry.sha256


def _demand_room(inbox: Path, bag: BagReader, entries: Sequence[PacketEntry]) -> None:
    """Raise NoRoomError where the packets would not fit: a sparse file on a small stick may claim terabytes."""
    # What is not as long as was signed is damaged, and is not copied.
    sizes = [entry.size for entry in entries if bag.size_of(entry.id) == entry.size]
    needed, free = room_for_packets(inbox, sizes)
    if needed > free:
        raise NoRoomError(
            f"its packets need {_mebibytes(needed)} on the disk of {inbox}, where {_mebibytes(free)} may be taken; "
            "make room there, then import it again"
        )


def _mebibytes(size: int) -> str:
    return f"{-(-size // 2**20):,} MiB"


def _record(high: HighSide, verified: _Verified, sorting: _Sorting) -> ImportReport:
    signed, batch = verified.signed, verified.signed.batch
    repeated = high.arrivals.is_known(batch, signed.digest)
    high.log_copy(batch.gateway).store(batch.audit, verified.lines)
    # The stick will be emptied. What its gateway signed stays here, for whoever wants to check the copy of its log.
    keep_head(high.gateways, signed)
    alarms = high.arrivals.record(
        batch,
        signed.digest,
        stored=sorting.staged,
        duplicates=sorting.duplicates,
        missing={item.id: item.reason for item in sorting.missing},
        came=high.today(),
        log_seq=high.audit.head().seq,
    )
    arrived = sorted([*(entry.id for entry in sorting.staged), *sorting.duplicates])
    _log_import(high, batch, signed.digest, count=len(arrived))
    # Only now, with everything stored and recorded, may the low side be told to delete.
    return ImportReport(
        batch=batch,
        digest=signed.digest,
        arrived=tuple(arrived),
        duplicates=tuple(sorting.duplicates),
        missing=tuple(sorting.missing),
        code=acknowledgement_words(verified.secret, digest=signed.digest, arrived=arrived),
        gaps=high.arrivals.gaps(batch.gateway),
        alarms=tuple(alarms),
        repeated=repeated,
    )


def _log_import(high: HighSide, batch: Batch, digest: str, *, count: int) -> None:
    """Log an import and the alarms that it raised, once, whatever crashed before."""
    since = high.arrivals.unlogged(batch, digest)
    if since is None:
        return
    records = [
        LogRecord(event=Event.BATCH_CONFLICT, gateway=alarm.gateway, batch=alarm.number, digest=digest)
        for alarm in high.arrivals.alarms()
        if alarm.digest == digest
    ]
    records.append(
        LogRecord(
            event=Event.BATCH_IMPORTED,
            gateway=batch.gateway,
            batch=batch.number,
            lane=str(batch.lane),
            count=count,
            digest=digest,
        )
    )
    high.audit.extend_once(records, after=since)
    high.arrivals.mark_logged(batch, digest)
