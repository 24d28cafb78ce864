"""The requests of sources that wait for their tick: each sealed to the desk as soon as it was asked. One small file.

Nobody here can open one. The requests of a tick are given to a packet (`give`), and forgotten when it is in the spool
(`forget`); a process that is killed in between leaves them with the packet's id (`given`). A request is recognised when
it comes again by a mark that only its source can make; where nothing is to be kept, the same is written all the same.

Several processes of one home share the file. It shows how many wait for which tick, and in no order.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from disk.lock import exclusive
from transfer.errors import TransferError
from transfer.ledger_file import LedgerFile
from transfer.names import PacketId

WAITING_MAX: Final = (
    20_000  # requests of some 5 KB; each is about a packet that somebody sent, or replies that are here
)
REMEMBERED_MAX: Final = 20_000  # marks of requests that were sent, 32 bytes each
MARK_SIZE: Final = 32  # bytes
SCHEMA_VERSION: Final = 1
_KNOWN: Final = (
    "SELECT EXISTS (SELECT 1 FROM waiting WHERE mark = :mark) OR EXISTS (SELECT 1 FROM sent WHERE mark = :mark)"
)
_NOBODYS: Final = bytes(MARK_SIZE)  # the row that is written where nothing is kept; it belongs to no request
_SCHEMA: Final = """
CREATE TABLE waiting (
    mark BLOB PRIMARY KEY, tick INTEGER NOT NULL, packet TEXT NOT NULL, sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_by_tick ON waiting (tick, packet);
CREATE TABLE sent (number INTEGER PRIMARY KEY, mark BLOB NOT NULL UNIQUE) STRICT;
INSERT INTO waiting VALUES (zeroblob(32), 0, '', zeroblob(0))"""


class JournalFullError(TransferError):
    """More requests wait than there is room for; none of these was kept."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request, sealed. One that is not kept leaves nothing behind, after the same was done."""

    mark: bytes
    tick: int  # start of the tick in which it was asked, seconds since the epoch
    sealed: bytes = field(repr=False)
    is_kept: bool


class RequestJournal:
    """The file. Each call is one transaction, and durable when it returns."""

    def __init__(self, path: Path, *, most: int = WAITING_MAX) -> None:
        """Open or create it.

        Raises:
            transfer.errors.LedgerError: It cannot be used.
        """
        self._path = path
        self._most = most
        self._file = LedgerFile(path, schema=_SCHEMA, version=SCHEMA_VERSION)

    def put(self, entries: Sequence[JournalEntry]) -> None:
        """Keep those requests that are to be kept and are not here already, and were not sent.

        Raises:
            JournalFullError: Too many wait; nothing was kept.
            transfer.errors.LedgerError, OSError: They are not durable.
        """
        with self._file.transaction() as db:
            if db.execute("SELECT count(*) FROM waiting WHERE tick > 0").fetchone()[0] >= self._most:
                raise JournalFullError("too many requests wait for the end of their tick")
            for entry in entries:
                is_new = not db.execute(_KNOWN, {"mark": entry.mark}).fetchone()[0]
                keeps = entry.is_kept and is_new
                row = (entry.mark, entry.tick) if keeps else (_NOBODYS, 0)
                db.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?, '', ?)", (*row, entry.sealed))

    def cancel(self, mark: bytes) -> None:
        """Forget a request that there is no need for any more, unless it is in a packet already."""
        with self._file.transaction() as db:
            if db.execute("DELETE FROM waiting WHERE mark = ? AND packet = ''", (mark,)).rowcount:
                _remember(db.execute, [mark])

    def waiting(self) -> int:
        """Return how many requests are here."""
        with self._file.reading() as db:
            return int(db.execute("SELECT count(*) FROM waiting WHERE tick > 0").fetchone()[0])

    def ticks(self) -> tuple[int, ...]:
        """Return the ticks of which requests are in no packet yet, in order."""
        with self._file.reading() as db:
            rows = db.execute("SELECT DISTINCT tick FROM waiting WHERE tick > 0 AND packet = '' ORDER BY tick")
            return tuple(int(row[0]) for row in rows)

    def give(self, packet: PacketId, ticks: Sequence[int], *, most: int) -> tuple[bytes, ...]:
        """Give up to `most` requests of these ticks to a packet that is being made; return them sealed, by mark."""
        with self._file.transaction() as db:
            ours = f"tick IN ({', '.join('?' * len(ticks))}) AND packet = ''"
            chosen = f"SELECT mark FROM waiting WHERE {ours} ORDER BY mark LIMIT ?"  # noqa: S608 - no value is in the text
            db.execute(f"UPDATE waiting SET packet = ? WHERE mark IN ({chosen})", (packet, *ticks, most))  # noqa: S608 - likewise
            rows = db.execute("SELECT sealed FROM waiting WHERE packet = ? ORDER BY mark", (packet,)).fetchall()
        return tuple(row[0] for row in rows)

    def given(self) -> tuple[PacketId, ...]:
        """Return the packets that requests were given to, and that are not known to be in the spool."""
        with self._file.reading() as db:
            rows = db.execute("SELECT DISTINCT packet FROM waiting WHERE packet <> '' ORDER BY packet").fetchall()
        return tuple(PacketId(row[0]) for row in rows)

    def take_again(self, packet: PacketId) -> None:
        """Take the requests back from a packet that never reached the spool."""
        with self._file.transaction() as db:
            db.execute("UPDATE waiting SET packet = '' WHERE packet = ?", (packet,))

    def forget(self, packet: PacketId) -> None:
        """Forget the requests of a packet that is in the spool; only their marks stay, for a while."""
        with self._file.transaction() as db:
            rows = db.execute("SELECT mark FROM waiting WHERE packet = ? ORDER BY mark", (packet,)).fetchall()
            _remember(db.execute, [row[0] for row in rows])
            db.execute("DELETE FROM waiting WHERE packet = ?", (packet,))

    def alone(self) -> AbstractContextManager[None]:
        """Be the one process that makes packets of what is due.

        Raises:
            disk.lock.BusyError: Another one does so now.
        """
        return exclusive(self._path.with_suffix(".lock"), busy="another process sends the requests of this gateway")


def _remember(execute: Callable[..., object], marks: Sequence[bytes]) -> None:
    for mark in marks:
        execute("INSERT OR IGNORE INTO sent (mark) VALUES (?)", (mark,))
    execute("DELETE FROM sent WHERE number <= (SELECT max(number) FROM sent) - ?", (REMEMBERED_MAX,))
