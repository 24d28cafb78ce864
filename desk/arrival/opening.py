"""Opens one packet: authenticates it, parses its manifest and message, and writes its files under our own names.

Reads through a seekable age reader, so that memory does not grow with the packet. Whoever could seal to our recipient
may have written any bytes at all: the ZIP and its records are a stranger's until checked against each other.
"""

import contextlib
import errno
import hashlib
import io
import os
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Final, Self

from desk.arrival.locking import is_locked
from desk.errors import PacketDamagedError
from disk.durable import make_home, write_new
from keys.age.errors import AgeError
from keys.age.reader import Unwraps, open_header, open_stream
from keys.age.seekable import SeekableReader
from keys.age.small import open_bytes
from transfer.names import PacketId
from transfer.packet.manifest import (
    FILES_MAX,
    MANIFEST_MAX,
    REQUESTS_MAX,
    FileNote,
    Manifest,
    parse_manifest,
)
from transfer.packet.message import MESSAGE_MAX, Message, parse_message
from transfer.packet.request import REQUEST_SEALED_MAX, RequestNote, parse_request, request_members
from transfer.packet.writer import MANIFEST_MEMBER, MESSAGE_MEMBER, PADDING_MEMBER
from transfer.record import RecordError

READ_SIZE: Final = 1024 * 1024  # bytes of plaintext at a time
OPENED_BY_A_VIEWER: Final = (".pdf", ".txt", ".zip", ".rar", ".jpeg", ".jpg", ".png")  # and that start nothing
DIRECTORY_MAX: Final = 64 * 1024  # bytes of the ZIP's directory: FORMAT.md 2.5; REQUESTS_MAX entries fit
_END_RECORD: Final = struct.Struct("<4s4H2LH")  # APPNOTE 4.3.16
_END_ZIP64: Final = struct.Struct("<4sQ2H2L4Q")  # APPNOTE 4.3.14
_LOCATOR_SIZE: Final = 20  # bytes; APPNOTE 4.3.15
# What `zipfile` raises for bytes that are no ZIP: names that do not decode and offsets beyond 2^63 included.
_UNREADABLE: Final = (zipfile.BadZipFile, RuntimeError, KeyError, EOFError, ValueError, OverflowError, struct.error)


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """One file of a packet that matches its manifest. `path` is None when it stays locked.

    What was written before and `is_changed` since is there, but is no longer what was sent.
    """

    note: FileNote
    path: Path | None
    is_changed: bool = False


class OpenPacket:
    """A packet whose header, manifest and message were authenticated and parsed. Use as a context manager."""

    def __init__(self, path: Path, packet_id: PacketId, identities: Sequence[Unwraps]) -> None:
        """Open the sealed packet at `path`, which must be the one named `packet_id`.

        Raises:
            keys.age.errors.AgeError: It does not open with these identities, or was changed.
            PacketDamagedError: It opened, but is not a packet of our format.
        """
        self._stream = path.open("rb")
        try:
            self._zip = _read_zip(self._stream, identities)
            manifest_bytes = self._whole(MANIFEST_MEMBER, MANIFEST_MAX)
            message_bytes = self._whole(MESSAGE_MEMBER, MESSAGE_MAX)
            self.manifest: Manifest = parse_manifest(manifest_bytes)
            self.message: Message = parse_message(message_bytes)
            self._records = {MANIFEST_MEMBER: manifest_bytes, MESSAGE_MEMBER: message_bytes}
            self._check(packet_id)
            self.requests: tuple[RequestNote, ...] = tuple(self._requests(identities))
        except RecordError as error:
            self._stream.close()
            raise PacketDamagedError(f"packet {packet_id}: {error}") from None
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    @property
    def message_bytes(self) -> bytes:
        """message.json, byte for byte: what a visit's signature covers."""
        return self._records[MESSAGE_MEMBER]

    @property
    def has_unread_requests(self) -> bool:
        """Return whether a request in it does not open, or is none: the others count all the same."""
        return len(self.requests) < self.manifest.requests

    @property
    def manifest_bytes(self) -> bytes:
        """manifest.json, byte for byte."""
        return self._records[MANIFEST_MEMBER]

    def write_files(
        self, folder: Path, *, held: bool, progress: Callable[[int, int], None], more: Mapping[str, bytes] | None = None
    ) -> tuple[OpenedFile, ...]:
        """Check every file and write the clear ones into the new folder `folder`; `held` writes the others too.

        `more` are small files that go with them, by name.

        Raises:
            PacketDamagedError, keys.age.errors.AgeError: A file does not match the manifest; no folder is left.
            FileExistsError: The folder has something in it; it was not touched.
            OSError: The disk has no room for the files, which is found out first, or failed.

        Invariant D1.
        """
        opened: list[OpenedFile] = []
        total = sum(note.size for note in self.manifest.files)
        _demand_room(folder, sum(note.size for note in self.manifest.files if held or not is_locked(note)))

        def build(temporary: Path) -> None:
            done = 0
            for note in self.manifest.files:
                name = name_here(note)
                write = held or not is_locked(note)
                pieces = _counted(self._checked(note), done, total, progress)
                if write:
                    write_new(temporary / name, pieces)
                else:
                    for _ in pieces:
                        pass
                done += note.size
                opened.append(OpenedFile(note, folder / name if write else None))
            for name, content in {**self._records, **(more or {})}.items():
                write_new(temporary / name, [content])

        make_home(folder, build)
        return tuple(opened)

    def file_pieces(self, note: FileNote) -> Iterator[bytes]:
        """Yield a file's bytes; after the last, raise as `write_files` does when they do not match the manifest."""
        return self._checked(note)

    def _check(self, packet_id: PacketId) -> None:
        if self.manifest.packet != packet_id:
            raise PacketDamagedError(f"packet {packet_id} has the manifest of a different packet")
        found = sorted(info.filename for info in self._zip.infolist())
        expected = [*(note.member for note in self.manifest.files), *request_members(self.manifest.requests)]
        if found != sorted([*expected, MESSAGE_MEMBER, MANIFEST_MEMBER, PADDING_MEMBER]):
            raise PacketDamagedError(f"packet {packet_id} does not contain exactly what its manifest lists")

    def _requests(self, identities: Sequence[Unwraps]) -> Iterator[RequestNote]:
        """Yield what the packet's requests ask; one that was spoilt on a gateway's disk must not hide the others."""
        for member in request_members(self.manifest.requests):
            with contextlib.suppress(AgeError, RecordError, PacketDamagedError):
                yield parse_request(open_bytes(self._whole(member, REQUEST_SEALED_MAX), identities))

    def _whole(self, member: str, largest: int) -> bytes:
        try:
            with self._zip.open(member) as stream:
                content = stream.read(largest + 1)
        except _UNREADABLE:
            raise PacketDamagedError(f"a packet has no readable {member}") from None
        if len(content) > largest:
            raise PacketDamagedError(f"a packet's {member} is too large")
        return content

    def _checked(self, note: FileNote) -> Iterator[bytes]:
        """Yield a file's bytes; after the last, raise when they do not match the manifest."""
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(note.member) as stream:
                while piece := _read(stream):
                    digest.update(piece)
                    size += len(piece)
                    yield piece
        except _UNREADABLE:
            raise PacketDamagedError(f"{note.member} of packet {self.manifest.packet} cannot be read") from None
        if digest.hexdigest() != note.sha256 or size != note.size:
            raise PacketDamagedError(f"{note.member} of packet {self.manifest.packet} does not match the manifest")


def name_here(note: FileNote) -> str:
    """Return the name that a file gets on this machine: its number, and an extension that starts no program."""
    name = note.member.rpartition("/")[2]
    # The extension comes from the gateway: if that is compromised, a click on 01.desktop would run what a source sent.
    return name if name.endswith(OPENED_BY_A_VIEWER) else f"{name}.bin"


def _demand_room(folder: Path, size: int) -> None:
    """Raise OSError where files of `size` bytes would fill the disk: a packet may have terabytes."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    if size > shutil.disk_usage(there).free:
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)} for the {size} bytes of its files", str(there))


def read_to_the_end(stream: BinaryIO, identities: Sequence[Unwraps]) -> None:
    """Authenticate every chunk of a sealed packet: only then has it arrived.

    Raises:
        keys.age.errors.AgeError: It does not open to its last chunk.
    """
    for _ in open_stream(stream, identities):
        pass


def _read_zip(stream: BinaryIO, identities: Sequence[Unwraps]) -> zipfile.ZipFile:
    opened = open_header(stream, identities)
    fd = stream.fileno()
    end = os.fstat(fd).st_size
    reader = SeekableReader(
        lambda size, offset: os.pread(fd, size, offset), opened.payload_key, start=opened.header_size, end=end
    )
    plain = io.BufferedReader(reader)
    _check_directory(plain, reader.size)
    try:
        archive = zipfile.ZipFile(plain)
    except _UNREADABLE:
        raise PacketDamagedError("a packet opened, but is not a ZIP archive") from None
    _check_members(archive.infolist(), reader.size)
    return archive


def _check_members(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Refuse what could cost more than the packet's own size, before a byte of any member is read."""
    if len(members) > max(FILES_MAX, REQUESTS_MAX) + 3:
        raise PacketDamagedError("a packet has more members than its format allows")
    # A few hundred bytes of bzip2 ask for a gigabyte of memory at the first read.
    if any(info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size for info in members):
        raise PacketDamagedError("a packet has a compressed member")
    # Members that share their bytes would fill the disk with a hundred times what arrived.
    if sum(info.file_size for info in members) > size:
        raise PacketDamagedError("a packet's members are larger than the packet")


def _check_directory(plain: IO[bytes], size: int) -> None:
    """Refuse a directory that is not small and at the very end: `zipfile` would read all of it into memory."""
    if size < _END_RECORD.size:
        raise PacketDamagedError("a packet opened, but is too short for a ZIP archive")
    plain.seek(size - _END_RECORD.size)
    magic, *_, length, offset, comment = _END_RECORD.unpack(plain.read(_END_RECORD.size))
    if magic != b"PK\x05\x06" or comment:
        raise PacketDamagedError("a packet opened, but does not end like a ZIP archive")
    tail = size - _END_RECORD.size
    zip64 = tail - _LOCATOR_SIZE - _END_ZIP64.size
    if zip64 >= 0:
        plain.seek(zip64)
        magic, *_, length64, offset64 = _END_ZIP64.unpack(plain.read(_END_ZIP64.size))
        # As `zipfile` decides it: where there is a locator, the long form counts.
        if plain.read(_LOCATOR_SIZE).startswith(b"PK\x06\x07"):
            if magic != b"PK\x06\x06":
                raise PacketDamagedError("a packet opened, but does not end like a ZIP archive")
            tail, length, offset = zip64, length64, offset64
    if length > DIRECTORY_MAX or offset + length != tail:
        raise PacketDamagedError("a packet's ZIP directory is misplaced or malformed")


def _read(stream: IO[bytes]) -> bytes:
    return stream.read(READ_SIZE)


def _counted(pieces: Iterator[bytes], done: int, total: int, progress: Callable[[int, int], None]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        done += len(piece)
        progress(done, total)
