"""The low side's batches as objects: a new batch from what waits in the spool, and the bytes of any batch, in order.

The spool is only read. Batches, ledger and the rules for deletion are the same as for a stick.
"""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from disk.lock import exclusive
from transfer.batch.batch import PACKETS_MAX, PacketEntry, parse_batch
from transfer.batch.files import AUDIT, COPY_SIZE, MANIFEST, SECRET, SIGNATURE
from transfer.diode.wire.container import Part, object_size, parts_of
from transfer.diode.wire.geometry import Geometry, block_symbols
from transfer.diode.wire.notices import ObjectHeader
from transfer.errors import LedgerError, SpoiltPacketError
from transfer.low_side.draft import audit_again, draft_batch, record_draft, sign_draft
from transfer.low_side.low_side import LowSide
from transfer.low_side.outbox import BatchState
from transfer.low_side.recovery import log_export, resume
from transfer.low_side.waiting import Waiting
from transfer.names import Lane, PacketId
from transfer.spool.spool import SpooledPacket

BATCH_BYTES: Final = 4 * 1024**3  # bytes of packets in one batch; a single larger packet is a batch by itself


class BatchObject:
    """One outstanding batch, read from spool and ledger as its blocks are requested. As a context: closes its files.

    `unreadable` grows while the batch is read: packets that are gone or spoilt here. They are sent as zeros, which
    the high side detects and lists.

    Raises:
        LedgerError: The batch does not exist, or was acknowledged.
    """

    def __init__(self, low: LowSide, number: int, *, symbol: int) -> None:
        kept = low.outbox.find(number)
        if kept.state is not BatchState.OUTSTANDING or kept.sealed_secret is None:
            raise LedgerError(f"batch {number} was acknowledged; there is nothing left to send")
        batch = parse_batch(kept.manifest)
        signature = kept.signature.encode()
        sizes = {"manifest_size": len(kept.manifest), "signature_size": len(signature)}
        self._low, self._lane = low, batch.lane
        self._parts = parts_of(batch, **sizes)
        self._small = {MANIFEST: kept.manifest, SIGNATURE: signature, SECRET: kept.sealed_secret}
        self._small[AUDIT] = audit_again(low, batch.audit)
        self._packets = dict(zip([part.name for part in self._parts[4:]], batch.packets, strict=True))
        geometry = Geometry(object_size(self._parts), symbol, block_symbols(symbol))
        self.header = ObjectHeader(batch.gateway, number, kept.digest, geometry=geometry, **sizes)
        self.unreadable: set[PacketId] = set()
        self._at = 0  # the part that was read last
        self._open: tuple[PacketId, int] | None = None

    def __enter__(self) -> "BatchObject":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def read_block(self, block: int, into: memoryview) -> None:
        """Fill `into`, which has the size of the block, with its bytes, and with zeros after the object's end."""
        offset = self.header.geometry.first(block) * self.header.geometry.symbol
        done = 0
        for part in self._from(offset):
            if done == len(into):
                return
            start = offset + done - part.offset
            wanted = min(part.size - start, len(into) - done)
            self._read_part(part, start, into[done : done + wanted])
            done += wanted
        into[done:] = bytes(len(into) - done)

    def _from(self, offset: int) -> Sequence[Part]:
        # Blocks are read in order: the search continues where it stopped.
        if self._parts[self._at].offset > offset:
            self._at = 0
        while self._parts[self._at].offset + self._parts[self._at].size <= offset:
            self._at += 1
        return self._parts[self._at :]

    def _read_part(self, part: Part, start: int, into: memoryview) -> None:
        if part.name in self._small:
            into[:] = self._small[part.name][start : start + len(into)]
            return
        packet = self._packets[part.name].id
        done = self._read_packet(packet, start, into)
        if done < len(into):
            self.unreadable.add(packet)
            into[done:] = bytes(len(into) - done)

    def _read_packet(self, packet: PacketId, start: int, into: memoryview) -> int:
        done = 0
        # Whatever error the disk reports, the rest of the batch must cross.
        with contextlib.suppress(OSError):
            while done < len(into):
                read = os.preadv(self._descriptor(packet), [into[done:]], start + done)
                if not read:
                    break
                done += read
        return done

    def _descriptor(self, packet: PacketId) -> int:
        if self._open is None or self._open[0] != packet:
            self._close()
            self._open = packet, os.open(self._low.spool.path(self._lane, packet), os.O_RDONLY | os.O_CLOEXEC)
        return self._open[1]

    def _close(self) -> None:
        if self._open is not None:
            os.close(self._open[1])
            self._open = None


def form_batch(low: LowSide) -> int | None:
    """Make the next batch out of the oldest waiting packets of one lane; return its number, or None if nothing waits.

    Raises:
        SpoiltPacketError: No waiting packet can be read.
        BagError: All batch numbers are used.
        BusyError: Another transfer is under way on this machine.
    """
    with exclusive(low.lock):
        resume(low)
        spoilt: list[SpoiltPacketError] = []
        for lane in Lane:
            waiting = Waiting(low.spool, low.outbox, lane).peek(PACKETS_MAX)
            while waiting:
                chosen = _choose(waiting)
                if entries := _hash_all(chosen, spoilt):
                    return _record(low, lane, entries)
                waiting = waiting[len(chosen) :]  # none of these can be read; the others must not wait for them
        if spoilt:
            raise spoilt[0]
        return None


def _choose(waiting: Sequence[SpooledPacket]) -> list[SpooledPacket]:
    chosen, total = list(waiting[:1]), sum(packet.size for packet in waiting[:1])
    for packet in waiting[1:PACKETS_MAX]:
        total += packet.size
        if total > BATCH_BYTES:
            break
        chosen.append(packet)
    return chosen


def _hash_all(chosen: Sequence[SpooledPacket], spoilt: list[SpoiltPacketError]) -> list[PacketEntry]:
    entries = []
    for packet in chosen:
        try:
            entries.append(_hash(packet.id, packet.path))
        except OSError as error:
            spoilt.append(SpoiltPacketError(f"{packet.path} cannot be read: {error.strerror}"))
    return entries


def _hash(packet: PacketId, path: Path) -> PacketEntry:
    digest, size = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as stream:
        while piece := stream.read(COPY_SIZE):
            digest.update(piece)
            size += len(piece)
    return PacketEntry(packet, size, digest.hexdigest())


def _record(low: LowSide, lane: Lane, entries: list[PacketEntry]) -> int:
    draft = draft_batch(low)
    record_draft(low, draft, sign_draft(low, draft, lane, entries))
    log_export(low, draft.number)
    return draft.number
