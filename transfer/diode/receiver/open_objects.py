"""The objects in progress, as the processes see them: `FileStore` for network, `OpenShelf` for decode and commit."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from disk.durable import is_disk_full, replace, sync_folder
from transfer.diode.errors import DatagramError, DropReason, LinkError
from transfer.diode.receiver.object_files import HEADER, SHARED, OpenFiles, cost_of, make_files, write_at
from transfer.diode.receiver.shares import Shares
from transfer.diode.receiver.shelf import Shelf, clear, size_below
from transfer.diode.receiver.symbol_map import SymbolMap
from transfer.diode.wire.notices import History, ObjectHeader

ROOM_REST: Final = 5.0  # seconds for which an object without disk space is left alone

_NEW: Final = ".new-"


class OpenShelf:
    """The objects in progress, as the decode and the commit process see them: opened once, not at each scan."""

    def __init__(self, shelf: Shelf, *, now: Callable[[], float] = time.monotonic) -> None:
        self.shelf = shelf
        self._now = now
        self._known: dict[str, tuple[int, ObjectHeader, OpenFiles]] = {}
        self._resting: dict[str, float] = {}

    def scan(self) -> Iterator[tuple[ObjectHeader, OpenFiles]]:
        """Yield each object in progress with its files open; postponed objects only after their rest."""
        names = {path.name: path.inode() for path in os.scandir(self.shelf.open) if not path.name.startswith(".")}
        for name, (inode, _, files) in list(self._known.items()):
            if names.get(name) != inode:  # removed, or removed and restarted
                files.close()
                del self._known[name]
                self._resting.pop(name, None)
        for name in sorted(names.keys() - self._known.keys()):
            try:
                header, _ = self.shelf.read_header(name)
                self._known[name] = names[name], header, OpenFiles(self.shelf.open / name, header.geometry)
            except (FileNotFoundError, LinkError):
                continue  # removed at this moment; or damaged, which the status shows; the others continue
        for name, (_, header, files) in list(self._known.items()):
            if self._resting.get(name, 0) <= self._now():
                self._resting.pop(name, None)
                yield header, files

    def postpone(self, name: str) -> None:
        """Leave an object alone for a while: there is no disk space for it."""
        self._resting[name] = self._now() + ROOM_REST

    def is_waiting_for_space(self) -> bool:
        """Return whether an object was postponed and has not been tried again since."""
        return bool(self._resting)

    def close(self) -> None:
        """Close all files."""
        while self._known:
            self._known.popitem()[1][2].close()


class FileStore:
    """`SymbolStore` on a shelf, for the network process.

    Args:
        shelf: This process alone adds to its `open/`.
        quota: Bytes that open objects and arrived batches may take together.
        objects_max: Folders that `open/` may have, of whichever gateway; None for any number.
        gateways: The number of gateways that share the quota equally.
    """

    def __init__(self, shelf: Shelf, *, quota: int, objects_max: int | None = None, gateways: int = 1) -> None:
        self._shelf = shelf
        self._quota = quota
        self._shares = Shares(shelf.arrived, gateways=gateways)
        self._objects_max = objects_max
        self._files: dict[str, OpenFiles] = {}
        self._costs: dict[str, int] = {}
        self._offered: dict[str, OpenFiles] = {}

    def resume(self) -> Iterator[tuple[str, bytes]]:
        """Remove what was never complete; yield name and header of each object that can be reopened."""
        for path in self._shelf.open.glob(f"{_NEW}*"):
            clear(path)
        for name in self._shelf.names():
            # Damaged, which the status shows; the others continue. Or commit removes it at this moment.
            with contextlib.suppress(LinkError, FileNotFoundError):
                header, payload = self._shelf.read_header(name)
                self._offered[name] = OpenFiles(self._shelf.open / name, header.geometry)
                yield name, payload
            if name in self._offered:  # not reopened: open files occupy space as long as this process runs
                self._offered.pop(name).close()

    def reopen(self, header: ObjectHeader) -> SymbolMap:
        """Return the map of an object that an earlier process started."""
        return self._hold(header, self._offered.pop(header.name, None))

    def open(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Create an object's files."""
        self._demand_room(header)
        with self._new_files(header, payload) as folder:
            self._shelf.set_aside(header.name)  # of no process: a power cut or a person left a part of it
            folder.rename(self._shelf.open / header.name)
            sync_folder(self._shelf.open)
        return self._hold(header)

    def renew(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Create an open object's files again, for symbols of another size, and drop what was here."""
        self._demand_room(header)
        with self._new_files(header, payload) as folder:
            # After a kill or a power cut it has its old files, its new ones or none; each of these can continue.
            self._shelf.set_aside(header.name)
            folder.rename(self._shelf.open / header.name)
        self.close(header.name)
        return self._hold(header)

    def close(self, name: str) -> None:
        """Close an object's files."""
        self._files.pop(name).close()
        del self._costs[name]
        self._shares.measure_again()

    def write(self, name: str, offset: int, pieces: list[memoryview]) -> None:
        """Write source symbols at their place."""
        with _no_room():
            write_at(self._files[name].data, pieces, offset)

    def write_repair(self, name: str, offset: int, piece: memoryview) -> None:
        """Write one repair symbol."""
        with _no_room():
            write_at(self._files[name].repair, [piece], offset)

    def is_here(self, name: str) -> bool:
        """Return whether an open object is still here, not removed by the commit process or a person."""
        return (self._shelf.open / name / HEADER).exists()

    def was_received(self, name: str) -> bool:
        """Return whether the whole object was received before, as `Shelf.was_received` does."""
        return self._shelf.was_received(name)

    def keep_history(self, history: History, payload: bytes) -> None:
        """Store the newest history of a gateway; raise DatagramError(NO_ROOM) when the disk is full."""
        with _no_room():
            replace(self._shelf.history / history.gateway, [payload], mode=SHARED)

    @contextlib.contextmanager
    def _new_files(self, header: ObjectHeader, payload: bytes) -> Iterator[Path]:
        """Create files that the caller renames within the context; otherwise they are removed.

        An old folder of that name is set aside only within the context. Two folders that never existed at the same
        time may have the same inode number, by which the other processes distinguish them.
        """
        folder = self._shelf.open / f"{_NEW}{header.name}"
        try:
            with _no_room():
                clear(folder)
                make_files(folder, header.geometry, payload)
                yield folder
        except (DatagramError, OSError):
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _hold(self, header: ObjectHeader, files: OpenFiles | None = None) -> SymbolMap:
        files = files or OpenFiles(self._shelf.open / header.name, header.geometry)
        self._files[header.name] = files
        self._costs[header.name] = cost_of(header.geometry)
        return files.symbols

    def _demand_room(self, header: ObjectHeader) -> None:
        cost = cost_of(header.geometry)
        others = {name: self._cost_now(name) for name in self._shelf.names() if name != header.name}
        if self._objects_max is not None and len(others) >= self._objects_max:
            raise DatagramError(DropReason.NO_ROOM)
        if not self._shares.has_room(self._quota, header.gateway, cost, others):
            raise DatagramError(DropReason.NO_ROOM)
        # Pessimistic: what the open objects have written already is counted twice.
        if shutil.disk_usage(self._shelf.open).free < sum(others.values()) + cost:
            raise DatagramError(DropReason.NO_ROOM)

    def _cost_now(self, name: str) -> int:
        """Return the bytes that an object in progress may take, also one that this process does not know."""
        if name in self._costs:
            return self._costs[name]
        try:
            return cost_of(self._shelf.read_header(name)[0].geometry)
        except (LinkError, FileNotFoundError):
            return size_below(self._shelf.open / name)


@contextlib.contextmanager
def _no_room() -> Iterator[None]:
    """Drop the current datagram when the disk is full: raise DatagramError(NO_ROOM)."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise DatagramError(DropReason.NO_ROOM) from None
        raise
