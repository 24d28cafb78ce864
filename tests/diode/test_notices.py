"""Notices: only what the gateway signed, only in the form of WIRE.md 3.

Invariant L3.
"""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.signing import SigningKey
from transfer.batch.batch import GatewayId, gateway_id
from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.wire.datagram import SYMBOL_MIN
from transfer.diode.wire.geometry import Geometry
from transfer.diode.wire.notices import (
    HISTORY_MAX,
    BatchProgress,
    Heartbeat,
    History,
    HistoryEntry,
    ObjectHeader,
    encode_heartbeat,
    encode_history,
    encode_object,
    parse_heartbeat,
    parse_history,
    parse_object,
    read_serial,
)

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
GATEWAY = gateway_id(KEY.public)
TRUSTED = {GATEWAY: KEY.public}
HEADER = ObjectHeader(GATEWAY, 7, "ab" * 32, 1000, 300, Geometry(5_000_000, 1392, 753))
HISTORY = History(
    GATEWAY, 5, 9, (HistoryEntry(8, "cd" * 32, BatchProgress.SENT), HistoryEntry(9, "ef" * 32, BatchProgress.COMING))
)
BEAT = Heartbeat(7, 1, 2, 3, 4, 5, 10)


def padded(payload: bytes) -> bytes:
    return payload.ljust(1392, b"\0")


def refusal(payload: bytes, parse: object = parse_object) -> DropReason:
    assert callable(parse)
    with pytest.raises(DatagramError) as raised:
        parse(payload, TRUSTED)
    return raised.value.reason


def test_headers_and_histories_come_back() -> None:
    assert parse_object(padded(encode_object(HEADER, KEY)), TRUSTED) == HEADER
    assert parse_history(padded(encode_history(HISTORY, KEY)), TRUSTED) == HISTORY
    assert parse_heartbeat(padded(encode_heartbeat(BEAT))) == BEAT


def test_notices_fit_the_smallest_datagram() -> None:
    full = replace(
        HISTORY, last=99, entries=tuple(HistoryEntry(n, "cd" * 32, BatchProgress.SENT) for n in range(1, 17))
    )
    assert len(full.entries) == HISTORY_MAX
    assert len(encode_history(full, KEY)) <= SYMBOL_MIN
    assert len(encode_object(HEADER, KEY)) <= SYMBOL_MIN


@given(data=st.data())
def test_any_flipped_bit_of_a_signed_notice_is_refused(data: st.DataObject) -> None:
    payload = bytearray(padded(encode_object(HEADER, KEY)))
    at = data.draw(st.integers(0, len(payload) * 8 - 1))
    payload[at // 8] ^= 1 << at % 8
    try:
        found = parse_object(bytes(payload), TRUSTED)
    except DatagramError:
        return
    assert found == HEADER  # minisign's first line is a comment that nothing covers


def test_another_gateways_signature_is_forged() -> None:
    assert refusal(padded(encode_object(HEADER, OTHER))) is DropReason.SIGNATURE
    strange = replace(HEADER, gateway=GatewayId(gateway_id(OTHER.public)))
    assert refusal(padded(encode_object(strange, OTHER))) is DropReason.SIGNATURE


def test_one_kind_of_notice_does_not_pass_for_another() -> None:
    assert refusal(padded(encode_history(HISTORY, KEY))) is DropReason.SIGNATURE
    assert refusal(padded(encode_object(HEADER, KEY)), parse_history) is DropReason.SIGNATURE


def test_the_serial_of_a_history_is_read_before_its_signature() -> None:
    assert read_serial(padded(encode_history(HISTORY, OTHER))) == HISTORY.serial
    for short in (b"", b"\0", struct.pack(">H", 21) + bytes(100), struct.pack(">H", 22) + bytes(21)):
        with pytest.raises(DatagramError):
            read_serial(short)


def test_only_the_same_object_is_another_cut_of_it() -> None:
    cut = replace(HEADER, geometry=Geometry(5_000_000, 8888, 471))
    assert cut.is_cut_of(HEADER)
    assert not HEADER.is_cut_of(HEADER)
    for other in (
        replace(cut, number=8),
        replace(cut, digest="ac" * 32),
        replace(cut, manifest_size=999),
        replace(cut, geometry=Geometry(5_000_001, 8888, 471)),
    ):
        assert not other.is_cut_of(HEADER)


@pytest.mark.parametrize(
    ("at", "form", "value"),
    [(8, ">I", 0), (8, ">I", 1_000_000), (44, ">Q", 0), (44, ">Q", 2**40 + 1), (52, ">I", 0), (52, ">I", 2**31),
     (56, ">H", 0), (58, ">H", 0), (58, ">H", 8), (58, ">H", 1393), (58, ">H", 65528), (60, ">H", 0), (60, ">H", 1025)],
)  # fmt: skip
def test_absurd_numbers_are_refused_even_when_signed(at: int, form: str, value: int) -> None:
    genuine = encode_object(HEADER, KEY)
    body = bytearray(genuine[2:64])
    struct.pack_into(form, body, at, value)
    signature = KEY.sign(bytes(body), trusted_comment=f"enveis-link-object v1 {GATEWAY}").encode()
    payload = struct.pack(">H", 62) + bytes(body) + struct.pack(">H", len(signature)) + signature
    assert refusal(padded(payload)) is DropReason.FORM


@given(st.binary(max_size=1392))
def test_garbage_is_refused(untrusted: bytes) -> None:
    for parse in (parse_object, parse_history):
        with pytest.raises(DatagramError):
            parse(untrusted, TRUSTED)


@given(st.binary(min_size=22, max_size=40))
def test_a_heartbeat_is_bounded(untrusted: bytes) -> None:
    try:
        beat = parse_heartbeat(untrusted)
    except DatagramError:
        return
    assert beat.block <= beat.blocks
    assert encode_heartbeat(beat).ljust(len(untrusted), b"\0") == untrusted
