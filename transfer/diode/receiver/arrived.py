"""What the import does with the link's folders: it takes bags away, and notes what is in the inbox (WIRE.md, 5.7)."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from disk.durable import replace
from transfer.batch.batch import MANIFEST_MAX, digest_batch
from transfer.diode.receiver.object_files import SHARED
from transfer.diode.receiver.shelf import Shelf, discard
from transfer.diode.wire.datagram import TAG_SIZE
from transfer.high_side.arrivals import MissingReason
from transfer.high_side.import_bag import ImportReport
from transfer.usb.bag_writer import MANIFEST, packet_path


def waiting_bags(folder: Path) -> dict[Path, int]:
    """Return the bags that lie in a folder now, and which folders they are: a name may get another one meanwhile."""
    bags = (path for path in folder.iterdir() if not path.name.startswith("."))
    return {path: path.lstat().st_ino for path in bags if path.is_dir() and not path.is_symlink()}


def remove_imported(waiting: Mapping[Path, int], reports: Iterable[ImportReport]) -> None:
    """Remove the bags among `waiting` that were imported: unlike a stick, nobody takes them away.

    Packets that were missing are no reason to keep one: the gateway sends them in a later batch.
    """
    digests = {report.digest for report in reports}
    for bag, inode in waiting.items():
        if _holds(bag, inode, digests):
            discard(bag)


def note_imported(shelf: Shelf, reports: Collection[ImportReport]) -> None:
    """Note what is in the inbox, on whichever road it came, so that the link's receiver does not wait for it.

    To be called before `remove_imported`: in between, nobody could tell whether a batch was ever here.
    """
    if not reports or not shelf.root.is_dir():
        return
    shelf.prepare()
    for report in reports:
        # What does not open, or is another packet, would be so once more; what was damaged may come whole.
        damaged = [packet_path(item.id) for item in report.missing if item.reason is MissingReason.DAMAGED]
        tag = report.digest[: 2 * TAG_SIZE]
        name = f"{report.batch.gateway}-{report.batch.number:06}-{tag}"
        replace(shelf.imported / name, ["\n".join(damaged).encode()], mode=SHARED)


def _holds(bag: Path, inode: int, digests: Collection[str]) -> bool:
    # Told by what is in it, for two batches may have one number; and one that took its place meanwhile is news.
    try:
        with (bag / MANIFEST).open("rb") as stream:
            return digest_batch(stream.read(MANIFEST_MAX + 1)) in digests and bag.lstat().st_ino == inode
    except OSError:  # it was refused, then, or is gone
        return False
