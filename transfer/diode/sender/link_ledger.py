"""The sender's memory: which batches go over this link, how often each was sent, and what to send again."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from transfer.ledger_file import LedgerFile

_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE sent (number INTEGER PRIMARY KEY, times INTEGER NOT NULL) STRICT;
CREATE TABLE asked (number INTEGER PRIMARY KEY) STRICT;
CREATE TABLE starts (start INTEGER NOT NULL) STRICT;
"""
START_MAX: Final = 2**32 - 1  # WIRE.md 2.2


class LinkLedger:
    """A private SQLite file beside the outbox."""

    def __init__(self, path: Path) -> None:
        self._ledger = LedgerFile(path, schema=_SCHEMA, version=_SCHEMA_VERSION)

    def next_start(self, now: int) -> int:
        """Return the number of this start of the sender: at least the time in seconds, and never used before."""
        with self._ledger.transaction() as db:
            (last,) = db.execute("SELECT coalesce(max(start), 0) FROM starts").fetchone()
            start = min(max(now, int(last) + 1), START_MAX)
            db.execute("DELETE FROM starts")
            db.execute("INSERT INTO starts VALUES (?)", (start,))
        return start

    def take_up(self, number: int) -> None:
        """Record that a batch goes over this link."""
        with self._ledger.transaction() as db:
            db.execute("INSERT OR IGNORE INTO sent VALUES (?, 0)", (number,))

    def note_sent(self, number: int, times: int) -> None:
        """Record how often a batch was sent."""
        with self._ledger.transaction() as db:
            db.execute("UPDATE sent SET times = ? WHERE number = ?", (times, number))

    def drop(self, number: int) -> None:
        """Forget a batch that was acknowledged."""
        with self._ledger.transaction() as db:
            db.execute("DELETE FROM sent WHERE number = ?", (number,))
            db.execute("DELETE FROM asked WHERE number = ?", (number,))

    def sent(self) -> dict[int, int]:
        """Return how often each batch of this link was sent."""
        with self._ledger.transaction() as db:
            return dict(db.execute("SELECT number, times FROM sent").fetchall())

    def ask(self, numbers: Iterable[int]) -> None:
        """Record that an operator wants these batches sent again."""
        with self._ledger.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO asked VALUES (?)", [(number,) for number in numbers])

    def asked(self) -> list[int]:
        """Return the batches that are to be sent again and have not been started."""
        with self._ledger.transaction() as db:
            return [number for (number,) in db.execute("SELECT number FROM asked ORDER BY number").fetchall()]

    def begin(self, number: int) -> None:
        """Record that a requested batch is started: it counts as never sent."""
        with self._ledger.transaction() as db:
            db.execute("INSERT OR REPLACE INTO sent VALUES (?, 0)", (number,))
            db.execute("DELETE FROM asked WHERE number = ?", (number,))
