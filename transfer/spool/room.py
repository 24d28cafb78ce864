"""How many packets each tick's folder has, and how many bytes are promised: counted, never listed for a submission.

All processes that use a spool count in one file (`counts_file`). A process that is killed leaves its lock file
unlocked. Before it moved a packet it wrote down from where to where: who finds that looks where the packet is, and the
count is right again without a listing.
"""

import contextlib
import os
import secrets
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE
from disk.lock import BusyError, exclusive, is_held, try_lock
from transfer.names import Lane, PacketId
from transfer.spool.counts_file import CountsFile, add, listed
from transfer.spool.lanes import TickFolder, folders_of, parse_folder

_TRIES: Final = 3  # of counting a folder that changes meanwhile: what is counted of it is right without that


@dataclass(frozen=True, slots=True)
class FolderCount:
    """How many packets a folder has, and their size in bytes."""

    folder: TickFolder
    packets: int
    size: int


@dataclass(frozen=True, slots=True)
class Move:
    """A packet of `size` bytes on its way into a folder, out of one, or from one into another."""

    packet: PacketId
    size: int
    source: TickFolder | None
    target: TickFolder | None


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes in the lanes, and what other living processes promised and have not written yet."""

    stored: int
    promised: int
    unwritten: int


class Room:
    """The counts of one spool. Safe to use from several threads and several processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file = CountsFile(root)
        self._name = ""  # of this process's lock file, once it has promised or moved anything

    def usage(self) -> Usage:
        """Return what is used now."""
        with self._file.transaction(reading=True) as db:
            return self._usage(db)

    def counts(self) -> list[FolderCount]:
        """Return what is in each folder that is not empty, the oldest tick first."""
        with self._file.transaction(reading=True) as db:
            rows = db.execute("SELECT name, packets, bytes FROM folders").fetchall()
        found = [FolderCount(parse_folder(name), packets, size) for name, packets, size in rows]
        return sorted(found, key=lambda count: count.folder)

    def promise(self, *, promised: int, unwritten: int, allow: Callable[[Usage], bool] | None = None) -> bool:
        """Set what this process has promised in all, if `allow` agrees to what is used besides; return whether it did.

        Before a refusal, what dead processes had promised is given back.
        """
        self.join()
        for last_try in (False, True):
            with self._file.transaction() as db:
                if allow is None or allow(self._usage(db)):
                    query = "INSERT OR REPLACE INTO holders VALUES (?, ?, ?)"
                    db.execute(query, (self._name, promised, unwritten))
                    return True
            if last_try or not self.sweep():
                break
        return False

    @contextmanager
    def moving(self, moves: Sequence[Move]) -> Iterator[list[Move]]:
        """Note that these packets are about to be moved; the block puts each that it has moved into the list.

        Raises:
            OSError: It could not be noted. Nothing may be moved, unless all leave: a full disk must not keep them.
        """
        is_noted = True
        try:
            self._note(moves)
        except OSError:
            if any(move.target for move in moves):
                raise
            is_noted = False
        done: list[Move] = []
        made = set[Move]()
        try:
            yield done
            made.update(done)
        except BaseException:
            made.update(move for move in moves if move in done or self._was_made(move))
            raise
        finally:
            self._file.defer(
                [partial(self._settle, move, move in made, self._name if is_noted else None) for move in moves]
            )
            # Where it cannot be noted now, whoever comes next does it: a packet that is durable has to stay received.
            with contextlib.suppress(OSError), self._file.transaction():
                pass

    def _note(self, moves: Sequence[Move]) -> None:
        self.join()
        if any(move.source for move in moves):
            self.sweep()  # a packet whose arrival is not counted yet because its process was killed
        with self._file.transaction() as db:
            db.execute("INSERT OR IGNORE INTO holders VALUES (?, 0, 0)", (self._name,))
            rows = [(move.packet, self._name, move.size, _name(move.source), _name(move.target)) for move in moves]
            db.executemany("INSERT OR REPLACE INTO moves VALUES (?, ?, ?, ?, ?)", rows)

    def sweep(self) -> int:
        """Give back what killed processes had promised, and count what they had moved; return how many there were."""
        self._file.connect()
        with self._file.entered():
            with self._file.transaction(reading=True) as db:
                names = [row[0] for row in db.execute("SELECT name FROM holders WHERE name != ?", (self._name,))]
            dead = [name for name in names if not is_held(self._holder(name))]
            for name in dead:
                with self._file.transaction() as db:
                    query = "SELECT packet, size, source, target FROM moves WHERE holder = ?"
                    left = [_move(*row) for row in db.execute(query, (name,)).fetchall()]
                    for move in left:
                        self._settle(move, self._was_made(move), name, db)
                    db.execute("DELETE FROM holders WHERE name = ?", (name,))
                self._holder(name).unlink(missing_ok=True)
        return len(dead)

    def recount(self) -> None:
        """List every folder and correct what is counted of it. Takes long for many packets: in a thread of its own.

        Of several processes that do so at once one does it, and the others return.
        """
        self.sweep()
        with contextlib.suppress(BusyError), exclusive(self._file.folder / "recount.lock"):
            with self._file.transaction(reading=True) as db:
                known = [parse_folder(row[0]) for row in db.execute("SELECT name FROM folders")]
            for folder in sorted({*known, *(folder for lane in Lane for folder in folders_of(self._root, lane))}):
                self._recount(folder)

    def _recount(self, folder: TickFolder) -> None:
        for _ in range(_TRIES):
            with self._file.transaction(reading=True) as db:
                before = _state(db, folder)
            packets, size = listed(self._root, folder)
            with self._file.transaction() as db:
                # Otherwise nobody knows whether the listing saw what was moved meanwhile.
                if _state(db, folder) == before and before[2] == 0:
                    if (packets, size) != before[:2]:
                        add(db, folder, packets - before[0], size - before[1])
                    return

    def _usage(self, db: sqlite3.Connection) -> Usage:
        stored = db.execute("SELECT bytes FROM total").fetchone()[0]
        query = "SELECT COALESCE(SUM(promised), 0), COALESCE(SUM(unwritten), 0) FROM holders WHERE name != ?"
        return Usage(stored, *db.execute(query, (self._name,)).fetchone())

    def _was_made(self, move: Move) -> bool:
        if move.target is not None:
            return move.target.file(self._root, move.packet).exists()
        return move.source is not None and not move.source.file(self._root, move.packet).exists()

    @staticmethod
    def _settle(move: Move, was_made: bool, holder: str | None, db: sqlite3.Connection) -> None:  # noqa: FBT001
        """Count a move; `holder` noted it, or None when it could not be noted."""
        ours = (
            holder is None
            or db.execute("DELETE FROM moves WHERE (packet, holder) = (?, ?)", (move.packet, holder)).rowcount
        )
        if ours and was_made:
            for folder, sign in ((move.source, -1), (move.target, 1)):
                if folder is not None:
                    add(db, folder, sign, sign * move.size)

    def join(self) -> None:
        """Take a name that others can ask whether this process lives. The first promise or move does it otherwise."""
        if self._is_in():
            return
        self._file.connect()
        with self._file.entered():
            if not self._is_in():
                name = secrets.token_hex(8)
                path = self._holder(name)
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
                weakref.finalize(self, _leave, path, fd, os.getpid())
                try_lock(fd)
                self._name = name

    def _is_in(self) -> bool:
        return bool(self._name) and self._holder(self._name).exists()

    def _holder(self, name: str) -> Path:
        return self._file.folder / f"{name}.holder"


def _leave(path: Path, fd: int, process: int) -> None:
    if os.getpid() == process:  # and not in a fork of it
        path.unlink(missing_ok=True)
        os.close(fd)


def _name(folder: TickFolder | None) -> str | None:
    return None if folder is None else folder.name


def _move(packet: str, size: int, source: str | None, target: str | None) -> Move:
    folders = [None if name is None else parse_folder(name) for name in (source, target)]
    return Move(PacketId(packet), size, *folders)


def _state(db: sqlite3.Connection, folder: TickFolder) -> tuple[int, int, int, int]:
    """Return a folder's packets, bytes, moves under way, and its last change."""
    row = db.execute("SELECT packets, bytes, change FROM folders WHERE name = ?", (folder.name,)).fetchone()
    packets, size, change = row or (0, 0, 0)
    moves = db.execute("SELECT COUNT(*) FROM moves WHERE ?1 IN (source, target)", (folder.name,)).fetchone()[0]
    return packets, size, moves, change
