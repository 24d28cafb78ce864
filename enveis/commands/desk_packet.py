"""What several commands of the desk do first: find one packet, open it, and record what it belongs to."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from enveis.command import home_of
from enveis.commands.source_requests import sort_first
from enveis.terminal import Terminal
from enveis.unlocking import add_identity, load_identities

if TYPE_CHECKING:
    from desk.arrival.case_links import LinkedPacket
    from desk.arrival.opening import OpenPacket
    from desk.home import DeskHome


def add_packet(parser: ArgumentParser) -> None:
    """Let a command name one packet of the inbox."""
    parser.add_argument("packet", metavar="PACKET", help="its id, or the first digits of it")
    add_identity(parser)


def desk_of(arguments: Namespace) -> "DeskHome":
    """Return the desk's home, checked."""
    from desk.home import DeskHome

    home = DeskHome(home_of(arguments))
    home.check()
    return home


@contextmanager
def opened_packet(
    arguments: Namespace, terminal: Terminal, home: "DeskHome", name: str
) -> "Iterator[tuple[OpenPacket, LinkedPacket]]":
    """Open the packet whose id begins with `name`, log that, and record what it belongs to."""
    from audit.events import Event
    from desk.arrival.case_links import CaseLinks
    from desk.arrival.inbox import find_packet
    from desk.arrival.opened_copies import reading_packets
    from desk.arrival.opening import OpenPacket

    with reading_packets(home):
        packet_id = find_packet(home, name).packet
        identities = load_identities(home, arguments, terminal)
        sort_first(home, identities, terminal)
        with OpenPacket(home.packet(packet_id), packet_id, identities) as packet:
            home.log().append(Event.PACKET_OPENED, packet=packet_id)
            yield packet, CaseLinks(home.visits).note(packet.manifest, packet.message_bytes, packet.requests)
