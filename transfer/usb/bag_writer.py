"""A batch as a BagIt bag on a stick (BATCH.md, 4; RFC 8493): written under another name, re-read, then renamed.

The tag files are written directly: the `bagit` library needs memory for every packet, and is the tests' oracle.
"""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from disk.durable import sync_folder
from transfer.batch.batch import NUMBER_MAX, GatewayId, PacketEntry
from transfer.batch.files import COPY_SIZE, MANIFEST, PACKETS, packet_path
from transfer.errors import BagError, SpoiltPacketError
from transfer.names import PacketId

# Modes in a bag: the desk reads it as another user. Whoever has the stick reads it anyway, and packets are sealed.
READABLE: Final = 0o644
READABLE_FOLDER: Final = 0o755

_PREFIX: Final = "enveis-"
# One that came over a link has the beginning of its digest in its name, too (transfer/diode/receiver/shelf.py).
_NAME: Final = re.compile(rf"{_PREFIX}[0-9a-f]{{16}}-[0-9]{{{len(str(NUMBER_MAX))}}}(-[0-9a-f]{{16}})?", re.ASCII)
_UNFINISHED: Final = ".enveis-unfinished-"
_DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"  # RFC 8493, 2.1.1

Progress = Callable[[int, int], None]


def bag_name(gateway: GatewayId, number: int) -> str:
    """Return the name of a bag's folder: enveis-<gateway>-<number, six digits>."""
    return f"{_PREFIX}{gateway}-{number:0{len(str(NUMBER_MAX))}}"


def find_bags(source: Path) -> list[Path]:
    """Return the finished bags in a folder, by name as `bag_name` gives it; or the folder itself when it is a bag."""
    if (source / MANIFEST).is_file():
        return [source]
    return [path for path in _named_like_ours(source) if _NAME.fullmatch(path.name)]


def find_misnamed(source: Path) -> list[Path]:
    """Return the folders that look like bags but do not have a bag's name; such a name is a stranger's text."""
    if (source / MANIFEST).is_file():
        return []
    return [path for path in _named_like_ours(source) if not _NAME.fullmatch(path.name)]


def prepare_destination(destination: Path) -> None:
    """Remove what an interrupted export left on a stick. Only while no other export runs.

    Raises:
        BagError: There is no such folder. It is not created: nobody would notice that the stick is not mounted.
    """
    if not destination.is_dir():
        raise BagError(f"{destination} is not a folder; is the stick mounted?")
    for path in destination.glob(f"{_UNFINISHED}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()  # not ours, but it could block the next bag


class BagWriter:
    """A bag in the making. As a context: what was not published when the block ends is removed.

    `publish` is the only step that makes it visible under its name, after everything was synced, read back
    from the medium and compared. Times in the bag are midnight UTC of its day.
    """

    def __init__(self, destination: Path, *, gateway: GatewayId, number: int, day: date) -> None:
        self._target = destination / bag_name(gateway, number)
        self._folder = destination / f"{_UNFINISHED}{gateway}-{number}"
        self._day = day
        self._sums: dict[str, str] = {}  # path in the bag to SHA-256
        self._sizes: dict[str, int] = {}  # the same paths to bytes
        self._published = False

    def __enter__(self) -> Self:
        if os.path.lexists(self._target):
            raise BagError(f"{self._target} already exists; remove it or use another stick")
        with self._on_medium():
            for folder in self._folders():
                folder.mkdir()
                _set_mode(folder, READABLE_FOLDER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._published:
            # The stick may be gone; the next export removes what is left of it.
            with contextlib.suppress(OSError):
                shutil.rmtree(self._folder)

    def add_packet(self, packet: PacketId, source: Path, moved: Callable[[int], None]) -> PacketEntry:
        """Copy a sealed packet while hashing it; `moved(n)` is called for every n bytes.

        Raises:
            SpoiltPacketError: It cannot be read here; `drop_packet` takes out what was copied of it.
            BagError: The medium failed.
        """
        digest, size = hashlib.sha256(), 0
        with self._on_medium(), self._create(packet_path(packet)) as target:
            for piece in _pieces(source):
                target.write(piece)
                digest.update(piece)
                size += len(piece)
                moved(len(piece))
            target.flush()
            os.fsync(target.fileno())
        self._note(packet_path(packet), digest.hexdigest(), size)
        return PacketEntry(packet, size, digest.hexdigest())

    def drop_packet(self, packet: PacketId) -> None:
        """Take out a packet that could not be copied whole."""
        with self._on_medium():
            (self._folder / packet_path(packet)).unlink(missing_ok=True)
        for noted in (self._sums, self._sizes):
            noted.pop(packet_path(packet), None)

    def add_file(self, name: str, content: bytes) -> None:
        """Write one of the small files, named by its path in the bag; BagError when the medium fails."""
        with self._on_medium(), self._create(name) as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        self._note(name, hashlib.sha256(content).hexdigest(), len(content))

    def finish(self, moved: Callable[[int], None]) -> None:
        """Write the tag files, sync, and compare everything with what the medium returns.

        Raises:
            BagError: The medium failed, or does not return what was written.
        """
        payload = {name: digest for name, digest in self._sums.items() if name.startswith("data/")}
        self.add_file("bagit.txt", _DECLARATION)
        self.add_file("bag-info.txt", self._info(len(payload)))
        self.add_file("manifest-sha256.txt", _manifest(payload))
        tags = {name: digest for name, digest in self._sums.items() if not name.startswith("data/")}
        self.add_file("tagmanifest-sha256.txt", _manifest(tags))
        with self._on_medium():
            for name, digest in self._sums.items():
                if _read_back(self._folder / name, moved) != digest:
                    raise BagError(f"{self._target.parent} does not return what was written to it")
            self._normalise()

    def publish(self) -> None:
        """Give the bag its name, durably; BagError when the medium fails."""
        with self._on_medium():
            self._folder.rename(self._target)
            self._published = True
            sync_folder(self._target.parent)

    @contextlib.contextmanager
    def _on_medium(self) -> Iterator[None]:
        """Report a failure as the medium's own, so that nobody looks for it on this machine's disk."""
        try:
            yield
        except OSError as error:
            raise BagError(f"{self._target.parent} can no longer be written ({error.strerror})") from None

    def _create(self, name: str) -> BufferedWriter:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._folder / name, flags, READABLE)
        _set_mode(fd, READABLE)
        return open(fd, "wb")  # noqa: PTH123 - the caller closes it

    def _folders(self) -> tuple[Path, Path, Path]:
        return self._folder, self._folder / "data", self._folder / PACKETS

    def _note(self, name: str, digest: str, size: int) -> None:
        self._sums[name] = digest
        self._sizes[name] = size

    def _info(self, files: int) -> bytes:
        name = self._target.name
        payload = sum(size for path, size in self._sizes.items() if path.startswith("data/"))
        oxum = f"{payload}.{files}"  # RFC 8493, 2.2.2
        return f"Bagging-Date: {self._day}\nExternal-Identifier: {name}\nPayload-Oxum: {oxum}\n".encode()

    def _normalise(self) -> None:
        midnight = datetime(self._day.year, self._day.month, self._day.day, tzinfo=UTC).timestamp()
        # The deepest first: setting a file's time does not touch its folder's.
        folders = self._folders()[::-1]
        for path in [*(self._folder / name for name in self._sums), *folders]:
            os.utime(path, (midnight, midnight))
        for folder in folders:
            sync_folder(folder)


def _named_like_ours(source: Path) -> list[Path]:
    return sorted(path for path in source.glob(f"{_PREFIX}*") if path.is_dir() and not path.is_symlink())


def _set_mode(path: Path | int, mode: int) -> None:
    """Give what we just made its mode, whatever the umask; on FAT the mount decides, and may refuse."""
    with contextlib.suppress(PermissionError):
        os.chmod(path, mode)  # noqa: PTH101 - or a file descriptor


def _pieces(source: Path) -> Iterator[bytes]:
    try:
        with source.open("rb", buffering=0) as stream:
            while piece := stream.read(COPY_SIZE):
                yield piece
    except OSError as error:
        raise SpoiltPacketError(f"{source} cannot be read: {error.strerror}") from None


def _manifest(sums: dict[str, str]) -> bytes:
    return b"".join(f"{digest}  {name}\n".encode() for name, digest in sorted(sums.items()))


def _read_back(path: Path, moved: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # Otherwise the answer would come from memory, not from the stick.
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := os.read(fd, COPY_SIZE):
            digest.update(piece)
            moved(len(piece))
    finally:
        os.close(fd)
    return digest.hexdigest()
