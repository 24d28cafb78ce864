"""The datagram against WIRE.md 2: what a second reader, written from the page alone, makes of it.

Invariant L3.
"""

import hashlib
import random
import re
import secrets
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from hypothesis import given
from hypothesis import strategies as st

from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.wire.datagram import OVERHEAD, DatagramKind, DatagramWriter, LinkKey, parse_datagram, symbol_size
from transfer.diode.wire.geometry import block_symbols

PAGE = Path(__file__).parents[2] / "transfer" / "diode" / "wire" / "WIRE.md"
SECRET = bytes(range(32))
LINK = 0xABCD
SESSION = 0x11223344_55667788


def written(kind: DatagramKind, payload: bytes, *, veiled: bool = False, skip: int = 0, **where: int) -> bytes:
    writer = DatagramWriter(LinkKey(SECRET), link=LINK, session=SESSION, symbol=1168, veiled=veiled)
    buffer = bytearray(writer.size)
    for _ in range(skip + 1):
        writer.write(memoryview(buffer), kind, payload, number=9, tag=b"tagged!!", **where)
    return bytes(buffer)


def refusal(untrusted: bytes) -> DropReason:
    with pytest.raises(DatagramError) as raised:
        parse_datagram(memoryview(untrusted), {LINK: LinkKey(SECRET)})
    return raised.value.reason


@given(
    payload=st.binary(max_size=1168),
    kind=st.sampled_from(DatagramKind),
    block=st.integers(0, 2**32 - 1),
    esi=st.integers(0, 2**32 - 1),
    veiled=st.booleans(),
)
def test_what_is_written_is_read_again(payload: bytes, kind: DatagramKind, block: int, esi: int, veiled: bool) -> None:
    sent = written(kind, payload, veiled=veiled, block=block, esi=esi)
    link, found = parse_datagram(memoryview(sent), {LINK: LinkKey(SECRET)})
    assert (link, found.session, found.sequence, found.kind) == (LINK, SESSION, 0, kind)
    assert (found.number, found.tag, found.block, found.esi) == (9, b"tagged!!", block, esi)
    assert bytes(found.payload) == payload.ljust(1168, b"\0")


@given(
    count=st.integers(1, 20),
    seed=st.integers(0, 2**32),
    block=st.integers(0, 2**32 - 1),
    first=st.integers(0, 2**24),
    veiled=st.booleans(),
)
def test_a_run_of_symbols_is_what_they_are_one_by_one(
    count: int, seed: int, block: int, first: int, veiled: bool
) -> None:
    content = random.Random(seed).randbytes(count * 1168)
    one, many = (DatagramWriter(LinkKey(SECRET), link=LINK, session=SESSION, symbol=1168, veiled=veiled) for _ in "12")
    singly, slots = [memoryview(bytearray(one.size)) for _ in range(count)], [bytearray(one.size) for _ in range(count)]
    where = {"number": 9, "block": block}
    for index, slot in enumerate(singly):
        piece = content[index * 1168 : (index + 1) * 1168]
        one.write(slot, DatagramKind.SYMBOL, piece, tag=b"tagged!!", esi=first + index, **where)
    many.write_symbols([memoryview(slot) for slot in slots], memoryview(content), tag=b"tagged!!", first=first, **where)
    assert slots == singly
    after = [memoryview(bytearray(one.size)) for _ in "12"]
    one.write(after[0], DatagramKind.PADDING)
    many.write(after[1], DatagramKind.PADDING)
    assert after[0] == after[1], "sequence numbers go on without a gap"


def test_a_second_reader_from_the_page_alone() -> None:
    sent = written(DatagramKind.SYMBOL, b"x" * 1168, skip=2, block=3, esi=4)
    assert hashlib.blake2b(sent[:-16], key=SECRET, person=b"enveis-link-v1", digest_size=16).digest() == sent[-16:]
    assert struct.unpack(">BBHII Q I I 8s I I".replace(" ", ""), sent[:44]) == (
        1, 0, LINK, 0x11223344, 0x55667788, 2, 4, 9, b"tagged!!", 3, 4
    )  # fmt: skip


def test_a_second_unveiling_from_the_page_alone() -> None:
    plain, veiled = (
        written(DatagramKind.SYMBOL, b"x" * 1168, skip=2),
        written(DatagramKind.SYMBOL, b"x" * 1168, skip=2, veiled=True),
    )
    session = SESSION.to_bytes(8)
    key = hashlib.blake2b(session, key=SECRET, person=b"enveis-veil-v1", digest_size=32).digest()
    stream = Cipher(ChaCha20(key, bytes(4) + bytes(4) + (2).to_bytes(8)), None).encryptor()
    assert stream.update(veiled[20:-16]) == plain[20:-16]
    assert veiled[1] == 1


def test_veiled_padding_looks_like_anything_else() -> None:
    padding = {written(DatagramKind.PADDING, b"", veiled=True, skip=skip)[20:-16] for skip in range(20)}
    assert len(padding) == 20
    for each in padding:
        # Zeros would compress, and each byte value would not be there: a stream cipher's output has all of them.
        assert len(set(each)) > 200


@given(data=st.data(), veiled=st.booleans())
def test_any_flipped_bit_is_refused(data: st.DataObject, veiled: bool) -> None:
    sent = bytearray(written(DatagramKind.SYMBOL, b"evidence", veiled=veiled))
    at = data.draw(st.integers(0, len(sent) * 8 - 1))
    sent[at // 8] ^= 1 << at % 8
    with pytest.raises(DatagramError):
        parse_datagram(memoryview(sent), {LINK: LinkKey(SECRET)})


@given(st.binary(max_size=9100))
def test_garbage_is_refused(untrusted: bytes) -> None:
    assert refusal(untrusted) in {DropReason.SIZE, DropReason.VERSION, DropReason.LINK, DropReason.MAC}


def test_each_refusal_has_its_reason() -> None:
    sent = written(DatagramKind.SYMBOL, b"evidence")
    assert refusal(sent[:-1]) is DropReason.SIZE
    assert refusal(sent + bytes(8000)) is DropReason.SIZE
    assert refusal(b"") is DropReason.SIZE
    assert refusal(b"\2" + sent[1:]) is DropReason.VERSION
    assert refusal(sent[:2] + b"\0\0" + sent[4:]) is DropReason.LINK
    assert refusal(sent[:-1] + bytes([sent[-1] ^ 1])) is DropReason.MAC
    other = bytearray(len(sent))
    DatagramWriter(LinkKey(secrets.token_bytes(32)), link=LINK, session=1, symbol=1168).write(
        memoryview(other), DatagramKind.PADDING
    )
    assert refusal(bytes(other)) is DropReason.MAC
    unknown = sent[:20] + (77).to_bytes(4) + sent[24:-16]
    assert refusal(unknown + LinkKey(SECRET).mac(unknown)) is DropReason.FORM


@pytest.mark.parametrize("mtu", [1280, 1492, 1500, 4000, 9000])
def test_a_datagram_fits_the_mtu_and_wastes_little(mtu: int) -> None:
    size = symbol_size(mtu) + OVERHEAD + 48
    assert mtu - 8 < size <= mtu


def test_the_page_has_the_sizes_of_the_code() -> None:
    text = PAGE.read_text()
    for mtu in (1280, 1500, 9000):
        assert f"MTU {mtu}: {symbol_size(mtu):,}" in text
    assert (
        f"({block_symbols(symbol_size(1500))} symbols at MTU 1500, {block_symbols(symbol_size(9000))} at 9000)" in text
    )
    assert f"(MTU - 48 - {OVERHEAD})" in text
    kinds = re.search(r"2\.4\. Kinds: (.*?)\sA payload", text, re.DOTALL)
    assert kinds is not None
    assert re.findall(r"(\d) [a-z]", kinds[1]) == [str(int(kind)) for kind in DatagramKind]


def test_a_key_does_not_show_itself() -> None:
    assert SECRET.hex() not in repr(LinkKey(SECRET))
    assert repr(SECRET)[2:-1] not in repr(LinkKey(SECRET))
