"""What a gateway keeps of the desk's bundles: the newest one, without what sources have deleted
(transfer/bundle/BUNDLE.md, 5).

One SQLite file, so that taking a bundle and deleting a reply are each done or not done, and stay so after a power cut.
A tombstone outlives its reply: no bundle brings back what was deleted here.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from gateway.errors import GatewayError
from keys.signing import VerifyKey
from transfer.bundle.bundle import Bundle, verify_list, verify_reply
from transfer.bundle.contents import BundleList
from transfer.bundle.reply import ReplyId
from transfer.errors import BundleError
from transfer.ledger_file import LedgerFile

SCHEMA_VERSION: Final = 1
CLOCKS_APART: Final = timedelta(days=2)  # that the desk's clock may be ahead of ours: it has no network to ask
_SCHEMA: Final = """
CREATE TABLE taken (
    one INTEGER PRIMARY KEY CHECK (one = 1), serial INTEGER NOT NULL, state BLOB NOT NULL,
    touched BLOB NOT NULL, list BLOB, signature TEXT, digest TEXT
) STRICT;
CREATE TABLE reply (
    id TEXT PRIMARY KEY, lookup TEXT NOT NULL, expires TEXT NOT NULL, sealed BLOB NOT NULL
) STRICT;
CREATE TABLE tombstone (id TEXT PRIMARY KEY, expires TEXT NOT NULL) STRICT"""


@dataclass(frozen=True, slots=True)
class SealedReply:
    """One reply as it is stored here: only the return words open it."""

    id: ReplyId
    lookup: str
    expires: date  # last UTC day on which it is shown
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AcceptedBundle:
    """The newest bundle that was accepted, and those of its replies that are still here."""

    contents: BundleList
    replies: tuple[SealedReply, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of bundles accepted before. `digest` is None before the first."""

    serial: int
    digest: str | None


class ReplyStore:
    """The file. Each call is one transaction; several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = LedgerFile(path, schema=_SCHEMA, version=SCHEMA_VERSION)

    def begin(self) -> None:
        """Note, at a new gateway with a key of its own, that no bundle can have been made for it yet."""
        with self._file.transaction() as db:
            db.execute("INSERT INTO taken VALUES (1, 0, ?, ?, NULL, NULL, NULL)", (_noise(), _noise()))

    def forget(self) -> None:
        """Forget the bundle, because the key that signed it, or that it was made for, is no longer valid.

        Tombstones stay. Which bundles were accepted is unknown from here on, as after a reinstallation.
        """
        with self._file.transaction() as db:
            db.execute("DELETE FROM reply")
            db.execute("DELETE FROM taken")

    def known(self) -> Known | None:
        """Return what was accepted last; None where that is not known, as after a reinstallation."""
        with self._file.reading() as db:
            return _known(db)

    def accept(self, bundle: Bundle, *, gateway: str, min_serial: int | None, today: date) -> None:
        """Accept a verified bundle in place of the one before.

        Raises:
            BundleError: It may not be accepted (see check_acceptable); nothing was changed.
        """
        contents = bundle.contents
        with self._file.transaction() as db:
            check_acceptable(bundle, gateway=gateway, known=_known(db), min_serial=min_serial, today=today)
            # A tombstone goes when its reply's own days are over by both clocks: then no bundle may carry it.
            # Not as soon as the desk knows of it: a desk restored from a backup would bring the reply again.
            over = min(contents.issued, today).isoformat()
            db.execute("DELETE FROM tombstone WHERE expires < ?", (over,))
            for stone in contents.tombstones:
                db.execute("INSERT OR IGNORE INTO tombstone VALUES (?, ?)", (stone.id, stone.expires.isoformat()))
            db.execute("DELETE FROM reply")
            buried = {row[0] for row in db.execute("SELECT id FROM tombstone")}
            for entry in contents.replies:
                if entry.id not in buried and entry.expires >= today:
                    row = (entry.id, entry.lookup, entry.expires.isoformat(), bundle.sealed[entry.id])
                    db.execute("INSERT INTO reply VALUES (?, ?, ?, ?)", row)
            db.execute(
                "INSERT OR REPLACE INTO taken VALUES (1, ?, ?, ?, ?, ?, ?)",
                (contents.serial, _noise(), _noise(), bundle.list_bytes, bundle.signature, bundle.digest),
            )

    def delete(self, *lookups: str) -> None:
        """Delete every reply to these lookups, for good; durable when it returns."""
        with self._file.transaction() as db:
            # Deleting nothing writes as deleting something does: whether words are known must not show on a clock.
            db.execute("UPDATE taken SET touched = ?", (_noise(),))
            for lookup in lookups:
                db.execute("INSERT OR IGNORE INTO tombstone SELECT id, expires FROM reply WHERE lookup = ?", (lookup,))
                if db.execute("DELETE FROM reply WHERE lookup = ?", (lookup,)).rowcount:
                    db.execute("UPDATE taken SET state = ?", (_noise(),))

    def forget_expired(self, today: date) -> None:
        """Remove replies whose days are over."""
        with self._file.transaction() as db:
            if db.execute("DELETE FROM reply WHERE expires < ?", (today.isoformat(),)).rowcount:
                db.execute("UPDATE taken SET state = ?", (_noise(),))

    def state(self) -> bytes:
        """Return what differs whenever there are other replies, grants or counters than before; cheap.

        Asked of SQLite and not read from the file: to close it here would let go of every lock on it that another
        thread of this process has (sqlite.org/howtocorrupt, 2.2).
        """
        with self._file.reading() as db:
            row = db.execute("SELECT state FROM taken").fetchone()
            return b"" if row is None else bytes(row[0])

    def load(self, desk_key: VerifyKey, gateway: str) -> AcceptedBundle | None:
        """Return what is there, verified once more; None before the first bundle.

        Raises:
            GatewayError: What is there was not signed by this desk, or was altered on the disk.
        """
        with self._file.reading() as db:
            row = db.execute("SELECT list, signature FROM taken WHERE list IS NOT NULL").fetchone()
            rows = db.execute("SELECT id, sealed FROM reply ORDER BY id").fetchall()
        if row is None:
            return None
        try:
            return _verified(row, rows, desk_key, gateway)
        except BundleError as error:
            raise GatewayError(
                f"{self._path} contains a bundle that cannot be used ({error}): move the file away, and accept the "
                "desk's newest bundle with --min-serial"
            ) from None


def check_acceptable(bundle: Bundle, *, gateway: str, known: Known | None, min_serial: int | None, today: date) -> None:
    """Return if a verified bundle may be accepted.

    Raises:
        BundleError: It is for another gateway, expired or from the future, replayed, older than what is there or
            than `min_serial`; or nothing is known of earlier ones and the desk's serial was not given.

    Invariant G16.
    """
    contents = bundle.contents
    if contents.gateway != gateway:
        raise BundleError(f"the bundle is for gateway {contents.gateway}, and this is gateway {gateway}")
    if contents.expires < today:
        raise BundleError(f"the bundle expired on {contents.expires}: ask the desk for a new one")
    if contents.issued > today + CLOCKS_APART:
        raise BundleError(f"the bundle says that it was made on {contents.issued}: compare the two machines' clocks")
    if known is None and min_serial is None:
        raise BundleError(
            "this gateway does not know which bundles it has accepted before: ask the desk for the serial of its "
            "newest bundle, and give it with --min-serial"
        )
    if min_serial is not None and contents.serial < min_serial:
        raise BundleError(f"the bundle has serial {contents.serial}, older than the {min_serial} that was asked for")
    if known is None or contents.serial > known.serial:
        return
    if contents.serial < known.serial:
        raise BundleError(
            f"the bundle has serial {contents.serial}, older than {known.serial}, which was already accepted"
        )
    if bundle.digest != known.digest:
        raise BundleError(
            f"another bundle with serial {known.serial} was already accepted: tell the desk that it made two"
        )
    raise BundleError(f"this bundle, with serial {known.serial}, was already accepted")


def _verified(
    accepted: tuple[bytes, str], rows: Sequence[tuple[str, bytes]], desk_key: VerifyKey, gateway: str
) -> AcceptedBundle:
    contents = verify_list(*accepted, desk_key)
    if contents.gateway != gateway:
        raise BundleError("it was made for another gateway")
    entries = {entry.id: entry for entry in contents.replies}
    replies = []
    for name, sealed in rows:
        entry = entries.get(ReplyId(name))
        if entry is None:
            raise BundleError("a reply is there that it did not bring")
        verify_reply(entry, sealed)
        replies.append(SealedReply(entry.id, entry.lookup, entry.expires, sealed))
    return AcceptedBundle(contents, tuple(replies))


def _known(db: Connection) -> Known | None:
    row = db.execute("SELECT serial, digest FROM taken").fetchone()
    return None if row is None else Known(*row)


def _noise() -> bytes:
    return secrets.token_bytes(16)
