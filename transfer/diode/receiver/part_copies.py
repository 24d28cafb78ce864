"""The files of a batch, copied out of its object while that still arrives, and hashed on the way.

Blocks become whole from the first to the last, so most of an object can be copied before its end has come: what is
left to do then is little, however large it is. Nothing of it counts before the whole object was compared.
"""

import hashlib
import os
from collections.abc import Collection, Sequence
from io import FileIO
from pathlib import Path
from typing import Final

from disk.durable import sync_folder
from transfer.diode.receiver.object_files import SHARED, SHARED_FOLDER, OpenFiles
from transfer.diode.receiver.shelf import clear
from transfer.diode.receiver.symbol_map import BlockState
from transfer.diode.wire.container import Part
from transfer.usb.bag_writer import COPY_SIZE, PACKETS

AHEAD: Final = 64 * 1024 * 1024  # bytes of one object at a look: others are waiting, and the last look is a long one


class Copy:
    """One object's parts on their way into the folder `staging`, which is emptied first.

    `spoilt` are those that are not what was signed; they are not left in `staging`.
    """

    def __init__(self, files: OpenFiles, parts: Sequence[Part], staging: Path) -> None:
        self.files = files
        self.spoilt: list[Part] = []
        self._parts, self._staging = parts, staging
        self._index = 0  # the part that is copied
        self._at = 0  # bytes of the object that were copied
        self._block = 0  # the first that was not whole at the last look
        self._stream: FileIO | None = None
        self._digest = hashlib.sha256()
        clear(staging)
        (staging / PACKETS).mkdir(parents=True)
        for folder in self._folders():
            folder.chmod(SHARED_FOLDER)

    @property
    def packets(self) -> int:
        """How many packets the batch has, spoilt ones too."""
        return sum(part.name.startswith(PACKETS) for part in self._parts)

    @property
    def left(self) -> int:
        """Bytes that are still to be copied."""
        return self.files.symbols.geometry.size - self._at

    def advance(self, most: int | None = None) -> bool:
        """Copy what has become whole, at most `most` bytes; tell whether that was everything.

        What is finished is durable. An OSError leaves the copy where it is; to go on, begin a new one.
        """
        end = self._whole_until() if most is None else min(self._whole_until(), self._at + most)
        # One for all pieces: memory that is asked for again for each of them is zeroed by the kernel each time.
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
        """Let go of the file that is being written."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _folders(self) -> list[Path]:
        return [self._staging, self._staging / "data", self._staging / PACKETS]

    def _whole_until(self) -> int:
        symbols = self.files.symbols
        geometry = symbols.geometry
        # Only commit takes a block back that is DONE, and not before the copy has ended.
        while self._block < geometry.blocks and symbols.state(self._block) == BlockState.DONE:
            self._block += 1
        return geometry.size if self._block == geometry.blocks else geometry.first(self._block) * geometry.symbol

    def _begin(self, part: Part) -> None:
        self._digest = hashlib.sha256()
        # Unbuffered: what a full disk did not take must fail where it is written, not where the file is closed.
        self._stream = (self._staging / part.name).open("xb", buffering=0)
        os.fchmod(self._stream.fileno(), SHARED)

    def _copy(self, part: Part, end: int, buffer: memoryview) -> bool:
        """Tell whether the part was copied to its end; bytes that are not to be had end it too, and spoil it."""
        if self._stream is None:
            raise RuntimeError("a part is begun before it is copied")
        last = part.offset + part.size
        while self._at < last:
            wanted = max(0, min(COPY_SIZE, last - self._at, end - self._at))
            read = os.preadv(self.files.data, [buffer[:wanted]], self._at)
            if not read:
                return self._at < end
            written = self._stream.write(buffer[:read])  # less than all of it where the disk is nearly full
            self._digest.update(buffer[:written])
            self._at += written
        return True

    def _finish(self, part: Part) -> None:
        if self._stream is None:
            raise RuntimeError("a part is begun before it is finished")
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
    """The copies under way, by the name of their object."""

    def __init__(self) -> None:
        self._copies: dict[str, Copy] = {}

    def find(self, name: str, files: OpenFiles) -> Copy | None:
        """Return the copy of an object, None where none was begun out of these files."""
        copy = self._copies.get(name)
        return copy if copy is not None and copy.files is files else None

    def begin(self, name: str, files: OpenFiles, parts: Sequence[Part], staging: Path) -> Copy:
        """Begin one anew."""
        self.drop(name)
        self._copies[name] = Copy(files, parts, staging)
        return self._copies[name]

    def drop(self, name: str) -> None:
        """Let go of one, if there is one; what it has written stays where it is."""
        if copy := self._copies.pop(name, None):
            copy.close()

    def keep_only(self, names: Collection[str]) -> None:
        """Let go of those whose object is gone."""
        for name in self._copies.keys() - set(names):
            self.drop(name)
