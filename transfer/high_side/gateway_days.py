"""Days that gateways state, beside those on which their batches came: one that is far ahead is named and never counts.

A gateway writes days into its batches and packets by its own clock. A desk believes its own: an owned gateway, or one
with a wrong clock, must not decide by a date what expires or is deleted here.
"""

import sqlite3
from dataclasses import dataclass
from datetime import date

from audit.clock import is_far_ahead
from transfer.batch.batch import GatewayId
from transfer.names import PacketId


@dataclass(frozen=True, slots=True)
class DayAhead:
    """A batch whose day, as its gateway stated it, is more than one after the day on which it came here."""

    number: int
    stated: date
    came: date


def read_days_ahead(db: sqlite3.Connection, gateway: GatewayId) -> tuple[DayAhead, ...]:
    """Return this gateway's batches whose day was far ahead, by number."""
    query = "SELECT number, day, came FROM batches WHERE gateway = ? AND day > came ORDER BY number"
    rows = [(row[0], *map(date.fromisoformat, row[1:])) for row in db.execute(query, (gateway,))]
    return tuple(DayAhead(*row) for row in rows if is_far_ahead(row[1], row[2]))


def read_days_of_arrival(db: sqlite3.Connection) -> dict[PacketId, date]:
    """Return for each packet the day, by the desk's clock, on which the first batch that brought it came."""
    query = "SELECT id, MIN(came) FROM packets JOIN batches USING (gateway, number) GROUP BY id"
    return {PacketId(packet): date.fromisoformat(came) for packet, came in db.execute(query)}
