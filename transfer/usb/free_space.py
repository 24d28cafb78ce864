"""How much fits on the medium that bags go to, or on the desk's disk, found out before anything is written."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SPARE_PERCENT: Final = 5  # of the desk's disk that an import leaves free, for other gateways' batches, logs and ledgers
SPARE_MAX: Final = 1024**3  # bytes that it leaves free at most
FILL: Final = 90  # percent of a medium that is filled at most: a full file system is slow, and small sticks wear out
TABLES: Final = 1024 * 1024  # bytes for folders and the file system's own tables
LINES: Final = 512  # bytes that one packet adds to batch.json and to the list of hashes, at most
NAME: Final = 512  # bytes of a folder's entry and of an inode, at most
SMALL_FILES: Final = 12  # of a bag, folders included, beside its packets


@dataclass(slots=True)
class FreeSpace:
    """What may still be written: bytes and files. `block` is the least that a file takes."""

    size: int
    files: int
    block: int

    def take_bag(self, *, audit: int, secret: int) -> None:
        """Set aside what a bag takes beside its packets; `audit` and `secret` in bytes. May leave less than 0."""
        self.size -= TABLES + audit + secret + SMALL_FILES * self.block
        self.files -= SMALL_FILES

    def take_packet(self, size: int) -> bool:
        """Set aside a packet of `size` bytes; return whether it fitted."""
        self.size -= -(-size // self.block) * self.block + LINES + NAME
        self.files -= 1
        return self.size >= 0 and self.files >= 0


def room_for_packets(inbox: Path, sizes: Iterable[int]) -> tuple[int, int]:
    """Return how many bytes packets of these sizes take on the desk's disk, and how many an import may take there."""
    found = os.statvfs(inbox)
    block = max(found.f_frsize, 1)
    spare = min(SPARE_MAX, found.f_blocks * block * SPARE_PERCENT // 100)
    needed = sum(-(-size // block) * block + NAME for size in sizes)
    return needed, max(0, found.f_bavail * block - spare)


def free_space_on(destination: Path, *, beside: Path) -> FreeSpace:
    """Return what may be written below `destination`.

    A medium of its own is filled to 90 % at most. On the disk that holds `beside` only what is free counts: that disk
    is not a stick, and how much other things may take of it is not ours to decide.
    """
    found = os.statvfs(destination)
    block = max(found.f_frsize, 1)
    free = found.f_bavail * block
    if destination.stat().st_dev != beside.stat().st_dev:
        free -= found.f_blocks * block * (100 - FILL) // 100
    # FAT counts no inodes and says 0 of 0.
    return FreeSpace(free, found.f_favail if found.f_files else 2**63, block)
