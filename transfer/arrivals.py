"""The high side's ledger: which batches and packets came, what is missing, what does not fit together."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Final

from transfer.batch import Batch, Entry, GatewayId
from transfer.ledger_file import LedgerFile
from transfer.names import Lane, PacketId

_ARRIVALS_SCHEMA: Final = 1
_ARRIVALS: Final = """
CREATE TABLE batches (
  gateway TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, previous TEXT, lane TEXT NOT NULL,
  day TEXT NOT NULL, audit_last INTEGER NOT NULL, audit_head TEXT NOT NULL,
  said INTEGER NOT NULL DEFAULT 0, -- whether the desk's log holds the import
  PRIMARY KEY (gateway, number, digest)
) STRICT;
CREATE TABLE packets (
  id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL, lane TEXT NOT NULL, gateway TEXT NOT NULL,
  number INTEGER NOT NULL
) STRICT;
CREATE TABLE missing (id TEXT NOT NULL, gateway TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (id, gateway))
  STRICT;
CREATE TABLE alarms (
  gateway TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL,
  PRIMARY KEY (gateway, number, kind, digest)
) STRICT;
"""


class AlarmKind(StrEnum):
    """What a desk must look into: two histories of one gateway exist."""

    TWO_DIGESTS = "two-digests"  # one number, two different batches
    BROKEN_ORDER = "broken-order"  # a batch names another predecessor than the one we have


@dataclass(frozen=True, slots=True, order=True)
class Alarm:
    """One contradiction between batches of a gateway; `digest` is of the batch that brought it to light."""

    gateway: GatewayId
    number: int
    kind: AlarmKind
    digest: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Batch numbers `first` to `last` of a gateway that have not come."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StoredPacket:
    """One packet that was opened to its last chunk and lies, or lay, in the inbox."""

    id: PacketId
    sha256: str
    size: int
    lane: Lane
    gateway: GatewayId
    number: int


class Arrivals:
    """The high side's memory: which batches and packets came, what is missing, what does not fit together."""

    def __init__(self, path: Path) -> None:
        self._ledger = LedgerFile(path, schema=_ARRIVALS, version=_ARRIVALS_SCHEMA)

    def is_known(self, batch: Batch, digest: str) -> bool:
        """Tell whether exactly this batch was accepted before."""
        with self._ledger.transaction() as db:
            return bool(
                db.execute(
                    "SELECT 1 FROM batches WHERE (gateway, number, digest) = (?, ?, ?)",
                    (batch.gateway, batch.number, digest),
                ).fetchone()
            )

    def is_said(self, batch: Batch, digest: str) -> bool:
        """Tell whether the desk's log surely holds the import of this batch."""
        with self._ledger.transaction() as db:
            row = db.execute(
                "SELECT said FROM batches WHERE (gateway, number, digest) = (?, ?, ?)",
                (batch.gateway, batch.number, digest),
            ).fetchone()
        return bool(row and row[0])

    def mark_said(self, batch: Batch, digest: str) -> None:
        """Note that the desk's log holds the import of this batch."""
        with self._ledger.transaction() as db:
            db.execute(
                "UPDATE batches SET said = 1 WHERE (gateway, number, digest) = (?, ?, ?)",
                (batch.gateway, batch.number, digest),
            )

    def stored(self, packet: PacketId) -> StoredPacket | None:
        """Return what is known of a packet that came before."""
        with self._ledger.transaction() as db:
            row = db.execute("SELECT * FROM packets WHERE id = ?", (packet,)).fetchone()
        return _stored(row) if row else None

    def packets(self) -> list[StoredPacket]:
        """Return every packet that ever came, in order of id."""
        with self._ledger.transaction() as db:
            return [_stored(row) for row in db.execute("SELECT * FROM packets ORDER BY id").fetchall()]

    def record(self, batch: Batch, digest: str, *, stored: Sequence[Entry], missing: Sequence[PacketId]) -> list[Alarm]:
        """Remember an accepted batch and its packets; return the alarms that were not known before."""
        with self._ledger.transaction() as db:
            alarms = [alarm for alarm in _contradictions(db, batch, digest) if _insert_alarm(db, alarm)]
            db.execute(
                "INSERT OR IGNORE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (batch.gateway, batch.number, digest, batch.previous, str(batch.lane), batch.day.isoformat(),
                 batch.audit.last, batch.audit.head),
            )  # fmt: skip
            for entry in stored:
                db.execute(
                    "INSERT INTO packets VALUES (?, ?, ?, ?, ?, ?)",
                    (entry.id, entry.sha256, entry.size, str(batch.lane), batch.gateway, batch.number),
                )
            lost = set(missing)
            arrived = [(entry.id, batch.gateway) for entry in batch.packets if entry.id not in lost]
            db.executemany("DELETE FROM missing WHERE (id, gateway) = (?, ?)", arrived)
            for packet in missing:
                db.execute("INSERT OR REPLACE INTO missing VALUES (?, ?, ?)", (packet, batch.gateway, batch.number))
        return alarms

    def gateways(self) -> list[GatewayId]:
        """Return the gateways of which anything came."""
        with self._ledger.transaction() as db:
            rows = db.execute("SELECT DISTINCT gateway FROM batches ORDER BY gateway").fetchall()
        return [GatewayId(row[0]) for row in rows]

    def gaps(self, gateway: GatewayId) -> tuple[Gap, ...]:
        """Return the numbers below the highest one seen that have not come."""
        with self._ledger.transaction() as db:
            rows = db.execute(
                "SELECT DISTINCT number FROM batches WHERE gateway = ? ORDER BY number", (gateway,)
            ).fetchall()
        numbers = [0, *(row[0] for row in rows)]
        return tuple(Gap(before + 1, after - 1) for before, after in pairwise(numbers) if after > before + 1)

    def missing(self, gateway: GatewayId) -> list[tuple[PacketId, int]]:
        """Return packets that a batch listed and that never came whole, with the number of that batch."""
        with self._ledger.transaction() as db:
            rows = db.execute("SELECT id, number FROM missing WHERE gateway = ? ORDER BY number, id", (gateway,))
            return [(PacketId(row[0]), row[1]) for row in rows.fetchall()]

    def alarms(self) -> list[Alarm]:
        """Return every alarm there ever was."""
        with self._ledger.transaction() as db:
            rows = db.execute("SELECT gateway, number, kind, digest FROM alarms ORDER BY 1, 2, 3, 4").fetchall()
        return [Alarm(GatewayId(row[0]), row[1], AlarmKind(row[2]), row[3]) for row in rows]


def _contradictions(db: sqlite3.Connection, batch: Batch, digest: str) -> Iterator[Alarm]:
    def rows(condition: str, *values: object) -> list[tuple[str | None]]:
        # The condition is one of the two texts below.
        query = f"SELECT {condition} AND gateway = ?"
        return db.execute(query, (*values, batch.gateway)).fetchall()

    if any(row[0] != digest for row in rows("digest FROM batches WHERE number = ?", batch.number)):
        yield Alarm(batch.gateway, batch.number, AlarmKind.TWO_DIGESTS, digest)
    before = [row[0] for row in rows("digest FROM batches WHERE number = ?", batch.number - 1)]
    if before and batch.previous not in before:
        yield Alarm(batch.gateway, batch.number, AlarmKind.BROKEN_ORDER, digest)
    after = [row[0] for row in rows("previous FROM batches WHERE number = ?", batch.number + 1)]
    if after and digest not in after:
        yield Alarm(batch.gateway, batch.number, AlarmKind.BROKEN_ORDER, digest)


def _insert_alarm(db: sqlite3.Connection, alarm: Alarm) -> bool:
    inserted = db.execute(
        "INSERT OR IGNORE INTO alarms VALUES (?, ?, ?, ?)",
        (alarm.gateway, alarm.number, str(alarm.kind), alarm.digest),
    )
    return inserted.rowcount > 0


def _stored(row: tuple[str, str, int, str, str, int]) -> StoredPacket:
    return StoredPacket(PacketId(row[0]), row[1], row[2], Lane(row[3]), GatewayId(row[4]), row[5])
