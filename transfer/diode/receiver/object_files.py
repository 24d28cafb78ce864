"""The files of one object in progress: created whole or not at all, opened once by each process that uses them."""

import contextlib
import errno
import mmap
import os
from pathlib import Path
from typing import Final

from disk.durable import sync_folder
from transfer.diode.errors import LinkError
from transfer.diode.receiver.symbol_map import SymbolMap
from transfer.diode.wire.geometry import Geometry

SHARED: Final = 0o660  # the three processes may be three users of one group; the folder above is closed to others
SHARED_FOLDER: Final = 0o2770
HEADER: Final = "header"

_FLAGS: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class OpenFiles:
    """The files of one object in progress, open. As a context: closes them.

    Raises:
        LinkError: A file does not have its original size.
    """

    def __init__(self, folder: Path, geometry: Geometry) -> None:
        self.data = self.repair = -1
        try:
            self.data = os.open(folder / "data", _FLAGS)
            self.repair = os.open(folder / "repair", _FLAGS)
            with (folder / "symbols").open("r+b", buffering=0) as stream:
                self._map = mmap.mmap(stream.fileno(), SymbolMap.size_of(geometry))
        except ValueError:  # shorter than that
            self._close_files()
            raise damaged(folder) from None
        except OSError:
            self._close_files()
            raise
        self.symbols = SymbolMap(geometry, memoryview(self._map))

    def __enter__(self) -> "OpenFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self.symbols.release()
        # A view that is still in use keeps the memory, not the file.
        self._close_files()

    def _close_files(self) -> None:
        for fd in (self.data, self.repair):
            if fd >= 0:
                os.close(fd)


def sizes_of(geometry: Geometry) -> dict[str, int]:
    """Return the size of each file of an object except its header, in bytes."""
    return {
        "data": geometry.padded_size,
        "repair": geometry.slots * geometry.blocks * geometry.symbol,
        "symbols": SymbolMap.size_of(geometry),
    }


def cost_of(geometry: Geometry) -> int:
    """Return the bytes that an object may take: its data, the bag that it becomes, repair symbols and map."""
    return geometry.padded_size + sum(sizes_of(geometry).values())


def damaged(folder: Path) -> LinkError:
    """Return the error for an object of which a power cut, or a person, left only a part."""
    return LinkError(f"{folder} is damaged: remove it, and have the batch sent again")


def make_files(folder: Path, geometry: Geometry, header: bytes) -> None:
    """Fill a new `folder`, durably: after a power cut, an object that has its name also has its files."""
    folder.mkdir()
    folder.chmod(SHARED_FOLDER)
    with contextlib.ExitStack() as stack:
        streams = {name: stack.enter_context((folder / name).open("xb")) for name in (*sizes_of(geometry), HEADER)}
        for name, size in sizes_of(geometry).items():
            streams[name].truncate(size)  # holes: only what arrives takes space
        # No holes here: writing through the map into a hole kills the process when the disk is full.
        os.posix_fallocate(streams["symbols"].fileno(), 0, SymbolMap.size_of(geometry))
        streams[HEADER].write(header)
        streams[HEADER].flush()
        # All at the end: the first fsync takes the others along, and datagrams are waiting.
        for stream in streams.values():
            os.fchmod(stream.fileno(), SHARED)
        for stream in streams.values():
            os.fsync(stream.fileno())
    sync_folder(folder)


def write_at(fd: int, pieces: list[memoryview], offset: int) -> None:
    """Write all pieces at their place; raise ENOSPC if only some of them could be written."""
    if os.pwritev(fd, pieces, offset) < sum(map(len, pieces)):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
