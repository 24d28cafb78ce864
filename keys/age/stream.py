"""The payload of an age file: chunks of 64 KiB under ChaCha20-Poly1305 (C2SP age.md, "Payload").

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, 2015): the nonce is an 11-byte big-endian
counter and one byte that is 1 on the last chunk only, so that cutting, swapping and repeating are noticed.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from keys.age.errors import PayloadError

CHUNK_SIZE: Final = 64 * 1024  # bytes of plaintext
TAG_SIZE: Final = 16  # bytes; RFC 8439, section 2.8
SEALED_CHUNK_SIZE: Final = CHUNK_SIZE + TAG_SIZE
_COUNTER_SIZE: Final = 11  # bytes


class StreamSealer:
    """Turns plaintext into the sealed chunks of one payload; knows no file and no socket.

    Holds less than two chunks whatever the length. Owns the counter: no chunk index is sealed twice, and any
    call after `finish` raises RuntimeError.
    """

    def __init__(self, key: bytes) -> None:
        self._aead = ChaCha20Poly1305(key)
        self._pending = bytearray(CHUNK_SIZE)
        self._filled = 0
        self._index = 0
        self._finished = False

    @property
    def position(self) -> int:
        """Bytes of plaintext taken so far."""
        return self._index * CHUNK_SIZE + self._filled

    @property
    def pending(self) -> bytes:
        """A copy of the plaintext that is taken but not sealed yet: the last bytes before `position`."""
        return bytes(self._pending[: self._filled])

    def update(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """Take plaintext of any length; return the chunks that became complete by it, possibly none."""
        if self._finished:
            raise RuntimeError("the payload is finished")
        sealed: list[bytes] = []
        # As bytes: a length in other items would take too little.
        with memoryview(plaintext) as given, given.cast("B") as view:
            start = self._fill(view)
            # A full chunk waits until a byte follows it: before that, it may be the last.
            if start < len(view) and self._filled:
                sealed.append(self._seal(self._pending, last=False))
                self._filled = 0
            while len(view) - start > CHUNK_SIZE:
                sealed.append(self._seal(view[start : start + CHUNK_SIZE], last=False))
                start += CHUNK_SIZE
            if start < len(view):
                self._filled = len(view) - start
                self._pending[: self._filled] = view[start:]
        return sealed[0] if len(sealed) == 1 else b"".join(sealed)

    def finish(self) -> bytes:
        """Seal the last chunk. Only a declared end of input leads here; a broken upload never does."""
        if self._finished:
            raise RuntimeError("the payload is finished")
        self._finished = True
        with memoryview(self._pending) as view:
            return self._seal(view[: self._filled], last=True)

    def _fill(self, view: memoryview) -> int:
        if not self._filled:
            return 0
        taken = min(CHUNK_SIZE - self._filled, len(view))
        self._pending[self._filled : self._filled + taken] = view[:taken]
        self._filled += taken
        return taken

    def _seal(self, plaintext: bytearray | memoryview, *, last: bool) -> bytes:
        sealed = self._aead.encrypt(chunk_nonce(self._index, last=last), plaintext, None)
        self._index += 1
        return sealed


def chunk_nonce(index: int, *, last: bool) -> bytes:
    """Return the nonce of a chunk, counted from 0; `last` is true for the final one only."""
    return index.to_bytes(_COUNTER_SIZE, "big") + (b"\x01" if last else b"\x00")


def open_chunk(aead: ChaCha20Poly1305, sealed: bytes, *, index: int, last: bool) -> bytes:
    """Return the plaintext of one chunk, after its tag was checked.

    Args:
        aead: Under the payload key.
        sealed: Ciphertext and tag, TAG_SIZE to SEALED_CHUNK_SIZE bytes.
        index: Position in the payload, counted from 0.
        last: True for the final chunk only.

    Raises:
        PayloadError: The tag does not match, or a last chunk is empty though the payload is not.
    """
    try:
        plaintext = aead.decrypt(chunk_nonce(index, last=last), sealed, None)
    except InvalidTag:
        raise PayloadError(f"chunk {index} failed authentication") from None
    # A second encoding of the same payload would let a file grow by an empty chunk unnoticed.
    if last and index and not plaintext:
        raise PayloadError(f"chunk {index} is empty and last")
    return plaintext


def open_chunks(stream: BinaryIO, key: bytes) -> Iterator[bytes]:
    """Yield the plaintext of a payload, each chunk after it was authenticated.

    What was yielded is authentic, but only the iterator's regular end proves that it is whole.

    Raises:
        PayloadError: A chunk failed, the payload is cut, or bytes follow its end.
    """
    aead = ChaCha20Poly1305(key)
    index = 0
    while True:
        sealed = _read_full(stream, SEALED_CHUNK_SIZE)
        if len(sealed) < SEALED_CHUNK_SIZE:
            yield open_chunk(aead, sealed, index=index, last=True)
            return
        # A full chunk may be any; it is tried as one of many first, then as the last.
        try:
            plaintext, last = open_chunk(aead, sealed, index=index, last=False), False
        except PayloadError:
            plaintext, last = open_chunk(aead, sealed, index=index, last=True), True
        yield plaintext
        if last:
            if stream.read(1):
                raise PayloadError("bytes follow the last chunk")
            return
        index += 1


def _read_full(stream: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, or all that is left: a pipe may answer with less than was asked for."""
    first = stream.read(size)
    if len(first) == size or not first:
        return first
    pieces = [first]
    missing = size - len(first)
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
