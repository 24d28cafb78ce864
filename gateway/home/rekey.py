"""A new key for a gateway whose key, log or ledger was lost, or whose key may be known to somebody else.

It means a new id, a new log and a new ledger, and the same spool.

The old log ends where the desk says, and the new one names that line. What belonged to the old key goes to
`former/<old id>/`, without its secrets. Packets stay where they are: those in batches that were never acknowledged go
into batches of the new key, and the desk knows again what came before.

A new key is prepared in a folder beside, whole or absent, and then moved into its place name by name. A crash in
between leaves the folder; nothing but `rekey` works until the move is completed.
"""

import contextlib
import hashlib
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.chain import hash_line, parse_line
from audit.errors import LineError
from audit.log import AuditLog
from audit.segments import closed_segments
from audit.utc_day import utc_today
from disk.durable import make_home, make_private_folder, sync_folder, write_new
from gateway.errors import GatewayError
from gateway.home.home import GatewayHome, read_key_file, write_keys
from gateway.replies.reply_store import ReplyStore
from keys.signing import SigningKey, parse_verify_key
from transfer.head_statement import HeadStatement
from transfer.pairing import LINK_KEY_SIZE, Pairing

_READ_SIZE: Final = 1024 * 1024  # bytes
REPLACES: Final = "replaces"  # in the prepared folder: the old gateway's id
# In the prepared folder, in the order in which they take their places: the secret that signs comes last.
_NEW: Final = ("audit.jsonl", "outbox.sqlite", "gateway.pairing", "gateway.pub", "gateway.key")
_KEPT: Final = (
    "audit.*",
    "outbox.sqlite*",
    "link.sqlite*",
    "gateway.pub",
)  # of the old key; its secrets are replaced and gone


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """The new pairing, where the old things are, and how many lines follow the one that the desk named: nobody's.

    `loose` is None where the old log no longer held that line.
    """

    pairing: Pairing
    former: Path
    loose: int | None


def rekey(home: GatewayHome, statement: HeadStatement, *, log_lost: bool = False) -> Rekeyed:
    """Give this gateway a new key and a new log that continues after the line of `statement`. Stop `serve` first.

    With `log_lost`, somebody states that the log here no longer has that line, while the desk has it. The new log
    records this. The caller holds the lock of transfers and has completed what was under way.

    Raises:
        GatewayError: The statement is of another gateway, or `log_lost` is given although the log here still has
            the line that it names, or is not given although it has not. Nothing was changed.
    """
    # By its public half: the secret may be what was lost.
    old = read_key_file(home.public_key, parse_verify_key).key_id.lower()
    if statement.gateway != old:
        raise GatewayError(f"the statement is of gateway {statement.gateway}, and this is gateway {old}")
    loose = _lines_after(home, statement)
    _demand_as_said(statement, held=loose is not None, log_lost=log_lost)
    lost = _digest_left(home.audit) if log_lost else None
    signing = SigningKey.generate()
    pairing = Pairing(signing.public, secrets.token_bytes(LINK_KEY_SIZE))

    def build(folder: Path) -> None:
        write_keys(GatewayHome(folder), signing, pairing, statement, lost=lost)
        write_new(folder / REPLACES, [old.encode("ascii")])

    make_home(home.new_key, build)
    return Rekeyed(pairing, complete(home), loose)


def complete(home: GatewayHome) -> Path:
    """Move a prepared key into its place; what a crash interrupted is continued. Returns where the old things are."""
    old = (home.new_key / REPLACES).read_text("ascii")
    former = home.former / old
    make_private_folder(former)
    for pattern in _KEPT:
        for path in sorted(home.root.glob(pattern)):
            # What has a successor is still the old one while the successor waits; the rest was moved once only.
            waiting = path.name not in _NEW or (home.new_key / path.name).exists()
            if waiting and not (former / path.name).exists():
                path.rename(former / path.name)
    sync_folder(former)
    for name in _NEW:
        if (home.new_key / name).exists():
            (home.new_key / name).replace(home.root / name)
    # The bundle here was made for the old id. For the new one none was made yet.
    store = ReplyStore(home.reply_store)
    store.forget()
    store.begin()
    sync_folder(home.root)
    done = former / "prepared"
    home.new_key.rename(done)
    sync_folder(home.root)
    shutil.rmtree(done, ignore_errors=True)
    return former


def _lines_after(home: GatewayHome, statement: HeadStatement) -> int | None:
    """Return how many lines follow the stated one; None where it is not here as the desk knows it."""
    head = statement.head
    found = head.seq == 0
    after = 0
    for line in AuditLog(home.audit, today=utc_today).lines():
        after += found
        try:
            found = found or (parse_line(line).seq == head.seq and hash_line(line) == head.hash)
        except LineError:
            continue
    return after if found else None


def _demand_as_said(statement: HeadStatement, *, held: bool, log_lost: bool) -> None:
    line = statement.head.seq
    if held and log_lost:
        raise GatewayError(f"the log here contains line {line}, which the desk trusts: run this without --log-lost")
    if not held and not log_lost:
        raise GatewayError(
            f"the log here does not contain line {line}, which the desk trusts: it was changed or lost, or is another "
            "gateway's. Find out what happened; then --log-lost continues without that line, and the packets stay"
        )


def _digest_left(log: Path) -> str:
    """Return the SHA-256 of all files of a log, one after the other, the oldest first."""
    digest = hashlib.sha256()
    for path in [*(segment.path for segment in closed_segments(log)), log]:
        with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
            while piece := stream.read(_READ_SIZE):
                digest.update(piece)
    return digest.hexdigest()
