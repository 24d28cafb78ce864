"""gateway.pairing: whatever is not exactly one is refused, and its words cover all of it."""

import json

import pytest

from keys.signing import SigningKey
from transfer.pairing import Pairing, PairingError, encode_pairing, parse_pairing

PAIRING = Pairing(SigningKey.generate().public, bytes(range(32)))
FIELDS = json.loads(encode_pairing(PAIRING))


def test_encode_and_parse() -> None:
    assert parse_pairing(encode_pairing(PAIRING)) == PAIRING
    assert PAIRING.gateway == PAIRING.key.key_id.lower()
    assert len(PAIRING.fingerprint.split()) == 8
    assert bytes(range(32)).hex() not in repr(PAIRING)


def test_the_words_cover_key_and_link_key() -> None:
    others = [Pairing(SigningKey.generate().public, PAIRING.link_key), Pairing(PAIRING.key, bytes(32))]
    assert len({pairing.fingerprint for pairing in (*others, PAIRING)}) == 3


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 4000,
        b" " * 5000,
        encode_pairing(PAIRING).replace(b'"version": 1', b'"version": 1, "version": 1'),
        PAIRING.key.encode().encode(),
        *(
            json.dumps(FIELDS | change).encode()
            for change in (
                {"format": "x"},
                {"version": 2},
                {"version": "1"},
                {"version": True},
                {"version": 1.0},
                {"more": 1},
                {"public_key": 1},
                {"public_key": "RWQ"},
                {"link_key": None},
                {"link_key": "00" * 31},
                {"link_key": "0 " * 32},
                {"link_key": "A" * 64},
                {"gateway": "0" * 16},
            )
        ),
        *(json.dumps({k: v for k, v in FIELDS.items() if k != gone}).encode() for gone in FIELDS),
    ],
)
def test_anything_else_is_refused_in_one_sentence(untrusted: bytes) -> None:
    with pytest.raises(PairingError) as raised:
        parse_pairing(untrusted)
    assert "\n" not in str(raised.value)
