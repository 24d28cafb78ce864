"""The small SQLite file in which a spool's packets are counted. What is in it can be made again at any time.

The folders are the truth and this is what is known of them: it is made from a listing whenever it may be wrong, that is
after a restart of the machine, in a copy of the spool, or when the file cannot be used. So nothing in it is synced.
"""

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE, make_private_folder
from disk.lock import lock
from transfer.names import Lane
from transfer.spool.lanes import TickFolder, folders_of, sized_packets_in

_VERSION: Final = 1
_BUSY_SECONDS: Final = 30.0  # another process's transaction takes some 50 microseconds
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_SCHEMA: Final = (
    "CREATE TABLE folders (name TEXT PRIMARY KEY, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, "
    "change INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE total (bytes INTEGER NOT NULL, change INTEGER NOT NULL) STRICT",
    "CREATE TABLE holders (name TEXT PRIMARY KEY, promised INTEGER NOT NULL, unwritten INTEGER NOT NULL) STRICT",
    "CREATE TABLE moves (packet TEXT NOT NULL, holder TEXT NOT NULL, size INTEGER NOT NULL, source TEXT, target TEXT, "
    "PRIMARY KEY (packet, holder)) STRICT",
    "CREATE TABLE valid (mark TEXT NOT NULL) STRICT",
    "INSERT INTO total VALUES (0, 0)",
)

Work = Callable[[sqlite3.Connection], None]


class CountsFile:
    """`counts.sqlite` in the folder `<spool>.room`; safe to use from several threads and several processes.

    Any method but `entered` opens it when that was not done yet, and makes it from a listing when it must be.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.folder = root.with_name(f"{root.name}.room")
        self._path = self.folder / "counts.sqlite"
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._inode = -1
        self._deferred: list[Work] = []
        self._inside = threading.local()  # has an attribute in a thread that holds the folder's lock

    def defer(self, work: Iterable[Work]) -> None:
        """Let the next transaction do this first, whichever it is. Each may be done again after it was done."""
        with self._lock:
            self._deferred += work

    @contextmanager
    def transaction(self, *, reading: bool = False) -> Iterator[sqlite3.Connection]:
        """Do all of the block or nothing, alone among all processes unless it is only `reading`.

        Raises:
            OSError: The file cannot be used, or the disk is full.
        """
        self.connect()
        with self._lock, self._alone():
            db = self._db
            if db is None:
                raise OSError(errno.EIO, f"{self._path} cannot be used")
            try:
                db.execute("BEGIN" if reading and not self._deferred else "BEGIN IMMEDIATE")
                try:
                    for work in self._deferred:
                        work(db)
                    yield db
                    db.execute("COMMIT")
                    self._deferred.clear()
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._translated(error) from None

    def connect(self) -> None:
        """Open the file, once.

        Raises:
            OSError: The file could not be used a moment ago, and this thread holds the folder's lock.
        """
        if self._is_current():
            return
        if hasattr(self._inside, "held"):
            raise OSError(errno.EIO, f"{self._path} cannot be used")
        with self.entered(), self._lock:
            if not self._is_current():
                self._db = self._opened() or self._made()
                self._inode = self._path.stat().st_ino

    def _is_current(self) -> bool:
        """Return whether the open file is the one that lies there: somebody may have removed the folder."""
        try:
            return self._db is not None and self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Hold the folder's lock: nobody else makes the file, takes a name, or declares one dead. Connect before."""
        make_private_folder(self.folder)
        fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            lock(fd)
            self._inside.held = True
            yield
        finally:
            self._inside.__dict__.pop("held", None)
            os.close(fd)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for other processes here: SQLite looks again only after milliseconds."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self.folder / "counts.lock", flags, PRIVATE)
        try:
            lock(fd)
            yield
        finally:
            os.close(fd)

    def _translated(self, error: sqlite3.Error) -> OSError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            # The next one makes it again from a listing.
            self._path.unlink(missing_ok=True)
            self._db = None
        return OSError(errno.ENOSPC if code == sqlite3.SQLITE_FULL else errno.EIO, f"{self._path}: {error}")

    def _opened(self) -> sqlite3.Connection | None:
        """Return the file if what it counts can be right; under the folder's lock."""
        if not self._path.exists():
            return None
        try:
            db = _open(self._path)
            if db.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
                mark = db.execute("SELECT mark FROM valid").fetchone()
                if mark is not None and mark[0] == self._mark():
                    return db
            db.close()
        except sqlite3.Error:  # torn by a power cut, or not ours
            return None
        return None

    def _made(self) -> sqlite3.Connection:
        """Make the file from a listing; under the folder's lock, which keeps others from moving a packet meanwhile."""
        for old in self.folder.glob(f"{self._path.name}*"):
            old.unlink()
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE))
        db = _open(self._path)
        db.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            db.execute(statement)
        for folder in (folder for lane in Lane for folder in folders_of(self._root, lane)):
            packets, size = listed(self._root, folder)
            add(db, folder, packets, size)
        db.execute("INSERT INTO valid VALUES (?)", (self._mark(),))
        db.execute(f"PRAGMA user_version = {_VERSION}")
        db.execute("COMMIT")
        return db

    def _mark(self) -> str:
        """Return what is different after a restart of the machine, and in a copy of the spool."""
        info = self._root.stat()
        return f"{_BOOT.read_text('ascii').strip()} {info.st_dev} {info.st_ino}"


def listed(root: Path, folder: TickFolder) -> tuple[int, int]:
    """Return how many packets lie in a folder, and their bytes, by listing it."""
    packets = size = 0
    for _, one in sized_packets_in(folder.path(root)):
        packets, size = packets + 1, size + one
    return packets, size


def add(db: sqlite3.Connection, folder: TickFolder, packets: int, size: int) -> None:
    """Count that many more in a folder, or fewer."""
    db.execute("UPDATE total SET bytes = bytes + ?, change = change + 1", (size,))
    db.execute(
        "INSERT INTO folders VALUES (?, ?, ?, (SELECT change FROM total)) ON CONFLICT DO UPDATE SET "
        "packets = packets + excluded.packets, bytes = bytes + excluded.bytes, change = excluded.change",
        (folder.name, packets, size),
    )
    db.execute("DELETE FROM folders WHERE name = ? AND packets = 0 AND bytes = 0", (folder.name,))


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # Not WAL: it is written through a mapping, and what is mapped cannot be watched by who checks what reaches a disk.
    for statement in ("PRAGMA journal_mode = PERSIST", "PRAGMA synchronous = OFF"):
        db.execute(statement).fetchone()
    return db
