"""`gateway.pairing`: what the desk has to know of a gateway, carried over once by hand. Pure.

The file holds a secret, the key that will authenticate datagrams on a diode, and is to be carried like one.
People compare its fingerprint words on both machines, so that nobody can exchange it on the way.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Final

from keys.errors import KeyMaterialError
from keys.signing import VerifyKey, parse_verify_key
from keys.words import fingerprint_words
from transfer.errors import TransferError

FORMAT: Final = "enveis-pairing"
VERSION: Final = 1
LINK_KEY_SIZE: Final = 32  # bytes, random
PAIRING_MAX: Final = 4096  # bytes of the file

_KEYS: Final = {"format", "version", "gateway", "public_key", "link_key"}
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)


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
        """Words that two people compare; they cover every byte that matters here."""
        return fingerprint_words(encode_pairing(self))


def encode_pairing(pairing: Pairing) -> bytes:
    """Return the bytes of the file."""
    fields = {
        "format": FORMAT,
        "version": VERSION,
        "gateway": pairing.gateway,
        "public_key": pairing.key.encode().splitlines()[1],
        "link_key": pairing.link_key.hex(),
    }
    return json.dumps(fields, indent=1).encode() + b"\n"


def parse_pairing(untrusted: bytes) -> Pairing:
    """Return the pairing in a file.

    Raises:
        PairingError: Not exactly such a file.
    """
    if len(untrusted) > PAIRING_MAX:
        raise PairingError("this is not a gateway.pairing file: it is too large")
    try:
        fields = json.loads(untrusted)
    except (ValueError, RecursionError):
        raise PairingError("this is not a gateway.pairing file") from None
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise PairingError("this is not a gateway.pairing file")
    if fields.get("version") != VERSION or set(fields) != _KEYS:
        raise PairingError("this gateway.pairing is of a version that is not known here")
    texts = [fields["public_key"], fields["link_key"], fields["gateway"]]
    if not all(isinstance(text, str) for text in texts):
        raise PairingError("this gateway.pairing is damaged")
    try:
        key = parse_verify_key(fields["public_key"])
    except KeyMaterialError:
        raise PairingError("this gateway.pairing holds no usable public key") from None
    link_key = fields["link_key"]
    if not _HEX.fullmatch(link_key) or len(link_key) != 2 * LINK_KEY_SIZE:
        raise PairingError("this gateway.pairing holds no usable link key")
    pairing = Pairing(key, bytes.fromhex(link_key))
    if fields["gateway"] != pairing.gateway:
        raise PairingError("this gateway.pairing names another gateway than its key does")
    return pairing
