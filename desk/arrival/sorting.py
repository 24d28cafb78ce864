"""Reads what each new packet asks, before anybody opens or answers one: a request to withdraw lies sealed like others.

Nothing is shown or written of a packet but the public half that `case_links` keeps, and the log has a line for each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit.events import Event
from desk.arrival.case_links import CaseLinks
from desk.arrival.inbox import list_inbox
from desk.arrival.opening import OpenPacket
from desk.errors import PacketDamagedError
from desk.home import DeskHome
from keys.age.reader import Unwraps
from keys.errors import KeyMaterialError
from transfer.names import PacketId


@dataclass(frozen=True, slots=True)
class SortReport:
    """What was sorted just now, and what cannot be, or not wholly: it may contain a request that nobody sees."""

    sorted: tuple[PacketId, ...]
    unreadable: tuple[PacketId, ...]


def unsorted_packets(home: DeskHome) -> tuple[PacketId, ...]:
    """Return the packets of the inbox of which nobody has read what they ask.

    Raises:
        DeskError: Not a desk's home.
    """
    known = {row.packet for row in CaseLinks(home.visits).all()}
    return tuple(entry.packet for entry in list_inbox(home) if entry.packet not in known)


def sort_inbox(home: DeskHome, identities: Sequence[Unwraps], progress: Callable[[int, int], None]) -> SortReport:
    """Read the manifest of every packet that came since the last time, and remember what it asks.

    `progress` is told how many packets are done, and of how many.

    Raises:
        DeskError, LedgerError, AuditError, OSError: The desk's own files cannot be used.

    Invariant D4.
    """
    waiting, links = unsorted_packets(home), CaseLinks(home.visits)
    done: list[PacketId] = []
    unreadable: list[PacketId] = []
    for number, packet_id in enumerate(waiting, 1):
        try:
            with OpenPacket(home.packet(packet_id), packet_id, identities) as packet:
                # Logged before it is remembered: nothing of a packet is read without a line in the log.
                home.log().append(Event.PACKET_SORTED, packet=packet_id)
                links.note(packet.manifest, packet.message_bytes, packet.requests)
                if packet.has_unread_requests:
                    unreadable.append(packet_id)
        except FileNotFoundError:
            # Erased or moved away since it was listed: nothing is left to be read.
            if home.packet(packet_id).exists():
                raise
        except (PacketDamagedError, KeyMaterialError):
            unreadable.append(packet_id)
        else:
            done.append(packet_id)
        progress(number, len(waiting))
    return SortReport(tuple(done), tuple(unreadable))
