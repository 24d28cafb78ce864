"""An object: the files of one batch, one after the other (WIRE.md, 4.1). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from transfer.batch.batch import Batch
from transfer.batch.files import AUDIT, MANIFEST, SECRET, SIGNATURE, packet_path


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a batch and its place in the object; `sha256` is None where the signature covers the file."""

    name: str
    offset: int
    size: int
    sha256: str | None


def parts_of(batch: Batch, *, manifest_size: int, signature_size: int) -> list[Part]:
    """Return the parts in order: manifest, signature, part of the audit log, secret, packets as listed."""
    found, offset = [], 0
    for name, size, sha256 in _files(batch, manifest_size, signature_size):
        found.append(Part(name, offset, size, sha256))
        offset += size
    return found


def object_size(parts: list[Part]) -> int:
    """Return the bytes of the whole object."""
    return parts[-1].offset + parts[-1].size


def _files(batch: Batch, manifest_size: int, signature_size: int) -> Iterator[tuple[str, int, str | None]]:
    yield MANIFEST, manifest_size, None
    yield SIGNATURE, signature_size, None
    yield AUDIT, batch.audit.size, batch.audit.sha256
    yield SECRET, batch.secret.size, batch.secret.sha256
    for entry in batch.packets:
        yield packet_path(entry.id), entry.size, entry.sha256
