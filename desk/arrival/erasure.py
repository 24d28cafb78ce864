"""Erases a packet here: its sealed file, and what `desk open` wrote of it in the desk's home.

What stays: its id in the ledger and the log, so that the same packet is never filed again, and the public half that
says what belongs together. On a disk that keeps old blocks only encryption of the whole disk makes this final.
"""

import contextlib

from audit.events import Event
from desk.arrival.inbox import InboxEntry
from desk.arrival.opened_copies import remove_copy, removing_packets
from desk.home import DeskHome
from disk.durable import sync_folder
from transfer.names import PacketId


def erase_packet(home: DeskHome, entry: InboxEntry) -> bool:
    """Erase a packet of the inbox; return whether an opened copy went with it. A second call ends what a crash left.

    Raises:
        BusyError: A packet is being read, and may be written to a folder; nothing was erased.
        AuditError, OSError: It could not be logged, or not be erased to the end; call it again.

    Invariant D5.
    """
    with removing_packets(home, done="erased"):
        return _erase(home, entry.packet)


def _erase(home: DeskHome, packet: PacketId) -> bool:
    # Logged before it is done: no packet disappears without a line in the log.
    home.log().append(Event.PACKET_ERASED, packet=packet)
    was_opened = remove_copy(home, packet)
    # The sealed file goes last: as long as it is in the inbox, the command can be repeated.
    with contextlib.suppress(FileNotFoundError):
        home.packet(packet).unlink()
    sync_folder(home.inbox)
    return was_opened
