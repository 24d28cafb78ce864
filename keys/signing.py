"""Signing keys and signatures in minisign's file formats (jedisct1.github.io/minisign), prehashed form only.

Anyone with the `minisign` program can check what this module signs and sign what it checks. Takes and gives
text; reads no file. Refuses the older form that signs the message itself, and password-protected secret keys:
a station that signs without a person beside it could only keep the password next to the key.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from nacl import bindings
from nacl.exceptions import CryptoError

from keys.base64_text import encode_base64, parse_base64
from keys.errors import KeyMaterialError

KEY_ID_SIZE: Final = 8  # bytes, random; minisign, "Public key format"
SEED_SIZE: Final = 32  # bytes; RFC 8032, 5.1.5
PUBLIC_SIZE: Final = 32  # bytes; RFC 8032, 5.1.5
SIGNATURE_SIZE: Final = 64  # bytes; RFC 8032, 5.1.6
DIGEST_SIZE: Final = 64  # bytes of BLAKE2b-512, what a prehashed signature signs
COMMENT_MAX: Final = 1024  # bytes of one comment; minisign itself stops at 8,192
TEXT_MAX: Final = 4096  # bytes of a key or signature file read before anything is checked

_KEY_ALGORITHM: Final = b"Ed"  # in key files; as a signature's algorithm it is the older form, refused here
_PREHASHED: Final = b"ED"
_NO_PASSWORD: Final = b"\0\0"  # the key derivation of `minisign -G -W`
_CHECKSUM_ALGORITHM: Final = b"B2"
_NO_SALT: Final = bytes(32 + 8 + 8)  # salt and two limits, unused without a password
_NO_CHECKSUM: Final = bytes(32)  # `minisign -G -W` leaves it empty
_SECRET_SIZE: Final = 2 + 2 + 2 + len(_NO_SALT) + KEY_ID_SIZE + SEED_SIZE + PUBLIC_SIZE + len(_NO_CHECKSUM)
_UNTRUSTED: Final = "untrusted comment: "
_TRUSTED: Final = "trusted comment: "


class SignatureError(KeyMaterialError):
    """A signature does not verify: it is of another key, over other bytes, or malformed."""


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """The public half: an Ed25519 point and the short random name that minisign gives it."""

    key_id: str
    raw: bytes

    def encode(self) -> str:
        """Return the text of a `.pub` file."""
        blob = _KEY_ALGORITHM + _key_id_bytes(self.key_id) + self.raw
        return f"{_UNTRUSTED}minisign public key {self.key_id}\n{encode_base64(blob)}\n"

    def verify(self, message: bytes, untrusted_signature: str) -> str:
        """Check the text of a `.minisig` over `message` and return its trusted comment.

        Raises:
            SignatureError: Not a prehashed minisign signature, of another key, or over other bytes.
        """
        return self.verify_digest(hashlib.blake2b(message).digest(), untrusted_signature)

    def verify_digest(self, digest: bytes, untrusted_signature: str) -> str:
        """As `verify`, for a message that was hashed (BLAKE2b-512) while it was read."""
        blob, comment, seal = _parse_signature(untrusted_signature)
        if blob[:2] != _PREHASHED:
            raise SignatureError("the signature is not of minisign's prehashed form")
        if blob[2 : 2 + KEY_ID_SIZE] != _key_id_bytes(self.key_id):
            raise SignatureError("the signature was made by another key")
        signature = blob[2 + KEY_ID_SIZE :]
        # The second signature covers the first and the comment, so neither can be exchanged alone.
        if not (self._verifies(signature, digest) and self._verifies(seal, signature + comment.encode())):
            raise SignatureError("the signature does not match what was signed")
        return comment

    def _verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            bindings.crypto_sign_open(signature + message, self.raw)
        except CryptoError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private half. Its `repr` shows the public half only."""

    public: VerifyKey
    _seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, random: Callable[[int], bytes] = secrets.token_bytes) -> "SigningKey":
        """Make a new key pair; `random(n)` returns n unpredictable bytes."""
        return cls.from_seed(random(SEED_SIZE), key_id=_key_id_text(random(KEY_ID_SIZE)))

    @classmethod
    def from_seed(cls, seed: bytes, *, key_id: str) -> "SigningKey":
        """Return the key pair of a 32-byte seed under the name `key_id` (16 uppercase hexadecimal digits)."""
        if len(seed) != SEED_SIZE:
            raise ValueError("a signing seed has 32 bytes")
        raw, _ = bindings.crypto_sign_seed_keypair(seed)
        return cls(public=VerifyKey(key_id=_key_id_text(_key_id_bytes(key_id)), raw=raw), _seed=seed)

    def encode(self) -> str:
        """Return the text of a secret key file without a password, as `minisign -G -W` writes it."""
        head = _KEY_ALGORITHM + _NO_PASSWORD + _CHECKSUM_ALGORITHM + _NO_SALT
        key = _key_id_bytes(self.public.key_id) + self._seed + self.public.raw
        # The comment is minisign's own, misleading word included: some versions look for it.
        return f"{_UNTRUSTED}minisign encrypted secret key\n{encode_base64(head + key + _NO_CHECKSUM)}\n"

    def sign(self, message: bytes, *, trusted_comment: str) -> str:
        """Return the text of a `.minisig` over `message`, whose comment (what it is for) is signed too."""
        return self.sign_digest(hashlib.blake2b(message).digest(), trusted_comment=trusted_comment)

    def sign_digest(self, digest: bytes, *, trusted_comment: str) -> str:
        """As `sign`, for a message that was hashed (BLAKE2b-512) while it was written."""
        if len(digest) != DIGEST_SIZE:
            raise ValueError("a prehashed signature covers 64 bytes")
        if not trusted_comment.isprintable() or len(trusted_comment.encode()) > COMMENT_MAX:
            raise ValueError("a trusted comment is one printable line of at most 1,024 bytes")
        signature = self._sign_raw(digest)
        seal = self._sign_raw(signature + trusted_comment.encode())
        blob = _PREHASHED + _key_id_bytes(self.public.key_id) + signature
        return (
            f"{_UNTRUSTED}signature by key {self.public.key_id}\n{encode_base64(blob)}\n"
            f"{_TRUSTED}{trusted_comment}\n{encode_base64(seal)}\n"
        )

    def _sign_raw(self, message: bytes) -> bytes:
        return bindings.crypto_sign(message, self._seed + self.public.raw)[:SIGNATURE_SIZE]


def parse_verify_key(untrusted_text: str) -> VerifyKey:
    """Return the key in the text of a `.pub` file, or in its second line alone.

    Raises:
        KeyMaterialError: Not a minisign public key, or a point that no honest key has.
    """
    blob = _parse_key_line(untrusted_text, what="public key")
    if len(blob) != 2 + KEY_ID_SIZE + PUBLIC_SIZE or blob[:2] != _KEY_ALGORITHM:
        raise KeyMaterialError("this is not a minisign public key")
    raw = blob[2 + KEY_ID_SIZE :]
    # Small-order and non-canonical points would let one signature fit several keys or messages.
    if not bindings.crypto_core_ed25519_is_valid_point(raw):
        raise KeyMaterialError("the minisign public key is not a valid Ed25519 point")
    return VerifyKey(key_id=_key_id_text(blob[2 : 2 + KEY_ID_SIZE]), raw=raw)


def parse_signing_key(untrusted_text: str) -> SigningKey:
    """Return the key pair in the text of a secret key file without a password.

    Raises:
        KeyMaterialError: Not such a file, password-protected, or its two halves do not belong together.
    """
    blob = _parse_key_line(untrusted_text, what="secret key")
    if len(blob) != _SECRET_SIZE or blob[:2] != _KEY_ALGORITHM or blob[4:6] != _CHECKSUM_ALGORITHM:
        raise KeyMaterialError("this is not a minisign secret key")
    if blob[2:4] != _NO_PASSWORD:
        raise KeyMaterialError("the minisign secret key is protected by a password; make one with minisign -G -W")
    key = blob[6 + len(_NO_SALT) : -len(_NO_CHECKSUM)]
    key_id, seed, raw = key[:KEY_ID_SIZE], key[KEY_ID_SIZE:-PUBLIC_SIZE], key[-PUBLIC_SIZE:]
    checksum = hashlib.blake2b(_KEY_ALGORITHM + key, digest_size=32).digest()
    if blob[-len(_NO_CHECKSUM) :] not in {_NO_CHECKSUM, checksum}:
        raise KeyMaterialError("the minisign secret key is damaged: its checksum does not match")
    pair = SigningKey.from_seed(seed, key_id=_key_id_text(key_id))
    # A wrong public half beside the seed would make signatures that leak the seed.
    if not hmac.compare_digest(pair.public.raw, raw):
        raise KeyMaterialError("the minisign secret key is damaged: its two halves do not belong together")
    return pair


def signature_key_id(untrusted_text: str) -> str:
    """Return the id of the key that a signature names, to choose the key to verify with; proves nothing.

    Raises:
        SignatureError: This is not a minisign signature.
    """
    blob, _, _ = _parse_signature(untrusted_text)
    return _key_id_text(blob[2 : 2 + KEY_ID_SIZE])


def _parse_key_line(untrusted_text: str, *, what: str) -> bytes:
    lines = _lines(untrusted_text)
    if len(lines) == 2 and lines[0].startswith(_UNTRUSTED):
        del lines[0]
    if len(lines) != 1:
        raise KeyMaterialError(f"a minisign {what} is one comment line and one line of base64")
    try:
        return parse_base64(lines[0])
    except ValueError:
        raise KeyMaterialError(f"the minisign {what} is not valid base64") from None


def _parse_signature(untrusted_text: str) -> tuple[bytes, str, bytes]:
    lines = _lines(untrusted_text)
    if len(lines) != 4 or not lines[0].startswith(_UNTRUSTED) or not lines[2].startswith(_TRUSTED):
        raise SignatureError("this is not a minisign signature of four lines")
    comment = lines[2].removeprefix(_TRUSTED)
    try:
        blob, seal = parse_base64(lines[1]), parse_base64(lines[3])
    except ValueError:
        raise SignatureError("the minisign signature is not valid base64") from None
    if len(blob) != 2 + KEY_ID_SIZE + SIGNATURE_SIZE or len(seal) != SIGNATURE_SIZE:
        raise SignatureError("the minisign signature has a wrong length")
    return blob, comment, seal


def _lines(untrusted_text: str) -> list[str]:
    if len(untrusted_text) > TEXT_MAX:
        raise SignatureError(f"a minisign file has at most {TEXT_MAX} characters")
    # Not splitlines(): a comment may contain characters which that takes for line ends and minisign does not.
    lines = untrusted_text.removesuffix("\n").split("\n")
    return [line.removesuffix("\r") for line in lines]


def _key_id_text(key_id: bytes) -> str:
    # minisign prints the eight bytes as a little-endian number.
    return key_id[::-1].hex().upper()


def _key_id_bytes(key_id: str) -> bytes:
    blob = bytes.fromhex(key_id)
    if len(blob) != KEY_ID_SIZE:
        raise ValueError("a minisign key id has eight bytes")
    return blob[::-1]
