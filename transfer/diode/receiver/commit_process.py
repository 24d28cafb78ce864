"""The commit process: a whole object becomes a batch in `arrived/`, once everything in it is what was signed.

It trusts neither the network nor the coder: the hash of each file is compared with the gateway's signed manifest. A
file that does not match is received again. A packet that still does not match is left out: the gateway itself could
not read it.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.durable import is_disk_full, replace, sync_folder
from keys.signing import VerifyKey
from transfer.batch.batch import Batch, GatewayId, digest_batch, verify_batch
from transfer.batch.files import MANIFEST, PACKETS
from transfer.diode.receiver.object_files import SHARED, OpenFiles
from transfer.diode.receiver.open_objects import OpenShelf
from transfer.diode.receiver.part_copies import AHEAD, Copies
from transfer.diode.receiver.shelf import Shelf, clear, remove_folder
from transfer.diode.receiver.symbol_map import BlockState
from transfer.diode.wire.container import Part, object_size, parts_of
from transfer.diode.wire.notices import ObjectHeader
from transfer.errors import BatchError

_STAGING: Final = ".unfinished-"
_SPOILT: Final = "spoilt"  # in an open object's folder: the parts that did not match the last time
_PUBLISHING: Final = ".publishing-"


@dataclass(frozen=True, slots=True)
class Committed:
    """One batch that is now in `arrived/`; `absent` counts packets that it lists and that could not be received."""

    gateway: GatewayId
    number: int
    packets: int
    absent: int


def commit_whole(objects: OpenShelf, trusted: Mapping[GatewayId, VerifyKey], copies: Copies) -> list[Committed]:
    """Commit every whole object, and copy the blocks of the others that are whole already.

    What a killed predecessor started is completed first. An object without disk space is postponed; the others do not
    wait for it.
    """
    shelf = objects.shelf
    copies.keep_only(_complete(shelf))
    found = []
    for header, files in objects.scan():
        if _note(shelf, header.name).exists():
            continue
        try:
            if files.symbols.is_whole():
                done = _commit(shelf, header, files, trusted, copies)
            else:
                done = None
                _copy_ahead(shelf, header, files, trusted, copies)
        except OSError as error:
            if not is_disk_full(error):
                raise
            copies.drop(header.name)
            _withdraw(shelf, header.name)
            objects.postpone(header.name)
            continue
        if done:
            found.append(done)
    return found


def _demand_room(shelf: Shelf, left: int) -> None:
    # Checked first: copying a large batch repeatedly until the disk is full would help nobody.
    if shutil.disk_usage(shelf.arrived).free < left:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _copy_ahead(
    shelf: Shelf, header: ObjectHeader, files: OpenFiles, trusted: Mapping[GatewayId, VerifyKey], copies: Copies
) -> None:
    copy = copies.find(header.name, files)
    if copy is None:
        last = files.symbols.geometry.block_of(header.manifest_size + header.signature_size - 1)
        if any(files.symbols.state(block) != BlockState.DONE for block in range(last + 1)):
            return
        parts = _read_parts(header, files, trusted)
        if not parts:
            return  # handled when the object is whole
        _demand_room(shelf, header.geometry.size)
        copy = copies.begin(header.name, files, parts, _staging(shelf, header.name))
    copy.advance(AHEAD)


def _withdraw(shelf: Shelf, name: str) -> None:
    # Once the note is written, a missing staging folder means that the batch was published.
    if not _note(shelf, name).exists():
        clear(_staging(shelf, name))


def _commit(
    shelf: Shelf, header: ObjectHeader, files: OpenFiles, trusted: Mapping[GatewayId, VerifyKey], copies: Copies
) -> Committed | None:
    copy, staging = copies.find(header.name, files), _staging(shelf, header.name)
    if copy is None:
        parts = _read_parts(header, files, trusted)
        if parts is None:
            _forget(files, [Part(MANIFEST, 0, header.manifest_size + header.signature_size, None)])
            return None
        if not parts:
            _forget(files, [Part(MANIFEST, 0, header.geometry.size, None)])  # the manifest contradicts the header
            return None
        copy = copies.begin(header.name, files, parts, staging)
    _demand_room(shelf, copy.left)
    copy.advance()
    copies.drop(header.name)
    if copy.spoilt and not _may_leave_out(shelf, header, copy.spoilt):
        clear(staging)
        _forget(files, copy.spoilt)
        return None
    absent = [part.name for part in copy.spoilt]
    missing = shelf.missing_packets(header.name)
    if missing is not None and missing.issubset(absent):  # it is already here with these packets or more
        clear(staging)
        shelf.remove(header.name)
        return None
    # Recorded before it is done; whether it was done shows in the name of the staging folder. A batch that someone has
    # imported and removed in the meantime must not appear a second time.
    replace(_note(shelf, header.name), ["\n".join(absent).encode()], mode=SHARED)
    _publish(shelf, header.name)
    return Committed(header.gateway, header.number, copy.packets, len(copy.spoilt))


def _read_parts(header: ObjectHeader, files: OpenFiles, trusted: Mapping[GatewayId, VerifyKey]) -> list[Part] | None:
    """Return the parts of the object: None if its manifest is not the signed one, [] if its size is another one."""
    batch = _read_batch(header, files, trusted)
    if batch is None:
        return None
    parts = parts_of(batch, manifest_size=header.manifest_size, signature_size=header.signature_size)
    return parts if object_size(parts) == header.geometry.size else []


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


def _may_leave_out(shelf: Shelf, header: ObjectHeader, spoilt: list[Part]) -> bool:
    """Return whether the same packets failed the last time too, so that they were received twice."""
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
    """Move a batch to its place. Needs nothing but the note, so that damage in `open/` stops no other batch."""
    staging = _staging(shelf, name)
    if staging.exists():
        # An earlier copy without some packets: the tag in the name shows that it is the same batch.
        remove_folder(shelf.bag(name))
        staging.rename(shelf.bag(name))
        sync_folder(shelf.arrived)
    _note(shelf, name).replace(shelf.received / name)
    sync_folder(shelf.received)
    shelf.remove(name)


def _complete(shelf: Shelf) -> list[str]:
    """Complete what a crash interrupted; return the names of the objects in progress."""
    shelf.sweep()
    for note in shelf.received.glob(f"{_PUBLISHING}*"):
        try:
            _publish(shelf, note.name.removeprefix(_PUBLISHING))
        except OSError as error:
            if not is_disk_full(error):  # on a full disk it is tried again the next time
                raise
    names = shelf.names()
    for name in names:
        if shelf.was_received(name):  # killed between the last two steps; or it came by another channel
            shelf.remove(name)
    for staging in shelf.arrived.glob(f"{_STAGING}*"):
        name = staging.name.removeprefix(_STAGING)
        if name not in names:  # killed, and then its object was removed
            _withdraw(shelf, name)
    return names


def _staging(shelf: Shelf, name: str) -> Path:
    return shelf.arrived / f"{_STAGING}{name}"


def _note(shelf: Shelf, name: str) -> Path:
    return shelf.received / f"{_PUBLISHING}{name}"
