"""The receiver's folders, which its three processes and the import share; each has its own part in them (WIRE.md, 5).

open/NAME/{header,data,repair,symbols}   objects in progress: made by network, removed by commit
arrived/enveis-NAME/                     batches, ready to be imported: made by commit, removed by the import
received/NAME                            what commit has put into arrived/: the packets that are missing, one a line
imported/NAME                            what the import has taken, from any channel: those that were missing
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

from disk.handed_over import HandedOverError, read_handed_over
from keys.signing import VerifyKey
from transfer.batch.batch import GatewayId
from transfer.diode.errors import DatagramError, LinkError
from transfer.diode.receiver.object_files import HEADER, SHARED_FOLDER, damaged, sizes_of
from transfer.diode.wire.notices import History, ObjectHeader, parse_history, read_object

HEADER_MAX: Final = 16 * 1024  # bytes of a stored notice

_BAG: Final = "enveis-"  # a bag's name (BATCH.md 4.1) and the tag: two batches of one number lie beside each other
_GONE: Final = ".gone-"
_BROKEN: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO})


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folders of one receiver."""

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
        """Names of the batches that came over the link."""
        return self.root / "received"

    @property
    def imported(self) -> Path:
        """Names of the batches that are in the inbox."""
        return self.root / "imported"

    @property
    def history(self) -> Path:
        """The histories: which batches the gateways have sent."""
        return self.root / "history"

    @property
    def figures(self) -> Path:
        """What the network process counts, for people."""
        return self.root / "network.json"

    def prepare(self) -> None:
        """Create the folders that are missing; other processes may do the same at this moment."""
        for folder in (self.root, self.open, self.arrived, self.received, self.imported, self.history):
            if not folder.is_dir():
                _make_shared(folder)

    def names(self) -> list[str]:
        """Return the names of the objects in progress."""
        return sorted(path.name for path in self.open.iterdir() if not path.name.startswith("."))

    def bag(self, name: str) -> Path:
        """Return the folder of the batch of this name, for when it has arrived."""
        return self.arrived / f"{_BAG}{name}"

    def missing_packets(self, name: str) -> frozenset[str] | None:
        """Return the missing packets of a batch that lies in `arrived/` or was imported; None if neither is so.

        A batch that someone removed from `arrived/` by hand is neither, and is received again.
        """
        # In this order: the import records a batch before it removes it.
        received = _read_note(self.received / name) if self.bag(name).is_dir() else None
        notes = [note for note in (received, _read_note(self.imported / name)) if note is not None]
        return frozenset.intersection(*notes) if notes else None

    def was_received(self, name: str) -> bool:
        """Return whether the whole batch is here; one without some of its packets is received again."""
        return self.missing_packets(name) == frozenset()

    def numbers(self, gateway: str) -> set[int]:
        """Return the batches of a gateway that lie in `arrived/` or were imported, with or without missing packets."""
        noted = {path.name for folder in (self.received, self.imported) for path in folder.glob(f"{gateway}-*")}
        return {int(name.split("-")[1]) for name in noted if self.missing_packets(name) is not None}

    def remove(self, name: str) -> None:
        """Remove an object in progress, if it is there, in one step for other processes."""
        remove_folder(self.open / name)

    def set_aside(self, name: str) -> None:
        """Rename an object in progress, if it is there; the commit process sweeps its files later."""
        with contextlib.suppress(FileNotFoundError):
            (self.open / name).rename(self.open / f"{_GONE}{secrets.token_hex(8)}-{name}")

    def sweep(self) -> None:
        """Complete what a killed predecessor was removing."""
        for folder in (self.open, self.arrived):
            for path in folder.glob(f"{_GONE}*"):
                clear(path)

    def read_header(self, name: str) -> tuple[ObjectHeader, bytes]:
        """Return an open object's header and its payload; the network process has verified the signature.

        Raises:
            LinkError: The files are not what that process created.
            FileNotFoundError: The object is no longer open.
        """
        folder = self.open / name
        try:
            payload = read_handed_over(folder / HEADER, largest=HEADER_MAX)
            header = read_object(payload)
            sizes = sizes_of(header.geometry)
            is_whole = all((folder / each).stat().st_size == size for each, size in sizes.items())
        except (DatagramError, HandedOverError):
            raise damaged(folder) from None
        except OSError as error:
            if error.errno not in _BROKEN or not folder.exists():
                raise
            raise damaged(folder) from None
        if header.name != name:
            raise LinkError(f"{folder} contains another batch than its name says: remove it")
        if not is_whole:
            raise damaged(folder)
        return header, payload

    def read_history(self, gateway: GatewayId, key: VerifyKey) -> History | None:
        """Return the newest history of a gateway, or None; its signature is verified again."""
        try:
            return parse_history(read_handed_over(self.history / gateway, largest=HEADER_MAX), {gateway: key})
        except (FileNotFoundError, DatagramError, HandedOverError):
            return None


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there, in one step for other processes."""
    gone = folder.with_name(f"{_GONE}{folder.name}")
    if gone.exists():
        clear(gone)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(gone)
        clear(gone)


def clear(folder: Path) -> None:
    """Remove a folder that no process uses any more; another process may be removing it too."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def size_below(folder: Path) -> int:
    """Return the bytes of all files in a folder and below."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:  # removed at this moment
            continue
    return total


def _make_shared(folder: Path) -> None:
    # Created with its final mode: another role, of another user, may be waiting to write into it.
    before = os.umask(0)
    try:
        folder.mkdir(mode=SHARED_FOLDER & 0o777)
    except FileExistsError:  # created by another role at this moment
        return
    finally:
        os.umask(before)
    folder.chmod(SHARED_FOLDER)  # in a folder of a group it has this mode already


def _read_note(path: Path) -> frozenset[str] | None:
    try:
        return frozenset(path.read_text(errors="replace").split())
    except FileNotFoundError:
        return None
