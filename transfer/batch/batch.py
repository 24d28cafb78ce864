"""The signed list of what crosses in one bag or one pass: `batch.json` and its signature (BATCH.md, 2 and 3). Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NewType

from keys.errors import KeyMaterialError
from keys.signing import SigningKey, VerifyKey, signature_key_id
from transfer.errors import BatchError, UnknownGatewayError
from transfer.names import Lane, PacketId, parse_packet_id
from transfer.record import DAY, HEX_64, HEX_256, Record, RecordError, encode_record, parse_record

FORMAT: Final = "enveis-batch"  # BATCH.md 2.1
VERSION: Final = 1  # BATCH.md 2.1
PACKETS_MAX: Final = 1000  # of one batch; BATCH.md 2.3
NUMBER_MAX: Final = 999_999  # six digits; BATCH.md 2.2
MANIFEST_MAX: Final = 512 * 1024  # bytes of batch.json; 1,000 entries take some 170,000
VALUES_MAX: Final = 5_000  # of batch.json; 1,000 entries are 4,000; BATCH.md 2.1
SIGNATURE_MAX: Final = 4096  # bytes of batch.json.minisig
PACKET_SIZE_MAX: Final = 2**40  # bytes; far above any limit a gateway could grant
AUDIT_SIZE_MAX: Final = 16 * 1024 * 1024  # bytes of one part of the log; the rest follows in the next batch
SECRET_SIZE_MAX: Final = 64 * 1024  # bytes of the sealed secret; eight hybrid recipients take some 13,000

_FORMAT: Final = re.compile(FORMAT)
_SEQ_MAX: Final = 2**53 - 1

GatewayId = NewType("GatewayId", str)  # the gateway key's id in lowercase: 16 hexadecimal digits


@dataclass(frozen=True, slots=True)
class PacketEntry:
    """One packet of a batch: its id, its size in bytes, and the SHA-256 of the sealed file."""

    id: PacketId
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class AuditPart:
    """The lines of the gateway's log that travel along: numbers `first` to `last`, `head` the hash of the last.

    Without new lines `first` is `last` + 1, and `head` is the hash of the last line that exists.
    """

    first: int
    last: int
    head: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SecretPart:
    """The sealed acknowledgement secret that travels along."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that a gateway signs about one batch; `previous` is the digest of the batch before."""

    gateway: GatewayId
    number: int
    previous: str | None
    lane: Lane
    day: date
    packets: tuple[PacketEntry, ...]
    audit: AuditPart
    secret: SecretPart


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """A batch, the bytes of its batch.json, and the text of their signature."""

    batch: Batch
    manifest: bytes
    signature: str

    @property
    def digest(self) -> str:
        """The digest by which every other place names this batch."""
        return digest_batch(self.manifest)


def gateway_id(key: VerifyKey) -> GatewayId:
    """Return the id of the gateway that signs with this key."""
    return GatewayId(key.key_id.lower())


def digest_batch(manifest: bytes) -> str:
    """Return a batch's digest: SHA-256 of batch.json, in hexadecimal."""
    return hashlib.sha256(manifest).hexdigest()


def encode_batch(batch: Batch) -> bytes:
    """Return the bytes of batch.json. Its packets must be sorted by id: then their order reveals nothing."""
    manifest = _write_batch(batch)
    try:
        parse_batch(manifest)
    except BatchError as error:
        raise ValueError(str(error)) from None  # a bug of ours: nothing untrusted was read
    return manifest


def parse_batch(untrusted: bytes) -> Batch:
    """Return the batch in the bytes of a batch.json; what parses encodes to the same bytes.

    Raises:
        BatchError: Not the format, out of bounds, or not in the one form that is allowed.
    """
    try:
        batch = _read_batch(parse_record(untrusted, name="batch.json", largest=MANIFEST_MAX, values=VALUES_MAX))
    except RecordError as error:
        raise BatchError(f"the batch's list cannot be read: {error}") from None
    except ValueError:
        raise BatchError("the batch's list cannot be read: its day does not exist") from None
    if _write_batch(batch) != untrusted:
        raise BatchError("the batch's list is not written in the one form that is allowed")
    return batch


def sign_batch(manifest: bytes, key: SigningKey) -> str:
    """Return the text of batch.json.minisig."""
    return key.sign(manifest, trusted_comment=_comment(parse_batch(manifest)))


def verify_batch(untrusted_manifest: bytes, untrusted_signature: str, trusted: Mapping[GatewayId, VerifyKey]) -> Batch:
    """Return the batch, after the signature of a trusted gateway was verified; nothing is parsed before that.

    Raises:
        UnknownGatewayError: Signed by a key that is not in `trusted`.
        BatchError: The signature does not verify, or what is signed is not a batch of that gateway.

    Invariant T2.
    """
    try:
        signer = GatewayId(signature_key_id(untrusted_signature).lower())
    except KeyMaterialError as error:
        raise BatchError(f"the batch's signature cannot be read: {error}") from None
    if signer not in trusted:
        raise UnknownGatewayError(
            f"the batch is signed by the key {signer}, which is not that of a gateway paired here"
        )
    try:
        comment = trusted[signer].verify(untrusted_manifest, untrusted_signature)
    except KeyMaterialError as error:
        raise BatchError(f"the batch is forged or damaged: {error}") from None
    batch = parse_batch(untrusted_manifest)
    # The same key may sign other things; the signed comment marks this one as a batch, and which.
    if batch.gateway != signer or comment != _comment(batch):
        raise BatchError("the signature is genuine, but was not made for this batch")
    return batch


def _comment(batch: Batch) -> str:
    return f"{FORMAT} v{VERSION} {batch.gateway} {batch.number}"


def _write_batch(batch: Batch) -> bytes:
    return encode_record(
        {
            "format": FORMAT,
            "version": VERSION,
            "gateway": batch.gateway,
            "number": batch.number,
            "previous": batch.previous,
            "lane": str(batch.lane),
            "day": batch.day.isoformat(),
            "packets": [{"id": item.id, "size": item.size, "sha256": item.sha256} for item in batch.packets],
            "audit": {
                "first": batch.audit.first,
                "last": batch.audit.last,
                "head": batch.audit.head,
                "size": batch.audit.size,
                "sha256": batch.audit.sha256,
            },
            "secret": {"size": batch.secret.size, "sha256": batch.secret.sha256},
        }
    )


def _read_batch(record: Record) -> Batch:
    record.matching("format", _FORMAT)
    record.integer("version", low=VERSION, high=VERSION)
    batch = Batch(
        gateway=GatewayId(record.matching("gateway", HEX_64)),
        number=record.integer("number", low=1, high=NUMBER_MAX),
        previous=record.optional("previous", lambda field: record.matching(field, HEX_256)),
        lane=record.one_of("lane", Lane),
        day=date.fromisoformat(record.matching("day", DAY)),
        packets=record.items("packets", most=PACKETS_MAX, read=_read_entry),
        audit=_read_audit(record.record("audit")),
        secret=_read_secret(record.record("secret")),
    )
    record.close()
    if (batch.previous is None) != (batch.number == 1):
        raise RecordError("batch.json: every batch but the first names the one before")
    ids = [entry.id for entry in batch.packets]
    if ids != sorted(set(ids)):
        raise RecordError("batch.json: the packets are not sorted by id, or one stands twice")
    return batch


def _read_entry(untrusted: object, name: str) -> PacketEntry:
    record = Record(untrusted, name=name)
    entry = PacketEntry(
        id=record.one_of("id", parse_packet_id),
        size=record.integer("size", low=1, high=PACKET_SIZE_MAX),
        sha256=record.matching("sha256", HEX_256),
    )
    record.close()
    return entry


def _read_audit(record: Record) -> AuditPart:
    part = AuditPart(
        first=record.integer("first", low=1, high=_SEQ_MAX),
        last=record.integer("last", low=0, high=_SEQ_MAX),
        head=record.matching("head", HEX_256),
        size=record.integer("size", low=0, high=AUDIT_SIZE_MAX),
        sha256=record.matching("sha256", HEX_256),
    )
    record.close()
    if part.first > part.last + 1:
        raise RecordError("batch.json.audit: the numbers of the lines run backwards")
    return part


def _read_secret(record: Record) -> SecretPart:
    part = SecretPart(
        size=record.integer("size", low=1, high=SECRET_SIZE_MAX), sha256=record.matching("sha256", HEX_256)
    )
    record.close()
    return part
