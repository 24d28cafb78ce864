"""Bech32 text (BIP 173) without the length limit, as age uses it for keys (C2SP age.md).

The libraries enforce BIP 173's 90 characters, which a hybrid recipient exceeds twenty times over.
"""

import base64
import functools
import operator
from typing import Final

from keys.errors import KeyMaterialError

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What the five bits that leave the checksum change in it, for each value of theirs.
_REDUCED: Final = [
    functools.reduce(operator.xor, (factor for i, factor in enumerate(_GENERATOR) if top >> i & 1), 0)
    for top in range(32)
]
_FROM_BASE32: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bytes(range(32)))
_TO_BECH32: Final = bytes.maketrans(bytes(range(32)), _ALPHABET.encode("ascii"))
_CHECKSUM_SIZE: Final = 6  # five-bit symbols
TEXT_MAX: Final = 4096  # characters; a hybrid recipient has 1,959


class Bech32Error(KeyMaterialError):
    """The text is not Bech32, or its checksum does not fit: it was mistyped or cut."""


def encode_bech32(prefix: str, payload: bytes) -> str:
    """Return `payload` as lowercase Bech32 text that starts with `prefix` and "1"."""
    # Base32 (RFC 4648) groups bits in the same way, and is much faster than Python: a hybrid recipient is long.
    symbols = base64.b32encode(payload).rstrip(b"=").translate(_FROM_BASE32)
    polymod = _polymod(_expand(prefix) + list(symbols) + [0] * _CHECKSUM_SIZE) ^ 1
    symbols += bytes((polymod >> 5 * (_CHECKSUM_SIZE - 1 - i)) & 31 for i in range(_CHECKSUM_SIZE))
    return prefix + "1" + symbols.translate(_TO_BECH32).decode("ascii")


def parse_bech32(untrusted_text: str) -> tuple[str, bytes]:
    """Return the prefix in lowercase and the payload.

    Raises:
        Bech32Error: Mixed case, a foreign character, a wrong checksum or wrong padding.
    """
    if len(untrusted_text) > TEXT_MAX:
        raise Bech32Error(f"a key is longer than {TEXT_MAX} characters")
    text = untrusted_text.lower()
    if untrusted_text not in (text, untrusted_text.upper()):
        raise Bech32Error("a key mixes capital and small letters")
    prefix, separator, rest = text.rpartition("1")
    if not prefix or not separator or len(rest) < _CHECKSUM_SIZE or not prefix.isascii() or not prefix.isprintable():
        raise Bech32Error("a key is not in the form of age keys")
    symbols = [_ALPHABET.find(letter) for letter in rest]
    if -1 in symbols:
        raise Bech32Error("a key has a character that age keys do not use")
    if _polymod(_expand(prefix) + symbols) != 1:
        raise Bech32Error("a key has a wrong checksum: it was mistyped or cut")
    return prefix, bytes(_payload(symbols[:-_CHECKSUM_SIZE]))


def _expand(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _polymod(symbols: list[int]) -> int:
    checksum = 1
    for symbol in symbols:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ symbol ^ _REDUCED[checksum >> 25]
    return checksum


def _payload(symbols: list[int]) -> list[int]:
    accumulator = bits = 0
    payload: list[int] = []
    for symbol in symbols:
        accumulator = accumulator << 5 | symbol
        bits += 5
        if bits >= 8:
            bits -= 8
            payload.append(accumulator >> bits)
            accumulator &= (1 << bits) - 1
    if bits >= 5 or accumulator:
        raise Bech32Error("a key has wrong padding: it was mistyped or cut")
    return payload
