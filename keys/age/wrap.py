"""The file key, wrapped to a recipient and unwrapped again (C2SP age.md, "Recipient types").

X25519 and `mlkem768x25519` for key pairs, scrypt for a passphrase. `unwrap_…` return None for a stanza that is
another key's, and raise HeaderError for one of their own kind that is malformed. Keys are handed in as bytes;
where they lie is no business of this module.
"""

import hashlib
import re
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import CryptoError
from nacl.exceptions import RuntimeError as SodiumRuntimeError

from keys.age.errors import HeaderError, HybridUnsupportedError
from keys.age.header import FILE_KEY_SIZE, Stanza, hkdf, parse_field
from keys.base64_text import encode_unpadded

X25519_KIND: Final = "X25519"
HYBRID_KIND: Final = "mlkem768x25519"
SCRYPT_KIND: Final = "scrypt"
SECRET_SIZE: Final = 32  # bytes: an X25519 scalar, or the seed of a hybrid key
X25519_PUBLIC_SIZE: Final = 32  # bytes
MLKEM_PUBLIC_SIZE: Final = 1184  # bytes; FIPS 203, table 3
HYBRID_PUBLIC_SIZE: Final = MLKEM_PUBLIC_SIZE + X25519_PUBLIC_SIZE
_MLKEM_CIPHERTEXT_SIZE: Final = 1088  # bytes; FIPS 203, table 3
_ENCAPSULATED_SIZE: Final = _MLKEM_CIPHERTEXT_SIZE + X25519_PUBLIC_SIZE
_BODY_SIZE: Final = FILE_KEY_SIZE + 16  # bytes: the file key and a Poly1305 tag
_ZERO_NONCE: Final = bytes(12)  # each wrapping key is used once
_X25519_INFO: Final = b"age-encryption.org/v1/X25519"
_HYBRID_INFO: Final = b"age-encryption.org/mlkem768x25519"
_SCRYPT_SALT: Final = b"age-encryption.org/v1/scrypt"
_SALT_SIZE: Final = 16  # bytes
SCRYPT_WORK: Final = 18  # log2 of scrypt's N when we seal: 256 MiB, about a second; as the age tool
SCRYPT_WORK_MAX: Final = 22  # log2 of N that we are willing to compute for a stranger's file; as the age tool
_WORK: Final = re.compile(r"[1-9][0-9]?", re.ASCII)
_HPKE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def x25519_public(secret: bytes) -> bytes:
    """Return the public half of a 32-byte X25519 secret."""
    return crypto_scalarmult_base(secret)


def wrap_x25519(file_key: bytes, public: bytes) -> Stanza:
    """Wrap `file_key` to an X25519 public key of 32 bytes, with a fresh ephemeral key."""
    ephemeral = secrets.token_bytes(SECRET_SIZE)
    share = x25519_public(ephemeral)
    key = hkdf(_agree(ephemeral, public), salt=share + public, info=_X25519_INFO)
    return Stanza((X25519_KIND, encode_unpadded(share)), _seal_key(key, file_key))


def unwrap_x25519(stanza: Stanza, secret: bytes) -> bytes | None:
    """Return the file key when `stanza` was made for `secret`."""
    if stanza.arguments[0] != X25519_KIND:
        return None
    share = _only_share(stanza, X25519_PUBLIC_SIZE)
    key = hkdf(_agree(secret, share), salt=share + x25519_public(secret), info=_X25519_INFO)
    return _open_key(key, stanza.body)


def hybrid_public(seed: bytes) -> bytes:
    """Return the public half of a hybrid key: ML-KEM-768 key, then X25519 key (X-Wing, section 5.2)."""
    mlkem, x25519 = _hybrid_halves(seed)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def wrap_hybrid(file_key: bytes, public: bytes) -> Stanza:
    """Wrap `file_key` to a hybrid public key of HYBRID_PUBLIC_SIZE bytes (HPKE base mode, RFC 9180)."""
    sealed = _HPKE.encrypt(file_key, _hybrid_public_key(public), _HYBRID_INFO)
    return Stanza((HYBRID_KIND, encode_unpadded(sealed[:_ENCAPSULATED_SIZE])), sealed[_ENCAPSULATED_SIZE:])


def unwrap_hybrid(stanza: Stanza, seed: bytes) -> bytes | None:
    """Return the file key when `stanza` was made for the key of `seed`."""
    if stanza.arguments[0] != HYBRID_KIND:
        return None
    encapsulated = _only_share(stanza, _ENCAPSULATED_SIZE)
    mlkem, x25519 = _hybrid_halves(seed)
    # HPKE's answer would be a mere "no match"; a share of low order is a forgery and is called one.
    _agree(x25519.private_bytes_raw(), encapsulated[_MLKEM_CIPHERTEXT_SIZE:])
    private = MLKEM768X25519PrivateKey(mlkem, x25519)
    try:
        return _HPKE.decrypt(encapsulated + stanza.body, private, _HYBRID_INFO)
    except InvalidTag:
        return None


def check_hybrid_public(public: bytes) -> None:
    """Raise ValueError unless `public` is a hybrid public key that can be sealed to."""
    if len(public) != HYBRID_PUBLIC_SIZE:
        raise ValueError(f"a hybrid key has {HYBRID_PUBLIC_SIZE} bytes")
    _hybrid_public_key(public)


def wrap_scrypt(file_key: bytes, passphrase: str, *, work: int = SCRYPT_WORK) -> Stanza:
    """Wrap `file_key` under a passphrase; must be the only stanza of its file."""
    salt = secrets.token_bytes(_SALT_SIZE)
    key = _scrypt(passphrase, salt, work)
    return Stanza((SCRYPT_KIND, encode_unpadded(salt), str(work)), _seal_key(key, file_key))


def unwrap_scrypt(stanza: Stanza, passphrase: str) -> bytes | None:
    """Return the file key when `stanza` was made with `passphrase`."""
    if stanza.arguments[0] != SCRYPT_KIND:
        return None
    if len(stanza.arguments) != 3:
        raise HeaderError("a passphrase line in the header of an age file is malformed")
    salt = parse_field(stanza.arguments[1])
    if len(salt) != _SALT_SIZE or not _WORK.fullmatch(stanza.arguments[2]) or len(stanza.body) != _BODY_SIZE:
        raise HeaderError("a passphrase line in the header of an age file is malformed")
    work = int(stanza.arguments[2])
    if work > SCRYPT_WORK_MAX:
        raise HeaderError(f"an age file asks for a passphrase work factor beyond {SCRYPT_WORK_MAX}")
    return _open_key(_scrypt(passphrase, salt, work), stanza.body)


def _agree(secret: bytes, public: bytes) -> bytes:
    # libsodium raises for shares of low order, with which everybody would agree on the same key.
    try:
        return crypto_scalarmult(secret, public)
    except (CryptoError, SodiumRuntimeError):
        raise HeaderError("a share in the header of an age file is not a usable X25519 key") from None


def _only_share(stanza: Stanza, size: int) -> bytes:
    if len(stanza.arguments) != 2:
        raise HeaderError("a recipient line in the header of an age file is malformed")
    share = parse_field(stanza.arguments[1])
    # The body's length is checked before decrypting: otherwise one file could be made to open under several
    # keys (partitioning oracle; C2SP age.md, "X25519 recipient stanza").
    if len(share) != size or len(stanza.body) != _BODY_SIZE:
        raise HeaderError("a recipient line in the header of an age file has a wrong length")
    return share


def _hybrid_halves(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    expanded = hashlib.shake_256(seed).digest(64 + SECRET_SIZE)
    try:
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    except UnsupportedAlgorithm:
        raise HybridUnsupportedError from None
    return mlkem, X25519PrivateKey.from_private_bytes(expanded[64:])


def _hybrid_public_key(public: bytes) -> MLKEM768X25519PublicKey:
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_SIZE])
    except UnsupportedAlgorithm:
        raise HybridUnsupportedError from None
    return MLKEM768X25519PublicKey(mlkem, X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_SIZE:]))


def _seal_key(key: bytes, file_key: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, file_key, None)


def _open_key(key: bytes, body: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None


def _scrypt(passphrase: str, salt: bytes, work: int) -> bytes:
    kdf = Scrypt(salt=_SCRYPT_SALT + salt, length=32, n=1 << work, r=8, p=1)
    return kdf.derive(passphrase.encode())
