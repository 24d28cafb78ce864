"""Reads a bag that a stranger may have made: regular files only, by name, and never more bytes than expected."""

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from transfer.batch.batch import PacketEntry
from transfer.batch.files import COPY_SIZE, MANIFEST, packet_path
from transfer.errors import BatchError
from transfer.names import PacketId

# O_NONBLOCK: opening a named pipe must not wait for its other end.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


class PacketFaultError(BatchError):
    """One packet of a bag is not what was signed; the rest of the bag is not affected."""


class BagReader:
    """An open bag. Every step of a path is opened by itself and never through a link."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            self._fd = os.open(self._folder, _FOLDER)
        except OSError as error:
            raise BatchError(f"{self._folder} cannot be read as a batch: {error.strerror}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def read_small(self, name: str, *, largest: int) -> bytes:
        """Return a small file, whole.

        Raises:
            BatchError: Absent, a link or a device, unreadable, or larger than `largest` bytes.
        """
        try:
            fd = self._open(name)
        except OSError as error:
            raise BatchError(f"the batch's {name} cannot be read: {error.strerror}") from None
        with open(fd, "rb") as stream:  # noqa: PTH123 - a file descriptor, not a path
            try:
                content = stream.read(largest + 1)
            except OSError as error:
                raise BatchError(f"the batch's {name} cannot be read: {error.strerror}") from None
        if len(content) > largest:
            raise BatchError(f"the batch's {name} is larger than {largest} bytes")
        return content

    def read_signed(self, name: str, *, size: int, sha256: str) -> bytes:
        """Return a small file whose size and hash were signed, or raise BatchError."""
        content = self.read_small(name, largest=size)
        if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
            raise BatchError(f"the batch's {name} is damaged: it is not what was signed")
        return content

    def size_of(self, packet: PacketId) -> int:
        """Return the bytes that a packet has in the bag, as its file system tells; 0 where it cannot be read."""
        try:
            fd = self._open(packet_path(packet))
        except OSError:
            return 0
        try:
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def copy_packet(self, entry: PacketEntry, target: BinaryIO, moved: Callable[[int], None]) -> None:
        """Copy one packet while hashing it; never more bytes than were signed.

        Raises:
            PacketFaultError: Absent, unreadable, or not what was signed.
            OSError: `target` cannot be written.
        """
        try:
            fd = self._open(packet_path(entry.id))
        except OSError as error:
            raise PacketFaultError(f"it cannot be read: {error.strerror}") from None
        digest, left = hashlib.sha256(), entry.size
        if os.fstat(fd).st_size != entry.size:
            os.close(fd)
            raise PacketFaultError("it is damaged: it is not as long as what was signed")
        with open(fd, "rb", buffering=0) as stream:  # noqa: PTH123 - a file descriptor, not a path
            while piece := _read(stream, min(COPY_SIZE, left + 1)):
                left -= len(piece)
                if left < 0:
                    break
                digest.update(piece)
                target.write(piece)
                moved(len(piece))
        if left or digest.hexdigest() != entry.sha256:
            raise PacketFaultError("it is damaged: it is not what was signed")

    def is_there(self) -> bool:
        """Return whether the medium still answers: one with a bad sector does, one that was pulled out does not."""
        try:
            fd = self._open(MANIFEST)
            try:
                # Otherwise the answer would come from memory.
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                return bool(os.read(fd, 1))
            finally:
                os.close(fd)
        except OSError:
            return False

    def _open(self, name: str) -> int:
        *folders, last = name.split("/")
        at = os.dup(self._fd)
        try:
            for folder in folders:
                inner = os.open(folder, _FOLDER, dir_fd=at)
                os.close(at)
                at = inner
            fd = os.open(last, _FILE, dir_fd=at)
        finally:
            os.close(at)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(0, "it is not a regular file")
        with suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        return fd


def _read(stream: BinaryIO, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise PacketFaultError(f"it cannot be read: {error.strerror}") from None
