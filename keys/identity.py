"""The private half: opens what was sealed to its recipient. The low side never loads this module.

A desk's identity lies in a file as the age tool writes it: plain, or sealed with a passphrase (`age -p`).
"""

import secrets
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from disk.handed_over import HandedOverError, read_handed_over
from keys.age.armor import is_armored, parse_armor
from keys.age.errors import NoMatchError
from keys.age.header import VERSION_LINE, Stanza
from keys.age.small import open_bytes, seal_bytes
from keys.age.wrap import SCRYPT_KIND, SECRET_SIZE, unwrap_scrypt, wrap_scrypt
from keys.bech32 import Bech32Error, encode_bech32, parse_bech32
from keys.errors import KeyMaterialError
from keys.passphrase import opening_forms, sealing_form
from keys.recipient import KeyKind
from keys.secret import SecretKey

IDENTITY_FILE_MAX: Final = 64 * 1024  # bytes
_PREFIXES: Final = {"age-secret-key-": KeyKind.CLASSIC, "age-secret-key-pq-": KeyKind.HYBRID}


class IdentityError(KeyMaterialError):
    """An identity, or the file that it should be in, cannot be used."""


@dataclass(frozen=True, slots=True)
class Identity(SecretKey):
    """A secret key of 32 bytes. `str()` is deliberately not its text form: that is `encode()`."""

    def encode(self) -> str:
        """Return the text form, AGE-SECRET-KEY-…: whoever reads it reads every packet."""
        prefix = next(prefix for prefix, kind in _PREFIXES.items() if kind is self.kind)
        return encode_bech32(prefix, self.secret).upper()


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase that seals and opens a file, as its only recipient; `text` is as somebody typed it.

    Invariant K10.
    """

    text: str = field(repr=False)

    @property
    def label(self) -> str:
        """Never mixed with keys."""
        return SCRYPT_KIND

    def wrap(self, file_key: bytes) -> Stanza:
        """Return `file_key`, wrapped under the passphrase in its one form; takes about a second, on purpose."""
        return wrap_scrypt(file_key, sealing_form(self.text))

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key when `stanza` was made with this passphrase, in whatever form its letters were written.

        A wrong passphrase takes a second for each of its forms: plain ASCII without a blank at the end has one.
        """
        keys = (unwrap_scrypt(stanza, form) for form in opening_forms(self.text))
        return next((key for key in keys if key is not None), None)


def generate_identity(kind: KeyKind) -> Identity:
    """Return a fresh identity from the system's randomness."""
    return Identity(kind, secrets.token_bytes(SECRET_SIZE))


def parse_identity(untrusted_text: str) -> Identity:
    """Return the identity with this text form.

    Raises:
        IdentityError: Another kind of key, or text that was mistyped or cut. The text is not repeated.
    """
    try:
        prefix, secret = parse_bech32(untrusted_text)
    except Bech32Error:
        raise IdentityError("an identity was mistyped or cut") from None
    kind = _PREFIXES.get(prefix)
    if kind is None or len(secret) != SECRET_SIZE:
        raise IdentityError("an identity is not a classic or hybrid age key (AGE-SECRET-KEY-…)")
    return Identity(kind, secret)


def encode_identity_file(identity: Identity, passphrase: str | None) -> bytes:
    """Return the bytes of a file of one identity, sealed with `passphrase` unless that is None."""
    return encode_identities([identity], passphrase)


def encode_identities(identities: Sequence[Identity], passphrase: str | None) -> bytes:
    """Return the bytes of an identity file, the first identity being the newest; sealed as above."""
    text = "".join(f"# public key: {one.recipient}\n{one.encode()}\n" for one in identities).encode("ascii")
    return text if passphrase is None else seal_bytes(text, [Passphrase(passphrase)])


def is_sealed(path: Path) -> bool:
    """Return whether an identity file has a passphrase."""
    try:
        content = read_handed_over(path, largest=IDENTITY_FILE_MAX, follow=True)
    except HandedOverError as error:
        raise IdentityError(str(error)) from None
    return is_armored(content) or content.startswith(VERSION_LINE)


def read_identities(path: Path, ask_passphrase: Callable[[], str]) -> tuple[Identity, ...]:
    """Read an identity file, plain or sealed with a passphrase, which is asked for only then.

    Raises:
        IdentityError: Not an identity file, a damaged one, or a wrong passphrase.
        OSError: The file cannot be read.
    """
    try:
        content = read_handed_over(path, largest=IDENTITY_FILE_MAX)
    except HandedOverError as error:
        raise IdentityError(str(error)) from None
    if is_armored(content):
        content = parse_armor(content)
    if content.startswith(VERSION_LINE):
        try:
            content = open_bytes(content, [Passphrase(ask_passphrase())])
        except NoMatchError:
            raise IdentityError("wrong passphrase") from None
    return _parse_identity_file(content, path)


def _parse_identity_file(content: bytes, path: Path) -> tuple[Identity, ...]:
    try:
        # Somebody who types a printed key into an editor may get a mark before it (BOM).
        lines = [line.strip() for line in content.removeprefix(BOM_UTF8).decode("ascii").splitlines()]
    except UnicodeDecodeError:
        raise IdentityError(f"{path} is not an identity file") from None
    identities = tuple(parse_identity(line) for line in lines if line and not line.startswith("#"))
    if not identities:
        raise IdentityError(f"{path} has no identity")
    return identities
