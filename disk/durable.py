"""Files that are either whole or absent, also after a power cut. Knows nothing about their contents.

A file counts as written only after its bytes, its name and the folder of the name were synced, in the order that
fsync(2) and rename(2) require.
"""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600  # mode of every file that we write: nobody else on the machine has a reason to read it
PRIVATE_FOLDER: Final = 0o700

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BESIDE: Final = (
    32  # characters of a name that its temporary file has too: the name itself may be as long as is allowed
)


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
        # checked first, and only we could come in between.
        try:
            os.link(temporary, path)
        except PermissionError:
            if path.exists():
                raise FileExistsError(f"{path} already exists") from None
            temporary.rename(path)
        except FileExistsError:
            raise FileExistsError(f"{path} already exists") from None
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_all_new(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together and must not exist yet: all of them, or none; a power cut may leave the first.

    Raises:
        FileExistsError: One of the names exists already; nothing was written.
    """
    for path in files:
        if os.path.lexists(path):
            raise FileExistsError(f"{path} already exists")
    written: list[Path] = []
    try:
        for path, content in files.items():
            write_new(path, [content])
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def replace(path: Path, pieces: Iterable[bytes], *, mode: int = PRIVATE) -> None:
    """Write a file, or replace it as a whole; a reader sees the old or the new file, never a part."""
    temporary = _write_temporary(path, pieces, mode=mode)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_home(home: Path, build: Callable[[Path], None]) -> None:
    """Fill a new home directory by `build(folder)`: afterwards it is complete, or as it was before.

    Where the parent is not ours to write (a service's state directory, a mount point) the folder is filled in
    place, and emptied again when `build` fails; only a power cut could then leave a part.

    Raises:
        FileExistsError: There is something in `home` already; it was not touched.
    """
    demand_empty(home)
    make_private_folder(home.parent)
    home = home.resolve()
    if home.is_mount() or not os.access(home.parent, os.W_OK):
        _build_in_place(home, build)
        return
    folder = Path(tempfile.mkdtemp(prefix=f".{home.name}.", dir=home.parent))
    try:
        build(folder)
        sync_folder(folder)
        folder.rename(home)  # replaces an empty folder, never one with something in it
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    sync_folder(home.parent)


def demand_empty(folder: Path) -> None:
    """Raise FileExistsError when there is something in a folder that is to be filled."""
    if folder.exists() and any(path.name != "lost+found" for path in folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; nothing was changed")


def _build_in_place(home: Path, build: Callable[[Path], None]) -> None:
    home.chmod(PRIVATE_FOLDER)
    try:
        build(home)
        sync_folder(home)
    except BaseException:
        for path in home.iterdir():
            if path.is_dir() and path.name != "lost+found":
                shutil.rmtree(path, ignore_errors=True)
            elif not path.is_dir():
                path.unlink()
        raise


def name_folder(error: OSError, folder: Path) -> None:
    """Let an error of a file descriptor name the folder: of two disks somebody has to know which is full."""
    if error.filename is None and error.strerror is not None:
        error.filename = str(folder)


def is_disk_full(error: OSError) -> bool:
    """Return whether the disk, or this user's share of it, is used up."""
    return error.errno in _FULL


def is_private(path: Path) -> bool:
    """Return whether nobody but its owner (and root) may read or write `path`."""
    return path.stat().st_mode & 0o077 == 0


def _write_temporary(path: Path, pieces: Iterable[bytes], *, mode: int) -> Path:
    if path.name in {"", ".."}:  # '.' and '/': they are folders, and pathlib has no name to put another beside
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    # A name that nobody can guess, and never a file that is there: whoever put it there could read what we write.
    temporary = path.with_name(f".{path.name[:_BESIDE]}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(temporary, flags, mode), "wb") as stream:  # noqa: PTH123 - a file descriptor, not a path
        try:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException as error:
            temporary.unlink(missing_ok=True)
            if isinstance(error, OSError):
                name_folder(error, path.parent)
            raise
    return temporary
