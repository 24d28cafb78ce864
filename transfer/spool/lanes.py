"""Where a packet lies in its lane: in a folder for each tick, named for the second in which that tick began.

    clear/1764504000/<id>.age            waits for a batch
    clear/1764504000.batched/<id>.age    is in a batch that waits for its acknowledgement words

The age of a packet is read from the folder's name, so it survives a copy, a restored backup and a `touch`. What may
leave next is found without listing what came later, and what is in batches already is not listed again. Names and
folders only: nothing here counts, and nothing decides what may leave.
"""

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE_FOLDER, sync_folder
from transfer.names import Lane, PacketId, parse_packet_id

SUFFIX: Final = ".age"
_BATCHED: Final = ".batched"
_NAME: Final = re.compile(rf"([0-9]{{1,12}})({re.escape(_BATCHED)})?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class TickFolder:
    """One folder of a lane; `start` of its tick in seconds since the epoch. Sorted, the oldest tick comes first."""

    start: int
    lane: Lane
    is_batched: bool = False

    @property
    def name(self) -> str:
        """The folder's path below the spool."""
        return f"{self.lane}/{self.start}{_BATCHED if self.is_batched else ''}"

    def path(self, root: Path) -> Path:
        """Return the folder in the spool `root`."""
        return root / self.name

    def file(self, root: Path, packet: PacketId) -> Path:
        """Return where that packet lies when it is in this folder."""
        return root / self.name / f"{packet}{SUFFIX}"


def parse_folder(name: str) -> TickFolder:
    """Return the folder of that name below the spool; the reverse of `TickFolder.name`.

    Raises:
        ValueError: No folder of ours has such a name.
    """
    lane, _, rest = name.partition("/")
    found = _NAME.fullmatch(rest)
    if found is None:
        raise ValueError("not the folder of a tick")
    return TickFolder(int(found[1]), Lane(lane), found[2] is not None)


def folders_of(root: Path, lane: Lane) -> list[TickFolder]:
    """Return the folders of a lane, the oldest tick first; anything of another name is not ours and is left alone."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(root / lane):  # noqa: PTH208 - names only: a Path for each costs more than the listing
            with contextlib.suppress(ValueError):
                found.append(parse_folder(f"{lane}/{name}"))
    return sorted(found)


def packets_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the sealed packets in a folder, in no order; none where the folder is gone."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            stem, _, suffix = entry.name.partition(".")
            with contextlib.suppress(ValueError):
                if f".{suffix}" == SUFFIX and parse_packet_id(stem):
                    yield entry


def sized_packets_in(folder: Path) -> Iterator[tuple[PacketId, int]]:
    """Yield id and size (bytes) of every packet in a folder, in no order."""
    for entry in packets_in(folder):
        with contextlib.suppress(FileNotFoundError):  # acknowledged in another process meanwhile
            yield PacketId(entry.name.removesuffix(SUFFIX)), entry.stat(follow_symlinks=False).st_size


def find(root: Path, packet: PacketId, lanes: Iterable[Lane] = tuple(Lane)) -> TickFolder | None:
    """Return the folder that a packet lies in, the youngest ticks first; takes as long as there are ticks."""
    for lane in lanes:
        for folder in reversed(folders_of(root, lane)):
            if folder.file(root, packet).exists():
                return folder
    return None


def locate(root: Path, lane: Lane, packets: Collection[PacketId]) -> dict[PacketId, TickFolder]:
    """Return the folders of those packets that are in the lane. Neighbours of one tick are found at once."""
    folders = folders_of(root, lane)
    found: dict[PacketId, TickFolder] = {}
    for packet in packets:
        for place, folder in enumerate(folders):
            if folder.file(root, packet).exists():
                found[packet] = folder
                folders.insert(0, folders.pop(place))  # the next one is most likely there too
                break
    return found


def enter(root: Path, source: Path, packet: PacketId, folder: TickFolder) -> None:
    """Rename a file into a tick's folder, which is made where it is missing. The caller syncs both folders.

    The folder's time is set to the start of its tick: otherwise it would show for as long as the folder exists when
    somebody was last here.
    """
    while True:
        target = folder.file(root, packet)
        with contextlib.suppress(FileExistsError):
            target.parent.mkdir(mode=PRIVATE_FOLDER)
        try:
            os.rename(source, target)  # noqa: PTH104 - beside the os.fsync calls whose order matters
        except FileNotFoundError:
            # Emptied and removed by another process in between; or the packet itself is gone.
            if target.parent.exists():
                raise
            continue
        os.utime(target.parent, (folder.start, folder.start))
        return


def sync_tick(root: Path, folder: TickFolder) -> None:
    """Make durable what was renamed into or out of a folder, and the folder's own name."""
    with contextlib.suppress(FileNotFoundError):  # empty by now, and removed
        sync_folder(folder.path(root))
    sync_folder(root / folder.lane)


def remove_if_empty(root: Path, folder: TickFolder) -> None:
    """Remove the folder of a tick when nothing is left in it."""
    with contextlib.suppress(OSError):
        folder.path(root).rmdir()


def take_over(root: Path) -> int:
    """Move packets that an earlier version left directly in a lane into the folders of their ticks; return how many.

    That version kept the start of the tick as the file's time.
    """
    moved = 0
    for lane in Lane:
        touched = set[TickFolder]()
        for entry in packets_in(root / lane):
            with contextlib.suppress(FileNotFoundError):  # another process does the same
                folder = TickFolder(max(0, int(entry.stat(follow_symlinks=False).st_mtime)), lane)
                enter(root, Path(entry.path), PacketId(entry.name.removesuffix(SUFFIX)), folder)
                touched.add(folder)
                moved += 1
        for folder in touched:
            sync_folder(folder.path(root))
        if touched:
            sync_folder(root / lane)
    return moved
