"""Writes an age file by pushing: header first, then chunks as they fill, then the last one."""

import secrets
from collections.abc import Sequence
from typing import Protocol

from keys.age.header import FILE_KEY_SIZE, NONCE_SIZE, Stanza, encode_header, payload_key
from keys.age.stream import StreamSealer


class Wraps(Protocol):
    """Somebody that a file can be sealed to."""

    @property
    def label(self) -> str:
        """Files are sealed to recipients of one label only: the weakest would decide for all."""
        ...

    def wrap(self, file_key: bytes) -> Stanza:
        """Return `file_key`, wrapped to this recipient."""
        ...


class AgeWriter:
    """One age file under construction; holds less than two chunks and the payload's key, no file key.

    `header` are the file's first bytes, to be written before what `update` and `finish` return. The key
    and the nonce come from the system's randomness and are never those of another file.
    """

    def __init__(self, recipients: Sequence[Wraps]) -> None:
        """Raise ValueError when there is no recipient, or when their labels differ."""
        if not recipients:
            raise ValueError("a file must be sealed to somebody")
        if len({recipient.label for recipient in recipients}) > 1:
            raise ValueError("recipients of different kinds must not be mixed")
        file_key = secrets.token_bytes(FILE_KEY_SIZE)
        nonce = secrets.token_bytes(NONCE_SIZE)
        self.header = encode_header([recipient.wrap(file_key) for recipient in recipients], file_key) + nonce
        # Whoever has it can read this one file. The gateway drops it when the submission ends: until then the files of
        # a submission are inspected from the sealed packet.
        self.payload_key = payload_key(file_key, nonce)
        self.stream = StreamSealer(self.payload_key)

    def update(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """Take plaintext; return what is to be appended to the file, possibly nothing."""
        return self.stream.update(plaintext)

    def finish(self) -> bytes:
        """Return the last bytes of the file."""
        return self.stream.finish()
