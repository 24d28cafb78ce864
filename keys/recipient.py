"""The public half of a key that packets are sealed to: the only half that the low side ever has."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from keys.age.header import Stanza
from keys.age.wrap import (
    X25519_PUBLIC_SIZE,
    check_hybrid_public,
    hybrid_public,
    wrap_hybrid,
    wrap_x25519,
    x25519_public,
)
from keys.bech32 import Bech32Error, encode_bech32, parse_bech32
from keys.errors import KeyMaterialError

RECIPIENTS_MAX: Final = 8  # in one file: a desk key, a backup key, and room for a rotation
_CLASSIC_PREFIX: Final = "age"
_HYBRID_PREFIX: Final = "age1pq"
_LOW_ORDER_PROBE: Final = bytes(16)  # a file key that protects nothing


class RecipientError(KeyMaterialError):
    """A recipient, or a file of them, cannot be sealed to."""


class KeyKind(StrEnum):
    """Which keys a file is sealed to: opened by every age, or safe against a later quantum computer."""

    CLASSIC = "classic"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A public key: 32 bytes (classic) or 1,216 (hybrid). `str()` is its text form, age1…"""

    kind: KeyKind
    public: bytes

    @classmethod
    def from_secret(cls, kind: KeyKind, secret: bytes) -> "Recipient":
        """Return the recipient of a 32-byte secret."""
        return cls(kind, x25519_public(secret) if kind is KeyKind.CLASSIC else hybrid_public(secret))

    @property
    def label(self) -> str:
        """The kind: recipients of different kinds are never mixed."""
        return self.kind.value

    def wrap(self, file_key: bytes) -> Stanza:
        """Return `file_key`, wrapped to this recipient."""
        match self.kind:
            case KeyKind.CLASSIC:
                return wrap_x25519(file_key, self.public)
            case KeyKind.HYBRID:
                return wrap_hybrid(file_key, self.public)
            case _:
                assert_never(self.kind)

    def __str__(self) -> str:
        return encode_bech32(_CLASSIC_PREFIX if self.kind is KeyKind.CLASSIC else _HYBRID_PREFIX, self.public)


def parse_recipient(untrusted_text: str) -> Recipient:
    """Return the recipient with this text form.

    Raises:
        RecipientError: Another kind of key, a secret key, or text that was mistyped or cut.
    """
    if untrusted_text.upper().startswith("AGE-SECRET-KEY-"):
        raise RecipientError("this is a SECRET key where a recipient (age1…) is wanted: do not bring it here")
    try:
        prefix, public = parse_bech32(untrusted_text)
    except Bech32Error as error:
        raise RecipientError(str(error)) from None
    if prefix == _CLASSIC_PREFIX and len(public) == X25519_PUBLIC_SIZE:
        recipient = Recipient(KeyKind.CLASSIC, public)
    elif prefix == _HYBRID_PREFIX:
        try:
            check_hybrid_public(public)
        except ValueError:
            raise RecipientError("a hybrid recipient (age1pq1…) is not a usable key") from None
        recipient = Recipient(KeyKind.HYBRID, public)
    else:
        raise RecipientError("a recipient is neither a classic (age1…) nor a hybrid (age1pq1…) key")
    try:
        # A key of low order would be found out at the first submission; better now.
        recipient.wrap(_LOW_ORDER_PROBE)
    except KeyMaterialError:
        raise RecipientError("a recipient is not a usable key") from None
    return recipient


def parse_recipients(untrusted_text: str) -> tuple[Recipient, ...]:
    """Return the recipients of a file: one a line, `#` comments, all of one kind, no two alike.

    Raises:
        RecipientError: None, too many, mixed kinds, one twice, or a line that is no recipient.
    """
    lines = [line.strip() for line in untrusted_text.splitlines()]
    recipients = [parse_recipient(line) for line in lines if line and not line.startswith("#")]
    if not recipients:
        raise RecipientError("a recipients file names no recipient")
    if len(recipients) > RECIPIENTS_MAX:
        raise RecipientError(f"a recipients file names more than {RECIPIENTS_MAX} recipients")
    if len({recipient.kind for recipient in recipients}) > 1:
        raise RecipientError(
            "a recipients file mixes classic and hybrid keys: a packet would be as weak as the classic ones"
        )
    if len(set(recipients)) < len(recipients):
        raise RecipientError("a recipients file names one recipient twice")
    return tuple(recipients)


def encode_recipients(recipients: Sequence[Recipient]) -> bytes:
    """Return the one form of a recipients file that is signed, hashed and compared: a line each, nothing else."""
    return "".join(f"{recipient}\n" for recipient in recipients).encode("ascii")


def sealed_to(recipients: Sequence[Recipient]) -> str:
    """Return how a manifest names the recipients it was sealed to: 16 hexadecimal digits, whatever their order."""
    return hashlib.sha256("\n".join(sorted(map(str, recipients))).encode("ascii")).hexdigest()[:16]
