"""A stick for tests: an image file with a file system of its own, mounted through a loop device. Needs root."""

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from enveis.mounted_stick import flags_of

_SHUTDOWN: Final = 0x8004587D  # EXT4_IOC_SHUTDOWN, linux/ext4.h: the file system answers nothing but errors
_NO_LOG_FLUSH: Final = 2  # EXT4_GOING_FLAGS_NOLOGFLUSH: as if the device had gone
_MAKE: Final = {
    "ext4": ["mkfs.ext4", "-q", "-m", "0", "-O", "^resize_inode"],
    "vfat": ["mkfs.vfat"],
}


def kinds() -> list[str]:
    """Return which of the two file systems of sticks this kernel has; ext4 everywhere."""
    with suppress(OSError):  # kernels whose drivers are modules, where there is a modprobe
        subprocess.run(["modprobe", "vfat"], capture_output=True, check=False)
    known = Path("/proc/filesystems").read_text().split()
    return [kind for kind in _MAKE if kind in known or kind == "ext4"]


class LoopStick:
    """One image; `device` is its loop device, `mounted()` plugs it in below `point`."""

    def __init__(self, folder: Path, *, kind: str, size: int) -> None:
        self.image, self.point = folder / "stick.img", folder / "stick"
        self.kind = kind
        with self.image.open("wb") as image:
            image.truncate(size)
        subprocess.run([*_MAKE[kind], str(self.image)], check=True, capture_output=True)
        self.point.mkdir()

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Mount it as the stick's own unit does; unmounted at the end, if it is not gone by then."""
        self._wait_until_free()
        options = "loop,nodev,nosuid,noexec,noatime"
        subprocess.run(["mount", "-o", options, str(self.image), str(self.point)], check=True)
        try:
            yield self.point
        finally:
            self._leave()

    def _wait_until_free(self) -> None:
        """A process in a mount namespace of its own may keep the old mount, and what failed in it, for a while."""
        for _ in range(600):
            command = ["losetup", "--noheadings", "--associated", str(self.image)]
            if not subprocess.run(command, check=True, capture_output=True).stdout:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.image} is still held by a process in another mount namespace")

    def _leave(self) -> None:
        for _ in range(100):
            if flags_of(self.point) is None:  # taken away lazily, perhaps
                return
            # What other programs look at mounts for may keep it busy for a moment.
            done = subprocess.run(["umount", str(self.point)], check=False, capture_output=True, text=True)
            if done.returncode:
                time.sleep(0.1)
        raise RuntimeError(f"{self.point} cannot be unmounted")

    @contextmanager
    def plugged_in(self) -> Iterator[Path]:
        """Yield a loop device of it, not mounted."""
        command = ["losetup", "--find", "--show", str(self.image)]
        device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        try:
            yield Path(device)
        finally:
            subprocess.run(["losetup", "--detach", device], check=True)

    def unmount(self) -> None:
        """Take it away while files on it are open."""
        subprocess.run(["umount", "--lazy", str(self.point)], check=True)

    def fail(self) -> None:
        """Let everything on it fail from now on, as a device does that was pulled out (ext4 only)."""
        fd = os.open(self.point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(fd)
