"""The bytes of a packet: an age file around a stored ZIP, written once and streaming (FORMAT.md, 1 to 3).

Does no input or output: plaintext goes in, what is to be appended to the sealed file comes out.
"""

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Final

from keys.age.writer import AgeWriter, Wraps

MESSAGE_MEMBER: Final = "message.json"
MANIFEST_MEMBER: Final = "manifest.json"
PADDING_MEMBER: Final = "padding"
PADDED_MIN: Final = 64 * 1024  # bytes of ZIP; FORMAT.md 3.2
_MEMBER_DATE: Final = (1980, 1, 1, 0, 0, 0)  # of every member: ZIP's own zero, and no word of when
_ZEROS: Final = bytes(64 * 1024)

# Sizes of ZIP's structures (APPNOTE 6.3.10, 4.3.7 to 4.3.16), as Python writes them for a stored member of
# unknown size on an unseekable stream.
_LOCAL_HEADER: Final = 30 + 20  # and the name; with the ZIP64 extra field
_DATA_DESCRIPTOR: Final = 24  # ZIP64
_CENTRAL_HEADER: Final = 46  # and the name
_CENTRAL_ZIP64: Final = 4  # head of the extra field, when there is one
_END_RECORD: Final = 22
_END_ZIP64: Final = 56 + 20  # record and locator
_ZIP64_LIMIT: Final = 2**31 - 1  # bytes; where Python changes over


@dataclass(frozen=True, slots=True)
class Member:
    """A file that was written: where its plaintext lies in the ZIP, and its digest."""

    name: str
    position: int  # of the first byte, in the plaintext of the age payload
    size: int  # bytes
    sha256: str  # hexadecimal


class PacketWriter:
    """One packet under construction. What its methods return is to be appended to the sealed file, in order.

    Call `begin`, `write` as often as needed and `end` for each file, then `finish` once. A packet that was
    not finished does not open: its last chunk is missing. Memory does not grow with what is written.
    """

    def __init__(self, recipients: Sequence[Wraps]) -> None:
        """Raise ValueError when there is no recipient, or when they are of different kinds."""
        self._age = AgeWriter(recipients)
        self._sealed = _Sealed(self._age)
        self._zip = zipfile.ZipFile(self._sealed, "w", zipfile.ZIP_STORED)
        self._entries: list[_Entry] = []
        self._open: _OpenMember | None = None

    @property
    def header(self) -> bytes:
        """The first bytes of the sealed file."""
        return self._age.header

    @property
    def payload_key(self) -> bytes:
        """Opens this packet, and no other: for the inspection, and gone with the submission."""
        return self._age.payload_key

    @property
    def position(self) -> int:
        """Bytes of plaintext written so far."""
        return self._age.stream.position

    @property
    def pending(self) -> bytes:
        """The last bytes before `position`, which are in no returned chunk yet (at most one chunk)."""
        return self._age.stream.pending

    def begin(self, name: str) -> bytes:
        """Start a member; `name` is ours, never the source's."""
        if self._open is not None:
            raise RuntimeError("a member is open already")
        offset = self.position
        stream = self._zip.open(zipfile.ZipInfo(name, _MEMBER_DATE), "w", force_zip64=True)
        self._open = _OpenMember(name, stream, offset=offset, start=self.position)
        return self._sealed.take()

    def write(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """Append to the member that was begun."""
        member = self._begun()
        member.digest.update(plaintext)
        member.stream.write(plaintext)
        return self._sealed.take()

    def end(self) -> tuple[bytes, Member]:
        """End the member that was begun; return with the bytes what it holds."""
        member = self._begun()
        size = self.position - member.start
        member.stream.close()
        self._entries.append(_Entry(len(member.name), member.offset, size))
        self._open = None
        return self._sealed.take(), Member(member.name, member.start, size, member.digest.hexdigest())

    def finish(self, message: bytes, manifest: bytes) -> Iterator[bytes]:
        """Write message, manifest, padding and the ZIP's directory, and seal the last chunk; yields as it goes.

        The padding of a large packet is large too: it is never in memory as a whole.

        Raises:
            RuntimeError: The ZIP has not its padded size: the library writes ZIPs otherwise than counted here.
        """
        yield self._whole(MESSAGE_MEMBER, message)
        yield self._whole(MANIFEST_MEMBER, manifest)
        size = _padding_size(self.position, self._entries)
        yield self.begin(PADDING_MEMBER)
        for start in range(0, size, len(_ZEROS)):
            yield self.write(_ZEROS[: size - start])
        yield self.end()[0]
        self._zip.close()
        if self.position != padded_size(self.position):
            raise RuntimeError(f"a packet's ZIP of {self.position} bytes is not padded")
        yield self._sealed.take()
        yield self._age.finish()

    def _whole(self, name: str, content: bytes) -> bytes:
        return self.begin(name) + self.write(content) + self.end()[0]

    def _begun(self) -> "_OpenMember":
        if self._open is None:
            raise RuntimeError("no member is open")
        return self._open


def padded_size(size: int) -> int:
    """Return the size that a ZIP of `size` bytes is padded to: Padmé, and PADDED_MIN at least.

    Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PETS 2019, section 4.
    """
    if size <= PADDED_MIN:
        return PADDED_MIN
    exponent = size.bit_length() - 1
    mask = (1 << exponent - exponent.bit_length()) - 1
    return size + mask & ~mask


class _Sealed:
    """What `zipfile` takes for an unseekable file: collects the chunks that its writes complete."""

    def __init__(self, age: AgeWriter) -> None:
        self._age = age
        self._chunks: list[bytes] = []

    def write(self, plaintext: bytes, /) -> int:
        chunks = self._age.update(plaintext)
        if chunks:
            self._chunks.append(chunks)
        return len(plaintext)

    def flush(self) -> None:
        """Nothing to do: what is complete was taken, what is not cannot be sealed yet."""

    def close(self) -> None:
        """Nothing to do: `PacketWriter.finish` seals the last chunk."""

    def take(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class _OpenMember:
    """A member between `begin` and `end`."""

    def __init__(self, name: str, stream: IO[bytes], *, offset: int, start: int) -> None:
        self.name = name
        self.stream = stream
        self.offset = offset  # of its header
        self.start = start  # of its first byte
        self.digest = hashlib.sha256()


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the size of a member's line in the ZIP's directory depends on."""

    name_size: int
    offset: int
    size: int


def _padding_size(position: int, entries: Sequence[_Entry]) -> int:
    """Return how long the padding must be so that the whole ZIP has a padded size."""
    costs = [_cost(position, entries, 0), _cost(position, entries, _ZIP64_LIMIT)]
    target = padded_size(position + costs[0])
    while True:
        # Padding that pushes the directory over ZIP64's border makes that longer, so both costs are tried; where
        # neither fits, the ZIP would end within bytes of the border, and goes up to the next size.
        for cost in costs:
            size = target - position - cost
            if size >= 0 and _cost(position, entries, size) == cost:
                return size
        target = padded_size(target + 1)


def _cost(position: int, entries: Sequence[_Entry], padding: int) -> int:
    """Return the bytes from `position` to the ZIP's end, less the padding itself."""
    own = _Entry(len(PADDING_MEMBER), position, padding)
    member = _LOCAL_HEADER + own.name_size + _DATA_DESCRIPTOR
    directory = sum(map(_directory_line, (*entries, own)))
    end = _END_RECORD + (_END_ZIP64 if position + member + padding > _ZIP64_LIMIT else 0)
    return member + directory + end


def _directory_line(entry: _Entry) -> int:
    extra = (16 if entry.size > _ZIP64_LIMIT else 0) + (8 if entry.offset > _ZIP64_LIMIT else 0)
    return _CENTRAL_HEADER + entry.name_size + (_CENTRAL_ZIP64 + extra if extra else 0)
