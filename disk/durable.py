"""Files that are either whole or absent, also after a power cut. Knows nothing of what is in them.

A file counts as written only after its bytes, its name and the folder that holds the name were synced; the
order is the one of fsync(2) and rename(2).
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600  # of every file that we write: nobody else on the machine has a reason to read it
PRIVATE_FOLDER: Final = 0o700


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: without this a renamed file may be gone after a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its parents where missing, readable by us alone."""
    # Path.mkdir gives its mode to the last folder only, and to the parents what the umask leaves.
    for missing in [path for path in reversed(folder.parents) if not path.exists()]:
        missing.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def write_new(path: Path, pieces: Iterable[bytes], *, mode: int = PRIVATE) -> None:
    """Write a file that must not exist yet.

    Raises:
        FileExistsError: Something is there already; it was not touched.
    """
    temporary = _write_temporary(path, pieces, mode=mode)
    try:
        # A hard link, unlike a rename, refuses to replace. vfat has no links: there the name is
        # asked for first, which only we could race against.
        try:
            os.link(temporary, path)
        except PermissionError:
            if path.exists():
                raise FileExistsError(f"{path} exists already") from None
            temporary.rename(path)
        except FileExistsError:
            raise FileExistsError(f"{path} exists already") from None
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace(path: Path, pieces: Iterable[bytes], *, mode: int = PRIVATE) -> None:
    """Write a file, or replace it by the new whole one; a reader sees the old or the new, never a part."""
    temporary = _write_temporary(path, pieces, mode=mode)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write_temporary(path: Path, pieces: Iterable[bytes], *, mode: int) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(temporary, flags, mode), "wb") as stream:  # noqa: PTH123 - a file descriptor, not a path
        try:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return temporary
