"""Reads an age file: finds the stanza that one of the identities opens, checks the header, yields the payload."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from keys.age.errors import HeaderError, NoMatchError
from keys.age.header import FILE_KEY_SIZE, NONCE_SIZE, Header, Stanza, payload_key, read_header
from keys.age.stream import open_chunks
from keys.age.wrap import SCRYPT_KIND


class Unwraps(Protocol):
    """Someone who may be able to open a file."""

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key, or None when the stanza is for somebody else.

        Raises:
            HeaderError: The stanza is of this identity's kind, and malformed.
        """
        ...


@dataclass(frozen=True, slots=True)
class OpenedHeader:
    """A file whose header is authentic: the key of its payload and where in the stream that begins."""

    payload_key: bytes = field(repr=False)
    header_size: int  # bytes, nonce included


def open_header(stream: BinaryIO, identities: Sequence[Unwraps]) -> OpenedHeader:
    """Read and authenticate the header; `stream` is left at the first chunk.

    Raises:
        HeaderError: Malformed, or of a version or size that is not supported.
        NoMatchError: None of the identities opens the file.
        HeaderMacError: The header was altered.
    """
    header = read_header(stream)
    file_key = _unwrap(header, identities)
    header.verify_mac(file_key)
    nonce = stream.read(NONCE_SIZE)
    if len(nonce) != NONCE_SIZE:
        raise HeaderError("an age file ends before its payload")
    # "---" is part of what the MAC covers; " ", 43 characters and the line's end follow it.
    header_size = len(header.signed) + 1 + 43 + 1 + NONCE_SIZE
    return OpenedHeader(payload_key(file_key, nonce), header_size)


def open_stream(stream: BinaryIO, identities: Sequence[Unwraps]) -> Iterator[bytes]:
    """Return the plaintext, chunk by chunk, each after it was authenticated; the header is checked at once.

    Raises:
        AgeError: See `open_header` at once, and `open_chunks` while iterating.
    """
    opened = open_header(stream, identities)
    return open_chunks(stream, opened.payload_key)


def _unwrap(header: Header, identities: Sequence[Unwraps]) -> bytes:
    # Who knows a passphrase could add a stanza for a key of their own and pass the file on as someone else's.
    if len(header.stanzas) > 1 and any(stanza.arguments[0] == SCRYPT_KIND for stanza in header.stanzas):
        raise HeaderError("an age file mixes a passphrase with other recipients")
    for identity in identities:
        for stanza in header.stanzas:
            file_key = identity.unwrap(stanza)
            if file_key is not None:
                if len(file_key) != FILE_KEY_SIZE:
                    raise HeaderError("an age file has a file key of the wrong length")
                return file_key
    raise NoMatchError("none of the given keys opens this file: it was sealed to somebody else")
