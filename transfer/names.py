"""The two names that every part of a crossing uses: a packet's id and its lane."""

import re
import secrets
from enum import StrEnum
from typing import Final, NewType

PACKET_ID_SIZE: Final = 16  # bytes, random: an id says nothing about order, time or source
_PACKET_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

PacketId = NewType("PacketId", str)


class Lane(StrEnum):
    """Where a packet waits: `held` contains something dangerous, opaque or undecided."""

    CLEAR = "clear"
    HELD = "held"


def new_packet_id() -> PacketId:
    """Return a fresh id: 32 lowercase hexadecimal digits."""
    return PacketId(secrets.token_hex(PACKET_ID_SIZE))


def parse_packet_id(untrusted_text: str) -> PacketId:
    """Return the id, or raise ValueError; what passes is safe as a file name."""
    if not _PACKET_ID.fullmatch(untrusted_text):
        raise ValueError("a packet id is 32 lowercase hexadecimal digits")
    return PacketId(untrusted_text)
