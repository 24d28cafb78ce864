"""What a station may log: a closed set of events, each with exactly its own fields.

No field could contain text, an address, a file name, an exact size or a time. A digest is of a key, a recipients file,
a batch.json, a bundle, a line or the end of a log: never of anything that a source sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

COUNT_MAX: Final = 1000  # packets of a batch; too small to contain a size or a time
BATCH_MAX: Final = 999_999  # six digits, as in a bag's name

_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "gateway": re.compile(r"[0-9a-f]{16}", re.ASCII),
    "packet": re.compile(r"[0-9a-f]{32}", re.ASCII),
    "lane": re.compile(r"clear|held", re.ASCII),
    "digest": re.compile(r"[0-9a-f]{64}", re.ASCII),
}
_LIMITS: Final[Mapping[str, tuple[int, int]]] = {"batch": (1, BATCH_MAX), "count": (0, COUNT_MAX)}


class Event(StrEnum):
    """What a station may log. Events are added, never renamed or given other fields."""

    LOG_STARTED = "log-started"
    LOG_CONTINUED = "log-continued"  # the first line of a file after rotation
    LOG_RECOVERED = "log-recovered"  # bytes at the end that were not a line lie beside the log now; their SHA-256
    CHAIN_CONTINUES = "chain-continues"  # a new key's chain: after which gateway's, and after which line's hash
    LOG_LOST = "log-lost"  # after it: the old log no longer held that line; SHA-256 of what was left of it
    KEYS_CREATED = "keys-created"
    KEYS_SPLIT = "keys-split"  # of the recipient with this hash; into how many shares
    KEYS_JOINED = "keys-joined"  # from shares, for use or into a file
    KEYS_PRINTED = "keys-printed"
    KEYS_REHEARSED = "keys-rehearsed"  # how many ways to open a test packet were tried; all of them opened it
    RECIPIENTS_CHANGED = "recipients-changed"
    DESK_KEY_CHANGED = "desk-key-changed"
    HEAD_STATED = "head-stated"  # the desk signed which line of a gateway's log is the last that it trusts
    GATEWAY_STARTED = "gateway-started"
    GATEWAY_STOPPED = "gateway-stopped"
    SUBMISSION_SEALED = "submission-sealed"
    SUBMISSION_WITHDRAWN = "submission-withdrawn"
    BATCH_EXPORTED = "batch-exported"
    BATCH_ACKNOWLEDGED = "batch-acknowledged"
    PACKET_DELETED = "packet-deleted"
    PACKET_DISCARDED = "packet-discarded"  # an operator deleted one that waited too long; perhaps nobody received it
    BUNDLE_ACCEPTED = "bundle-accepted"
    GATEWAY_PAIRED = "gateway-paired"
    GATEWAY_DISTRUSTED = "gateway-distrusted"
    BATCH_IMPORTED = "batch-imported"
    BATCH_REFUSED = "batch-refused"
    BATCH_CONFLICT = "batch-conflict"
    PACKET_OPENED = "packet-opened"
    PACKET_UNLOCKED = "packet-unlocked"
    PACKET_SORTED = "packet-sorted"  # what it asks was read by a program: nobody saw its message or files
    PACKET_ERASED = "packet-erased"  # a person at the desk deleted it
    PACKET_CLOSED = "packet-closed"  # what was opened of it was removed; the sealed packet stays
    BUNDLE_MADE = "bundle-made"
    CLOCK_ACCEPTED = "clock-accepted"  # a person said that the clock is right, and the day of the line before is not


FIELDS: Final[Mapping[Event, tuple[str, ...]]] = {
    Event.LOG_STARTED: (),
    Event.LOG_CONTINUED: (),
    Event.LOG_RECOVERED: ("digest",),
    Event.CHAIN_CONTINUES: ("gateway", "digest"),
    Event.LOG_LOST: ("digest",),
    Event.KEYS_CREATED: ("digest",),
    Event.KEYS_SPLIT: ("count", "digest"),
    Event.KEYS_JOINED: ("digest",),
    Event.KEYS_PRINTED: ("digest",),
    Event.KEYS_REHEARSED: ("count",),
    Event.RECIPIENTS_CHANGED: ("digest",),
    Event.DESK_KEY_CHANGED: ("digest",),
    Event.HEAD_STATED: ("gateway", "digest"),
    Event.GATEWAY_STARTED: (),
    Event.GATEWAY_STOPPED: (),
    Event.SUBMISSION_SEALED: ("packet", "lane"),
    Event.SUBMISSION_WITHDRAWN: ("packet",),
    Event.BATCH_EXPORTED: ("batch", "lane", "count", "digest"),
    Event.BATCH_ACKNOWLEDGED: ("batch", "count", "digest"),
    Event.PACKET_DELETED: ("packet", "batch"),
    Event.PACKET_DISCARDED: ("packet", "lane"),
    Event.BUNDLE_ACCEPTED: ("digest",),
    Event.GATEWAY_PAIRED: ("gateway", "digest"),
    Event.GATEWAY_DISTRUSTED: ("gateway",),
    Event.BATCH_IMPORTED: ("gateway", "batch", "lane", "count", "digest"),
    Event.BATCH_REFUSED: (),
    Event.BATCH_CONFLICT: ("gateway", "batch", "digest"),
    Event.PACKET_OPENED: ("packet",),
    Event.PACKET_UNLOCKED: ("packet",),
    Event.PACKET_SORTED: ("packet",),
    Event.PACKET_ERASED: ("packet",),
    Event.PACKET_CLOSED: ("packet",),
    Event.BUNDLE_MADE: ("gateway", "digest"),
    Event.CLOCK_ACCEPTED: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """What a station logs: an event with exactly the fields that belong to it.

    Raises ValueError or TypeError for a missing, superfluous or malformed field: that is a bug of the caller.
    """

    event: Event
    gateway: str | None = None
    packet: str | None = None
    batch: int | None = None
    lane: str | None = None
    count: int | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.event, Event):
            raise TypeError("an event is one of Event")
        wanted = FIELDS[self.event]
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if (value is not None) != (field.name in wanted):
                raise ValueError(f"the event {self.event} has the fields {wanted}")
            if value is not None:
                _check_field(field.name, value)


def _check_field(name: str, value: object) -> None:
    if name in _LIMITS:
        least, most = _LIMITS[name]
        # bool is an int to Python; JSON would say `true`.
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"{name} is a whole number from {least} to {most}")
    elif not isinstance(value, str) or not _PATTERNS[name].fullmatch(value):
        raise ValueError(f"{name} does not have its form")
