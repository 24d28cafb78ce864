"""What sources ask about packets that they sent before: to withdraw one, to delete the replies to a case.

Computed from what `case_links` remembers, so that it reaches whoever lists, opens or answers. Changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from desk.arrival.case_links import BelongsTo, CaseLinks, Claims, LinkedPacket, LinkedRequest
from transfer.names import PacketId
from transfer.packet.manifest import PacketPurpose
from transfer.packet.request import Asks


class Withdrawn(StrEnum):
    """How sure it is that the source took a packet back."""

    PROVEN = "proven"  # with the token that only the receipt page of that packet had
    CLAIMED = "claimed"  # anybody may have sent that


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """One request about packet `about`, or about its case, in packet `asked_in`; it counts only when it `is_proven`."""

    asks: Asks
    about: PacketId | None  # None where the request names a case of which no packet was read here
    asked_in: PacketId
    received: date
    standing: BelongsTo | Claims

    @property
    def is_proven(self) -> bool:
        """Return whether its token or its signature matches."""
        return isinstance(self.standing, BelongsTo)


def withdrawn_packets(links: CaseLinks) -> Mapping[PacketId, Withdrawn]:
    """Return, of all packets that are known, those that somebody asked to withdraw."""
    known = {row.packet for row in links.all()}
    found: dict[PacketId, Withdrawn] = {}
    for request in links.requests(Asks.WITHDRAW):
        packet = request.note.withdraws
        if packet is None or packet not in known:
            continue
        if isinstance(links.standing_of(request.note), BelongsTo):
            found[packet] = Withdrawn.PROVEN
        else:
            found.setdefault(packet, Withdrawn.CLAIMED)
    return found


def requests_about(links: CaseLinks, packet: LinkedPacket) -> tuple[SourceRequest, ...]:
    """Return what was asked about a packet and about the others of its case, by day and id.

    Of a packet that only carries requests: all that it asks.
    """
    if packet.purpose is PacketPurpose.REQUESTS:
        found = [_request(links, request) for request in links.requests_in(packet.packet)]
    else:
        found = _about(links, packet)
    return tuple(sorted(found, key=lambda request: (request.received, request.asked_in, request.about or "")))


def _about(links: CaseLinks, packet: LinkedPacket) -> list[SourceRequest]:
    case = set(links.begun_with(packet))
    rows = links.of_lookup(packet.lookup) if packet.lookup else (packet,)
    members = [row for row in rows if row.packet == packet.packet or case & set(links.begun_with(row))]
    found = [_request(links, request) for member in members for request in links.withdrawals_of(member.packet)]
    # Where nothing proves which case this packet belongs to, a wish about that case is none about this packet.
    if case:
        found += [_request(links, request, about=packet.packet) for request in links.deletions_of(packet.lookup)]
    return found


def _request(links: CaseLinks, request: LinkedRequest, *, about: PacketId | None = None) -> SourceRequest:
    note, standing = request.note, links.standing_of(request.note)
    proven = standing.first if isinstance(standing, BelongsTo) else None
    return SourceRequest(note.asks, about or note.withdraws or proven, request.packet, note.received, standing)
