"""What joins a later visit to its case: a signature by the receipt's key; and what withdraws one (FORMAT.md 4.8).

Does no input or output. A later visit without a signature that fits the case's *first* packet only claims to belong and
is never joined automatically: the keys in its own manifest prove only that somebody has some return words.
"""

import hashlib
import hmac
import secrets
from typing import Final

from keys.ed25519 import Ed25519Error, sign_ed25519, verify_ed25519
from transfer.errors import TransferError
from transfer.packet.manifest import Manifest

TOKEN_SIZE: Final = 32  # bytes, random
_CONTEXT: Final = "enveis-visit-v1"


class VisitError(TransferError):
    """A later visit was not signed with the key of the case that it names."""


def encode_visit(manifest: Manifest, message: bytes) -> bytes:
    """Return what a later visit signs: a few lines of text. `message` is its message.json, byte for byte.

    The signature field of `manifest` is not part of it.
    """
    if manifest.receipt is None:
        raise ValueError("a packet without a receipt is not a visit")
    # The lines that sha256sum prints of the files, so that the next line can be checked by hand.
    files = "".join(f"{note.sha256}  {note.member}\n" for note in manifest.files)
    return (
        f"{_CONTEXT}\n"
        f"packet {manifest.packet}\n"
        f"purpose {manifest.purpose}\n"
        f"lookup {manifest.receipt.lookup}\n"
        f"withdrawal {manifest.withdrawal or '-'}\n"
        f"message {hashlib.sha256(message).hexdigest()}\n"
        f"files {hashlib.sha256(files.encode()).hexdigest()}\n"
    ).encode()


def sign_visit(seed: bytes, manifest: Manifest, message: bytes) -> str:
    """Return the `visit` field for `manifest`, signed with the seed that is derived from the return words."""
    return sign_ed25519(seed, encode_visit(manifest, message))


def verify_visit(signing: str, manifest: Manifest, message: bytes) -> None:
    """Return when the visit was signed with the key `signing`, which is the one of the case's first packet.

    Raises:
        VisitError: It was not, or has no signature.

    Invariant T10.
    """
    verify_visit_text(signing, encode_visit(manifest, message), manifest.visit)


def verify_visit_text(signing: str, text: bytes, signature: str) -> None:
    """Do what verify_visit does, with the text that encode_visit returned while the packet was open.

    Raises:
        VisitError: See there.
    """
    try:
        verify_ed25519(signing, text, signature)
    except Ed25519Error:
        raise VisitError("a later visit was not signed with the key of this case") from None


def new_withdraw_token() -> str:
    """Return a fresh token, 64 hexadecimal digits: whoever has it can withdraw the packet it was made for."""
    return secrets.token_hex(TOKEN_SIZE)


def withdrawal_of(token: str) -> str:
    """Return the `withdrawal` field for a token: the SHA-256 of its 32 bytes, hexadecimal."""
    return hashlib.sha256(bytes.fromhex(token)).hexdigest()


def is_token_of(withdrawal: str, token: str) -> bool:
    """Return, in constant time, whether `token` (64 hexadecimal digits) withdraws what has this `withdrawal`."""
    return bool(withdrawal) and hmac.compare_digest(withdrawal_of(token), withdrawal)
