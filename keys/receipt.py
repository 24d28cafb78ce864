"""From the return words and proof words of a receipt to keys (transfer/packet/FORMAT.md, 4.2).

Stores nothing and knows no packet.

Return words bring a source back; proof words are never typed online and prove authorship later. Each is a random
number of 100 bits, stretched a little by Argon2id (8 MiB, one pass: some milliseconds) and split by HKDF-SHA256.
Salts and infos are fixed: the same words give the same keys on every machine, for ever. That one guess tests every
receipt there is makes up for no bits, so there are enough of them (ADR 0052).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from errno import ENOMEM
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from keys.ed25519 import ed25519_public
from keys.recipient import KeyKind, Recipient
from keys.secret import SecretKey
from keys.word_list import WordList
from keys.words import Purpose, encode_words, parse_words

RETURN_BITS: Final = 100  # ten words and a check word; why no fewer is in ADR 0052
PROOF_BITS: Final = 100
ARGON2_MEMORY: Final = 8 * 1024 * 1024  # bytes
ARGON2_PASSES: Final = 1
KEY_SIZE: Final = 32  # bytes of each secret
LOOKUP_SIZE: Final = 16  # bytes: two receipts never share a name by chance

_VALUE_SIZE: Final = 13  # bytes of the number behind words, big-endian, as Argon2id's password
# Sixteen bytes each (libsodium's fixed length). Public on purpose: the words are the only thing a source keeps.
_RETURN_SALT: Final = b"enveis/return/v2"
_PROOF_SALT: Final = b"enveis/proof/v2\0"


@dataclass(frozen=True, slots=True)
class ReceiptWords:
    """What a source keeps: shown once, stored nowhere."""

    return_words: str = field(repr=False)
    proof_words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReturnKeys:
    """What is derived from the return words: a name to ask for, the secret behind replies, a key to sign visits."""

    lookup: str
    recipient_secret: bytes = field(repr=False)
    signing_seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReturnSecrets:
    """What one visit needs: the name to ask for, what opens its replies, what signs what it adds."""

    lookup: str
    reply_key: SecretKey
    signing_seed: bytes = field(repr=False)

    @property
    def recipient(self) -> Recipient:
        """The public half that replies are sealed to."""
        return self.reply_key.recipient

    @property
    def signing(self) -> str:
        """The public half that a visit's signature is verified with, hexadecimal."""
        return ed25519_public(self.signing_seed)


@dataclass(frozen=True, slots=True)
class PublicReceipt:
    """The public halves, which go sealed into the packet: hexadecimal, `recipient` in age's text form."""

    lookup: str
    recipient: str
    signing: str
    proof: str


def new_receipt_words(
    random_bits: Callable[[int], int] = secrets.randbits, *, word_list: WordList = WordList.ENGLISH
) -> ReceiptWords:
    """Return new return words and proof words; `random_bits(n)` gives an unpredictable number below 2^n."""
    return ReceiptWords(
        encode_words(random_bits(RETURN_BITS), bits=RETURN_BITS, purpose=Purpose.RETURN, word_list=word_list),
        encode_words(random_bits(PROOF_BITS), bits=PROOF_BITS, purpose=Purpose.PROOF, word_list=word_list),
    )


def parse_return_words(untrusted_text: str) -> int:
    """Return the number behind typed return words, or raise keys.words.WordsError."""
    return parse_words(untrusted_text, bits=RETURN_BITS, purpose=Purpose.RETURN)


def parse_proof_words(untrusted_text: str) -> int:
    """Return the number behind typed proof words, or raise keys.words.WordsError."""
    return parse_words(untrusted_text, bits=PROOF_BITS, purpose=Purpose.PROOF)


def derive_return_keys(value: int) -> ReturnKeys:
    """Return the keys of a return number. Takes ARGON2_MEMORY and some milliseconds, and lets other threads run.

    Raises:
        OSError: There is not so much memory.
    """
    stretched = _stretch(value, salt=_RETURN_SALT)
    return ReturnKeys(
        lookup=_derive(stretched, "enveis/receipt/v2/lookup", size=LOOKUP_SIZE).hex(),
        recipient_secret=_derive(stretched, "enveis/receipt/v2/recipient"),
        signing_seed=_derive(stretched, "enveis/receipt/v2/signing"),
    )


def return_secrets(untrusted_words: str, kind: KeyKind) -> ReturnSecrets:
    """Return what a visit with these return words needs, for packets of this kind; as slow as derive_return_keys.

    Raises:
        keys.words.WordsError: These are not a receipt's words. Nobody here knows whether anyone was ever given them.
        OSError: There is not enough memory.
    """
    keys = derive_return_keys(parse_return_words(untrusted_words))
    return ReturnSecrets(keys.lookup, SecretKey(kind, keys.recipient_secret), keys.signing_seed)


def derive_proof_seed(value: int) -> bytes:
    """Return the Ed25519 seed of a proof number. Takes ARGON2_MEMORY and some milliseconds, and lets other threads run.

    Raises:
        OSError: There is not so much memory.
    """
    return _derive(_stretch(value, salt=_PROOF_SALT), "enveis/receipt/v2/proof")


def public_receipt(words: ReceiptWords, kind: KeyKind) -> PublicReceipt:
    """Return the public halves for a packet of this kind. Takes twice the time of one derivation.

    Raises:
        keys.words.WordsError: These are not a receipt's words.
        OSError: There is not enough memory.
    """
    keys = derive_return_keys(parse_return_words(words.return_words))
    proof_seed = derive_proof_seed(parse_proof_words(words.proof_words))
    return PublicReceipt(
        lookup=keys.lookup,
        recipient=str(Recipient.from_secret(kind, keys.recipient_secret)),
        signing=ed25519_public(keys.signing_seed),
        proof=ed25519_public(proof_seed),
    )


def _stretch(value: int, *, salt: bytes) -> bytes:
    password = value.to_bytes(_VALUE_SIZE)
    try:
        return argon2id.kdf(KEY_SIZE, password, salt, opslimit=ARGON2_PASSES, memlimit=ARGON2_MEMORY)
    except CryptoError:  # the only way for libsodium to fail here
        raise OSError(ENOMEM, "no memory for a key") from None


def _derive(stretched: bytes, info: str, *, size: int = KEY_SIZE) -> bytes:
    # Expand alone (RFC 5869, 3.3): Argon2id's output is uniform already.
    return HKDFExpand(algorithm=SHA256(), length=size, info=info.encode()).derive(stretched)
