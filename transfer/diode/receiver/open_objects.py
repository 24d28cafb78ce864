"""The objects in progress, as the receiver's processes see them: `FileStore` for network, `OpenShelf` for the rest."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from disk.durable import replace, sync_folder
from transfer.diode.errors import DatagramError, DropReason, LinkError
from transfer.diode.receiver.full_disk import no_room
from transfer.diode.receiver.object_files import HEADER, SHARED, OpenFiles, cost_of, make_files, write_at
from transfer.diode.receiver.shares import Shares
from transfer.diode.receiver.shelf import Shelf, clear, size_below
from transfer.diode.receiver.symbol_map import SymbolMap
from transfer.diode.wire.notices import History, ObjectHeader

ROOM_REST: Final = 5.0  # seconds that an object is left alone for which the disk had no room

_NEW: Final = ".new-"


class OpenShelf:
    """The objects in progress, as the decode and the commit process see them: opened once, not at each look."""

    def __init__(self, shelf: Shelf, *, now: Callable[[], float] = time.monotonic) -> None:
        self.shelf = shelf
        self._now = now
        self._known: dict[str, tuple[int, ObjectHeader, OpenFiles]] = {}
        self._resting: dict[str, float] = {}

    def look(self) -> Iterator[tuple[ObjectHeader, OpenFiles]]:
        """Return each object that is there now, with its files open; those that were put off, when they have rested."""
        names = {path.name: path.inode() for path in os.scandir(self.shelf.open) if not path.name.startswith(".")}
        for name, (inode, _, files) in list(self._known.items()):
            if names.get(name) != inode:  # taken away, or taken away and begun anew
                files.close()
                del self._known[name]
                self._resting.pop(name, None)
        for name in sorted(names.keys() - self._known.keys()):
            try:
                header, _ = self.shelf.read_header(name)
                self._known[name] = names[name], header, OpenFiles(self.shelf.open / name, header.geometry)
            except (FileNotFoundError, LinkError):
                continue  # taken away at this moment; or damaged, which the status says, and the others go on
        for name, (_, header, files) in list(self._known.items()):
            if self._resting.get(name, 0) <= self._now():
                self._resting.pop(name, None)
                yield header, files

    def put_off(self, name: str) -> None:
        """Leave an object alone for a while: there is no room for what it needs."""
        self._resting[name] = self._now() + ROOM_REST

    def lacks_room(self) -> bool:
        """Tell whether something was put off, and has not succeeded since."""
        return bool(self._resting)

    def close(self) -> None:
        """Let go of everything."""
        while self._known:
            self._known.popitem()[1][2].close()


class FileStore:
    """`store.SymbolStore` on a shelf: for the network process.

    Args:
        shelf: Whose `open/` this process alone adds to.
        quota: Bytes that open objects and arrived batches may take together.
        objects_max: How many folders `open/` may have, whosever they are; None for any number.
        gateways: How many have an equal share of the quota.
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
        """Remove what was never complete; return name and header of what was open before and can be reopened."""
        for path in self._shelf.open.glob(f"{_NEW}*"):
            clear(path)
        for name in self._shelf.names():
            # Damaged: the status says it, and the others go on. Or commit takes it away at this moment.
            with contextlib.suppress(LinkError, FileNotFoundError):
                header, payload = self._shelf.read_header(name)
                self._offered[name] = OpenFiles(self._shelf.open / name, header.geometry)
                yield name, payload
            if name in self._offered:  # of no use: held open, it would take room for as long as we live
                self._offered.pop(name).close()

    def reopen(self, header: ObjectHeader) -> SymbolMap:
        """Return the map of an object that an earlier process began."""
        return self._hold(header, self._offered.pop(header.name, None))

    def open(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Make an object's files."""
        self._demand_room(header)
        with self._new_files(header, payload) as folder:
            self._shelf.set_aside(header.name)  # nobody's: a power cut left a part of it, or a person did
            folder.rename(self._shelf.open / header.name)
            sync_folder(self._shelf.open)
        return self._hold(header)

    def renew(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Make an open object's files anew, for symbols of another size, and drop what was here."""
        self._demand_room(header)
        with self._new_files(header, payload) as folder:
            # After a kill or a power cut it has its old files, its new ones or none, and goes on with whichever.
            self._shelf.set_aside(header.name)
            folder.rename(self._shelf.open / header.name)
        self.close(header.name)
        return self._hold(header)

    def close(self, name: str) -> None:
        """Let go of an object's files."""
        self._files.pop(name).close()
        del self._costs[name]
        self._shares.look_again()

    def write(self, name: str, offset: int, pieces: list[memoryview]) -> None:
        """Write source symbols at their place."""
        with no_room():
            write_at(self._files[name].data, pieces, offset)

    def write_repair(self, name: str, offset: int, piece: memoryview) -> None:
        """Write one repair symbol."""
        with no_room():
            write_at(self._files[name].repair, [piece], offset)

    def is_here(self, name: str) -> bool:
        """Tell whether an open object was not taken away by the commit process, or a person."""
        return (self._shelf.open / name / HEADER).exists()

    def was_received(self, name: str) -> bool:
        """Tell whether the whole object came before, and is still to be imported or was."""
        return self._shelf.was_received(name)

    def keep_history(self, history: History, payload: bytes) -> None:
        """Keep the newest history of a gateway; DatagramError(NO_ROOM) when the disk is full."""
        with no_room():
            replace(self._shelf.history / history.gateway, [payload], mode=SHARED)

    @contextlib.contextmanager
    def _new_files(self, header: ObjectHeader, payload: bytes) -> Iterator[Path]:
        """Make files that get their name within the context, or vanish.

        What has that name is set aside only then: of two folders that never lay side by side both may have one inode
        number, by which the other processes tell them apart.
        """
        folder = self._shelf.open / f"{_NEW}{header.name}"
        try:
            with no_room():
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
        """Return what an object in progress may take, also one that is in nobody's books."""
        if name in self._costs:
            return self._costs[name]
        try:
            return cost_of(self._shelf.read_header(name)[0].geometry)
        except (LinkError, FileNotFoundError):
            return size_below(self._shelf.open / name)
