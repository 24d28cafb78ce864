"""Requests of sources, and packets of them, as a gateway makes them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from keys.age.small import seal_bytes
from keys.recipient import Recipient
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.manifest import Manifest, PacketPurpose, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.request import Asks, RequestId, RequestNote, encode_request, request_members, sign_request
from transfer.packet.writer import PacketWriter


def a_withdrawal(gateway: str, packet: PacketId, token: str) -> RequestNote:
    """What a source asks who presses the button after the packet has left."""
    return RequestNote(RequestId(new_packet_id()), gateway, datetime.now(UTC).date(), Asks.WITHDRAW, packet, token)


def a_deletion(gateway: str, lookup: str, seed: bytes, received: date | None = None) -> RequestNote:
    """What a source asks who deletes the replies."""
    day = received or datetime.now(UTC).date()
    note = RequestNote(RequestId(new_packet_id()), gateway, day, Asks.DELETE_REPLIES, lookup=lookup)
    return sign_request(seed, note)


def a_packet_of(
    asked: Sequence[RequestNote | bytes],
    *,
    gateway: str,
    recipients: Sequence[Recipient],
    counted: int | None = None,
) -> tuple[PacketId, bytes]:
    """Return a packet of these requests, sealed; bytes are what lies in the place of one."""
    manifest = Manifest(
        packet=new_packet_id(),
        gateway=gateway,
        received=datetime.now(UTC).date(),
        lane=Lane.CLEAR,
        sealed_to="00" * 8,
        receipt=None,
        files=(),
        purpose=PacketPurpose.REQUESTS,
        requests=len(asked) if counted is None else counted,
    )
    writer = PacketWriter(recipients)
    packet = bytearray(writer.header)
    for name, one in zip(request_members(len(asked)), asked, strict=True):
        sealed = one if isinstance(one, bytes) else seal_bytes(encode_request(one), recipients)
        packet += writer.begin(name) + writer.write(sealed) + writer.end()[0]
    for piece in writer.finish(encode_message(Message()), encode_manifest(manifest)):
        packet += piece
    return manifest.packet, bytes(packet)
