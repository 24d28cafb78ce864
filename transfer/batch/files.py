"""The files of a batch, named as in a bag (BATCH.md, 4): the same on a stick and over a link. Does no I/O."""

from typing import Final

from transfer.names import PacketId

MANIFEST: Final = "batch.json"
SIGNATURE: Final = "batch.json.minisig"
AUDIT: Final = "data/audit.jsonl"
SECRET: Final = "data/secret.age"  # noqa: S105 - a path in a batch
PACKETS: Final = "data/packets"
PACKET_SUFFIX: Final = ".age"
COPY_SIZE: Final = 1024 * 1024  # bytes moved at once, whatever the packet's size


def packet_path(packet: PacketId) -> str:
    """Return the path of a packet in its batch."""
    return f"{PACKETS}/{packet}{PACKET_SUFFIX}"
