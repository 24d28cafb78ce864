"""A part of a packet under construction, readable as plaintext: the seam between sealing and inspecting.

A file's plaintext is on the disk only sealed. Whoever has to see it once more, for the time of an inspection,
reads it back through the packet's payload key: memory is bounded by the readers, not by the visitors.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from keys.age.seekable import PartReader


@dataclass(slots=True)
class Span:
    """One member's plaintext: complete chunks in the sealed file, then a tail that is in no chunk yet.

    Holds a descriptor of its own, so that it outlives the packet's; `close` gives it back.
    """

    fd: int
    payload_start: int  # bytes of header before the first chunk
    position: int  # of the first byte, in the payload
    sealed_size: int  # bytes of it that are in complete chunks
    tail: bytes = field(repr=False)
    payload_key: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of plaintext."""
        return self.sealed_size + len(self.tail)

    def pieces(self) -> Iterator[bytes]:
        """Yield the plaintext, at most a chunk at a time. Blocks on the disk: call it in a thread.

        Raises:
            keys.age.errors.PayloadError: What is on the disk is not what was written.
        """
        part = PartReader(
            self._read_at,
            self.payload_key,
            payload_start=self.payload_start,
            position=self.position,
            size=self.sealed_size,
        )
        yield from iter(part.read, b"")
        if self.tail:
            yield self.tail

    def close(self) -> None:
        """Give the descriptor back and forget the key; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            self.payload_key = self.tail = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_at(self, size: int, offset: int) -> bytes:
        return os.pread(self.fd, size, offset)


def span_of(
    fd: int, *, payload_start: int, payload_key: bytes, position: int, size: int, written: int, pending: bytes
) -> Span:
    """Return the span of `size` bytes at `position` of a payload.

    Args:
        fd: Of the sealed file; it is duplicated.
        payload_start: Bytes of header before the first chunk.
        payload_key: Opens the chunks.
        position: Of the span, in the payload.
        size: Of the span, in bytes.
        written: Bytes of payload taken by the sealer so far.
        pending: The last of these, which are in no complete chunk.
    """
    chunked = written - len(pending)
    sealed_size = min(max(chunked - position, 0), size)
    start = max(position - chunked, 0)
    return Span(
        fd=os.dup(fd),
        payload_start=payload_start,
        position=position,
        sealed_size=sealed_size,
        tail=pending[start : start + size - sealed_size],
        payload_key=payload_key,
    )
