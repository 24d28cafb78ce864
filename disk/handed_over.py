"""Files that people hand over, on a stick, a disc or by a path that they type: the one way in which they are opened.

Regular files only, never through a symbolic link, and never more bytes than their reader allows: a named pipe would be
waited for without end, a device has no end, and a link on a stick leads to what its maker chose on *this* machine. Only
the last step of a path is meant: the folders before it are this machine's own, or were typed by whoever looked at them.
What lies *in* a folder that was handed over is opened step by step (transfer/usb/bag_reader.py).

Invariant T16.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from disk.expected import ExpectedError

HOLE_MAX: Final = 1024 * 1024  # bytes of holes in a file without a bound; a crash may leave a block or two
# O_NONBLOCK: should a named pipe take the name after it was looked at, opening it must not wait for its other end.
# O_NOCTTY: nor may a terminal become ours.
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS: Final = (
    (stat.S_ISLNK, "is a symbolic link, which is not followed; give the path that it leads to"),
    (stat.S_ISDIR, "is a folder, not a file"),
    (stat.S_ISFIFO, "is a named pipe, not a regular file"),
    (stat.S_ISSOCK, "is a socket, not a regular file"),
    (stat.S_ISCHR, "is a device, not a regular file"),
    (stat.S_ISBLK, "is a device, not a regular file"),
)


class HandedOverError(ExpectedError):
    """What was handed over is not a regular file, or too large; nothing of it was read."""


@contextmanager
def open_handed_over(path: Path, *, largest: int | None, follow: bool = False) -> Iterator[BinaryIO]:
    """Yield a regular file, open to be read; a reader who wants no more bytes than it had says so itself.

    Args:
        path: As it was typed.
        largest: The most bytes that it may have, looked up before any is read. None where any length is allowed: then
            it may not consist of holes, which are read as zeros that no disk ever held.
        follow: Whether `path` may be a link: for files in this machine's own home, never for what came from outside.

    Raises:
        HandedOverError: It is something else than a regular file, or too large.
        OSError: There is no such file, or it cannot be opened.
    """
    # First by name: opening some devices already does something.
    _demand_regular(path, path.stat(follow_symlinks=follow).st_mode)
    with open(os.open(path, _FLAGS | (0 if follow else os.O_NOFOLLOW)), "rb") as stream:  # noqa: PTH123 - not a path
        found = os.fstat(stream.fileno())
        _demand_regular(path, found.st_mode)
        if largest is not None and found.st_size > largest:
            raise HandedOverError(f"{path} is larger than {_amount(largest)}, the most that is read here")
        if largest is None and _has_holes(stream.fileno(), found.st_size):
            raise HandedOverError(f"{path} is a sparse file: it claims {found.st_size} bytes that no disk holds")
        yield stream


def read_handed_over(path: Path, *, largest: int, follow: bool = False) -> bytes:
    """Return the whole of a regular file of at most `largest` bytes; errors as for `open_handed_over`."""
    with open_handed_over(path, largest=largest, follow=follow) as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:  # it grew meanwhile
        raise HandedOverError(f"{path} is larger than {_amount(largest)}, the most that is read here")
    return content


def demand_folder(path: Path, *, hint: str = "") -> None:
    """Refuse anything but a folder itself; `hint` ends the sentence for a name that is no folder's.

    Raises:
        HandedOverError: A link, or no folder.
        OSError: Nothing can have this name.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = 0
    if stat.S_ISLNK(mode):
        _demand_regular(path, mode)
    if not stat.S_ISDIR(mode):
        raise HandedOverError(f"{path} is not a folder{hint}")


def demand_replaceable(path: Path) -> None:
    """Refuse a name that a file is to be written under, unless it is free or a regular file's.

    Raises:
        HandedOverError: A link, a folder, a named pipe or a device: replacing it would harm more than a file.
    """
    if os.path.lexists(path):
        _demand_regular(path, path.lstat().st_mode)


def _demand_regular(path: Path, mode: int) -> None:
    for is_kind, sentence in _KINDS:
        if is_kind(mode):
            raise HandedOverError(f"{path} {sentence}")
    if not stat.S_ISREG(mode):
        raise HandedOverError(f"{path} is not a regular file")


def _has_holes(fd: int, size: int) -> bool:
    """Return whether more than HOLE_MAX bytes of the file were never written (lseek(2), SEEK_HOLE)."""
    place = holes = 0
    try:
        while holes <= HOLE_MAX and (hole := os.lseek(fd, place, os.SEEK_HOLE)) < size:
            try:
                place = os.lseek(fd, hole, os.SEEK_DATA)
            except OSError:  # ENXIO: nothing but a hole to the end
                place = size
            holes += place - hole
    except OSError:  # an empty file, or a file system that does not tell
        pass
    os.lseek(fd, 0, os.SEEK_SET)
    return holes > HOLE_MAX


def _amount(size: int) -> str:
    if size % 2**20 == 0:
        return f"{size // 2**20} MiB"
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} bytes"
