"""Packets beside the inbox while they are checked, and into it all together afterwards. The caller holds the lock."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from disk.durable import PRIVATE, make_private_folder, sync_folder
from keys.errors import KeyMaterialError
from transfer.batch.batch import PacketEntry
from transfer.batch.files import PACKET_SUFFIX
from transfer.usb.bag_reader import BagReader, PacketFaultError

ARRIVING: Final = ".arriving"  # folder in the inbox for packets that are not checked yet


@contextmanager
def staging_in(inbox: Path) -> Iterator[Path]:
    """Yield an empty folder in the inbox; it is gone at the end, with what is still in it."""
    staging = inbox / ARRIVING
    # Left by a crash, or by nobody: we hold the lock.
    shutil.rmtree(staging, ignore_errors=True)
    make_private_folder(staging)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def stage(
    bag: BagReader,
    entry: PacketEntry,
    staging: Path,
    open_packet: Callable[[BinaryIO], None],
    moved: Callable[[int], None],
) -> None:
    """Copy one packet and open it to its last chunk; it stays in `staging` only when both went well.

    Raises:
        PacketFaultError: Absent, unreadable, or not what was signed.
        KeyMaterialError: It does not open.
        OSError: Our own disk failed.
    """
    path = staging / f"{entry.id}{PACKET_SUFFIX}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(path, flags, PRIVATE), "w+b") as stream:  # noqa: PTH123 - a file descriptor, not a path
        try:
            bag.copy_packet(entry, stream, moved)
            stream.flush()
            os.fsync(stream.fileno())
            stream.seek(0)
            open_packet(stream)
        except (PacketFaultError, KeyMaterialError):
            path.unlink()
            raise


def is_another(path: Path, entry: PacketEntry) -> bool:
    """Return whether a file that is not in the ledger (a crash came between) is another packet than this."""
    if not path.exists():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() != entry.sha256


def file_packets(entries: Sequence[PacketEntry], staging: Path, inbox: Path) -> None:
    """Move checked packets into the inbox, durably."""
    for entry in entries:
        name = f"{entry.id}{PACKET_SUFFIX}"
        # A file that is there already is the same packet, filed by an import that a crash ended.
        (staging / name).replace(inbox / name)
    sync_folder(inbox)
