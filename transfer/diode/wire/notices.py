"""What a sender reports about itself: signed object headers and history, and heartbeats (WIRE.md, 3). Pure."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from keys.errors import KeyMaterialError
from keys.signing import SigningKey, VerifyKey
from transfer.batch.batch import MANIFEST_MAX, NUMBER_MAX, SIGNATURE_MAX, GatewayId
from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.wire.datagram import TAG_SIZE
from transfer.diode.wire.geometry import Geometry

DIGEST_SIZE: Final = 32  # bytes of SHA-256
HISTORY_MAX: Final = 16  # batches that one history names; WIRE.md 3.3

_OBJECT: Final = struct.Struct(">8sI32sQIHHH")  # WIRE.md 3.2
_HISTORY: Final = struct.Struct(">8sQIH")  # WIRE.md 3.3
_ENTRY: Final = struct.Struct(">IB32s")
_HEARTBEAT: Final = struct.Struct(">IBBIIIH")  # WIRE.md 3.4
_LENGTH: Final = struct.Struct(">H")


def object_name(gateway: GatewayId, number: int, tag: bytes) -> str:
    """Return the name of an object among the receiver's files."""
    return f"{gateway}-{number:06}-{tag.hex()}"


@dataclass(frozen=True, slots=True)
class ObjectHeader:
    """One batch as an object: its gateway, number, digest and size, and how it is cut. Signed by the gateway."""

    gateway: GatewayId
    number: int
    digest: str
    manifest_size: int
    signature_size: int
    geometry: Geometry

    @property
    def tag(self) -> bytes:
        """The bytes that name the object in each datagram."""
        return bytes.fromhex(self.digest)[:TAG_SIZE]

    @property
    def name(self) -> str:
        """The name of the object among the receiver's files: digits and hyphens only."""
        return object_name(self.gateway, self.number, self.tag)

    def is_cut_of(self, other: "ObjectHeader") -> bool:
        """Return whether this is the same object in other symbols, cut by a sender that restarted with another MTU."""
        is_other_cut = self.geometry != other.geometry and self.geometry.size == other.geometry.size
        return is_other_cut and replace(self, geometry=other.geometry) == other


class BatchProgress(IntEnum):
    """How far the sender is with a batch of its history."""

    COMING = 0  # not all of its passes have ended
    SENT = 1  # a receiver that does not have it by now has to ask for it


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One batch that the receiver has, will get, or should ask for."""

    number: int
    digest: str
    progress: BatchProgress


@dataclass(frozen=True, slots=True)
class History:
    """The last batches of a gateway that go over this link, by number; `serial` rises with every change.

    `last` is the highest number that the gateway has given to any batch, whichever channel carries it. When more
    batches have passes left than a history can name, `last` is the highest one named: later ones are left open.
    """

    gateway: GatewayId
    serial: int
    last: int
    entries: tuple[HistoryEntry, ...]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Shows that the sender runs and what it sends; number 0 stands for no batch. Not signed: it decides nothing."""

    number: int
    transmission: int  # which time this object is sent, counted from 1
    transmissions: int  # how often it will be sent, as far as is known now
    block: int
    blocks: int
    waiting: int  # batches to be sent after this one
    every: int  # tenths of a second between two heartbeats


def encode_object(header: ObjectHeader, key: SigningKey) -> bytes:
    """Return the signed payload of an object datagram."""
    geometry = header.geometry
    body = _OBJECT.pack(
        bytes.fromhex(header.gateway),
        header.number,
        bytes.fromhex(header.digest),
        geometry.size,
        header.manifest_size,
        header.signature_size,
        geometry.symbol,
        geometry.block_symbols,
    )
    return _signed(body, key, f"enveis-link-object v1 {header.gateway}")


def parse_object(untrusted: bytes, trusted: Mapping[GatewayId, VerifyKey]) -> ObjectHeader:
    """Return the header, after its gateway's signature was verified.

    Raises:
        DatagramError: Not signed by a gateway in `trusted`, or malformed.
    """
    body, signature = _split(untrusted)
    gateway = GatewayId(body[:8].hex())
    _verify(body, signature, trusted, gateway, f"enveis-link-object v1 {gateway}")
    return _object_of(body)


def read_object(payload: bytes) -> ObjectHeader:
    """Return the header in a payload whose signature the network process has verified; needs no keys."""
    return _object_of(_split(payload)[0])


def encode_history(history: History, key: SigningKey) -> bytes:
    """Return the signed payload of a history datagram."""
    if len(history.entries) > HISTORY_MAX:
        raise ValueError(f"a history names at most {HISTORY_MAX} batches")
    body = _HISTORY.pack(bytes.fromhex(history.gateway), history.serial, history.last, len(history.entries))
    for entry in history.entries:
        body += _ENTRY.pack(entry.number, entry.progress, bytes.fromhex(entry.digest))
    return _signed(body, key, f"enveis-link-history v1 {history.gateway}")


def parse_history(untrusted: bytes, trusted: Mapping[GatewayId, VerifyKey]) -> History:
    """Return the history, after its gateway's signature was verified; raises DatagramError like `parse_object`."""
    body, signature = _split(untrusted)
    if len(body) < _HISTORY.size:
        raise DatagramError(DropReason.FORM)
    gateway = GatewayId(body[:8].hex())
    _verify(body, signature, trusted, gateway, f"enveis-link-history v1 {gateway}")
    _, serial, last, count = _HISTORY.unpack_from(body)
    if count > HISTORY_MAX or len(body) != _HISTORY.size + count * _ENTRY.size or last > NUMBER_MAX:
        raise DatagramError(DropReason.FORM)
    entries = []
    for number, progress, digest in _ENTRY.iter_unpack(body[_HISTORY.size :]):
        if not 1 <= number <= last or progress not in {BatchProgress.COMING, BatchProgress.SENT}:
            raise DatagramError(DropReason.FORM)
        entries.append(HistoryEntry(number, digest.hex(), BatchProgress(progress)))
    return History(gateway, serial, last, tuple(entries))


def read_serial(untrusted: bytes) -> int:
    """Return the serial of what should be a history, unverified: an old one is not worth a signature check.

    Raises:
        DatagramError: The payload is too short to have a serial.
    """
    body, _ = _take(untrusted)
    if len(body) < _HISTORY.size:
        raise DatagramError(DropReason.FORM)
    return int(_HISTORY.unpack_from(body)[1])


def encode_heartbeat(beat: Heartbeat) -> bytes:
    """Return the payload of a heartbeat datagram."""
    return _HEARTBEAT.pack(
        beat.number, beat.transmission, beat.transmissions, beat.block, beat.blocks, beat.waiting, beat.every
    )


def parse_heartbeat(untrusted: bytes) -> Heartbeat:
    """Return the heartbeat in an authentic datagram, or raise DatagramError."""
    if any(untrusted[_HEARTBEAT.size :]):
        raise DatagramError(DropReason.FORM)
    beat = Heartbeat(*_HEARTBEAT.unpack_from(untrusted))
    if beat.number > NUMBER_MAX or beat.block > beat.blocks or not beat.every:
        raise DatagramError(DropReason.FORM)
    return beat


def _object_of(body: bytes) -> ObjectHeader:
    if len(body) != _OBJECT.size:
        raise DatagramError(DropReason.FORM)
    gateway, number, digest, size, manifest_size, signature_size, symbol, block_symbols = _OBJECT.unpack(body)
    sizes_fit = 0 < manifest_size <= MANIFEST_MAX and 0 < signature_size <= SIGNATURE_MAX
    if not 1 <= number <= NUMBER_MAX or not sizes_fit or manifest_size + signature_size > size:
        raise DatagramError(DropReason.FORM)
    try:
        geometry = Geometry(size, symbol, block_symbols)
    except ValueError:
        raise DatagramError(DropReason.FORM) from None
    return ObjectHeader(GatewayId(gateway.hex()), number, digest.hex(), manifest_size, signature_size, geometry)


def _signed(body: bytes, key: SigningKey, comment: str) -> bytes:
    # The comment names the kind of notice: the key signs batches too, and neither must pass for the other.
    signature = key.sign(body, trusted_comment=comment).encode()
    return _LENGTH.pack(len(body)) + body + _LENGTH.pack(len(signature)) + signature


def _split(untrusted: bytes) -> tuple[bytes, str]:
    body, rest = _take(untrusted)
    signature, rest = _take(rest)
    if any(rest):
        raise DatagramError(DropReason.FORM)
    try:
        return body, signature.decode()
    except UnicodeDecodeError:
        raise DatagramError(DropReason.FORM) from None


def _take(untrusted: bytes) -> tuple[bytes, bytes]:
    if len(untrusted) < _LENGTH.size:
        raise DatagramError(DropReason.FORM)
    end = _LENGTH.size + int.from_bytes(untrusted[: _LENGTH.size])
    if end > len(untrusted):
        raise DatagramError(DropReason.FORM)
    return untrusted[_LENGTH.size : end], untrusted[end:]


def _verify(
    body: bytes, signature: str, trusted: Mapping[GatewayId, VerifyKey], gateway: GatewayId, comment: str
) -> None:
    try:
        if gateway not in trusted or trusted[gateway].verify(body, signature) != comment:
            raise DatagramError(DropReason.SIGNATURE)
    except KeyMaterialError:
        raise DatagramError(DropReason.SIGNATURE) from None
