"""What sources ask about packets that they sent before: to withdraw one, to delete the replies to a case.

Computed from what `case_links` remembers, so that it reaches whoever lists, opens or answers. Changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from desk.arrival.case_links import BelongsTo, CaseLinks, LinkedPacket
from transfer.names import PacketId
from transfer.packet.manifest import PacketPurpose
from transfer.packet.visit_signature import is_token_of


class Withdrawn(StrEnum):
    """How sure it is that the source took a packet back."""

    PROVEN = "proven"  # with the token that only the receipt page of that packet had
    CLAIMED = "claimed"  # anybody may have sent that


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """One request about packet `about`, in packet `asked_in`; it counts only when it `is_proven`."""

    purpose: PacketPurpose
    about: PacketId
    asked_in: PacketId
    received: date
    is_proven: bool


def withdrawn_packets(rows: Iterable[LinkedPacket]) -> Mapping[PacketId, Withdrawn]:
    """Return, of all packets that are known, those that somebody asked to withdraw."""
    by_packet = {row.packet: row for row in rows}
    found: dict[PacketId, Withdrawn] = {}
    for row in by_packet.values():
        target = by_packet.get(PacketId(row.withdraws)) if row.purpose is PacketPurpose.WITHDRAW else None
        if target is None:
            continue
        if is_token_of(target.withdrawal, row.token):
            found[target.packet] = Withdrawn.PROVEN
        else:
            found.setdefault(target.packet, Withdrawn.CLAIMED)
    return found


def requests_about(links: CaseLinks, packet: LinkedPacket) -> tuple[SourceRequest, ...]:
    """Return what was asked about a packet and about the others of its case, by day and id."""
    case = set(links.begun_with(packet))
    rows = links.of_lookup(packet.lookup) if packet.lookup else (packet,)
    members = [row for row in rows if row.packet == packet.packet or case & set(links.begun_with(row))]
    found = [
        SourceRequest(row.purpose, member.packet, row.packet, row.received, is_token_of(member.withdrawal, row.token))
        for member in members
        for row in links.withdrawals_of(member.packet)
    ]
    # Where nothing proves which case this packet belongs to, a wish about that case is none about this packet.
    found += [
        SourceRequest(row.purpose, packet.packet, row.packet, row.received, isinstance(links.standing(row), BelongsTo))
        for row in rows
        if case and row.purpose is PacketPurpose.DELETE_REPLIES and row.packet != packet.packet
    ]
    return tuple(sorted(found, key=lambda request: (request.received, request.asked_in)))
