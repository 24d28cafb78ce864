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
from transfer.diode.folders import Shelf, clear, discard
from transfer.diode.notices import ObjectHeader
from transfer.diode.object_files import SHARED, SHARED_FOLDER, OpenFiles
from transfer.diode.room import is_full
from transfer.diode.shelf import OpenShelf
from transfer.diode.symbols import BlockState
from transfer.errors import BatchError
from transfer.usb import COPY_SIZE, MANIFEST, PACKETS

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
    """Commit every object that is whole; what a killed predecessor began is completed first.

    One for which the disk has no room is put off; the others do not wait for it.
    """
    shelf = objects.shelf
    _complete(shelf)
    found = []
    for header, files in objects.look():
        if not files.symbols.is_whole() or _note(shelf, header.name).exists():
            continue
        if not _has_room(shelf, header):
            objects.put_off(header.name)
            continue
        try:
            done = _commit(shelf, header, files, trusted)
        except OSError as error:
            if not is_full(error):
                raise
            _withdraw(shelf, header.name)
            objects.put_off(header.name)
            continue
        if done:
            found.append(done)
    return found


def _has_room(shelf: Shelf, header: ObjectHeader) -> bool:
    # Asked first: to copy a large batch again and again until the disk is full would help nobody.
    return shutil.disk_usage(shelf.arrived).free >= header.geometry.size


def _withdraw(shelf: Shelf, name: str) -> None:
    # Once its note is written, a staging folder that is not there counts as published.
    if not _note(shelf, name).exists():
        clear(_staging(shelf, name))


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
    staging = _staging(shelf, header.name)
    clear(staging)
    spoilt = _copy_parts(files, parts, staging)
    if spoilt and not _may_leave_out(shelf, header, spoilt):
        clear(staging)
        _forget(files, spoilt)
        return None
    absent = [part.name for part in spoilt]
    lacking = shelf.lacking(header.name)
    if lacking is not None and lacking.issubset(absent):  # it came like this, or better
        clear(staging)
        shelf.remove(header.name)
        return None
    # Said before it is done, and the staging folder's name tells whether it was: a batch that somebody has
    # imported and taken away meanwhile must not appear a second time.
    replace(_note(shelf, header.name), ["\n".join(absent).encode()], mode=SHARED)
    _publish(shelf, header.name)
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


def _forget(files: OpenFiles, parts: list[Part]) -> None:
    geometry = files.symbols.geometry
    for part in parts:
        if part.size:
            last = geometry.block_of(part.offset + part.size - 1)
            for block in range(geometry.block_of(part.offset), last + 1):
                files.symbols.set_state(block, BlockState.FORGET)


def _publish(shelf: Shelf, name: str) -> None:
    """Give a batch its place; needs nothing but its note, so that what is damaged in `open/` stops nobody."""
    staging = _staging(shelf, name)
    if staging.exists():
        # An earlier one, which lacked packets: with the tag in its name it is the same batch.
        discard(shelf.bag(name))
        staging.rename(shelf.bag(name))
        sync_folder(shelf.arrived)
    _note(shelf, name).replace(shelf.received / name)
    sync_folder(shelf.received)
    shelf.remove(name)


def _complete(shelf: Shelf) -> None:
    shelf.sweep()
    for note in shelf.received.glob(f"{_PUBLISHING}*"):
        try:
            _publish(shelf, note.name.removeprefix(_PUBLISHING))
        except OSError as error:
            if not is_full(error):  # else it is tried again the next time
                raise
    names = shelf.names()
    for name in names:
        if shelf.was_received(name):  # killed between the last two steps; or it came on another road
            shelf.remove(name)
    for staging in shelf.arrived.glob(f"{_STAGING}*"):
        name = staging.name.removeprefix(_STAGING)
        if name not in names:  # killed, and then its object was taken away
            _withdraw(shelf, name)


def _staging(shelf: Shelf, name: str) -> Path:
    return shelf.arrived / f"{_STAGING}{name}"


def _note(shelf: Shelf, name: str) -> Path:
    return shelf.received / f"{_PUBLISHING}{name}"
