"""Reads any part of a payload, given the payload's key only: no identity is needed, and none is known here."""

import io
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from keys.age.errors import PayloadError
from keys.age.stream import CHUNK_SIZE, SEALED_CHUNK_SIZE, TAG_SIZE, open_chunk

ReadAt = Callable[[int, int], bytes]
"""(size, offset) to at most `size` bytes of the sealed file at `offset`, as `os.pread` on an open file."""

_NO_CHUNK: Final = -1


class SeekableReader(io.RawIOBase):
    """The plaintext of one payload as a binary stream that seeks; keeps one chunk in memory.

    The last chunk is authenticated before anything is released: a payload that was cut or lengthened is
    refused at once, although its middle would still open.
    """

    def __init__(self, read_at: ReadAt, key: bytes, *, start: int, end: int) -> None:
        """Take the sealed payload in bytes `start` to `end` of the file behind `read_at`.

        Raises:
            PayloadError: The last chunk does not authenticate as the last.
        """
        super().__init__()
        self._aead = ChaCha20Poly1305(key)
        self._read_at = read_at
        self._start = start
        sealed_size = end - start
        if sealed_size < TAG_SIZE:
            raise PayloadError("the payload is cut")
        self._chunks = max(1, -(-sealed_size // SEALED_CHUNK_SIZE))
        self._size = sealed_size - self._chunks * TAG_SIZE
        self._position = 0
        self._cached_index = _NO_CHUNK
        self._cached = b""
        self._last_sealed_size = sealed_size - (self._chunks - 1) * SEALED_CHUNK_SIZE
        self._chunk(self._chunks - 1)

    @property
    def size(self) -> int:
        """Bytes of plaintext in the whole payload."""
        return self._size

    def readable(self) -> bool:
        """Answer True."""
        return True

    def seekable(self) -> bool:
        """Answer True."""
        return True

    def tell(self) -> int:
        """Return the position in the plaintext."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move as `io.IOBase.seek` does; positions beyond the end read as nothing."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override]  # Buffer is 3.12's
        """Fill `buffer` with up to a chunk's rest of authenticated plaintext; 0 at the end.

        Raises:
            PayloadError: The chunk failed authentication. Nothing of it was released.
        """
        if self._position >= self._size or not len(buffer):
            return 0
        index, offset = divmod(self._position, CHUNK_SIZE)
        piece = self._chunk(index)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _chunk(self, index: int) -> bytes:
        if index != self._cached_index:
            last = index == self._chunks - 1
            size = self._last_sealed_size if last else SEALED_CHUNK_SIZE
            sealed = self._read_at(size, self._start + index * SEALED_CHUNK_SIZE)
            if len(sealed) != size:
                raise PayloadError("the sealed file is shorter than it was")
            self._cached = open_chunk(self._aead, sealed, index=index, last=last)
            self._cached_index = index
        return self._cached


class PartReader:
    """Bytes `position` to `position + size` of a payload whose end is not written yet.

    Only chunks that are complete and not last can be read; the writer keeps the rest in memory
    (`StreamSealer.pending`) and hands it over as the tail.
    """

    def __init__(self, read_at: ReadAt, key: bytes, *, payload_start: int, position: int, size: int) -> None:
        self._aead = ChaCha20Poly1305(key)
        self._read_at = read_at
        self._payload_start = payload_start
        self._position = position
        self._end = position + size

    def read(self) -> bytes:
        """Return the next bytes, at most a chunk; empty at the end.

        Raises:
            PayloadError: The chunk is not there, or failed authentication: the disk changed under us.
        """
        if self._position >= self._end:
            return b""
        index, offset = divmod(self._position, CHUNK_SIZE)
        sealed = self._read_at(SEALED_CHUNK_SIZE, self._payload_start + index * SEALED_CHUNK_SIZE)
        if len(sealed) != SEALED_CHUNK_SIZE:
            raise PayloadError("the sealed file is shorter than it was")
        piece = open_chunk(self._aead, sealed, index=index, last=False)[offset : offset + self._end - self._position]
        self._position += len(piece)
        return piece
