"""The low side's ledger: which packets went in which batch, and which batches are outstanding. Knows no bag."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from transfer.batch import Batch
from transfer.errors import LedgerError
from transfer.ledger_file import LedgerFile
from transfer.names import Lane, PacketId

_OUTBOX_SCHEMA: Final = 1
_OUTBOX: Final = """
CREATE TABLE batches (
  number INTEGER PRIMARY KEY, digest TEXT NOT NULL, lane TEXT NOT NULL, manifest BLOB NOT NULL,
  signature TEXT NOT NULL, audit_first INTEGER NOT NULL, audit_last INTEGER NOT NULL,
  -- Both copies of the secret are erased when the batch is acknowledged.
  secret BLOB, sealed_secret BLOB,
  state TEXT NOT NULL CHECK (state IN ('outstanding', 'acknowledged', 'settled')),
  said INTEGER NOT NULL DEFAULT 0, arrived INTEGER, code_hash BLOB, log_seq INTEGER
) STRICT;
CREATE TABLE packets (id TEXT PRIMARY KEY, number INTEGER NOT NULL REFERENCES batches) STRICT;
"""
_COLUMNS: Final = (
    "number, digest, lane, state, said, manifest, signature, audit_first, audit_last, secret, sealed_secret, arrived, "
    "code_hash, log_seq"
)


class BatchState(StrEnum):
    """How far a batch of the low side has come."""

    OUTSTANDING = "outstanding"  # exported; nothing is known of it
    ACKNOWLEDGED = "acknowledged"  # the words came back; deleting may still be under way
    SETTLED = "settled"  # everything that arrived is deleted here


@dataclass(frozen=True, slots=True)
class OutBatch:
    """One exported batch, as the low side remembers it; the secret is None once it was acknowledged."""

    number: int
    digest: str
    lane: Lane
    state: BatchState
    said: bool
    manifest: bytes
    signature: str
    audit_first: int
    audit_last: int
    secret: bytes | None = field(repr=False)
    sealed_secret: bytes | None
    arrived: int | None
    code_hash: bytes | None
    log_seq: int | None


class Outbox:
    """The low side's memory: which packets went in which batch, and which batches are outstanding."""

    def __init__(self, path: Path) -> None:
        self._ledger = LedgerFile(path, schema=_OUTBOX, version=_OUTBOX_SCHEMA)

    def last(self) -> OutBatch | None:
        """Return the batch with the highest number."""
        found = self._select("ORDER BY number DESC LIMIT 1")
        return found[0] if found else None

    def find(self, number: int) -> OutBatch:
        """Return one batch, or raise LedgerError."""
        found = self._select("WHERE number = ?", number)
        if not found:
            raise LedgerError(f"there is no batch {number}")
        return found[0]

    def in_state(self, state: BatchState) -> list[OutBatch]:
        """Return the batches in this state, oldest first."""
        return self._select("WHERE state = ? ORDER BY number", state)

    def unsaid(self) -> list[OutBatch]:
        """Return the batches whose export is not in the audit log yet."""
        return self._select("WHERE NOT said ORDER BY number")

    def packets(self, number: int | None = None) -> set[PacketId]:
        """Return the packets that are out in a batch and not settled; of one batch, or of all."""
        with self._ledger.transaction() as db:
            rows = db.execute("SELECT id FROM packets WHERE ?1 IS NULL OR number = ?1", (number,)).fetchall()
        return {PacketId(row[0]) for row in rows}

    def record(
        self, batch: Batch, *, digest: str, manifest: bytes, signature: str, secrets: tuple[bytes, bytes]
    ) -> None:
        """Remember a new batch before its bag becomes visible; `secrets` are the plain and the sealed one."""
        audit = batch.audit
        with self._ledger.transaction() as db:
            db.execute(
                "INSERT INTO batches (number, digest, lane, manifest, signature, audit_first, audit_last, secret, "
                "sealed_secret, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (batch.number, digest, str(batch.lane), manifest, signature, audit.first, audit.last, *secrets,
                 str(BatchState.OUTSTANDING)),
            )  # fmt: skip
            db.executemany("INSERT INTO packets VALUES (?, ?)", [(item.id, batch.number) for item in batch.packets])

    def mark_said(self, number: int) -> None:
        """Note that the audit log holds the export of this batch."""
        with self._ledger.transaction() as db:
            db.execute("UPDATE batches SET said = 1 WHERE number = ?", (number,))

    def acknowledge(self, number: int, *, arrived: Iterable[PacketId], code_hash: bytes, log_seq: int) -> None:
        """Decide: what arrived will be deleted, the rest may go into another batch, the secret is gone."""
        kept = [(packet, number) for packet in arrived]
        with self._ledger.transaction() as db:
            db.execute("DELETE FROM packets WHERE number = ?", (number,))
            db.executemany("INSERT INTO packets VALUES (?, ?)", kept)
            db.execute(
                "UPDATE batches SET state = ?, arrived = ?, code_hash = ?, log_seq = ?, secret = NULL, "
                "sealed_secret = NULL WHERE number = ? AND state = ?",
                (str(BatchState.ACKNOWLEDGED), len(kept), code_hash, log_seq, number, str(BatchState.OUTSTANDING)),
            )

    def settle(self, number: int) -> None:
        """Note that everything of this batch that arrived is deleted and logged."""
        with self._ledger.transaction() as db:
            db.execute("DELETE FROM packets WHERE number = ?", (number,))
            db.execute("UPDATE batches SET state = ? WHERE number = ?", (str(BatchState.SETTLED), number))

    def _select(self, condition: str, *values: object) -> list[OutBatch]:
        with self._ledger.transaction() as db:
            # The condition is one of the texts above, never anything that came from outside.
            rows = db.execute(f"SELECT {_COLUMNS} FROM batches {condition}", values).fetchall()  # noqa: S608
        return [_out_batch(*row) for row in rows]


def _out_batch(number: int, digest: str, lane: str, state: str, said: int, *rest: Any) -> OutBatch:
    return OutBatch(number, digest, Lane(lane), BatchState(state), bool(said), *rest)
