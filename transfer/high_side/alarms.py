"""Contradictions between the batches of one gateway: what they are, and how the desk's ledger finds and keeps them."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from transfer.batch.batch import Batch, GatewayId


class AlarmKind(StrEnum):
    """What the desk must investigate: two histories of one gateway exist."""

    TWO_DIGESTS = "two-digests"  # one number, two different batches
    BROKEN_ORDER = "broken-order"  # a batch names another predecessor than the one we have


@dataclass(frozen=True, slots=True, order=True)
class Alarm:
    """One contradiction between batches of a gateway; `digest` is of the batch that revealed it."""

    gateway: GatewayId
    number: int
    kind: AlarmKind
    digest: str


def find_contradictions(db: sqlite3.Connection, batch: Batch, digest: str) -> Iterator[Alarm]:
    """Yield what does not fit between this batch and those that are in the ledger."""

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


def insert_alarm(db: sqlite3.Connection, alarm: Alarm) -> bool:
    """Keep an alarm; return whether it was not known before."""
    inserted = db.execute(
        "INSERT OR IGNORE INTO alarms VALUES (?, ?, ?, ?)",
        (alarm.gateway, alarm.number, str(alarm.kind), alarm.digest),
    )
    return inserted.rowcount > 0


def read_alarms(db: sqlite3.Connection) -> list[Alarm]:
    """Return every alarm that was ever raised."""
    rows = db.execute("SELECT gateway, number, kind, digest FROM alarms ORDER BY 1, 2, 3, 4").fetchall()
    return [Alarm(GatewayId(row[0]), row[1], AlarmKind(row[2]), row[3]) for row in rows]
