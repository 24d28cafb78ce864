"""What is in a packet, and what the inspection found: `manifest.json` (FORMAT.md, section 4). No input or output."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, assert_never

from transfer.names import Lane, PacketId, parse_packet_id
from transfer.record import DAY, HEX_64, HEX_128, HEX_256, HEX_512, Record, RecordError, encode_record, parse_record

MANIFEST_VERSION: Final = 1
MANIFEST_MAX: Final = 4 * 1024 * 1024  # bytes; all names at their bounds, written as six-byte escapes, fit
VALUES_MAX: Final = 40_000  # of manifest.json; all files with all their findings are some 31,000; FORMAT.md 6.5
FILES_MAX: Final = 100  # in one packet; a gateway's own limit is lower (10)
FILE_MAX: Final = 2**40  # bytes
REFUSED_MAX: Final = 100
FINDINGS_MAX: Final = 100  # of one file
REQUESTS_MAX: Final = 1_000  # in one packet: the ZIP's directory stays below 64 KiB
NAME_MAX: Final = 1_000  # characters of a file's name as the source's browser sent it
_PROMISE_MAX: Final = timedelta(days=366)  # from the day of receipt
_CODE: Final = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*", re.ASCII)
_RECIPIENT: Final = re.compile(r"age1[a-z0-9]{58,2000}", re.ASCII)
_MEMBER: Final = re.compile(r"files/[0-9]{2,3}\.[a-z0-9]{1,8}", re.ASCII)


class PacketPurpose(StrEnum):
    """What a packet is for; only a `first` one begins a case."""

    FIRST = "first"
    ADDITION = "addition"  # a later visit with the return words
    REQUESTS = "requests"  # what sources ask about what they sent before; transfer/packet/request.py


class MadeBy(StrEnum):
    """Who made the receipt's return and proof words: an owned gateway knows those that a gateway made."""

    GATEWAY = "gateway"
    SOURCE = "source"


class Outcome(StrEnum):
    """What the inspection concluded of one file."""

    CLEAR = "clear"
    HELD = "held"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class FindingNote:
    """One finding: a code and a grade of the quarantine's own lists, never what was found."""

    code: str
    grade: str


@dataclass(frozen=True, slots=True)
class FileNote:
    """One file of the packet. `name` is the source's own name for it and never becomes a path."""

    member: str  # in the ZIP, e.g. files/01.pdf
    name: str
    type: str
    size: int  # bytes
    sha256: str
    outcome: Outcome
    reason: str = ""  # why it is undecided, as a code
    findings: tuple[FindingNote, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedNote:
    """One file that the source sent and the gateway did not keep."""

    name: str
    reason: str  # a code


@dataclass(frozen=True, slots=True)
class ReceiptNote:
    """The public halves of the receipt: replies are sealed to `recipient`; see keys/receipt.py.

    On a later visit they are derived from the return words as typed. Only the case's first packet shows whether they
    belong to its receipt.
    """

    lookup: str  # 32 hexadecimal digits
    recipient: str  # age1…
    signing: str  # Ed25519, hexadecimal
    proof: str  # Ed25519, hexadecimal; empty on a later visit, where the proof words are not typed
    made_by: MadeBy = MadeBy.GATEWAY


@dataclass(frozen=True, slots=True)
class Manifest:
    """The sealed account of one submission."""

    packet: PacketId
    gateway: str  # key id of the gateway, 16 hexadecimal digits
    received: date  # UTC; the receipt page of that day was the legal acknowledgement of receipt
    lane: Lane
    sealed_to: str  # which recipients file: first 16 hexadecimal digits of its fingerprint
    receipt: ReceiptNote | None  # None for `requests` only: they are of several sources
    files: tuple[FileNote, ...]
    refused: tuple[RefusedNote, ...] = ()
    purpose: PacketPurpose = PacketPurpose.FIRST
    visit: str = ""  # signature of a later visit, 128 hexadecimal digits; transfer/packet/visit_signature.py
    withdrawal: str = ""  # SHA-256 of the token that withdraws this packet, hexadecimal; empty without one
    requests: int = 0  # how many requests the packet carries
    promised: date | None = None  # by which the page that acknowledged it promised an answer


def encode_manifest(manifest: Manifest) -> bytes:
    """Return `manifest.json`."""
    return encode_record(
        {
            "enveis_packet": MANIFEST_VERSION,
            "packet": manifest.packet,
            "gateway": manifest.gateway,
            "received": manifest.received.isoformat(),
            "promised": "" if manifest.promised is None else manifest.promised.isoformat(),
            "lane": manifest.lane,
            "sealed_to": manifest.sealed_to,
            "purpose": manifest.purpose,
            "visit": manifest.visit,
            "withdrawal": manifest.withdrawal,
            "requests": manifest.requests,
            "receipt": _encode_receipt(manifest.receipt),
            "files": [_encode_file(note) for note in manifest.files],
            "refused": [{"name": note.name, "reason": note.reason} for note in manifest.refused],
        }
    )


def parse_manifest(untrusted_bytes: bytes) -> Manifest:
    """Return the manifest in `manifest.json`.

    Raises:
        RecordError: It is not of this version of the format, or beyond its bounds, names one member twice, or has
            fields that do not fit its purpose.
    """
    record = parse_record(untrusted_bytes, name="manifest.json", largest=MANIFEST_MAX, values=VALUES_MAX)
    record.integer("enveis_packet", low=MANIFEST_VERSION, high=MANIFEST_VERSION)
    manifest = Manifest(
        packet=record.one_of("packet", parse_packet_id),
        gateway=record.matching("gateway", HEX_64),
        received=record.one_of("received", parse_day),
        promised=record.one_of("promised", lambda text: parse_day(text) if text else None),
        lane=record.one_of("lane", Lane),
        sealed_to=record.matching("sealed_to", HEX_64),
        purpose=record.one_of("purpose", PacketPurpose),
        visit=record.one_of("visit", _hex_or_empty(HEX_512)),
        withdrawal=record.one_of("withdrawal", _hex_or_empty(HEX_256)),
        requests=record.integer("requests", low=0, high=REQUESTS_MAX),
        receipt=record.optional("receipt", lambda field: _receipt(record.record(field))),
        files=record.items("files", most=FILES_MAX, read=_file),
        refused=record.items("refused", most=REFUSED_MAX, read=_refused),
    )
    record.close()
    if len({note.member for note in manifest.files}) < len(manifest.files):
        raise RecordError("manifest.json names one member twice")
    if manifest.promised and not manifest.received <= manifest.promised <= manifest.received + _PROMISE_MAX:
        raise RecordError("manifest.json promises an answer before the packet came, or too long after it")
    if not _fits_its_purpose(manifest):
        raise RecordError("manifest.json has fields that do not fit its purpose")
    return manifest


def parse_day(untrusted_text: str) -> date:
    """Return a date of the form YYYY-MM-DD, or raise ValueError."""
    if not DAY.fullmatch(untrusted_text):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(untrusted_text)


def _fits_its_purpose(manifest: Manifest) -> bool:
    """FORMAT.md 4.8: what one purpose needs, another must not have."""
    receipt = manifest.receipt
    match manifest.purpose:
        case PacketPurpose.FIRST:
            return receipt is not None and bool(receipt.proof) and not manifest.visit and not manifest.requests
        case PacketPurpose.ADDITION:
            return receipt is not None and not receipt.proof and not manifest.requests
        case PacketPurpose.REQUESTS:
            spare = (receipt, manifest.visit, manifest.withdrawal, manifest.promised, manifest.files, manifest.refused)
            return not any(spare) and manifest.requests > 0
        case _:
            assert_never(manifest.purpose)


def _encode_receipt(note: ReceiptNote | None) -> dict[str, Any] | None:
    if note is None:
        return None
    return {
        "lookup": note.lookup,
        "recipient": note.recipient,
        "signing": note.signing,
        "proof": note.proof,
        "made_by": note.made_by,
    }


def _hex_or_empty(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def parse(untrusted_text: str) -> str:
        if untrusted_text and not pattern.fullmatch(untrusted_text):
            raise ValueError("not hexadecimal of its length")
        return untrusted_text

    return parse


def _encode_file(note: FileNote) -> dict[str, Any]:
    return {
        "member": note.member,
        "name": note.name,
        "type": note.type,
        "size": note.size,
        "sha256": note.sha256,
        "outcome": note.outcome,
        "reason": note.reason,
        "findings": [{"code": finding.code, "grade": finding.grade} for finding in note.findings],
    }


def _file(untrusted: object, name: str) -> FileNote:
    record = Record(untrusted, name=name)
    note = FileNote(
        member=record.matching("member", _MEMBER),
        name=record.text("name", longest=NAME_MAX),
        type=record.matching("type", _CODE),
        size=record.integer("size", low=0, high=FILE_MAX),
        sha256=record.matching("sha256", HEX_256),
        outcome=record.one_of("outcome", Outcome),
        reason=_optional_code(record),
        findings=record.items("findings", most=FINDINGS_MAX, read=_finding),
    )
    record.close()
    return note


def _optional_code(record: Record) -> str:
    return record.one_of("reason", lambda text: text if not text else _code(text))


def _code(untrusted_text: str) -> str:
    if not _CODE.fullmatch(untrusted_text):
        raise ValueError("not a code")
    return untrusted_text


def _finding(untrusted: object, name: str) -> FindingNote:
    record = Record(untrusted, name=name)
    note = FindingNote(code=record.matching("code", _CODE), grade=record.matching("grade", _CODE))
    record.close()
    return note


def _refused(untrusted: object, name: str) -> RefusedNote:
    record = Record(untrusted, name=name)
    note = RefusedNote(name=record.text("name", longest=NAME_MAX), reason=record.matching("reason", _CODE))
    record.close()
    return note


def _receipt(record: Record) -> ReceiptNote:
    note = ReceiptNote(
        lookup=record.matching("lookup", HEX_128),
        recipient=record.matching("recipient", _RECIPIENT),
        signing=record.matching("signing", HEX_256),
        proof=record.one_of("proof", _hex_or_empty(HEX_256)),
        made_by=record.one_of("made_by", MadeBy),
    )
    record.close()
    return note
