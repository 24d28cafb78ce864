"""The receiver's files, which its three processes share; each has its own part in them (WIRE.md, 5.3).

open/NAME/{header,data,repair,symbols}   objects in progress: made by network, removed by commit
arrived/enveis-GATEWAY-NUMBER/           whole batches, ready to be imported: made by commit
received/NAME                            what was whole once: made by commit, kept for ever
history/GATEWAY                          the newest signed history: made by network
"""

import contextlib
import errno
import mmap
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.durable import replace, sync_folder
from transfer.diode.errors import DatagramError, LinkError, Refusal
from transfer.diode.geometry import Geometry
from transfer.diode.notices import History, ObjectHeader, read_object
from transfer.diode.quota import Shares
from transfer.diode.symbols import SymbolMap

SHARED: Final = 0o660  # the three processes may be three users of one group; the folder above is closed to others
SHARED_FOLDER: Final = 0o2770
HEADER_MAX: Final = 16 * 1024  # bytes of a kept notice

_NEW: Final = ".new-"
_GONE: Final = ".gone-"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where everything of a receiver lies."""

    root: Path

    @property
    def open(self) -> Path:
        """Objects in progress."""
        return self.root / "open"

    @property
    def arrived(self) -> Path:
        """Whole batches."""
        return self.root / "arrived"

    @property
    def received(self) -> Path:
        """Names of what came."""
        return self.root / "received"

    @property
    def history(self) -> Path:
        """What gateways say that we should have."""
        return self.root / "history"

    @property
    def figures(self) -> Path:
        """What the network process counts, for people."""
        return self.root / "network.json"

    def prepare(self) -> None:
        """Make the folders."""
        for folder in (self.root, self.open, self.arrived, self.received, self.history):
            if not folder.exists():
                folder.mkdir()
                folder.chmod(SHARED_FOLDER)

    def names(self) -> list[str]:
        """Return the names of the objects in progress."""
        return sorted(path.name for path in self.open.iterdir() if not path.name.startswith("."))

    def was_received(self, name: str) -> bool:
        """Tell whether the whole object came before; one that came without some packets is welcome again."""
        try:
            return not (self.received / name).read_bytes()
        except FileNotFoundError:
            return False

    def remove(self, name: str) -> None:
        """Take an object in progress away, all at once for those who look."""
        gone = self.open / f"{_GONE}{name}"
        (self.open / name).rename(gone)
        shutil.rmtree(gone)

    def set_aside(self, name: str) -> None:
        """Take the name of an object in progress away; its files go when the commit process sweeps."""
        (self.open / name).rename(self.open / f"{_GONE}{secrets.token_hex(8)}-{name}")

    def sweep(self) -> None:
        """Complete what a killed predecessor was taking away."""
        for path in self.open.glob(f"{_GONE}*"):
            shutil.rmtree(path)

    def read_header(self, name: str) -> tuple[ObjectHeader, bytes]:
        """Return an open object's header and its payload; the network process has checked the signature.

        Raises:
            LinkError: The file is not what that process wrote.
            FileNotFoundError: The object is no longer open.
        """
        with (self.open / name / "header").open("rb") as stream:
            payload = stream.read(HEADER_MAX)
        try:
            header = read_object(payload)
        except DatagramError:
            raise LinkError(f"{self.open / name} is damaged: remove it, and ask for the batch again") from None
        if header.name != name:
            raise LinkError(f"{self.open / name} belongs to another batch than its name says: remove it")
        return header, payload


class OpenFiles:
    """The files of one object in progress, open. As a context: closes them."""

    def __init__(self, folder: Path, geometry: Geometry) -> None:
        self.data = self.repair = -1
        try:
            self.data = os.open(folder / "data", _FLAGS)
            self.repair = os.open(folder / "repair", _FLAGS)
            with (folder / "symbols").open("r+b", buffering=0) as stream:
                self._map = mmap.mmap(stream.fileno(), SymbolMap.size_of(geometry))
        except (OSError, ValueError):
            self._close_files()
            raise
        self.symbols = SymbolMap(geometry, memoryview(self._map))

    def __enter__(self) -> "OpenFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self.symbols.release()
        # A view that somebody still holds keeps the memory, not the file.
        self._close_files()

    def _close_files(self) -> None:
        for fd in (self.data, self.repair):
            if fd >= 0:
                os.close(fd)


class OpenShelf:
    """The objects in progress, as the decode and the commit process see them: opened once, not at each look."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._known: dict[str, tuple[int, ObjectHeader, OpenFiles]] = {}

    def look(self) -> Iterator[tuple[ObjectHeader, OpenFiles]]:
        """Return each object that is there now, with its files open."""
        names = {path.name: path.inode() for path in os.scandir(self.shelf.open) if not path.name.startswith(".")}
        for name, (inode, _, files) in list(self._known.items()):
            if names.get(name) != inode:  # taken away, or taken away and begun anew
                files.close()
                del self._known[name]
        for name in sorted(names.keys() - self._known.keys()):
            try:
                header, _ = self.shelf.read_header(name)
                self._known[name] = names[name], header, OpenFiles(self.shelf.open / name, header.geometry)
            except (FileNotFoundError, LinkError):
                continue  # taken away at this moment; or damaged, which the status says, and the others go on
        for _, header, files in list(self._known.values()):
            yield header, files

    def close(self) -> None:
        """Let go of everything."""
        while self._known:
            self._known.popitem()[1][2].close()


class FileStore:
    """`store.Store` on a shelf: for the network process.

    Args:
        shelf: Whose `open/` this process alone adds to.
        quota: Bytes that open objects and arrived batches may take together.
        gateways: How many have an equal share of it.
    """

    def __init__(self, shelf: Shelf, *, quota: int, gateways: int = 1) -> None:
        self._shelf = shelf
        self._quota = quota
        self._shares = Shares(shelf.arrived, gateways=gateways)
        self._files: dict[str, OpenFiles] = {}
        self._costs: dict[str, int] = {}

    def resume(self) -> Iterator[tuple[str, bytes]]:
        """Remove what was never complete, and return name and header of what was open before."""
        for path in self._shelf.open.glob(f"{_NEW}*"):
            shutil.rmtree(path)
        for name in self._shelf.names():
            with contextlib.suppress(LinkError):  # damaged: the status says it, and the others go on
                yield name, self._shelf.read_header(name)[1]

    def reopen(self, header: ObjectHeader) -> SymbolMap:
        """Return the map of an object that an earlier process began."""
        return self._opened(header)

    def open(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Make an object's files."""
        self._demand_room(header)
        self._make_new(header, payload).rename(self._shelf.open / header.name)
        return self._opened(header)

    def renew(self, header: ObjectHeader, payload: bytes) -> SymbolMap:
        """Make an open object's files anew, for symbols of another size, and drop what was here."""
        self._demand_room(header)
        # Made while the old one has its name: else both may have the same inode number, by which the other
        # processes tell them apart. Killed between the two names, none is left, and the next header opens it.
        new = self._make_new(header, payload)
        self._shelf.set_aside(header.name)
        new.rename(self._shelf.open / header.name)
        self.close(header.name)
        return self._opened(header)

    def close(self, name: str) -> None:
        """Let go of an object's files."""
        self._files.pop(name).close()
        del self._costs[name]
        self._shares.look_again()

    def write(self, name: str, offset: int, pieces: list[memoryview]) -> None:
        """Write source symbols at their place."""
        _write(self._files[name].data, pieces, offset)

    def write_repair(self, name: str, offset: int, piece: memoryview) -> None:
        """Write one repair symbol."""
        _write(self._files[name].repair, [piece], offset)

    def is_here(self, name: str) -> bool:
        """Tell whether an open object was not taken away by the commit process, or a person."""
        return (self._shelf.open / name / "header").exists()

    def was_received(self, name: str) -> bool:
        """Tell whether the whole object came before."""
        return self._shelf.was_received(name)

    def keep_history(self, history: History, payload: bytes) -> None:
        """Keep the newest history of a gateway."""
        replace(self._shelf.history / history.gateway, [payload], mode=SHARED)

    def _demand_room(self, header: ObjectHeader) -> None:
        cost, others = _cost(header.geometry), {name: each for name, each in self._costs.items() if name != header.name}
        if not self._shares.has_room(self._quota, header.gateway, cost, others):
            raise DatagramError(Refusal.NO_ROOM)
        # Pessimistic: what the open objects have written already is counted twice.
        if shutil.disk_usage(self._shelf.open).free < sum(others.values()) + cost:
            raise DatagramError(Refusal.NO_ROOM)

    def _make_new(self, header: ObjectHeader, payload: bytes) -> Path:
        folder = self._shelf.open / f"{_NEW}{header.name}"
        try:
            _make_files(folder, header.geometry, payload)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            if error.errno in _FULL:
                raise DatagramError(Refusal.NO_ROOM) from None
            raise
        return folder

    def _opened(self, header: ObjectHeader) -> SymbolMap:
        files = OpenFiles(self._shelf.open / header.name, header.geometry)
        self._files[header.name] = files
        self._costs[header.name] = _cost(header.geometry)
        return files.symbols


_FLAGS: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def _cost(geometry: Geometry) -> int:
    # The object, the bag that it becomes, its repair symbols, its map.
    repair = geometry.slots * geometry.blocks * geometry.symbol
    return 2 * geometry.padded_size + repair + SymbolMap.size_of(geometry)


def _make_files(folder: Path, geometry: Geometry, payload: bytes) -> None:
    folder.mkdir()
    folder.chmod(SHARED_FOLDER)
    sizes = {
        "data": geometry.padded_size,
        "repair": geometry.slots * geometry.blocks * geometry.symbol,
        "symbols": SymbolMap.size_of(geometry),
    }
    for name, size in sizes.items():
        with (folder / name).open("xb") as stream:
            os.fchmod(stream.fileno(), SHARED)
            stream.truncate(size)  # holes: only what arrives takes room
    (folder / "header").write_bytes(payload)
    (folder / "header").chmod(SHARED)
    sync_folder(folder)


def _write(fd: int, pieces: list[memoryview], offset: int) -> None:
    wanted = sum(map(len, pieces))
    try:
        written = os.pwritev(fd, pieces, offset)
    except OSError as error:
        if error.errno in _FULL:
            raise DatagramError(Refusal.NO_ROOM) from None
        raise
    if written < wanted:
        raise DatagramError(Refusal.NO_ROOM)
