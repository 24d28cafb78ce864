"""`gateway.pairing`: what the desk needs to know about a gateway, carried over once by hand. Pure.

The file contains a secret, the key that will authenticate datagrams on a diode: carry it like one. People compare its
fingerprint words on both machines, so that nobody can exchange it on the way.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from keys.errors import KeyMaterialError
from keys.signing import VerifyKey, parse_verify_key
from keys.words import fingerprint_words
from transfer.errors import TransferError
from transfer.record import HEX_64, HEX_256, SMALL_RECORD, RecordError, encode_record, parse_record

FORMAT: Final = "enveis-pairing"
VERSION: Final = 1
LINK_KEY_SIZE: Final = 32  # bytes, random
PAIRING_MAX: Final = 4096  # bytes of the file

_FORMAT: Final = re.compile(FORMAT)


class PairingError(TransferError):
    """A pairing file cannot be used."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """A gateway's public key and the key of its link."""

    key: VerifyKey
    link_key: bytes = field(repr=False)

    @property
    def gateway(self) -> str:
        """The gateway's id: its key id in lowercase, 16 hexadecimal digits."""
        return self.key.key_id.lower()

    @property
    def fingerprint(self) -> str:
        """The fingerprint words that two people compare; they cover every byte of the file."""
        return fingerprint_words(encode_pairing(self))


def encode_pairing(pairing: Pairing) -> bytes:
    """Return the bytes of the file."""
    return encode_record(
        {
            "format": FORMAT,
            "version": VERSION,
            "gateway": pairing.gateway,
            "public_key": pairing.key.encode().splitlines()[1],
            "link_key": pairing.link_key.hex(),
        }
    )


def parse_pairing(untrusted: bytes) -> Pairing:
    """Return the pairing in a file.

    Raises:
        PairingError: Not exactly such a file.
    """
    try:
        record = parse_record(untrusted, name="the file", largest=PAIRING_MAX, values=SMALL_RECORD)
        record.matching("format", _FORMAT)
        record.integer("version", low=VERSION, high=VERSION)
        gateway = record.matching("gateway", HEX_64)
        key = record.one_of("public_key", _verify_key)
        link_key = bytes.fromhex(record.matching("link_key", HEX_256))
        record.close()
    except RecordError as error:
        raise PairingError(f"this gateway.pairing file cannot be used: {error}") from None
    pairing = Pairing(key, link_key)
    if gateway != pairing.gateway:
        raise PairingError("this gateway.pairing file names one gateway and contains the key of another")
    return pairing


def _verify_key(untrusted_text: str) -> VerifyKey:
    try:
        return parse_verify_key(untrusted_text)
    except KeyMaterialError as error:
        raise ValueError(str(error)) from None
