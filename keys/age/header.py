"""The header of an age file: version, recipient stanzas, MAC (C2SP age.md, "Header")."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.age.errors import HeaderError, HeaderMacError
from keys.base64_text import encode_unpadded, parse_unpadded

VERSION_LINE: Final = b"age-encryption.org/v1\n"
FILE_KEY_SIZE: Final = 16  # bytes
NONCE_SIZE: Final = 16  # bytes; stands between the header and the first chunk
HEADER_MAX: Final = 64 * 1024  # bytes read before anything is authenticated; 8 hybrid stanzas need 13,000
_BODY_COLUMNS: Final = 64  # base64 characters in a full line of a stanza's body
_MAC_LINE: Final = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")
_STANZA_LINE: Final = re.compile(rb"-> ([!-~]+(?: [!-~]+)*)\n")


@dataclass(frozen=True, slots=True)
class Stanza:
    """The file key, wrapped to one recipient: `arguments[0]` is the kind, `body` the wrapped key."""

    arguments: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header whose MAC was not checked yet; `signed` are the bytes that the MAC covers."""

    stanzas: tuple[Stanza, ...]
    signed: bytes
    mac: bytes

    def verify_mac(self, file_key: bytes) -> None:
        """Raise HeaderMacError unless the header was written by someone who had `file_key`."""
        if not hmac.compare_digest(_mac(file_key, self.signed), self.mac):
            raise HeaderMacError("the header of an age file was altered")


def encode_header(stanzas: Sequence[Stanza], file_key: bytes) -> bytes:
    """Return the header's bytes, MAC line included, nonce not included."""
    lines = [VERSION_LINE]
    for stanza in stanzas:
        lines.append(b"-> " + " ".join(stanza.arguments).encode("ascii") + b"\n")
        body = encode_unpadded(stanza.body).encode("ascii")
        # A body whose length is a multiple of a line's ends with an empty line: the reader needs a short one.
        lines += [body[i : i + _BODY_COLUMNS] + b"\n" for i in range(0, len(body) + 1, _BODY_COLUMNS)]
    signed = b"".join(lines) + b"---"
    return signed + b" " + encode_unpadded(_mac(file_key, signed)).encode("ascii") + b"\n"


def read_header(stream: BinaryIO) -> Header:
    """Read a header from `stream`, which is left at the payload's nonce.

    Raises:
        HeaderError: Not an age v1 header, or longer than HEADER_MAX bytes.
    """
    lines = _HeaderLines(stream)
    if lines.next() != VERSION_LINE:
        raise HeaderError("this is not an age file (version 1)")
    stanzas: list[Stanza] = []
    line = lines.next()
    while not line.startswith(b"---"):
        match = _STANZA_LINE.fullmatch(line)
        if match is None:
            raise HeaderError("a recipient line in the header of an age file is malformed")
        stanzas.append(Stanza(tuple(match[1].decode("ascii").split(" ")), _read_body(lines)))
        line = lines.next()
    match = _MAC_LINE.fullmatch(line)
    if match is None or not stanzas:
        raise HeaderError("the end of the header of an age file is malformed")
    return Header(tuple(stanzas), bytes(lines.read[: -len(line)]) + b"---", parse_field(match[1].decode("ascii")))


def payload_key(file_key: bytes, nonce: bytes) -> bytes:
    """Return the key of the payload's chunks: HKDF-SHA-256 of the file key, salted with the nonce."""
    return hkdf(file_key, salt=nonce, info=b"payload")


def hkdf(secret: bytes, *, salt: bytes | None, info: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA-256 (RFC 5869), the only key derivation of the format."""
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def parse_field(untrusted_text: str) -> bytes:
    """Return the bytes behind a field of the header: canonical base64 without padding.

    Raises:
        HeaderError: Padding, white space, a foreign character, or bits set after the end.
    """
    try:
        return parse_unpadded(untrusted_text)
    except ValueError as error:
        raise HeaderError(f"a field in the header of an age file is {error}") from None


class _HeaderLines:
    """Lines of at most HEADER_MAX bytes in all, and what was read so far."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read = bytearray()

    def next(self) -> bytes:
        line = self._stream.readline(HEADER_MAX - len(self.read))
        if not line.endswith(b"\n"):
            raise HeaderError("the header of an age file is cut or too long")
        self.read += line
        return line


def _read_body(lines: _HeaderLines) -> bytes:
    body = ""
    while True:
        try:
            line = lines.next()[:-1].decode("ascii")
        except UnicodeDecodeError:
            raise HeaderError("a field in the header of an age file is not base64") from None
        if len(line) > _BODY_COLUMNS:
            raise HeaderError("a line in the header of an age file is too long")
        body += line
        if len(line) < _BODY_COLUMNS:
            return parse_field(body)


def _mac(file_key: bytes, signed: bytes) -> bytes:
    return hmac.digest(hkdf(file_key, salt=None, info=b"header"), signed, hashlib.sha256)
