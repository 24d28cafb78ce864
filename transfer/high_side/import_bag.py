"""The high side of a crossing: one bag in, checked before it is believed, and the words for what arrived.

Nothing of a bag is parsed before its signature holds. Packets are copied beside the inbox, each opened to its
last chunk, and come into the inbox all together at the end: a bag that fails as a whole leaves nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from audit.chain import parse_line, split_lines
from audit.events import Event, Record
from audit.log import AuditLog
from disk.durable import make_private_folder
from disk.lock import exclusive
from keys.errors import KeyMaterialError
from keys.signing import VerifyKey
from transfer.batch.acknowledgement import SECRET_SIZE, acknowledgement_words
from transfer.batch.batch import MANIFEST_MAX, SIGNATURE_MAX, Batch, GatewayId, PacketEntry, digest_batch, verify_batch
from transfer.errors import BatchError
from transfer.high_side.arrivals import Alarm, Arrivals, Gap
from transfer.high_side.log_copy import GatewayHistory
from transfer.high_side.signed_heads import keep_head
from transfer.high_side.staging import file_packets, is_another, stage, staging_in
from transfer.names import PacketId
from transfer.usb.bag_reader import BagReader, PacketFaultError
from transfer.usb.bag_writer import AUDIT, MANIFEST, PACKET_SUFFIX, SECRET, SIGNATURE, Progress

LOCK: Final = ".lock"


class MissingReason(StrEnum):
    """Why a packet that the batch lists did not arrive."""

    DAMAGED = "damaged"  # absent, unreadable or not what was signed
    SEALED = "does-not-open"  # what was signed came, but it does not open to its last chunk
    OTHER = "other-packet-of-that-id"  # another packet with this id came before and is kept


@dataclass(frozen=True, slots=True)
class MissingPacket:
    """One packet to be asked for again; `detail` is one clause for a person."""

    id: PacketId
    reason: MissingReason
    detail: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of one bag.

    `arrived` is what the words in `code` cover; `duplicates` are those of them that were here before this bag.
    `gaps` are numbers of this gateway that have not come; `alarms` contradictions that were not known before.
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
class _Checked:
    """A bag whose list, log part and secret hold; its packets are not looked at yet."""

    batch: Batch
    digest: str
    manifest: bytes
    signature: str
    lines: bytes
    secret: bytes = field(repr=False)


@dataclass(slots=True)
class _Sorted:
    """The packets of a bag, by what became of them."""

    staged: list[PacketEntry]
    duplicates: list[PacketId]
    missing: list[MissingPacket]


def import_bag(
    source: Path,
    *,
    trusted: Mapping[GatewayId, VerifyKey],
    arrivals: Arrivals,
    inbox: Path,
    gateways: Path,
    open_packet: Callable[[BinaryIO], None],
    open_secret: Callable[[bytes], bytes],
    audit: AuditLog,
    today: date,
    progress: Progress,
) -> ImportReport:
    """Take one bag: verify it, file its packets into `inbox`, and return the acknowledgement.

    Args:
        source: The bag's folder.
        trusted: The signing keys of the paired gateways.
        arrivals: The ledger of what came.
        inbox: Where packets are kept, as <id>.age.
        gateways: Where the copies of the gateways' audit logs are kept.
        open_packet: Opens a sealed packet to its last chunk, or raises KeyMaterialError.
        open_secret: Returns the plaintext of a small sealed file, or raises KeyMaterialError.
        audit: The desk's own log.
        today: In UTC.
        progress: Told of bytes copied, and of all.

    Raises:
        BatchError: Forged, damaged as a whole, of an unknown gateway, contradicting that gateway's log, or on a
            medium that was pulled out meanwhile; one sentence says what. Nothing was taken.
        CopyDamagedError: What the desk has of that gateway's log cannot be read. Nothing was taken.
        OSError: Our own disk failed. The inbox is as it was.
    """
    make_private_folder(inbox)
    with exclusive(inbox / LOCK), BagReader(source) as bag:
        try:
            checked = _check(bag, trusted, arrivals, gateways, open_secret)
        except BatchError:
            audit.append(Event.BATCH_REFUSED)
            raise
        with staging_in(inbox) as staging:
            result = _take_packets(bag, checked.batch, staging, arrivals, open_packet, progress)
            file_packets(result.staged, staging, inbox)
        return _record(checked, result, arrivals, gateways, audit, today)


def _check(
    bag: BagReader,
    trusted: Mapping[GatewayId, VerifyKey],
    arrivals: Arrivals,
    gateways: Path,
    open_secret: Callable[[bytes], bytes],
) -> _Checked:
    manifest = bag.read_small(MANIFEST, largest=MANIFEST_MAX)
    signature = bag.read_small(SIGNATURE, largest=SIGNATURE_MAX).decode("utf-8", "replace")
    batch = verify_batch(manifest, signature, trusted)
    lines = bag.read_signed(AUDIT, size=batch.audit.size, sha256=batch.audit.sha256)
    sealed = bag.read_signed(SECRET, size=batch.secret.size, sha256=batch.secret.sha256)
    heads = arrivals.heads(batch.gateway, first=batch.audit.first - 1, last=batch.audit.last)
    GatewayHistory(gateways, batch.gateway).verify(batch.audit, lines, heads=heads)
    try:
        secret = open_secret(sealed)
    except KeyMaterialError as error:
        raise BatchError(f"the batch is not sealed to this desk: {error}") from None
    if len(secret) != SECRET_SIZE:
        raise BatchError("the batch's secret has a wrong length")
    return _Checked(batch, digest_batch(manifest), manifest, signature, lines, secret)


def _take_packets(
    bag: BagReader,
    batch: Batch,
    staging: Path,
    arrivals: Arrivals,
    open_packet: Callable[[BinaryIO], None],
    progress: Progress,
) -> _Sorted:
    total, done = sum(entry.size for entry in batch.packets), 0
    result = _Sorted([], [], [])

    def moved(size: int) -> None:
        nonlocal done
        done += size
        progress(done, total)

    came = arrivals.stored(entry.id for entry in batch.packets)
    for entry in batch.packets:
        known = came.get(entry.id)
        # Whichever gateway brought it: one that replays another's packets must not keep them from being acknowledged.
        if known is not None and known.sha256 == entry.sha256:
            result.duplicates.append(entry.id)
            continue
        if known is not None or is_another(staging.parent / f"{entry.id}{PACKET_SUFFIX}", entry):
            detail = "another packet with this id came before; that one is kept"
            result.missing.append(MissingPacket(entry.id, MissingReason.OTHER, detail))
            continue
        try:
            stage(bag, entry, staging, open_packet, moved)
            result.staged.append(entry)
        except PacketFaultError as error:
            if not bag.is_there():
                # Else all the rest would be told to be missing, and half of the batch taken.
                raise BatchError("the medium does not answer any more: was it pulled out?") from None
            result.missing.append(MissingPacket(entry.id, MissingReason.DAMAGED, str(error)))
        except KeyMaterialError as error:
            result.missing.append(MissingPacket(entry.id, MissingReason.SEALED, f"it does not open: {error}"))
    return result


def _record(
    checked: _Checked, result: _Sorted, arrivals: Arrivals, gateways: Path, audit: AuditLog, today: date
) -> ImportReport:
    batch, digest = checked.batch, checked.digest
    repeated = arrivals.is_known(batch, digest)
    GatewayHistory(gateways, batch.gateway).store(batch.audit, checked.lines)
    # The stick will be emptied. What its gateway signed stays here, for whoever wants to check the copy of its log.
    keep_head(gateways, batch, digest=digest, manifest=checked.manifest, signature=checked.signature)
    alarms = arrivals.record(
        batch,
        digest,
        stored=result.staged,
        duplicates=result.duplicates,
        missing={item.id: str(item.reason) for item in result.missing},
        came=today,
        log_seq=audit.head().seq,
    )
    arrived = sorted([*(entry.id for entry in result.staged), *result.duplicates])
    _say_once(audit, batch, digest, count=len(arrived), arrivals=arrivals)
    # Only now, with everything stored and noted, may the low side be told to delete.
    return ImportReport(
        batch=batch,
        digest=digest,
        arrived=tuple(arrived),
        duplicates=tuple(result.duplicates),
        missing=tuple(result.missing),
        code=acknowledgement_words(checked.secret, digest=digest, arrived=arrived),
        gaps=arrivals.gaps(batch.gateway),
        alarms=tuple(alarms),
        repeated=repeated,
    )


def _say_once(audit: AuditLog, batch: Batch, digest: str, *, count: int, arrivals: Arrivals) -> None:
    """Log an import and the alarms it raised, unless that was done."""
    since = arrivals.unsaid(batch, digest)
    if since is None:
        return
    records = [
        Record(event=Event.BATCH_CONFLICT, gateway=alarm.gateway, batch=alarm.number, digest=digest)
        for alarm in arrivals.alarms()
        if alarm.digest == digest
    ]
    records.append(
        Record(
            event=Event.BATCH_IMPORTED,
            gateway=batch.gateway,
            batch=batch.number,
            lane=str(batch.lane),
            count=count,
            digest=digest,
        )
    )
    # A crash may have come between an earlier attempt's lines and the note of them.
    said = {parse_line(line).record for line in split_lines(audit.lines_after(since))}
    left = [record for record in records if record not in said]
    if left:
        audit.extend(left)
    arrivals.mark_said(batch, digest)
