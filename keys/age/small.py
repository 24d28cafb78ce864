"""Age files that fit in memory: secrets of a batch, replies, identities."""

import io
from collections.abc import Sequence

from keys.age.reader import Unwraps, open_stream
from keys.age.writer import AgeWriter, Wraps


def seal_bytes(plaintext: bytes, recipients: Sequence[Wraps]) -> bytes:
    """Return `plaintext` as an age file for `recipients`."""
    writer = AgeWriter(recipients)
    return b"".join((writer.header, writer.update(plaintext), writer.finish()))


def open_bytes(sealed: bytes, identities: Sequence[Unwraps]) -> bytes:
    """Return the plaintext of an age file, after all of it was authenticated.

    Raises:
        AgeError: It does not open; nothing was released.
    """
    return b"".join(open_stream(io.BytesIO(sealed), identities))
