"""Erases a packet here: its sealed file, and what `desk open` wrote of it in the desk's home.

What stays: its id in the ledger and the log, so that the same packet is never filed again, and the public half that
says what belongs together. On a disk that keeps old blocks only encryption of the whole disk makes this final.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from audit.events import Event
from desk.arrival.inbox import InboxEntry
from desk.home import DeskHome
from disk.durable import sync_folder
from disk.lock import exclusive, shared
from transfer.names import PacketId

_READING: Final = (
    "another command is reading a packet here ('enveis desk open', 'reply' or the like): wait until it has ended; "
    "nothing was erased"
)
_ERASING: Final = "'enveis desk erase' is running here: wait until it has ended; nothing was opened"


def opened_folder(home: DeskHome, packet: str) -> Path:
    """Return the folder into which `desk open` writes a packet unless another is named."""
    return home.root / "opened" / packet


@contextlib.contextmanager
def reading_packets(home: DeskHome) -> Iterator[None]:
    """Let nothing be erased meanwhile: what is written of a packet would stay after it was called erased.

    Raises:
        BusyError: Something is being erased.
    """
    with shared(home.reading, busy=_ERASING):
        yield


def erase_packet(home: DeskHome, entry: InboxEntry) -> bool:
    """Erase a packet of the inbox; return whether an opened copy went with it. A second call ends what a crash left.

    Raises:
        BusyError: A packet is being read, and may be written to a folder; nothing was erased.
        AuditError, OSError: It could not be logged, or not be erased to the end; call it again.

    Invariant D5.
    """
    with exclusive(home.reading, busy=_READING):
        return _erase(home, entry.packet)


def _erase(home: DeskHome, packet: PacketId) -> bool:
    folder = opened_folder(home, packet)
    # A `desk open` that was killed leaves what it had written under the name that `make_home` gives it meanwhile.
    written = [path for path in (folder, *folder.parent.glob(f".{packet}.*")) if path.exists()]
    # Logged before it is done: no packet disappears without a line in the log.
    home.log().append(Event.PACKET_ERASED, packet=packet)
    for path in written:
        shutil.rmtree(path)
    if written:
        sync_folder(folder.parent)
    # The sealed file goes last: as long as it is in the inbox, the command can be repeated.
    with contextlib.suppress(FileNotFoundError):
        home.packet(packet).unlink()
    sync_folder(home.inbox)
    return bool(written)
