"""The contents of a bundle: `bundle.json`, the desk's whole state for one gateway (BUNDLE.md, 2). Pure."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from transfer.batch.batch import GatewayId
from transfer.bundle.reply import SEALED_MAX, ReplyId
from transfer.packet.manifest import parse_day
from transfer.record import HEX_64, HEX_128, HEX_256, Record, RecordError, encode_record, parse_record

FORMAT: Final = "enveis-bundle"
VERSION: Final = 1
LIST_MAX: Final = 4 * 1024 * 1024  # bytes; all lists at their bounds fit
VALUES_MAX: Final = 80_000  # of bundle.json; all lists at their bounds are some 75,000; BUNDLE.md 2.1
REPLIES_MAX: Final = 5_000
GRANTS_MAX: Final = 5_000
TOMBSTONES_MAX: Final = 5_000
SERIAL_MAX: Final = 999_999
DAYS_MAX: Final = 366  # from `issued` to `expires`
GRANT_FILES_MAX: Final = 100  # files of one packet; FORMAT.md 4.1
GRANT_FILE_MAX: Final = 2**40  # bytes
COUNTER_MAX: Final = 10**9
LIST_MEMBER: Final = "bundle.json"
_FORMAT: Final = re.compile(re.escape(FORMAT), re.ASCII)


@dataclass(frozen=True, slots=True)
class Counters:
    """What the front page may show; rounded by the desk."""

    received: int
    bodies: int
    officials: int

    def __str__(self) -> str:
        return f"received {self.received}, bodies {self.bodies}, officials {self.officials}"


@dataclass(frozen=True, slots=True)
class Grant:
    """Larger limits for one source's later visits."""

    lookup: str  # 32 hexadecimal digits
    files_max: int
    file_max_bytes: int
    expires: date  # last UTC day
    tables: bool = False  # whether a .csv is taken: a big case registers people and bodies in a table


@dataclass(frozen=True, slots=True)
class ReplyEntry:
    """One reply that the bundle carries."""

    id: ReplyId
    lookup: str
    size: int  # bytes, sealed
    sha256: str  # of the sealed bytes
    expires: date  # last UTC day on which a gateway shows it


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A reply that was deleted, and the day after which nothing could bring it back anyway."""

    id: ReplyId
    expires: date


@dataclass(frozen=True, slots=True)
class BundleList:
    """What the desk signs: bundle.json."""

    gateway: GatewayId
    serial: int
    issued: date  # UTC
    expires: date  # last UTC day on which a gateway takes it
    counters: Counters | None
    grants: tuple[Grant, ...]  # by lookup
    replies: tuple[ReplyEntry, ...]  # by id
    tombstones: tuple[Tombstone, ...]  # by id


def entry_of(reply_id: ReplyId, lookup: str, sealed: bytes, expires: date) -> ReplyEntry:
    """Return the line of a sealed reply."""
    return ReplyEntry(reply_id, lookup, len(sealed), hashlib.sha256(sealed).hexdigest(), expires)


def encode_list(contents: BundleList) -> bytes:
    """Return bundle.json."""
    counters = contents.counters
    return encode_record(
        {
            "format": FORMAT,
            "version": VERSION,
            "gateway": contents.gateway,
            "serial": contents.serial,
            "issued": contents.issued.isoformat(),
            "expires": contents.expires.isoformat(),
            "counters": None
            if counters is None
            else {"received": counters.received, "bodies": counters.bodies, "officials": counters.officials},
            "grants": [_encode_grant(grant) for grant in contents.grants],
            "replies": [_encode_entry(entry) for entry in contents.replies],
            "tombstones": [{"id": stone.id, "expires": stone.expires.isoformat()} for stone in contents.tombstones],
        }
    )


def parse_list(untrusted: bytes) -> BundleList:
    """Return the contents of bundle.json.

    Raises:
        RecordError: Not the format, out of bounds, or not in the one form that is allowed.
    """
    record = parse_record(untrusted, name=LIST_MEMBER, largest=LIST_MAX, values=VALUES_MAX)
    record.matching("format", _FORMAT)
    record.integer("version", low=VERSION, high=VERSION)
    contents = BundleList(
        gateway=GatewayId(record.matching("gateway", HEX_64)),
        serial=record.integer("serial", low=1, high=SERIAL_MAX),
        issued=record.one_of("issued", parse_day),
        expires=record.one_of("expires", parse_day),
        counters=record.optional("counters", lambda name: _counters(record.record(name))),
        grants=record.items("grants", most=GRANTS_MAX, read=_grant),
        replies=record.items("replies", most=REPLIES_MAX, read=_entry),
        tombstones=record.items("tombstones", most=TOMBSTONES_MAX, read=_tombstone),
    )
    record.close()
    _check(contents)
    if encode_list(contents) != untrusted:
        raise RecordError(f"{LIST_MEMBER} is not written in the one form that is allowed")
    return contents


def _check(contents: BundleList) -> None:
    if not 0 <= (contents.expires - contents.issued).days <= DAYS_MAX:
        raise RecordError(f"{LIST_MEMBER} expires before it was issued, or more than {DAYS_MAX} days later")
    # A gateway forgets a tombstone once bundles are issued after it; none of those may bring its reply.
    if any(entry.expires < contents.issued for entry in contents.replies):
        raise RecordError(f"{LIST_MEMBER} carries a reply that had expired when it was issued")
    replies = [entry.id for entry in contents.replies]
    tombstones = [stone.id for stone in contents.tombstones]
    for names in ([grant.lookup for grant in contents.grants], replies, tombstones):
        if names != sorted(set(names)):
            raise RecordError(f"{LIST_MEMBER} has a list that is not sorted, or names one thing twice")
    if set(replies) & set(tombstones):
        raise RecordError(f"{LIST_MEMBER} carries a reply that it lists as deleted")


def _encode_grant(grant: Grant) -> dict[str, Any]:
    return {
        "lookup": grant.lookup,
        "files_max": grant.files_max,
        "file_max_bytes": grant.file_max_bytes,
        "expires": grant.expires.isoformat(),
        "tables": grant.tables,
    }


def _encode_entry(entry: ReplyEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "lookup": entry.lookup,
        "size": entry.size,
        "sha256": entry.sha256,
        "expires": entry.expires.isoformat(),
    }


def _counters(record: Record) -> Counters:
    counters = Counters(
        received=record.integer("received", low=0, high=COUNTER_MAX),
        bodies=record.integer("bodies", low=0, high=COUNTER_MAX),
        officials=record.integer("officials", low=0, high=COUNTER_MAX),
    )
    record.close()
    return counters


def _grant(untrusted: object, name: str) -> Grant:
    record = Record(untrusted, name=name)
    grant = Grant(
        lookup=record.matching("lookup", HEX_128),
        files_max=record.integer("files_max", low=1, high=GRANT_FILES_MAX),
        file_max_bytes=record.integer("file_max_bytes", low=1, high=GRANT_FILE_MAX),
        expires=record.one_of("expires", parse_day),
        tables=record.flag("tables"),
    )
    record.close()
    return grant


def _entry(untrusted: object, name: str) -> ReplyEntry:
    record = Record(untrusted, name=name)
    entry = ReplyEntry(
        id=ReplyId(record.matching("id", HEX_128)),
        lookup=record.matching("lookup", HEX_128),
        size=record.integer("size", low=1, high=SEALED_MAX),
        sha256=record.matching("sha256", HEX_256),
        expires=record.one_of("expires", parse_day),
    )
    record.close()
    return entry


def _tombstone(untrusted: object, name: str) -> Tombstone:
    record = Record(untrusted, name=name)
    stone = Tombstone(id=ReplyId(record.matching("id", HEX_128)), expires=record.one_of("expires", parse_day))
    record.close()
    return stone
