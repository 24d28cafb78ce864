"""The high side's ledger: which batches and packets came, what is missing, what does not fit together."""

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

from audit.chain import EMPTY, Head
from disk.durable import write_new
from transfer.batch.batch import Batch, GatewayId, PacketEntry
from transfer.high_side.alarms import Alarm, find_contradictions, insert_alarm, read_alarms
from transfer.high_side.gateway_days import DayAhead, read_days_ahead, read_days_of_arrival
from transfer.ledger_file import LedgerFile
from transfer.names import Lane, PacketId

_ARRIVALS_SCHEMA: Final = 3
_ARRIVALS: Final = """
CREATE TABLE batches (
  gateway TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, previous TEXT, lane TEXT NOT NULL,
  day TEXT NOT NULL, came TEXT NOT NULL, -- the UTC days on which it was made, and first came here
  packets INTEGER NOT NULL, audit_last INTEGER NOT NULL, audit_head TEXT NOT NULL,
  times INTEGER NOT NULL DEFAULT 1, -- how often it was brought
  log_seq INTEGER NOT NULL, -- the last line of the desk's log before it
  said INTEGER NOT NULL DEFAULT 0, -- whether the import is logged; a ledger keeps its columns' names
  PRIMARY KEY (gateway, number, digest)
) STRICT;
CREATE INDEX batches_by_head ON batches (gateway, audit_last);
CREATE TABLE packets (
  id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL, lane TEXT NOT NULL, gateway TEXT NOT NULL,
  number INTEGER NOT NULL, duplicates INTEGER NOT NULL DEFAULT 0 -- other batches that brought it again
) STRICT;
CREATE TABLE missing (
  id TEXT NOT NULL, gateway TEXT NOT NULL, number INTEGER NOT NULL, reason TEXT NOT NULL,
  sha256 TEXT NOT NULL DEFAULT '', -- as the batch lists it; empty in what an earlier version recorded
  PRIMARY KEY (id, gateway)
) STRICT;
CREATE TABLE alarms (
  gateway TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL,
  PRIMARY KEY (gateway, number, kind, digest)
) STRICT;
"""
_UPGRADES: Final = {2: "ALTER TABLE missing ADD COLUMN sha256 TEXT NOT NULL DEFAULT ''"}
_LOST: Final = (
    "restore it from a backup or, without one, remove {begun}: then a new ledger begins, which knows nothing about "
    "earlier batches, missing packets and alarms"
)
_BEGUN: Final = ".begun"
_PACKET: Final = "id, sha256, size, lane, gateway, number"


@dataclass(frozen=True, slots=True)
class Gap:
    """Batch numbers `first` to `last` of a gateway that have not come."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StoredPacket:
    """One packet that was opened to its last chunk and is, or was, in the inbox."""

    id: PacketId
    sha256: str
    size: int
    lane: Lane
    gateway: GatewayId
    number: int


class MissingReason(StrEnum):
    """Why a packet that a batch lists did not arrive."""

    DAMAGED = "damaged"  # absent, unreadable or not what was signed
    SEALED = "does-not-open"  # what was signed came, but it does not open to its last chunk
    OTHER = "other-packet-of-that-id"  # another packet with this id came before and is kept


@dataclass(frozen=True, slots=True)
class MissingPacket:
    """A packet that batch `number` lists and that never came whole; an import gives `detail`, one clause."""

    id: PacketId
    number: int
    reason: MissingReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ArrivalCounts:
    """What came from one gateway: counts of batches and packets, how often they came again, and the last day."""

    batches: int
    highest: int
    packets: int
    repeated: int
    duplicates: int
    last_came: date


def was_begun(path: Path) -> bool:
    """Return whether a desk ever had such a ledger, without creating one."""
    return path.exists() or path.with_suffix(_BEGUN).exists()


class Arrivals:
    """The high side's memory: which batches and packets came, what is missing, what does not fit together.

    The first one creates the file, and an empty file `.begun` beside it. As long as that exists, a lost ledger is never
    replaced by a new one: every alarm and every missing packet would be forgotten without notice.

    Raises:
        LedgerError: It was lost, or cannot be used.
    """

    def __init__(self, path: Path) -> None:
        begun = path.with_suffix(_BEGUN)
        lost = _LOST.format(begun=begun) if begun.exists() else None
        self._ledger = LedgerFile(path, schema=_ARRIVALS, version=_ARRIVALS_SCHEMA, upgrades=_UPGRADES, lost=lost)
        if lost is None:
            with contextlib.suppress(FileExistsError):
                write_new(begun, [])

    def is_known(self, batch: Batch, digest: str) -> bool:
        """Return whether exactly this batch was accepted before."""
        return self._one("SELECT 1 FROM batches WHERE (gateway, number, digest) = (?, ?, ?)", batch, digest) is not None

    def unlogged(self, batch: Batch, digest: str) -> int | None:
        """Return the last line of the desk's log before this batch; None when the import is surely logged."""
        query = "SELECT log_seq FROM batches WHERE (gateway, number, digest) = (?, ?, ?) AND NOT said"
        return self._one(query, batch, digest)

    def mark_logged(self, batch: Batch, digest: str) -> None:
        """Note that the import of this batch is in the desk's log."""
        with self._ledger.transaction() as db:
            db.execute(
                "UPDATE batches SET said = 1 WHERE (gateway, number, digest) = (?, ?, ?)",
                (batch.gateway, batch.number, digest),
            )

    def stored(self, packets: Iterable[PacketId]) -> dict[PacketId, StoredPacket]:
        """Return what is known about those of these packets that came before."""
        with self._ledger.reading() as db:
            query = f"SELECT {_PACKET} FROM packets WHERE id = ?"  # noqa: S608 - our own columns
            rows = [db.execute(query, (packet,)).fetchone() for packet in packets]
        return {PacketId(row[0]): _stored(row) for row in rows if row}

    def packets(self) -> list[StoredPacket]:
        """Return every packet that ever came, in order of id."""
        with self._ledger.reading() as db:
            query = f"SELECT {_PACKET} FROM packets ORDER BY id"  # noqa: S608 - our own columns
            return [_stored(row) for row in db.execute(query)]

    def heads(self, gateway: GatewayId, *, first: int, last: int) -> dict[int, set[str]]:
        """Return the heads that accepted batches signed for the lines `first` to `last` of a gateway's log."""
        query = "SELECT audit_last, audit_head FROM batches WHERE gateway = ? AND audit_last BETWEEN ? AND ?"
        found: dict[int, set[str]] = {}
        with self._ledger.reading() as db:
            for seq, head in db.execute(query, (gateway, first, last)):
                found.setdefault(seq, set()).add(head)
        return found

    def reached(self, gateway: GatewayId) -> Head:
        """Return the last head that this gateway's batches signed, up to the first one that has not come."""
        query = "SELECT number, audit_last, audit_head FROM batches WHERE gateway = ? ORDER BY number"
        reached, number = EMPTY, 0
        with self._ledger.reading() as db:
            for found, seq, head in db.execute(query, (gateway,)):
                if found > number + 1:
                    break
                number, reached = found, Head(seq, head) if seq > reached.seq else reached
        return reached

    def record(
        self,
        batch: Batch,
        digest: str,
        *,
        stored: Sequence[PacketEntry],
        duplicates: Sequence[PacketId],
        missing: Mapping[PacketId, MissingReason],
        came: date,
        log_seq: int,
    ) -> list[Alarm]:
        """Remember an accepted batch and its packets; return the alarms that were not known before.

        Args:
            stored: Packets that came for the first time.
            duplicates: Packets that had come before this bag.
            missing: Packets that did not come whole, and why.
            came: Today, in UTC.
            log_seq: The last line of the desk's log.
        """
        key = (batch.gateway, batch.number, digest)
        with self._ledger.transaction() as db:
            alarms = [alarm for alarm in find_contradictions(db, batch, digest) if insert_alarm(db, alarm)]
            known = "SELECT 1 FROM batches WHERE (gateway, number, digest) = (?, ?, ?)"
            if not db.execute(known, key).fetchone():
                again = "UPDATE packets SET duplicates = duplicates + 1 WHERE id = ?"
                db.executemany(again, [(packet,) for packet in duplicates])
            db.execute(
                "INSERT INTO batches (gateway, number, digest, previous, lane, day, came, packets, audit_last, "
                "audit_head, log_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET times = times + 1",
                (*key, batch.previous, str(batch.lane), batch.day.isoformat(), came.isoformat(), len(batch.packets),
                 batch.audit.last, batch.audit.head, log_seq),
            )  # fmt: skip
            if stored:
                # It brought what was missing the first time: the log has to report that too.
                again = "UPDATE batches SET said = 0, log_seq = ? WHERE (gateway, number, digest) = (?, ?, ?) AND said"
                db.execute(again, (log_seq, *key))
            db.executemany(
                f"INSERT INTO packets ({_PACKET}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own columns
                [(item.id, item.sha256, item.size, str(batch.lane), batch.gateway, batch.number) for item in stored],
            )
            _note_missing(db, batch, missing)
        return alarms

    def counts(self, gateway: GatewayId) -> ArrivalCounts:
        """Return what came from a gateway, which must be one of `gateways()`."""
        batches = "SELECT COUNT(DISTINCT number), MAX(number), SUM(times - 1), MAX(came) FROM batches WHERE gateway = ?"
        packets = "SELECT COUNT(*), COALESCE(SUM(duplicates), 0) FROM packets WHERE gateway = ?"
        with self._ledger.reading() as db:
            numbers, highest, repeated, last = db.execute(batches, (gateway,)).fetchone()
            count, duplicates = db.execute(packets, (gateway,)).fetchone()
        return ArrivalCounts(numbers, highest, count, repeated, duplicates, date.fromisoformat(last))

    def gateways(self) -> list[GatewayId]:
        """Return the gateways from which anything came."""
        with self._ledger.reading() as db:
            rows = db.execute("SELECT DISTINCT gateway FROM batches ORDER BY gateway").fetchall()
        return [GatewayId(row[0]) for row in rows]

    def batch_numbers(self) -> set[tuple[str, int]]:
        """Return gateway and number of every batch that came."""
        with self._ledger.reading() as db:
            return set(db.execute("SELECT DISTINCT gateway, number FROM batches").fetchall())

    def gaps(self, gateway: GatewayId) -> tuple[Gap, ...]:
        """Return the numbers below the highest one seen that have not come."""
        query = "SELECT DISTINCT number FROM batches WHERE gateway = ? ORDER BY number"
        with self._ledger.reading() as db:
            numbers = (row[0] for row in db.execute(query, (gateway,)))
            around = pairwise(chain([0], numbers))
            return tuple(Gap(before + 1, after - 1) for before, after in around if after > before + 1)

    def missing(self, gateway: GatewayId) -> list[MissingPacket]:
        """Return the packets that a batch listed and that never came whole, by batch and id."""
        query = "SELECT id, number, reason FROM missing WHERE gateway = ? ORDER BY number, id"
        with self._ledger.reading() as db:
            rows = db.execute(query, (gateway,)).fetchall()
        return [MissingPacket(PacketId(row[0]), row[1], MissingReason(row[2])) for row in rows]

    def days_ahead(self, gateway: GatewayId) -> tuple[DayAhead, ...]:
        """See `read_days_ahead`."""
        with self._ledger.reading() as db:
            return read_days_ahead(db, gateway)

    def days_of_arrival(self) -> dict[PacketId, date]:
        """See `read_days_of_arrival`."""
        with self._ledger.reading() as db:
            return read_days_of_arrival(db)

    def alarms(self) -> list[Alarm]:
        """Return every alarm that was ever raised."""
        with self._ledger.reading() as db:
            return read_alarms(db)

    def _one(self, query: str, batch: Batch, digest: str) -> int | None:
        with self._ledger.reading() as db:
            row = db.execute(query, (batch.gateway, batch.number, digest)).fetchone()
        return row[0] if row else None


def _note_missing(db: sqlite3.Connection, batch: Batch, missing: Mapping[PacketId, MissingReason]) -> None:
    """List what did not come, and strike what did: this gateway's packets by id, others if the content is the same.

    A new key may bring what the old one could not. But nobody strikes another gateway's packet by using its id.
    """
    for item in batch.packets:
        if item.id in missing:
            listed = (item.id, batch.gateway, batch.number, str(missing[item.id]), item.sha256)
            db.execute("INSERT OR REPLACE INTO missing VALUES (?, ?, ?, ?, ?)", listed)
        else:
            arrived = (item.id, batch.gateway, item.sha256)
            db.execute("DELETE FROM missing WHERE id = ? AND (gateway = ? OR sha256 = ?)", arrived)


def _stored(row: tuple[str, str, int, str, str, int]) -> StoredPacket:
    return StoredPacket(PacketId(row[0]), row[1], row[2], Lane(row[3]), GatewayId(row[4]), row[5])
