"""The words that a desk gives for what arrived (BATCH.md 6). Pure.

They are a MAC under the batch's secret, which only the desk's identity can open. They guard against mistakes and
stolen sticks, not against an owned gateway, which has the secret too and could delete anyway.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from keys.words import Purpose, encode_words, parse_words
from transfer.names import PacketId

SECRET_SIZE: Final = 32  # bytes, random, one for each batch
CODE_BITS: Final = 70  # seven words and a check word; at least 66 are asked for
_MAC_SIZE: Final = 16  # bytes of BLAKE2b, of which the first CODE_BITS become words
_DOMAIN: Final = b"enveis-ack-v1"  # BLAKE2b's personalisation


def acknowledgement_words(secret: bytes, *, digest: str, arrived: Iterable[PacketId]) -> str:
    """Return the words for exactly these packets of the batch with this digest.

    Args:
        secret: The batch's 32 bytes.
        digest: SHA-256 of batch.json, in hexadecimal; binds gateway, number and everything signed.
        arrived: The packets that were opened to their last chunk and stored.
    """
    return encode_words(_code(secret, digest, arrived), bits=CODE_BITS, purpose=Purpose.ACKNOWLEDGEMENT)


def parse_acknowledgement(untrusted_text: str) -> int:
    """Return the number in typed words, or raise keys.words.WordsError."""
    return parse_words(untrusted_text, bits=CODE_BITS, purpose=Purpose.ACKNOWLEDGEMENT)


def is_acknowledgement(code: int, secret: bytes, *, digest: str, arrived: Iterable[PacketId]) -> bool:
    """Tell whether the typed number is the one for exactly these packets."""
    size = -(-CODE_BITS // 8)
    return hmac.compare_digest(code.to_bytes(size), _code(secret, digest, arrived).to_bytes(size))


def _code(secret: bytes, digest: str, arrived: Iterable[PacketId]) -> int:
    if len(secret) != SECRET_SIZE:
        raise ValueError("a batch's secret has 32 bytes")
    mac = hashlib.blake2b(bytes.fromhex(digest), key=secret, person=_DOMAIN, digest_size=_MAC_SIZE)
    for packet in sorted(arrived):
        mac.update(bytes.fromhex(packet))
    return int.from_bytes(mac.digest()) >> 8 * _MAC_SIZE - CODE_BITS
