"""What `desk open` wrote in the desk's home: plaintext, one folder for each packet, until it is closed or erased.

Each copy says since when it is open (`OPENED_AT` in it); a time on the disk changes when a home is copied. Closing
removes the copy and leaves the sealed packet. On a disk that keeps old blocks, as flash memory does, only encryption of
the whole disk makes that final.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from audit.events import Event
from desk.arrival.locking import is_locked
from desk.arrival.opening import READ_SIZE, OpenedFile, OpenPacket, name_here
from desk.home import DeskHome
from disk.durable import replace, sync_folder, write_new
from disk.handed_over import HandedOverError, open_handed_over, read_handed_over
from disk.lock import exclusive, shared
from transfer.names import PacketId, parse_packet_id
from transfer.packet.manifest import FileNote
from transfer.packet.writer import MANIFEST_MEMBER

OPENED_AT: Final = ".opened-at"
_READING: Final = (
    "another command is reading a packet here ('enveis desk open', 'reply' or the like): wait until it has ended; "
    "nothing was {done}"
)
_REMOVING: Final = "'enveis desk erase' or 'close' is running here: wait until it has ended; nothing was opened"


@dataclass(frozen=True, slots=True)
class OpenedCopy:
    """One packet's copy; `since` is None where its folder does not say, as one of an earlier version does not."""

    packet: PacketId
    folder: Path
    since: datetime | None

    def is_due(self, now: datetime, limit: timedelta) -> bool:
        """Return whether it was open for longer than `limit`; a time ahead of the clock by that much counts too."""
        return self.since is not None and abs(now - self.since) >= limit


def opened_folder(home: DeskHome, packet: str) -> Path:
    """Return the folder into which `desk open` writes a packet unless another is named."""
    return home.root / "opened" / packet


@contextlib.contextmanager
def reading_packets(home: DeskHome) -> Iterator[None]:
    """Let nothing be erased or closed meanwhile: what is written of a packet would stay after it was called so.

    Raises:
        BusyError: Something is being erased or closed.
    """
    with shared(home.reading, busy=_REMOVING):
        yield


@contextlib.contextmanager
def removing_packets(home: DeskHome, *, done: str) -> Iterator[None]:
    """Let nothing be read meanwhile; `done` says what was not done where something is.

    Raises:
        BusyError: A packet is being read, and may be written to a folder.
    """
    with exclusive(home.reading, busy=_READING.format(done=done)):
        yield


def list_opened(home: DeskHome) -> tuple[OpenedCopy, ...]:
    """Return the copies that are there, by id: whole ones, and what a killed `desk open` left."""
    packets = {found for path in _folders(home) if (found := _packet_of(path)) is not None}
    return tuple(
        OpenedCopy(packet, opened_folder(home, packet), _read_since(opened_folder(home, packet)))
        for packet in sorted(packets)
    )


def is_copy_of(folder: Path, packet: OpenPacket) -> bool:
    """Return whether a folder has this very packet's manifest in it."""
    try:
        return read_handed_over(folder / MANIFEST_MEMBER, largest=len(packet.manifest_bytes)) == packet.manifest_bytes
    except (OSError, HandedOverError):  # the folder may be on a stick
        return False


def write_copy(
    packet: OpenPacket, folder: Path, *, held: bool, progress: Callable[[int, int], None], now: datetime
) -> tuple[OpenedFile, ...]:
    """Write a packet's files into `folder`, or show again what lies there of it and write what is missing.

    Raises:
        FileExistsError: The folder has something else in it; it was not touched.
        PacketDamagedError, keys.age.errors.AgeError: A file does not match the manifest.

    Invariant D9.
    """
    if not is_copy_of(folder, packet):
        since = {OPENED_AT: f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S+00:00}\n".encode()}
        return packet.write_files(folder, held=held, progress=progress, more=since)
    return _complete_copy(packet, folder, held=held, progress=progress)


def _complete_copy(
    packet: OpenPacket, folder: Path, *, held: bool, progress: Callable[[int, int], None]
) -> tuple[OpenedFile, ...]:
    """Compare what is in the folder with the manifest; write what is missing, and replace nothing."""
    opened: list[OpenedFile] = []
    for number, note in enumerate(packet.manifest.files, start=1):
        path = folder / name_here(note)
        if os.path.lexists(path):
            opened.append(OpenedFile(note, path, is_changed=not _is_as_sent(path, note)))
        elif held or not is_locked(note):
            write_new(path, packet.file_pieces(note))
            opened.append(OpenedFile(note, path))
        else:
            opened.append(OpenedFile(note, None))
        progress(number, len(packet.manifest.files))
    return tuple(opened)


def _is_as_sent(path: Path, note: FileNote) -> bool:
    """Return whether a file here still has the bytes that the manifest names; a link or a folder never has."""
    digest = hashlib.sha256()
    try:
        with open_handed_over(path, largest=note.size) as stream:
            while piece := stream.read(READ_SIZE):
                digest.update(piece)
    except HandedOverError:
        return False
    return digest.hexdigest() == note.sha256


def close_copies(home: DeskHome, copies: Iterable[OpenedCopy]) -> None:
    """Remove these copies, each after a line in the log; a second call ends what a crash left.

    Raises:
        BusyError: A packet is being read; nothing was closed.
        AuditError, OSError: One could not be logged, or not be removed to the end; call it again.

    Invariant D9.
    """
    with removing_packets(home, done="closed"):
        for copy in copies:
            home.log().append(Event.PACKET_CLOSED, packet=copy.packet)
            remove_copy(home, copy.packet)


def close_due(home: DeskHome, *, now: datetime, limit: timedelta) -> tuple[OpenedCopy, ...]:
    """Close what was open for longer than `limit`, and what a killed command left; return the copies.

    One that does not say since when is open from now on. Where nothing is due, no lock is taken: nobody is disturbed.

    Raises:
        BusyError: A packet is being read; the next call closes them.
        AuditError, OSError: As `close_copies`.
    """
    copies = list_opened(home)
    for copy in copies:
        if copy.since is None and copy.folder.is_dir():
            replace(copy.folder / OPENED_AT, [f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S+00:00}\n".encode()])
    due = tuple(copy for copy in copies if copy.is_due(now, limit) or not copy.folder.is_dir())
    if due:
        close_copies(home, due)
    return due


def remove_copy(home: DeskHome, packet: PacketId) -> bool:
    """Remove what was written of a packet in the home; return whether there was anything. After `removing_packets`."""
    folder = opened_folder(home, packet)
    # It goes by another name first: what a kill in between leaves is then no copy any more, and is removed by the next
    # command. A folder that cannot be renamed, as where a disk is mounted on it, is emptied as it is.
    with contextlib.suppress(OSError):
        folder.rename(folder.with_name(f".{packet}.{secrets.token_hex(4)}"))
    # A `desk open` that was killed leaves what it had written under the name that `make_home` gives it meanwhile.
    written = [path for path in (folder, *folder.parent.glob(f".{packet}.*")) if os.path.lexists(path)]
    for path in written:
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)
    if written:
        sync_folder(folder.parent)
    return bool(written)


def _folders(home: DeskHome) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        yield from (home.root / "opened").iterdir()


def _packet_of(path: Path) -> PacketId | None:
    name = path.name if not path.name.startswith(".") else path.name[1:].partition(".")[0]
    try:
        return parse_packet_id(name) if path.is_dir() else None
    except ValueError:
        return None


def _read_since(folder: Path) -> datetime | None:
    try:
        found = datetime.fromisoformat(read_handed_over(folder / OPENED_AT, largest=64).decode("ascii").strip())
    except (OSError, HandedOverError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo else None
