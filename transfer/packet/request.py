"""What a source asks about what was sent before: `requests/0001.age` of a packet (FORMAT.md 4.9). No input or output.

Each request is sealed by itself as soon as it is asked, and travels with others in one packet. So it says itself where
and when it was asked, and a signature binds all of it.
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final, NewType

from keys.ed25519 import sign_ed25519
from transfer.names import PacketId, parse_packet_id
from transfer.packet.manifest import parse_day
from transfer.record import HEX_64, HEX_128, HEX_256, HEX_512, SMALL_RECORD, RecordError, encode_record, parse_record

REQUEST_VERSION: Final = 1
REQUEST_SIZE: Final = 1_024  # bytes, filled with spaces: a sealed request does not show what it asks
REQUEST_SEALED_MAX: Final = 96 * 1024  # bytes of the age file around it, whose header may have 64 KiB
MEMBER_DIGITS: Final = 4
_CONTEXT: Final = "enveis-request-v1"

RequestId = NewType("RequestId", str)  # 32 hexadecimal digits, random


class Asks(StrEnum):
    """What is asked for."""

    WITHDRAW = "withdraw"  # a packet that has left is taken back
    DELETE_REPLIES = "delete-replies"  # the replies to a lookup are to be deleted


@dataclass(frozen=True, slots=True)
class RequestNote:
    """One request. Of the last four fields only those of its kind are filled."""

    request: RequestId
    gateway: str  # key id of the gateway that it was asked at, 16 hexadecimal digits
    received: date  # UTC
    asks: Asks
    withdraws: PacketId | None = None  # the packet that a `withdraw` takes back
    withdraw_token: str = ""  # what that packet's `withdrawal` is the SHA-256 of, 64 hexadecimal digits
    lookup: str = ""  # whose replies are to be deleted, 32 hexadecimal digits
    visit: str = ""  # signature by the key of the case, 128 hexadecimal digits


def request_members(count: int) -> tuple[str, ...]:
    """Return the names that `count` requests have in a packet."""
    return tuple(f"requests/{number:0{MEMBER_DIGITS}}.age" for number in range(1, count + 1))


def encode_request(note: RequestNote) -> bytes:
    """Return the REQUEST_SIZE bytes that are sealed."""
    record = encode_record(
        {
            "enveis_request": REQUEST_VERSION,
            "request": note.request,
            "gateway": note.gateway,
            "received": note.received.isoformat(),
            "asks": note.asks,
            "withdraws": note.withdraws or "",
            "withdraw_token": note.withdraw_token,
            "lookup": note.lookup,
            "visit": note.visit,
        }
    )
    return record.ljust(REQUEST_SIZE)


def parse_request(untrusted_bytes: bytes) -> RequestNote:
    """Return the request in what was sealed.

    Raises:
        RecordError: It is not of this version of the format, not of its size, or has fields of another kind.
    """
    if len(untrusted_bytes) != REQUEST_SIZE:
        raise RecordError(f"a request is not of {REQUEST_SIZE} bytes")
    record = parse_record(untrusted_bytes, name="a request", largest=REQUEST_SIZE, values=SMALL_RECORD)
    record.integer("enveis_request", low=REQUEST_VERSION, high=REQUEST_VERSION)
    request = RequestId(record.matching("request", HEX_128))
    gateway = record.matching("gateway", HEX_64)
    received = record.one_of("received", parse_day)
    asks = record.one_of("asks", Asks)
    note = RequestNote(request, gateway, received, asks)
    spare: tuple[str, ...]
    match asks:
        case Asks.WITHDRAW:
            withdraws = record.one_of("withdraws", parse_packet_id)
            note = replace(note, withdraws=withdraws, withdraw_token=record.matching("withdraw_token", HEX_256))
            spare = ("lookup", "visit")
        case Asks.DELETE_REPLIES:
            lookup = record.matching("lookup", HEX_128)
            note = replace(note, lookup=lookup, visit=record.matching("visit", HEX_512))
            spare = ("withdraws", "withdraw_token")
    for field in spare:
        record.text(field, longest=0)
    record.close()
    return note


def encode_signed(note: RequestNote) -> bytes:
    """Return what the key of a case signs of a request to delete its replies: a few lines of text.

    The id is among them: an owned gateway that shows the request a second time shows the same request.
    """
    return (
        f"{_CONTEXT}\n"
        f"request {note.request}\n"
        f"gateway {note.gateway}\n"
        f"received {note.received.isoformat()}\n"
        f"asks {note.asks}\n"
        f"lookup {note.lookup}\n"
    ).encode()


def sign_request(seed: bytes, note: RequestNote) -> RequestNote:
    """Return the request with the signature of the seed that is derived from the return words."""
    return replace(note, visit=sign_ed25519(seed, encode_signed(note)))
