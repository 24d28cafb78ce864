"""The bytes of a packet: an age file around a stored ZIP, written once and streaming (FORMAT.md, 1 to 3).

Does no input or output: plaintext goes in, what is to be appended to the sealed file comes out.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from keys.age.writer import AgeWriter, Wraps
from transfer.packet.stored_zip import ZIP64_LIMIT, StoredZip

MESSAGE_MEMBER: Final = "message.json"
MANIFEST_MEMBER: Final = "manifest.json"
PADDING_MEMBER: Final = "padding"
PADDED_MIN: Final = 64 * 1024  # bytes of ZIP; FORMAT.md 3.2
_ZEROS: Final = bytes(64 * 1024)


@dataclass(frozen=True, slots=True)
class PacketMember:
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
        self._zip = StoredZip()
        self._open: _OpenMember | None = None

    @property
    def header(self) -> bytes:
        """The first bytes of the sealed file."""
        return self._age.header

    @property
    def payload_key(self) -> bytes:
        """Opens this packet, and no other: for the inspection, and forgotten with the submission."""
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
        header = self._zip.begin(name)
        self._open = _OpenMember(name, self._zip.position)
        return self._age.update(header)

    def write(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """Append to the member that was begun."""
        self._begun().digest.update(plaintext)
        self._zip.take(plaintext)
        return self._age.update(plaintext)

    def end(self) -> tuple[bytes, PacketMember]:
        """End the member that was begun; return its bytes and what was written."""
        member = self._begun()
        size = self.position - member.start
        self._open = None
        return self._age.update(self._zip.end()), PacketMember(
            member.name, member.start, size, member.digest.hexdigest()
        )

    def finish(self, message: bytes, manifest: bytes) -> Iterator[bytes]:
        """Write message, manifest, padding and the ZIP's directory, and seal the last chunk; yields as it goes.

        The padding of a large packet is large too: it is never in memory as a whole.
        """
        yield self._whole(MESSAGE_MEMBER, message)
        yield self._whole(MANIFEST_MEMBER, manifest)
        size = self._padding_size()
        yield self.begin(PADDING_MEMBER)
        for start in range(0, size, len(_ZEROS)):
            yield self.write(_ZEROS[: size - start])
        yield self.end()[0]
        yield self._age.update(self._zip.close())
        yield self._age.finish()

    def _padding_size(self) -> int:
        """Return how long the padding must be so that the whole ZIP has a padded size."""
        costs = [self._zip.cost_of_last(PADDING_MEMBER, size) for size in (0, ZIP64_LIMIT)]
        target = padded_size(self.position + costs[0])
        while True:
            # Padding that pushes the directory over ZIP64's border makes that longer, so both costs are tried;
            # where neither fits, the ZIP would end within bytes of the border, and goes up to the next size.
            for cost in costs:
                size = target - self.position - cost
                if size >= 0 and self._zip.cost_of_last(PADDING_MEMBER, size) == cost:
                    return size
            target = padded_size(target + 1)

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


class _OpenMember:
    """A member between `begin` and `end`; `start` is the position of its first byte."""

    def __init__(self, name: str, start: int) -> None:
        self.name = name
        self.start = start
        self.digest = hashlib.sha256()
