"""Plain Ed25519 (RFC 8032) with keys handed in, as hexadecimal text: for what a receipt's words sign.

Each key signs one kind of message, which begins with a text of its own: callers make sure of that. Signed files of the
stations are minisign's (keys/signing.py).
"""

from typing import Final

from nacl import bindings
from nacl.exceptions import BadSignatureError

from keys.errors import KeyMaterialError

SEED_SIZE: Final = 32  # bytes
PUBLIC_SIZE: Final = 32  # bytes
SIGNATURE_SIZE: Final = 64  # bytes


class Ed25519Error(KeyMaterialError):
    """A signature was not made with this key over this message, or one of the two is malformed."""


def ed25519_public(seed: bytes) -> str:
    """Return the public half of a seed of 32 bytes, 64 hexadecimal digits."""
    public, _ = bindings.crypto_sign_seed_keypair(seed)
    return public.hex()


def sign_ed25519(seed: bytes, message: bytes) -> str:
    """Return the signature of `message`, 128 hexadecimal digits."""
    _, secret = bindings.crypto_sign_seed_keypair(seed)
    return bindings.crypto_sign(message, secret)[:SIGNATURE_SIZE].hex()


def verify_ed25519(untrusted_public: str, message: bytes, untrusted_signature: str) -> None:
    """Return when `message` was signed with the key whose public half this is.

    Raises:
        Ed25519Error: It was not, or the key is not one that an honest person could have.
    """
    try:
        public, signature = bytes.fromhex(untrusted_public), bytes.fromhex(untrusted_signature)
    except ValueError:
        raise Ed25519Error("a key or signature is not hexadecimal") from None
    # libsodium refuses small-order keys and non-canonical signatures itself; lengths are its caller's business.
    if len(public) != PUBLIC_SIZE or len(signature) != SIGNATURE_SIZE:
        raise Ed25519Error("a key or signature has a wrong length")
    try:
        bindings.crypto_sign_open(signature + message, public)
    except BadSignatureError:
        raise Ed25519Error("the signature was not made with this key") from None
