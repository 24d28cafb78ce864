"""The receiver's folders, which its three processes and the import share; each has its own part in them (WIRE.md, 5).

open/NAME/{header,data,repair,symbols}   objects in progress: made by network, removed by commit
arrived/enveis-NAME/                     batches, ready to be imported: made by commit, removed by the import
received/NAME                            what commit has put into arrived/: the packets that it lacks, none if empty
imported/NAME                            what the import has taken, on whichever road it came: those it lacked
history/GATEWAY                          the newest signed history: made by network

NAME is gateway, number and tag of the batch: two different batches of one number never meet.
"""

import contextlib
import errno
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from transfer.diode.errors import DatagramError, LinkError
from transfer.diode.receiver.object_files import HEADER, SHARED_FOLDER, damaged, sizes_of
from transfer.diode.wire.notices import ObjectHeader, read_object

HEADER_MAX: Final = 16 * 1024  # bytes of a kept notice

_BAG: Final = "enveis-"  # a bag's name (BATCH.md 4.1) and the tag: two batches of one number lie beside each other
_GONE: Final = ".gone-"
_BROKEN: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO})


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
        """Batches that wait for their import."""
        return self.root / "arrived"

    @property
    def received(self) -> Path:
        """Names of what came over the link."""
        return self.root / "received"

    @property
    def imported(self) -> Path:
        """Names of what is in the inbox."""
        return self.root / "imported"

    @property
    def history(self) -> Path:
        """What gateways say that we should have."""
        return self.root / "history"

    @property
    def figures(self) -> Path:
        """What the network process counts, for people."""
        return self.root / "network.json"

    def prepare(self) -> None:
        """Make the folders that are missing; others may do the same at this moment."""
        for folder in (self.root, self.open, self.arrived, self.received, self.imported, self.history):
            if not folder.is_dir():
                _make_shared(folder)

    def names(self) -> list[str]:
        """Return the names of the objects in progress."""
        return sorted(path.name for path in self.open.iterdir() if not path.name.startswith("."))

    def bag(self, name: str) -> Path:
        """Return where the batch of this name lies once it has arrived."""
        return self.arrived / f"{_BAG}{name}"

    def lacking(self, name: str) -> frozenset[str] | None:
        """Return the packets that a batch lacks which lies in `arrived/` or was imported; None when it is neither.

        A batch that somebody took out of `arrived/` by hand is neither, and welcome again.
        """
        # In this order: the import notes what it took before it takes it away.
        received = _read_note(self.received / name) if self.bag(name).is_dir() else None
        notes = [note for note in (received, _read_note(self.imported / name)) if note is not None]
        return frozenset.intersection(*notes) if notes else None

    def was_received(self, name: str) -> bool:
        """Tell whether the whole batch is here; one that came without some packets is welcome again."""
        return self.lacking(name) == frozenset()

    def numbers(self, gateway: str) -> set[int]:
        """Return the batches of a gateway that lie in `arrived/` or were imported, some packets lacking or not."""
        noted = {path.name for folder in (self.received, self.imported) for path in folder.glob(f"{gateway}-*")}
        return {int(name.split("-")[1]) for name in noted if self.lacking(name) is not None}

    def remove(self, name: str) -> None:
        """Take an object in progress away, if it is there, all at once for those who look."""
        discard(self.open / name)

    def set_aside(self, name: str) -> None:
        """Take the name of an object in progress away, if it is there; its files go when the commit process sweeps."""
        with contextlib.suppress(FileNotFoundError):
            (self.open / name).rename(self.open / f"{_GONE}{secrets.token_hex(8)}-{name}")

    def sweep(self) -> None:
        """Complete what a killed predecessor was taking away."""
        for folder in (self.open, self.arrived):
            for path in folder.glob(f"{_GONE}*"):
                clear(path)

    def read_header(self, name: str) -> tuple[ObjectHeader, bytes]:
        """Return an open object's header and its payload; the network process has checked the signature.

        Raises:
            LinkError: The files are not what that process made.
            FileNotFoundError: The object is no longer open.
        """
        folder = self.open / name
        try:
            with (folder / HEADER).open("rb") as stream:
                payload = stream.read(HEADER_MAX)
            header = read_object(payload)
            sizes = sizes_of(header.geometry)
            is_whole = all((folder / each).stat().st_size == size for each, size in sizes.items())
        except DatagramError:
            raise damaged(folder) from None
        except OSError as error:
            if error.errno not in _BROKEN or not folder.exists():
                raise
            raise damaged(folder) from None
        if header.name != name:
            raise LinkError(f"{folder} belongs to another batch than its name says: remove it")
        if not is_whole:
            raise damaged(folder)
        return header, payload


def discard(folder: Path) -> None:
    """Take a folder away, if it is there, all at once for those who look."""
    gone = folder.with_name(f"{_GONE}{folder.name}")
    if gone.exists():
        clear(gone)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(gone)
        clear(gone)


def clear(folder: Path) -> None:
    """Remove a folder that nobody looks for any more, or leave it to the other process that is at it."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def size_below(folder: Path) -> int:
    """Return the bytes of all files in a folder and below."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:  # taken away at this moment
            continue
    return total


def _make_shared(folder: Path) -> None:
    # With all of its mode at once: another role, of another user, may be waiting to write into it.
    before = os.umask(0)
    try:
        folder.mkdir(mode=SHARED_FOLDER & 0o777)
    except FileExistsError:  # by another role, at this moment
        return
    finally:
        os.umask(before)
    folder.chmod(SHARED_FOLDER)  # below a folder of a group it has that already


def _read_note(path: Path) -> frozenset[str] | None:
    try:
        return frozenset(path.read_text(errors="replace").split())
    except FileNotFoundError:
        return None
