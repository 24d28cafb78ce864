"""One private SQLite file, opened for each transaction. Knows nothing about its contents."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from disk.durable import PRIVATE
from transfer.errors import LedgerError

_BUSY_SECONDS: Final = 30.0  # another process's transaction takes milliseconds
_NOTHING: Final[Mapping[int, str]] = MappingProxyType({})
_DURABLE: Final = (
    # With FULL the name of the rollback journal may come back after a power cut, and undo what was durable.
    "PRAGMA synchronous = EXTRA",
    "PRAGMA secure_delete = ON",  # an erased secret must not stay in a free page
    # In KiB: a thousand random ids change as many pages of a large ledger, which the default would write twice.
    "PRAGMA cache_size = -16384",
)


class LedgerFile:
    """One SQLite file of ours: private, of a known schema, opened for each transaction.

    Args:
        path: The file.
        schema: The statements that turn an empty file into a ledger.
        version: The version of the schema, from 1.
        upgrades: By earlier version, the one statement that turns it into the next.
        lost: For a ledger that must exist: what to do when it is missing or empty, as the end of a sentence.
            None for a ledger that is created here when it does not exist.

    Raises:
        LedgerError: It was lost, is of another version, or cannot be used.
    """

    def __init__(
        self, path: Path, *, schema: str, version: int, upgrades: Mapping[int, str] = _NOTHING, lost: str | None = None
    ) -> None:
        self._path = path
        self._uri = f"file:{quote(os.fspath(path))}?mode=rw"
        _refuse_link(path)
        if lost is None:
            _make_private(path)
        elif not path.exists():
            raise LedgerError(f"{path} is missing: {lost}")
        found = self._version()
        while found in upgrades:
            self._upgrade(found, upgrades[found])
            found = self._version()
        if found == 0 and lost is not None:
            raise LedgerError(f"{path} is empty: {lost}")
        if found == 0:
            self._create(schema, version)
        elif found != version:
            raise LedgerError(f"{path} was written by another version of this program")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the file exclusively; what was done is durable when the block ends, or undone when it raises."""
        with self._opened(*_DURABLE, "BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See one state of the file; others may read meanwhile, and a writer waits only with its last step."""
        with self._opened("BEGIN") as db:
            yield db

    @contextmanager
    def _opened(self, *begin: str) -> Iterator[sqlite3.Connection]:
        try:
            # Never created here: one that was moved away would come back empty, and not private.
            db = sqlite3.connect(self._uri, timeout=_BUSY_SECONDS, isolation_level=None, uri=True)
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path} cannot be opened: {error}") from None
        try:
            for statement in begin:
                db.execute(statement)
            yield db
            db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{self._path} cannot be used: {error}") from None
        finally:
            db.close()  # rolls back what was not committed

    def _version(self) -> int:
        with self.reading() as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0])

    def _upgrade(self, found: int, statement: str) -> None:
        with self.transaction() as db:
            # Another process may have come first.
            if db.execute("PRAGMA user_version").fetchone()[0] == found:
                db.execute(statement)
                db.execute(f"PRAGMA user_version = {found + 1}")

    def _create(self, schema: str, version: int) -> None:
        with self.transaction() as db:
            # Another process may have come first.
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in schema.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version}")


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise LedgerError(f"{path} is a symbolic link; it was not opened")


def _make_private(path: Path) -> None:
    """Create the file where it is missing: SQLite would make it readable to the group, depending on the umask.

    An existing file is not opened: closing it would release every lock that this process has on it, including those
    of a transaction in another thread (sqlite.org/howtocorrupt, 2.2).
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE))
