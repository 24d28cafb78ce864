"""The low side's ledger: which packets went in which batch, and which batches are outstanding. Knows no bag."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from audit.chain import EMPTY, Head
from transfer.batch.batch import SignedBatch
from transfer.errors import LedgerError
from transfer.ledger_file import LedgerFile
from transfer.names import Lane, PacketId

_OUTBOX_SCHEMA: Final = 3
_OUTBOX: Final = """
CREATE TABLE batches (
  number INTEGER PRIMARY KEY, digest TEXT NOT NULL, lane TEXT NOT NULL, packets INTEGER NOT NULL,
  day TEXT NOT NULL, sent TEXT NOT NULL, -- the UTC days on which it was made, and last put onto a medium
  manifest BLOB NOT NULL, signature TEXT NOT NULL, audit_first INTEGER NOT NULL, audit_last INTEGER NOT NULL,
  -- Both copies of the secret are erased when the batch is acknowledged.
  secret BLOB, sealed_secret BLOB,
  state TEXT NOT NULL CHECK (state IN ('outstanding', 'acknowledged', 'settled')),
  published INTEGER NOT NULL DEFAULT 0, -- whether a bag of it ever got its name
  said INTEGER NOT NULL DEFAULT 0, -- whether the export is logged; a ledger keeps its columns' names
  arrived INTEGER, code_hash BLOB, log_seq INTEGER
) STRICT;
CREATE INDEX batches_by_state ON batches (state);
CREATE INDEX batches_by_code ON batches (code_hash);
CREATE TABLE packets (id TEXT PRIMARY KEY, number INTEGER NOT NULL REFERENCES batches) STRICT;
CREATE INDEX packets_by_batch ON packets (number);
CREATE TABLE discarded (
  id TEXT PRIMARY KEY, lane TEXT NOT NULL, log_seq INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0 -- whether it is deleted and logged
) STRICT;
-- The last line of the log up to which it is known to have no export that this ledger does not know.
CREATE TABLE checked (seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
"""
_UPGRADES: Final = {2: "CREATE TABLE checked (seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT"}
_LOST: Final = (
    "this gateway no longer knows which batches it made, and would give their numbers to others; bring back a copy "
    "that is not older than the last export, or give the gateway a new key ('enveis gateway rekey'): its packets stay"
)
_COLUMNS: Final = (
    "number, digest, lane, state, published, said, packets, manifest, signature, audit_first, audit_last, secret, "
    "sealed_secret, arrived, code_hash, log_seq"
)


class BatchState(StrEnum):
    """How far a batch of the low side has come."""

    OUTSTANDING = "outstanding"  # exported; whether it arrived is not known
    ACKNOWLEDGED = "acknowledged"  # its acknowledgement words came back; deleting may still be under way
    SETTLED = "settled"  # everything that arrived is deleted here


@dataclass(frozen=True, slots=True)
class OutBatch:
    """One exported batch, as the low side remembers it; the secret is None once it was acknowledged."""

    number: int
    digest: str
    lane: Lane
    state: BatchState
    published: bool
    logged: bool
    packets: int
    manifest: bytes
    signature: str
    audit_first: int
    audit_last: int
    secret: bytes | None = field(repr=False)
    sealed_secret: bytes | None
    arrived: int | None
    code_hash: bytes | None
    log_seq: int | None


@dataclass(frozen=True, slots=True)
class WaitingBatch:
    """One batch that waits for its acknowledgement words: what people need to know about it."""

    number: int
    lane: Lane
    packets: int
    day: date
    sent: date
    published: bool


@dataclass(frozen=True, slots=True)
class Discard:
    """A packet that is being discarded; `log_seq` is the number of the log's last line before that."""

    id: PacketId
    lane: Lane
    log_seq: int


class Outbox:
    """The low side's memory: which packets went in which batch, and which batches are outstanding.

    It begins together with a gateway's key (`begin`), and never again for that key.

    Raises:
        LedgerError: It is missing, empty, or cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._ledger = LedgerFile(path, schema=_OUTBOX, version=_OUTBOX_SCHEMA, upgrades=_UPGRADES, lost=_LOST)

    @classmethod
    def begin(cls, path: Path) -> "Outbox":
        """Return the ledger of a new key; one that is there already is opened."""
        LedgerFile(path, schema=_OUTBOX, version=_OUTBOX_SCHEMA, upgrades=_UPGRADES)
        return cls(path)

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

    def find_code(self, code_hash: bytes) -> OutBatch | None:
        """Return the settled batch that was acknowledged with this code, if there is one."""
        found = self._select("WHERE code_hash = ? AND state = ?", code_hash, str(BatchState.SETTLED))
        return found[0] if found else None

    def numbers(self, state: BatchState) -> list[int]:
        """Return the batches in this state, oldest first."""
        with self._ledger.reading() as db:
            return [
                row[0] for row in db.execute("SELECT number FROM batches WHERE state = ? ORDER BY 1", (str(state),))
            ]

    def outstanding(self) -> list[WaitingBatch]:
        """Return the batches that wait for their acknowledgement words, oldest first."""
        query = "SELECT number, lane, packets, day, sent, published FROM batches WHERE state = ? ORDER BY number"
        with self._ledger.reading() as db:
            rows = db.execute(query, (str(BatchState.OUTSTANDING),)).fetchall()
        return [
            WaitingBatch(
                row[0], Lane(row[1]), row[2], date.fromisoformat(row[3]), date.fromisoformat(row[4]), bool(row[5])
            )
            for row in rows
        ]

    def unlogged(self) -> list[int]:
        """Return the batches whose export is not in the audit log yet."""
        with self._ledger.reading() as db:
            return [row[0] for row in db.execute("SELECT number FROM batches WHERE NOT said ORDER BY number")]

    def packets(self, number: int) -> set[PacketId]:
        """Return the packets of a batch, as long as it is not settled."""
        with self._ledger.reading() as db:
            rows = db.execute("SELECT id FROM packets WHERE number = ?", (number,)).fetchall()
        return {PacketId(row[0]) for row in rows}

    @contextmanager
    def taken(self) -> Iterator[Callable[[PacketId], bool]]:
        """Yield a function that answers for many packets: is it in a batch that is not settled, or was it discarded?"""
        with self._ledger.reading() as db:
            query = "SELECT 1 FROM packets WHERE id = ?1 UNION ALL SELECT 1 FROM discarded WHERE id = ?1 LIMIT 1"
            yield lambda packet: db.execute(query, (packet,)).fetchone() is not None

    def record(
        self,
        signed: SignedBatch,
        *,
        secrets: tuple[bytes, bytes],
        log_seq: int | None = None,
    ) -> None:
        """Remember a new batch before its bag becomes visible; `secrets` are the plain and the sealed one.

        `log_seq` is the number of the log's last line: the export is logged after that line.
        """
        batch = signed.batch
        audit, day = batch.audit, batch.day.isoformat()
        with self._ledger.transaction() as db:
            db.execute(
                "INSERT INTO batches (number, digest, lane, packets, day, sent, manifest, signature, audit_first, "
                "audit_last, secret, sealed_secret, state, log_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (batch.number, signed.digest, str(batch.lane), len(batch.packets), day, day, signed.manifest,
                 signed.signature, audit.first, audit.last, *secrets, str(BatchState.OUTSTANDING), log_seq),
            )  # fmt: skip
            db.executemany("INSERT INTO packets VALUES (?, ?)", [(item.id, batch.number) for item in batch.packets])

    def mark_logged(self, number: int) -> None:
        """Note that the export of this batch is logged."""
        with self._ledger.transaction() as db:
            db.execute("UPDATE batches SET said = 1 WHERE number = ?", (number,))

    def mark_published(self, number: int, day: date) -> None:
        """Note that a bag of this batch got its name on this day: from now on it is acknowledged or overdue."""
        with self._ledger.transaction() as db:
            db.execute("UPDATE batches SET published = 1, sent = ? WHERE number = ?", (day.isoformat(), number))

    def acknowledge(self, number: int, *, arrived: Iterable[PacketId], code_hash: bytes, log_seq: int) -> None:
        """Decide: what arrived will be deleted, the rest may go into another batch, the secret is erased."""
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

    def discard(self, packets: Iterable[tuple[PacketId, Lane]], *, log_seq: int) -> None:
        """Decide: these packets will be deleted although perhaps nobody received them; no batch takes them any more."""
        rows = [(packet, str(lane), log_seq) for packet, lane in packets]
        with self._ledger.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO discarded (id, lane, log_seq) VALUES (?, ?, ?)", rows)

    def discarding(self) -> list[Discard]:
        """Return the packets that were discarded and may still be there."""
        with self._ledger.reading() as db:
            rows = db.execute("SELECT id, lane, log_seq FROM discarded WHERE NOT done ORDER BY id").fetchall()
        return [Discard(PacketId(row[0]), Lane(row[1]), row[2]) for row in rows]

    def discarded(self, among: Collection[PacketId]) -> set[PacketId]:
        """Return which of these were discarded."""
        with self._ledger.reading() as db:
            query = "SELECT 1 FROM discarded WHERE id = ?"
            return {packet for packet in among if db.execute(query, (packet,)).fetchone()}

    def mark_discarded(self) -> None:
        """Note that everything that was discarded is deleted and logged."""
        with self._ledger.transaction() as db:
            db.execute("UPDATE discarded SET done = 1")

    def checked(self) -> Head:
        """Return the last line of the log up to which ledger and log agree; EMPTY when nobody checked much of it."""
        with self._ledger.reading() as db:
            row = db.execute("SELECT seq, hash FROM checked").fetchone()
        return Head(*row) if row else EMPTY

    def note_checked(self, head: Head) -> None:
        """Remember up to which line ledger and log agree."""
        with self._ledger.transaction() as db:
            db.execute("DELETE FROM checked")
            db.execute("INSERT INTO checked VALUES (?, ?)", (head.seq, head.hash))

    def _select(self, condition: str, *values: object) -> list[OutBatch]:
        with self._ledger.reading() as db:
            # The condition is one of the texts above, never anything that came from outside.
            rows = db.execute(f"SELECT {_COLUMNS} FROM batches {condition}", values).fetchall()  # noqa: S608
        return [_out_batch(*row) for row in rows]


def _out_batch(number: int, digest: str, lane: str, state: str, published: int, logged: int, *rest: Any) -> OutBatch:
    return OutBatch(number, digest, Lane(lane), BatchState(state), bool(published), bool(logged), *rest)
