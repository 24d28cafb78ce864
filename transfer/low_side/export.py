"""The low side of a crossing: the next batches onto a stick, or one of them once more. Deletes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from disk.lock import exclusive
from transfer.batch.batch import PACKETS_MAX
from transfer.errors import BagError, SpoiltPacketError, TransferError
from transfer.low_side.draft import BatchDraft, draft_batch
from transfer.low_side.export_bag import ExportedBatch, bag_again, bag_new, space_for_packets
from transfer.low_side.low_side import LowSide
from transfer.low_side.recovery import resume
from transfer.low_side.waiting import Waiting, count_waiting
from transfer.names import Lane, PacketId
from transfer.spool.spool import SpooledPacket
from transfer.usb.bag_writer import Progress, prepare_destination


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported, how many packets still wait for a batch, and which batches are outstanding."""

    batches: tuple[ExportedBatch, ...]
    remaining: int
    outstanding: tuple[int, ...]


class StoppedExportError(TransferError):
    """The medium failed after some bags were made; `batches` are those, and they are complete."""

    def __init__(self, cause: str, batches: Sequence[ExportedBatch]) -> None:
        numbers = ", ".join(str(batch.number) for batch in batches)
        super().__init__(f"{cause}. What was made before that is whole: batch {numbers}")
        self.batches = tuple(batches)


def export(low: LowSide, destination: Path, *, progress: Progress, lanes: Sequence[Lane] = tuple(Lane)) -> ExportReport:
    """Put every packet whose tick has passed, and that is in no batch yet, into bags: oldest first, lane by lane.

    Batches whose bag never got its name come first, under their own numbers. Stops when the stick is full. What
    did not fit stays in the spool and is counted as remaining; so is what cannot be read here.

    Raises:
        BagError: Not even the oldest packet fits, or the medium failed. No bag is left half written.
        StoppedExportError: The same, after some bags were made.
        SpoiltPacketError: None of the packets that are ready can be read here.
        OSError: Our own disk failed. The spool is as it was.
    """
    with exclusive(low.lock):
        prepare_destination(destination)
        resume(low)
        batches: list[ExportedBatch] = []
        try:
            for number in [
                item.number for item in low.outbox.outstanding() if not item.published and item.lane in lanes
            ]:
                batches.append(bag_again(low, destination, number, progress=progress))  # noqa: PERF401 - kept on failure
            for batch in _new_batches(low, destination, lanes, progress):
                batches.append(batch)  # noqa: PERF402
        except (TransferError, OSError) as error:
            if not batches:
                raise
            raise StoppedExportError(_cause(low, error), batches) from None
        remaining = sum(count_waiting(low.spool, lane) for lane in lanes)
        outstanding = tuple(batch.number for batch in low.outbox.outstanding())
        return ExportReport(tuple(batches), remaining, outstanding)


def _cause(low: LowSide, error: TransferError | OSError) -> str:
    """Return a sentence; what fails on the medium is a BagError, so any OSError is this machine's own disk."""
    if isinstance(error, OSError):
        return f"this machine's own disk, at {error.filename or low.spool.root}, failed: {error.strerror or error}"
    return str(error)


def reexport(low: LowSide, destination: Path, number: int, *, progress: Progress) -> ExportedBatch:
    """Put an outstanding batch onto a stick once more; errors as for `export_bag.bag_again`."""
    with exclusive(low.lock):
        prepare_destination(destination)
        resume(low)
        return bag_again(low, destination, number, progress=progress)


def _new_batches(low: LowSide, destination: Path, lanes: Sequence[Lane], progress: Progress) -> Iterator[ExportedBatch]:
    spoilt: dict[PacketId, SpoiltPacketError] = {}
    made = refused = False
    for lane in lanes:
        waiting = Waiting(low.spool, low.outbox, lane)
        while oldest := waiting.peek(PACKETS_MAX):
            draft = draft_batch(low)
            chosen = _fitting(oldest, low, draft, destination)
            if not chosen:
                refused = True
                break
            batch = bag_new(low, destination, draft, chosen, progress=progress, spoilt=spoilt)
            waiting.drop(len(chosen), unreadable=spoilt)
            if batch:
                made = True
                yield batch
    if made:
        return
    if spoilt:
        raise next(iter(spoilt.values()))
    if refused:
        raise BagError(f"{destination} has no space for even one packet; use an empty or larger stick")


def _fitting(
    oldest: Sequence[SpooledPacket], low: LowSide, draft: BatchDraft, destination: Path
) -> list[SpooledPacket]:
    """Return as many of the oldest as fit; a younger one never overtakes because it is smaller."""
    space = space_for_packets(low, destination, audit=len(draft.lines), secret=len(draft.sealed))
    chosen: list[SpooledPacket] = []
    for packet in oldest:
        if not space.take_packet(packet.size):
            break
        chosen.append(packet)
    return chosen
