"""What the import does with the link's folders: it removes bags, and records what is in the inbox (WIRE.md, 5.7)."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from disk.durable import replace
from disk.handed_over import HandedOverError, read_handed_over
from transfer.batch.batch import MANIFEST_MAX, digest_batch
from transfer.batch.files import MANIFEST, packet_path
from transfer.diode.receiver.object_files import SHARED
from transfer.diode.receiver.shelf import Shelf, remove_folder
from transfer.diode.wire.datagram import TAG_SIZE
from transfer.high_side.arrivals import MissingReason
from transfer.high_side.import_bag import ImportReport


def waiting_bags(folder: Path) -> dict[Path, int]:
    """Return the bags in a folder and their inodes: another bag may get the same name in the meantime."""
    bags = (path for path in folder.iterdir() if not path.name.startswith("."))
    return {path: path.lstat().st_ino for path in bags if path.is_dir() and not path.is_symlink()}


def remove_imported(waiting: Mapping[Path, int], reports: Iterable[ImportReport]) -> None:
    """Remove the bags among `waiting` that were imported: unlike sticks, nobody takes them away.

    Missing packets are no reason to keep a bag: the gateway sends them in a later batch.
    """
    digests = {report.digest for report in reports}
    for bag, inode in waiting.items():
        if _is_one_of(bag, inode, digests):
            remove_folder(bag)


def note_imported(shelf: Shelf, reports: Collection[ImportReport]) -> None:
    """Record what is in the inbox, whichever channel carried it, so that the link's receiver does not wait for it.

    To be called before `remove_imported`; otherwise a crash could leave no trace of a batch.
    """
    if not reports or not shelf.root.is_dir():
        return
    shelf.prepare()
    for report in reports:
        # A packet that does not open, or is another one, will be the same next time; a damaged one may arrive whole.
        damaged = [packet_path(item.id) for item in report.missing if item.reason is MissingReason.DAMAGED]
        tag = report.digest[: 2 * TAG_SIZE]
        name = f"{report.batch.gateway}-{report.batch.number:06}-{tag}"
        replace(shelf.imported / name, ["\n".join(damaged).encode()], mode=SHARED)


def _is_one_of(bag: Path, inode: int, digests: Collection[str]) -> bool:
    # Identified by content: two batches may have one number, and another bag may have taken the name meanwhile.
    try:
        manifest = read_handed_over(bag / MANIFEST, largest=MANIFEST_MAX)
        return digest_batch(manifest) in digests and bag.lstat().st_ino == inode
    except (OSError, HandedOverError):  # it was refused or removed in the meantime
        return False
