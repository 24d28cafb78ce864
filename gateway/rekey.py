"""A new key for a gateway whose key was lost, or may be known to somebody else: a new id, a new log, the same spool.

The old log ends where the desk says, and the new one names that line. What belonged to the old key goes to
`former/<old id>/`, without its secrets. Packets stay where they are: those in batches that were never acknowledged go
into batches of the new key, and the desk knows again what came before.

A new key is prepared in a folder beside, whole or absent, and then moved into its place name by name. A crash in
between leaves the folder; nothing but `rekey` works until the move is completed.
"""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.chain import hash_line, parse_line
from audit.errors import LineError
from audit.log import AuditLog
from disk.durable import make_home, make_private_folder, sync_folder, write_new
from gateway.errors import GatewayError
from gateway.home import GatewayHome, read_key_file, utc_today, write_keys
from gateway.way_back import WayBack
from keys.signing import SigningKey, parse_verify_key
from transfer.head_statement import HeadStatement
from transfer.pairing import LINK_KEY_SIZE, Pairing

REPLACES: Final = "replaces"  # in the prepared folder: the old gateway's id
_NEW: Final = ("audit.jsonl", "gateway.pairing", "gateway.pub", "gateway.key")  # the secret that signs comes last
_KEPT: Final = (
    "audit.*",
    "outbox.sqlite*",
    "link.sqlite*",
    "gateway.pub",
)  # of the old key; its secrets are replaced and gone


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """The new pairing, where the old things are, and how many lines follow the one that the desk named: nobody's."""

    pairing: Pairing
    former: Path
    loose: int


def rekey(home: GatewayHome, statement: HeadStatement) -> Rekeyed:
    """Give this gateway a new key and a new log that continues after the line of `statement`. Stop `serve` first.

    The caller holds the lock of transfers and has completed what was under way.

    Raises:
        GatewayError: The statement is of another gateway, or the log here does not hold the line that it names.
    """
    # By its public half: the secret may be what was lost.
    old = read_key_file(home.public_key, parse_verify_key).key_id.lower()
    if statement.gateway != old:
        raise GatewayError(f"the statement is of gateway {statement.gateway}, and this is gateway {old}")
    loose = _lines_after(home, statement)
    signing = SigningKey.generate()
    pairing = Pairing(signing.public, secrets.token_bytes(LINK_KEY_SIZE))

    def build(folder: Path) -> None:
        write_keys(GatewayHome(folder), signing, pairing, statement)
        write_new(folder / REPLACES, [old.encode("ascii")])

    make_home(home.new_key, build)
    return Rekeyed(pairing, complete(home), loose)


def complete(home: GatewayHome) -> Path:
    """Move a prepared key into its place; what a crash interrupted is taken up. Returns where the old things are."""
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
    way_back = WayBack(home.way_back)
    way_back.let_go()
    way_back.begin()
    sync_folder(home.root)
    done = former / "prepared"
    home.new_key.rename(done)
    sync_folder(home.root)
    shutil.rmtree(done, ignore_errors=True)
    return former


def _lines_after(home: GatewayHome, statement: HeadStatement) -> int:
    """Return how many lines follow the stated one, which must be here as the desk knows it."""
    head = statement.head
    found = head.seq == 0
    after = 0
    for line in AuditLog(home.audit, today=utc_today).lines():
        after += found
        try:
            found = found or (parse_line(line).seq == head.seq and hash_line(line) == head.hash)
        except LineError:
            continue
    if not found:
        raise GatewayError(
            f"the log here does not hold the line {head.seq} that the desk trusts: it was changed, or is another's; "
            "make a new home with 'enveis gateway init --continues'"
        )
    return after
