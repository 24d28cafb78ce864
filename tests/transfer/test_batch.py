"""batch.json: one form only, and nothing trusted before the signature of a known gateway verifies.

Invariant T2.
"""

import dataclasses
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.signing import SigningKey
from tests.worlds.json_texts import watch_json
from transfer.batch.batch import (
    PACKETS_MAX,
    AuditPart,
    Batch,
    GatewayId,
    PacketEntry,
    SecretPart,
    digest_batch,
    encode_batch,
    gateway_id,
    parse_batch,
    sign_batch,
    verify_batch,
)
from transfer.errors import BatchError, UnknownGatewayError
from transfer.names import Lane, PacketId
from transfer.record import encode_record

KEY = SigningKey.from_seed(bytes(range(32)), key_id="00000000000000AB")
GATEWAY = gateway_id(KEY.public)
TRUSTED = {GATEWAY: KEY.public}
HASH = "0f" * 32


def make_batch(**changes: Any) -> Batch:
    batch = Batch(
        gateway=GATEWAY,
        number=7,
        previous="ab" * 32,
        lane=Lane.HELD,
        day=date(2026, 11, 21),
        packets=tuple(PacketEntry(PacketId(f"{place:032x}"), 65_536 + place, HASH) for place in range(3)),
        audit=AuditPart(first=5, last=9, head=HASH, size=900, sha256=HASH),
        secret=SecretPart(size=400, sha256=HASH),
    )
    return dataclasses.replace(batch, **changes)


MANIFEST = encode_batch(make_batch())
SIGNATURE = sign_batch(MANIFEST, KEY)


def changed(path: str, value: object) -> bytes:
    fields = json.loads(MANIFEST)
    *folders, last = path.split(".")
    place = fields
    for folder in folders:
        place = place[int(folder)] if folder.isdigit() else place[folder]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return encode_record(fields)


packet_ids = st.integers(0, 2**128 - 1).map(lambda number: PacketId(f"{number:032x}"))


@given(
    st.integers(2, 999_999),
    st.sampled_from(Lane),
    st.dates(min_value=date(2026, 1, 1), max_value=date(2099, 12, 31)),
    st.sets(packet_ids, max_size=20),
)
def test_what_is_written_is_read(number: int, lane: Lane, day: date, ids: set[PacketId]) -> None:
    entries = tuple(PacketEntry(packet, 1 + int(packet, 16) % 2**40, HASH) for packet in sorted(ids))
    batch = make_batch(number=number, lane=lane, day=day, packets=entries)
    manifest = encode_batch(batch)
    assert verify_batch(manifest, sign_batch(manifest, KEY), TRUSTED) == batch


def test_a_batch_takes_a_thousand_packets_and_no_more() -> None:
    entries = tuple(PacketEntry(PacketId(f"{place:032x}"), 2**40, HASH) for place in range(PACKETS_MAX + 1))
    assert len(parse_batch(encode_batch(make_batch(packets=entries[:-1]))).packets) == PACKETS_MAX == 1000
    with pytest.raises(ValueError, match="packets"):
        encode_batch(make_batch(packets=entries))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "enveis-bundle"),
        ("version", 2),
        ("gateway", "../../etc"),
        ("gateway", "00000000000000AB"),
        ("number", 0),
        ("number", 1_000_000),
        ("number", 7.0),
        ("number", True),
        ("previous", "x"),
        ("lane", "open"),
        ("day", "2026-02-30"),
        ("day", "2026-11-21T23:00"),
        ("packets", {}),
        ("packets.0.id", "../../../../../../etc/passwd12345"),
        ("packets.0.id", 5),
        ("packets.0.id", f"{9:032x}"),
        ("packets.1.id", f"{0:032x}"),
        ("packets.0.size", -1),
        ("packets.0.size", 2**41),
        ("packets.0.sha256", HASH.upper()),
        ("packets.0.name", "report.pdf"),
        ("audit.first", 11),
        ("audit.size", 2**30),
        ("audit.head", ""),
        ("secret.size", 2**30),
        ("secret.key", "00"),
        ("note", "free text"),
        *[(name, None) for name in json.loads(MANIFEST)],
        ("packets.0.sha256", None),
        ("audit.head", None),
        ("secret.size", None),
    ],
)
def test_anything_else_is_refused(path: str, value: object) -> None:
    with pytest.raises(BatchError):
        parse_batch(changed(path, value))


def test_only_the_first_batch_has_none_before_it() -> None:
    assert parse_batch(encode_batch(make_batch(number=1, previous=None))).previous is None
    for wrong in (make_batch(number=1), make_batch(previous=None)):
        with pytest.raises(ValueError, match="the one before"):
            encode_batch(wrong)


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"null",
        b"[]",
        b"[" * 400_000,
        b"9" * 5000,
        b"\xff",
        MANIFEST + b" ",
        MANIFEST[:-1],
        MANIFEST.replace(b"\n", b""),
        MANIFEST.replace(b'"number": 7', b'"number": 7, "number": 7'),
        b" " * (600 * 1024),
    ],
)
def test_another_form_of_the_same_is_refused(manifest: bytes) -> None:
    with pytest.raises(BatchError):
        parse_batch(manifest)


@given(st.integers(0, len(MANIFEST) - 1), st.integers(0, 7))
def test_any_flipped_bit_breaks_the_signature(position: int, bit: int) -> None:
    forged = bytearray(MANIFEST)
    forged[position] ^= 1 << bit
    with pytest.raises(BatchError, match="forged or damaged"):
        verify_batch(bytes(forged), SIGNATURE, TRUSTED)


@pytest.mark.parametrize("forged", [b"not even JSON", MANIFEST.replace(b'"number": 7', b'"number": 8')])
def test_nothing_is_parsed_before_the_signature_verifies(forged: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the parser sees is watched: that its errors are not shown does not mean that it did not run."""
    parsed = watch_json(monkeypatch)
    stranger = SigningKey.generate()
    with pytest.raises(BatchError, match="forged or damaged"):
        verify_batch(forged, SIGNATURE, TRUSTED)
    with pytest.raises(UnknownGatewayError):
        verify_batch(forged, stranger.sign(forged, trusted_comment="x"), TRUSTED)
    with pytest.raises(BatchError, match="cannot be read"):
        verify_batch(forged, "no signature", TRUSTED)
    assert parsed == []
    verify_batch(MANIFEST, SIGNATURE, TRUSTED)
    assert parsed == [MANIFEST], "the watcher sees the parser"


def test_a_stranger_is_named_as_one() -> None:
    stranger = SigningKey.generate()
    with pytest.raises(UnknownGatewayError, match=stranger.public.key_id.lower()):
        verify_batch(MANIFEST, stranger.sign(MANIFEST, trusted_comment="x"), TRUSTED)
    with pytest.raises(UnknownGatewayError):
        verify_batch(MANIFEST, SIGNATURE, {})
    with pytest.raises(BatchError, match="cannot be read"):
        verify_batch(MANIFEST, "no signature", TRUSTED)


def test_a_signature_for_something_else_does_not_pass() -> None:
    for comment in ("enveis-bundle v1", "enveis-batch v1 00000000000000ab 8"):
        with pytest.raises(BatchError, match="not made for this batch"):
            verify_batch(MANIFEST, KEY.sign(MANIFEST, trusted_comment=comment), TRUSTED)
    other = SigningKey.from_seed(bytes(32), key_id="00000000000000CD")
    both = {**TRUSTED, gateway_id(other.public): other.public}
    with pytest.raises(BatchError, match="not made for this batch"):
        verify_batch(MANIFEST, sign_batch(MANIFEST, other), both)


def test_names_and_digest() -> None:
    import hashlib

    assert GatewayId("00000000000000ab") == GATEWAY
    assert digest_batch(MANIFEST) == hashlib.sha256(MANIFEST).hexdigest()
