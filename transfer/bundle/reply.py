"""One reply of the desk, sealed to a source's receipt (BUNDLE.md, section 3). Does no input or output.

Only the source's return words open it: the gateway that keeps it cannot, nor can the desk once it is sealed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, NewType

from keys.age.errors import AgeError
from keys.age.reader import Unwraps
from keys.age.small import open_bytes, seal_bytes
from keys.age.writer import Wraps
from transfer.errors import ReplyError
from transfer.names import new_packet_id
from transfer.packet.manifest import parse_day
from transfer.record import HEX_128, SMALL_RECORD, RecordError, encode_record, parse_record

REPLY_VERSION: Final = 1
PLAINTEXT_MIN: Final = 4 * 1024  # bytes: a short answer and a longer one look alike; BUNDLE.md 3.3
PLAINTEXT_MAX: Final = 64 * 1024  # bytes, padding included
SEALED_MAX: Final = 72 * 1024  # bytes: a header of one hybrid stanza and two tags take less than 3 KiB
DAYS_KEPT: Final = 90  # from the day on which it was written

# A page shows it as it is; what could reorder or hide text never gets into a reply.
_UNPRINTED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")

ReplyId = NewType("ReplyId", str)


class State(StrEnum):
    """The state of a case, as its source sees it."""

    RECEIVED = "received"
    IN_WORK = "in-work"
    QUESTION = "question"  # the desk asks the source something
    ANSWERED = "answered"
    REFERRED = "referred"  # to somebody who can act on it
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a source reads: the state of the case on a day, and text."""

    id: ReplyId
    lookup: str  # 32 hexadecimal digits
    day: date  # UTC, on which it was written
    state: State
    text: str = field(repr=False)


def new_reply_id() -> ReplyId:
    """Return a fresh id: 32 lowercase hexadecimal digits, random as a packet's."""
    return ReplyId(new_packet_id())


def seal_reply(reply: Reply, recipient: Wraps) -> bytes:
    """Return `reply`, sealed to the recipient of a receipt, at most SEALED_MAX bytes.

    Raises:
        ReplyError: The text has characters that a page would not show, or is too long.
    """
    if _UNPRINTED.search(reply.text):
        raise ReplyError("the reply contains control or invisible characters: send plain text")
    return seal_bytes(_encode_reply(reply), [recipient])


def open_reply(sealed: bytes, keys: Sequence[Unwraps], *, reply_id: str, lookup: str) -> Reply:
    """Return the reply in `sealed`, which must be the one of this id and lookup.

    Raises:
        ReplyError: It does not open with these keys, is another reply, or is not a reply.
    """
    if len(sealed) > SEALED_MAX:
        raise ReplyError("a reply is larger than the format allows")
    try:
        reply = _parse_reply(open_bytes(sealed, keys))
    except (AgeError, RecordError) as error:
        raise ReplyError(f"a reply cannot be opened: {error}") from None
    # A desk seals each to one receipt; one that was moved to another name is not shown there.
    if (reply.id, reply.lookup) != (reply_id, lookup):
        raise ReplyError("a reply is not the one that its name promises")
    return reply


def _encode_reply(reply: Reply) -> bytes:
    plaintext = encode_record(
        {
            "enveis_reply": REPLY_VERSION,
            "id": reply.id,
            "lookup": reply.lookup,
            "day": reply.day.isoformat(),
            "state": reply.state,
            "text": reply.text,
        }
    )
    if len(plaintext) > PLAINTEXT_MAX:
        raise ReplyError(f"the reply is too long: {PLAINTEXT_MAX // 1024} KiB is the most, its frame included")
    size = PLAINTEXT_MIN
    while size < len(plaintext):
        size *= 2
    # Blanks after the object are JSON's own filling: every reader skips them.
    return plaintext.ljust(size, b" ")


def _parse_reply(untrusted: bytes) -> Reply:
    record = parse_record(untrusted, name="reply", largest=PLAINTEXT_MAX, values=SMALL_RECORD)
    record.integer("enveis_reply", low=REPLY_VERSION, high=REPLY_VERSION)
    reply = Reply(
        id=ReplyId(record.matching("id", HEX_128)),
        lookup=record.matching("lookup", HEX_128),
        day=record.one_of("day", parse_day),
        state=record.one_of("state", State),
        text=record.text("text", longest=PLAINTEXT_MAX),
    )
    record.close()
    return reply
