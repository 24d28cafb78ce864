"""Erases a packet here: its sealed file, and what `desk open` wrote of it in the desk's home.

What stays: its id in the ledger and the log, so that the same packet is never filed again, and the public half that
says what belongs together. On a disk that keeps old blocks only encryption of the whole disk makes this final.
"""

import contextlib
import shutil
from pathlib import Path

from audit.events import Event
from desk.arrival.inbox import InboxEntry
from desk.home import DeskHome
from disk.durable import sync_folder


def opened_folder(home: DeskHome, packet: str) -> Path:
    """Return the folder into which `desk open` writes a packet unless another is named."""
    return home.root / "opened" / packet


def erase_packet(home: DeskHome, entry: InboxEntry) -> bool:
    """Erase a packet of the inbox; return whether an opened copy went with it. A second call ends what a crash left.

    Raises:
        AuditError, OSError: It could not be logged, or not be erased to the end; call it again.

    Invariant D5.
    """
    folder = opened_folder(home, entry.packet)
    was_opened = folder.exists()
    # Logged before it is done: no packet disappears without a line in the log.
    home.log().append(Event.PACKET_ERASED, packet=entry.packet)
    if was_opened:
        shutil.rmtree(folder)
        sync_folder(folder.parent)
    # The sealed file goes last: as long as it is in the inbox, the command can be repeated.
    with contextlib.suppress(FileNotFoundError):
        home.packet(entry.packet).unlink()
    sync_folder(home.inbox)
    return was_opened
