"""The files of a batch, copied out of its object while that still arrives, and hashed on the way.

Blocks become whole from the first to the last, so most of an object can be copied before its end arrives. Little is
left to do then, however large the object is. No copy counts before the whole object was verified.
"""

import hashlib
import os
from collections.abc import Collection, Sequence
from io import FileIO
from pathlib import Path
from typing import Final

from disk.durable import sync_folder
from transfer.batch.files import COPY_SIZE, PACKETS
from transfer.diode.receiver.object_files import SHARED, SHARED_FOLDER, OpenFiles
from transfer.diode.receiver.shelf import clear
from transfer.diode.receiver.symbol_map import BlockState
from transfer.diode.wire.container import Part

AHEAD: Final = 64 * 1024 * 1024  # bytes of one object in each scan, because others are waiting


class Copy:
    """Copies the parts of one object into the folder `staging`, which is emptied first.

    `spoilt` lists the parts that are not what was signed; they are removed from `staging`.
    """

    def __init__(self, files: OpenFiles, parts: Sequence[Part], staging: Path) -> None:
        self.files = files
        self.spoilt: list[Part] = []
        self._parts, self._staging = parts, staging
        self._index = 0  # the part that is copied
        self._at = 0  # bytes of the object that were copied
        self._block = 0  # the first block that was not whole at the last check
        self._stream: FileIO | None = None
        self._digest = hashlib.sha256()
        clear(staging)
        (staging / PACKETS).mkdir(parents=True)
        for folder in self._folders():
            folder.chmod(SHARED_FOLDER)

    @property
    def packets(self) -> int:
        """The number of packets of the batch, spoilt ones included."""
        return sum(part.name.startswith(PACKETS) for part in self._parts)

    @property
    def left(self) -> int:
        """The bytes that are still to be copied."""
        return self.files.symbols.geometry.size - self._at

    def advance(self, most: int | None = None) -> bool:
        """Copy what has become whole, at most `most` bytes; return whether the copy is complete.

        Finished parts are durable. After an OSError the copy cannot continue: begin a new one.
        """
        end = self._whole_until() if most is None else min(self._whole_until(), self._at + most)
        # One buffer for all pieces: the kernel would zero memory that is requested again for each of them.
        buffer = memoryview(bytearray(COPY_SIZE))
        while self._index < len(self._parts):
            part = self._parts[self._index]
            if self._stream is None:
                self._begin(part)
            if not self._copy(part, end, buffer):
                return False
            self._finish(part)
        for folder in reversed(self._folders()):
            sync_folder(folder)
        return True

    def close(self) -> None:
        """Close the file that is being written."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _folders(self) -> list[Path]:
        return [self._staging, self._staging / "data", self._staging / PACKETS]

    def _whole_until(self) -> int:
        symbols = self.files.symbols
        geometry = symbols.geometry
        # Only commit takes back a DONE block, and only after the copy has ended.
        while self._block < geometry.blocks and symbols.state(self._block) == BlockState.DONE:
            self._block += 1
        return geometry.size if self._block == geometry.blocks else geometry.first(self._block) * geometry.symbol

    def _begin(self, part: Part) -> None:
        self._digest = hashlib.sha256()
        # Unbuffered: on a full disk the write must fail, not the closing of the file.
        self._stream = (self._staging / part.name).open("xb", buffering=0)
        os.fchmod(self._stream.fileno(), SHARED)

    def _copy(self, part: Part, end: int, buffer: memoryview) -> bool:
        """Return whether the part was copied to its end. Bytes that cannot be read end it too, and spoil it."""
        if self._stream is None:
            raise RuntimeError("_begin must come before _copy")
        last = part.offset + part.size
        while self._at < last:
            wanted = max(0, min(COPY_SIZE, last - self._at, end - self._at))
            read = os.preadv(self.files.data, [buffer[:wanted]], self._at)
            if not read:
                return self._at < end
            written = self._stream.write(buffer[:read])  # less than `read` where the disk is nearly full
            self._digest.update(buffer[:written])
            self._at += written
        return True

    def _finish(self, part: Part) -> None:
        if self._stream is None:
            raise RuntimeError("_begin must come before _finish")
        is_there = self._at == part.offset + part.size
        if is_there and part.sha256 in (None, self._digest.hexdigest()):
            os.fsync(self._stream.fileno())
        else:
            (self._staging / part.name).unlink()
            self.spoilt.append(part)
        self.close()
        self._at = part.offset + part.size
        self._index += 1


class Copies:
    """The copies in progress, by the name of their object."""

    def __init__(self) -> None:
        self._copies: dict[str, Copy] = {}

    def find(self, name: str, files: OpenFiles) -> Copy | None:
        """Return the copy of an object, or None if no copy was started from these files."""
        copy = self._copies.get(name)
        return copy if copy is not None and copy.files is files else None

    def begin(self, name: str, files: OpenFiles, parts: Sequence[Part], staging: Path) -> Copy:
        """Start a copy of an object, and drop an earlier one."""
        self.drop(name)
        self._copies[name] = Copy(files, parts, staging)
        return self._copies[name]

    def drop(self, name: str) -> None:
        """Forget the copy of an object, if there is one; what it has written stays."""
        if copy := self._copies.pop(name, None):
            copy.close()

    def keep_only(self, names: Collection[str]) -> None:
        """Forget the copies whose object is gone."""
        for name in self._copies.keys() - set(names):
            self.drop(name)
