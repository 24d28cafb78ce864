"""What the desk sends back: sealed replies, grants, counters, and which bundles it made. One SQLite file.

A reply's text is never in it: it is sealed before it comes here, and only its source's words open it.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from desk.errors import DeskError
from transfer.bundle.contents import Counters, Grant, Tombstone
from transfer.bundle.reply import ReplyId
from transfer.ledger_file import LedgerFile
from transfer.names import PacketId

SCHEMA_VERSION: Final = 2
_SCHEMA: Final = """
CREATE TABLE reply (
    id TEXT PRIMARY KEY, packet TEXT NOT NULL, gateway TEXT NOT NULL, lookup TEXT NOT NULL, expires TEXT NOT NULL,
    sealed BLOB NOT NULL, sent TEXT
) STRICT;
CREATE TABLE granted (
    lookup TEXT PRIMARY KEY, gateway TEXT NOT NULL, files_max INTEGER NOT NULL, file_max INTEGER NOT NULL,
    expires TEXT NOT NULL, tables INTEGER NOT NULL DEFAULT 1 -- every grant of an earlier version allowed them
) STRICT;
CREATE TABLE tombstone (id TEXT PRIMARY KEY, gateway TEXT NOT NULL, expires TEXT NOT NULL) STRICT;
CREATE TABLE made (
    gateway TEXT NOT NULL, serial INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (gateway, serial)
) STRICT;
CREATE TABLE counted (
    one INTEGER PRIMARY KEY CHECK (one = 1), received INTEGER, bodies INTEGER NOT NULL, officials INTEGER NOT NULL
) STRICT;
CREATE TABLE published (
    gateway TEXT PRIMARY KEY, day TEXT NOT NULL, received INTEGER NOT NULL, bodies INTEGER NOT NULL,
    officials INTEGER NOT NULL
) STRICT"""
_UPGRADES: Final = {1: "ALTER TABLE granted ADD COLUMN tables INTEGER NOT NULL DEFAULT 1"}


@dataclass(frozen=True, slots=True)
class BookedReply:
    """One sealed reply. `sent` is the day of the first bundle that carried it."""

    id: ReplyId
    packet: PacketId
    gateway: str
    lookup: str
    expires: date
    sealed: bytes = field(repr=False)
    sent: date | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What the desk counted; `received` None means: count what has arrived."""

    received: int | None
    bodies: int
    officials: int


@dataclass(frozen=True, slots=True)
class Published:
    """The counters that a gateway's page shows, and since when."""

    day: date
    counters: Counters


class ReplyBook:
    """The file. Each call is one transaction."""

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path, schema=_SCHEMA, version=SCHEMA_VERSION, upgrades=_UPGRADES)

    def add(self, reply: BookedReply) -> None:
        """Keep a reply for the next bundle."""
        values = (reply.id, reply.packet, reply.gateway, reply.lookup, reply.expires.isoformat(), reply.sealed, None)
        with self._file.transaction() as db:
            db.execute("INSERT INTO reply VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def replies(self, gateway: str, *, today: date) -> tuple[BookedReply, ...]:
        """Return a gateway's replies that have not expired, by id."""
        query = "SELECT * FROM reply WHERE gateway = ? AND expires >= ? ORDER BY id"
        with self._file.reading() as db:
            rows = db.execute(query, (gateway, today.isoformat())).fetchall()
        return tuple(
            BookedReply(row[0], row[1], row[2], row[3], date.fromisoformat(row[4]), row[5], _day(row[6]))
            for row in rows
        )

    def bury(self, packet: PacketId, *, sent_until: date) -> int:
        """Delete the replies to the case that `packet` began, if they went up by that day; return how many.

        Tombstones stay.
        """
        chosen = "packet = ? AND sent IS NOT NULL AND sent <= ?"
        values = (packet, sent_until.isoformat())
        with self._file.transaction() as db:
            db.execute(f"INSERT OR IGNORE INTO tombstone SELECT id, gateway, expires FROM reply WHERE {chosen}", values)  # noqa: S608 - ours
            return db.execute(f"DELETE FROM reply WHERE {chosen}", values).rowcount  # noqa: S608 - ours

    def tombstones(self, gateway: str, *, today: date) -> tuple[Tombstone, ...]:
        """Return the tombstones that a bundle for this gateway carries, by id."""
        query = "SELECT id, expires FROM tombstone WHERE gateway = ? AND expires >= ? ORDER BY id"
        with self._file.reading() as db:
            rows = db.execute(query, (gateway, today.isoformat())).fetchall()
        return tuple(Tombstone(ReplyId(row[0]), date.fromisoformat(row[1])) for row in rows)

    def grant(self, grant: Grant, *, gateway: str) -> None:
        """Grant larger limits, in place of what was granted before."""
        expires, tables = grant.expires.isoformat(), int(grant.tables)
        values = (grant.lookup, gateway, grant.files_max, grant.file_max_bytes, expires, tables)
        with self._file.transaction() as db:
            db.execute("INSERT OR REPLACE INTO granted VALUES (?, ?, ?, ?, ?, ?)", values)

    def grants(self, gateway: str, *, today: date) -> tuple[Grant, ...]:
        """Return a gateway's grants that have not expired, ordered by lookup."""
        chosen = "gateway = ? AND expires >= ? ORDER BY lookup"
        query = f"SELECT lookup, files_max, file_max, expires, tables FROM granted WHERE {chosen}"  # noqa: S608 - ours
        with self._file.reading() as db:
            rows = db.execute(query, (gateway, today.isoformat())).fetchall()
        return tuple(Grant(row[0], row[1], row[2], date.fromisoformat(row[3]), bool(row[4])) for row in rows)

    def count(self, counted: Counted) -> None:
        """Remember what the desk counted."""
        with self._file.transaction() as db:
            values = (counted.received, counted.bodies, counted.officials)
            db.execute("INSERT OR REPLACE INTO counted VALUES (1, ?, ?, ?)", values)

    def counted(self) -> Counted | None:
        """Return what the desk counted, if it ever did."""
        with self._file.reading() as db:
            row = db.execute("SELECT received, bodies, officials FROM counted").fetchone()
        return None if row is None else Counted(*row)

    def published(self, gateway: str) -> Published | None:
        """Return the counters that this gateway was given last."""
        query = "SELECT day, received, bodies, officials FROM published WHERE gateway = ?"
        with self._file.reading() as db:
            row = db.execute(query, (gateway,)).fetchone()
        return None if row is None else Published(date.fromisoformat(row[0]), Counters(*row[1:]))

    def last_serial(self, gateway: str) -> int:
        """Return the serial of the newest bundle that was made for this gateway; 0 before the first."""
        with self._file.reading() as db:
            query = "SELECT coalesce(max(serial), 0) FROM made WHERE gateway = ?"
            return int(db.execute(query, (gateway,)).fetchone()[0])

    def made(
        self, gateway: str, serial: int, digest: str, *, today: date, carried: tuple[ReplyId, ...],
        published: Published | None,
    ) -> None:  # fmt: skip
        """Note a bundle before it leaves, so that no serial is ever given to two.

        Raises:
            DeskError: Another bundle took this serial in the meantime; nothing was changed.
        """
        with self._file.transaction() as db:
            taken = db.execute("SELECT 1 FROM made WHERE gateway = ? AND serial >= ?", (gateway, serial)).fetchone()
            if taken:
                raise DeskError("another bundle was made for this gateway in the meantime: start again")
            db.execute("INSERT INTO made VALUES (?, ?, ?)", (gateway, serial, digest))
            day = today.isoformat()
            db.executemany("UPDATE reply SET sent = ? WHERE id = ? AND sent IS NULL", [(day, name) for name in carried])
            # What is over is no longer needed to answer for anything.
            db.execute("DELETE FROM reply WHERE expires < ?", (day,))
            db.execute("DELETE FROM tombstone WHERE expires < ?", (day,))
            if published is not None:
                numbers = (published.counters.received, published.counters.bodies, published.counters.officials)
                values = (gateway, published.day.isoformat(), *numbers)
                db.execute("INSERT OR REPLACE INTO published VALUES (?, ?, ?, ?, ?)", values)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
