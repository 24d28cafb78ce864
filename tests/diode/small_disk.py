"""A file system of a few megabytes that a test may fill to the last byte. Needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PAGE: Final = 4096
FILLER: Final = ".filler"


def why_not() -> str:
    """Return why nothing can be mounted here, or nothing."""
    return "" if os.geteuid() == 0 else "mounting needs root"


@contextmanager
def small_disk(point: Path, kind: str, size: int) -> Iterator["SmallDisk"]:
    """Mount one at `point`, which is made."""
    point.mkdir()
    if kind == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "enveis-test", str(point)]
    else:
        image = point.with_suffix(".img")
        with image.open("wb") as stream:
            stream.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-b", str(PAGE), "-m", "0", "-O", "^resize_inode", str(image)], check=True)
        command = ["mount", "-o", "loop", str(image), str(point)]
    subprocess.run(command, check=True)
    try:
        point.chmod(0o2770)
        yield SmallDisk(point)
    finally:
        # Lazily: a test that failed may still have maps of files on it.
        subprocess.run(["umount", "--lazy", str(point)], check=True)


class SmallDisk:
    """A mounted one."""

    def __init__(self, point: Path) -> None:
        self._filler = point / FILLER

    def fill(self, *, left: int = 0) -> None:
        """Leave room for so many bytes, rounded down to pages."""
        with self._filler.open("wb", buffering=0) as stream:
            for piece in (256 * PAGE, 8 * PAGE, PAGE, 512):
                try:
                    while True:
                        stream.write(bytes(piece))
                        # At once: room that was promised to what is not written yet counts as free.
                        os.fsync(stream.fileno())
                except OSError:
                    continue
            stream.truncate(max(0, stream.tell() // PAGE - left // PAGE) * PAGE if left else stream.tell())
            os.fsync(stream.fileno())

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink()
