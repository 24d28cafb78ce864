"""The commit process: a whole object becomes a batch in `arrived/`, once everything in it is what was signed.

It believes neither the network nor the coder: each file is hashed against the gateway's signed list. What does not
fit is received anew; a packet that then still does not fit could not be read by the gateway itself, and is left out.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.durable import replace, sync_folder
from keys.signing import VerifyKey
from transfer.batch import Batch, GatewayId, digest_batch, verify_batch
from transfer.diode.container import Part, object_size, parts_of
from transfer.diode.notices import ObjectHeader
from transfer.diode.shelf import SHARED, SHARED_FOLDER, OpenFiles, OpenShelf, Shelf
from transfer.diode.symbols import BlockState
from transfer.errors import BatchError
from transfer.usb import COPY_SIZE, MANIFEST, PACKETS, bag_name

_STAGING: Final = ".unfinished-"
_SPOILT: Final = "spoilt"  # in an open object's folder: which parts did not fit the last time
_PUBLISHING: Final = ".publishing-"


@dataclass(frozen=True, slots=True)
class Committed:
    """One batch that is now in `arrived/`; `absent` packets are in its list and could not be had."""

    gateway: GatewayId
    number: int
    packets: int
    absent: int


def commit_whole(objects: OpenShelf, trusted: Mapping[GatewayId, VerifyKey]) -> list[Committed]:
    """Commit every object that is whole; what a killed predecessor began is completed first."""
    _complete(objects.shelf)
    found = []
    for header, files in objects.look():
        if files.symbols.is_whole() and (done := _commit(objects.shelf, header, files, trusted)):
            found.append(done)
    return found


def _commit(
    shelf: Shelf, header: ObjectHeader, files: OpenFiles, trusted: Mapping[GatewayId, VerifyKey]
) -> Committed | None:
    batch = _read_batch(header, files, trusted)
    if batch is None:
        _forget(files, [Part(MANIFEST, 0, header.manifest_size + header.signature_size, None)])
        return None
    parts = parts_of(batch, manifest_size=header.manifest_size, signature_size=header.signature_size)
    if object_size(parts) != header.geometry.size:
        _forget(files, [Part(MANIFEST, 0, header.geometry.size, None)])  # the gateway contradicts itself
        return None
    staging = shelf.arrived / f"{_STAGING}{header.name}"
    shutil.rmtree(staging, ignore_errors=True)
    spoilt = _copy_parts(files, parts, staging)
    if spoilt and not _may_leave_out(shelf, header, spoilt):
        shutil.rmtree(staging)
        _forget(files, spoilt)
        return None
    absent = "\n".join(part.name for part in spoilt).encode()
    if spoilt and _came_like_this(shelf, header, absent):
        shutil.rmtree(staging)
        shelf.remove(header.name)
        return None
    _publish(shelf, header, staging, absent)
    return Committed(header.gateway, header.number, len(batch.packets), len(spoilt))


def _read_batch(header: ObjectHeader, files: OpenFiles, trusted: Mapping[GatewayId, VerifyKey]) -> Batch | None:
    manifest = os.pread(files.data, header.manifest_size, 0)
    if digest_batch(manifest) != header.digest:
        return None
    try:
        signature = os.pread(files.data, header.signature_size, header.manifest_size).decode()
        batch = verify_batch(manifest, signature, trusted)
    except (BatchError, UnicodeDecodeError):
        return None
    return batch if (batch.gateway, batch.number) == (header.gateway, header.number) else None


def _copy_parts(files: OpenFiles, parts: list[Part], staging: Path) -> list[Part]:
    """Write all parts into `staging`, durably; return those that are not what was signed, which are not written."""
    (staging / PACKETS).mkdir(parents=True)
    for folder in (staging, staging / "data", staging / PACKETS):
        folder.chmod(SHARED_FOLDER)
    spoilt = [part for part in parts if not _copy_part(files.data, part, staging / part.name)]
    for folder in (staging / PACKETS, staging / "data", staging):
        sync_folder(folder)
    return spoilt


def _copy_part(data: int, part: Part, target: Path) -> bool:
    digest, at, end = hashlib.sha256(), part.offset, part.offset + part.size
    with target.open("xb") as stream:
        os.fchmod(stream.fileno(), SHARED)
        while at < end:
            piece = os.pread(data, min(COPY_SIZE, end - at), at)
            if not piece:
                break
            digest.update(piece)
            stream.write(piece)
            at += len(piece)
        fits = part.sha256 is None or digest.hexdigest() == part.sha256
        if at == end and fits:
            stream.flush()
            os.fsync(stream.fileno())
            return True
    target.unlink()
    return False


def _may_leave_out(shelf: Shelf, header: ObjectHeader, spoilt: list[Part]) -> bool:
    """Tell whether the same packets did not fit the last time, when they had been received anew."""
    if not all(part.name.startswith(PACKETS) for part in spoilt):
        return False
    names, note = "\n".join(part.name for part in spoilt).encode(), shelf.open / header.name / _SPOILT
    with contextlib.suppress(FileNotFoundError):
        if note.read_bytes() == names:
            return True
    replace(note, [names], mode=SHARED)
    return False


def _came_like_this(shelf: Shelf, header: ObjectHeader, absent: bytes) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return (shelf.received / header.name).read_bytes() == absent
    return False


def _forget(files: OpenFiles, parts: list[Part]) -> None:
    geometry = files.symbols.geometry
    for part in parts:
        if part.size:
            last = geometry.block_of(part.offset + part.size - 1)
            for block in range(geometry.block_of(part.offset), last + 1):
                files.symbols.set_state(block, BlockState.FORGET)


def _publish(shelf: Shelf, header: ObjectHeader, staging: Path, absent: bytes) -> None:
    # Said before it is done, and the staging folder's name tells whether it was: a batch that somebody has
    # imported and taken away meanwhile must not appear a second time.
    replace(shelf.received / f"{_PUBLISHING}{header.name}", [absent], mode=SHARED)
    _finish(shelf, header, staging)


def _finish(shelf: Shelf, header: ObjectHeader, staging: Path) -> None:
    target = shelf.arrived / bag_name(header.gateway, header.number)
    if staging.exists():
        if target.exists():  # an earlier one, which lacked packets
            shutil.rmtree(target)
        staging.rename(target)
        sync_folder(shelf.arrived)
    (shelf.received / f"{_PUBLISHING}{header.name}").replace(shelf.received / header.name)
    sync_folder(shelf.received)
    shelf.remove(header.name)


def _complete(shelf: Shelf) -> None:
    shelf.sweep()
    for note in shelf.received.glob(f"{_PUBLISHING}*"):
        name = note.name.removeprefix(_PUBLISHING)
        header, _ = shelf.read_header(name)
        _finish(shelf, header, shelf.arrived / f"{_STAGING}{name}")
    for name in shelf.names():
        if shelf.was_received(name):  # killed between the last two steps
            shelf.remove(name)
