"""Which packets belong together, as far as signatures prove it: public halves of every packet that was read here.

A later visit belongs to a case when the key in the case's first packet signed it. A packet without that signature only
claims to belong, and nothing here ever joins it. A lookup proves nothing: bundles carry it, and anybody may write it
into a first packet with keys of their own. That makes a separate case, which takes nothing from the other.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, assert_never

from transfer.ledger_file import LedgerFile
from transfer.names import PacketId
from transfer.packet.manifest import MadeBy, Manifest, PacketPurpose
from transfer.packet.request import Asks, RequestId, RequestNote, encode_request, encode_signed
from transfer.packet.visit_signature import VisitError, encode_visit, is_token_of, verify_visit_text

SCHEMA_VERSION: Final = 6
# By the digest of all of it: sent twice it is one, and nobody can take another's place by its id.
_ASKED: Final = """CREATE TABLE asked (
    digest TEXT PRIMARY KEY, request TEXT NOT NULL, packet TEXT NOT NULL, gateway TEXT NOT NULL, received TEXT NOT NULL,
    asks TEXT NOT NULL, withdraws TEXT NOT NULL, token TEXT NOT NULL, lookup TEXT NOT NULL, visit TEXT NOT NULL
) STRICT"""
_SCHEMA: Final = f"""
CREATE TABLE opened (
    id TEXT PRIMARY KEY, purpose TEXT NOT NULL, gateway TEXT NOT NULL, received TEXT NOT NULL, lookup TEXT NOT NULL,
    recipient TEXT NOT NULL, signing TEXT NOT NULL, made_by TEXT NOT NULL, visit TEXT NOT NULL, signed BLOB NOT NULL,
    withdrawal TEXT NOT NULL, promised TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX opened_by_lookup ON opened (lookup);
{_ASKED}"""
_UPGRADES: Final = {
    1: "ALTER TABLE opened ADD COLUMN promised TEXT NOT NULL DEFAULT ''",  # of what was read before, nobody knows it
    2: _ASKED,
    3: "DELETE FROM opened WHERE purpose IN ('withdraw', 'delete-replies')",  # of a format that is no longer read
    4: "ALTER TABLE opened DROP COLUMN withdraws",
    5: "ALTER TABLE opened DROP COLUMN token",
}


@dataclass(frozen=True, slots=True)
class LinkedPacket:
    """The public part of a packet that was read; `signed` is what its `visit` signature covers."""

    packet: PacketId
    purpose: PacketPurpose
    gateway: str
    received: date
    lookup: str  # empty where the packet only carries requests
    recipient: str
    signing: str
    made_by: str
    visit: str
    signed: bytes
    withdrawal: str
    promised: date | None = None  # by which the source was promised an answer


@dataclass(frozen=True, slots=True)
class LinkedRequest:
    """A request that was read, and the packet that brought it first."""

    packet: PacketId
    note: RequestNote


@dataclass(frozen=True, slots=True)
class Begins:
    """A first packet: begins a case."""


@dataclass(frozen=True, slots=True)
class BelongsTo:
    """Signed by the key of the case that `first` began, or with the token of the packet `first` that it withdraws."""

    first: PacketId


@dataclass(frozen=True, slots=True)
class Carries:
    """Brings requests of one or several sources, and belongs to none of their cases."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Nothing proves that it belongs to what it names; `reason` is a clause for a person."""

    reason: str


Standing = Begins | BelongsTo | Carries | Claims


class CaseLinks:
    """The file of what is known about the packets that were read at this desk."""

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path, schema=_SCHEMA, version=SCHEMA_VERSION, upgrades=_UPGRADES)

    def note(self, manifest: Manifest, message: bytes, requests: Sequence[RequestNote] = ()) -> LinkedPacket:
        """Remember a packet that was read, and what it asks; `message` is its message.json, byte for byte."""
        row = _opened(manifest, message)
        values = (
            *(row.packet, row.purpose, row.gateway, row.received.isoformat(), row.lookup, row.recipient, row.signing),
            *(row.made_by, row.visit, row.signed, row.withdrawal, row.promised.isoformat() if row.promised else ""),
        )
        with self._file.transaction() as db:
            db.execute(f"INSERT OR REPLACE INTO opened VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608 - no value is in the text
            # A gateway that was killed in between sends a request twice: the second is no request.
            asked = [_asked(note, manifest.packet) for note in requests]
            db.executemany("INSERT OR IGNORE INTO asked VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", asked)
        return row

    def all(self) -> tuple[LinkedPacket, ...]:
        """Return every packet that was read, by day and id."""
        return self._select("ORDER BY received, id")

    def find(self, packet: str) -> LinkedPacket | None:
        """Return one, if it was read here."""
        found = self._select("WHERE id = ?", packet)
        return found[0] if found else None

    def of_lookup(self, lookup: str) -> tuple[LinkedPacket, ...]:
        """Return the packets that name this lookup, by day and id; whether they belong together `standing` says."""
        return self._select("WHERE lookup = ? ORDER BY received, id", lookup)

    def requests(self, asks: Asks) -> tuple[LinkedRequest, ...]:
        """Return every request of a kind, by day and id."""
        return self._select_asked("WHERE asks = ? ORDER BY received, request", asks)

    def requests_in(self, packet: str) -> tuple[LinkedRequest, ...]:
        """Return the requests that a packet brought first, by kind and id."""
        return self._select_asked("WHERE packet = ? ORDER BY asks, request", packet)

    def withdrawals_of(self, packet: str) -> tuple[LinkedRequest, ...]:
        """Return the requests to withdraw this packet, by day and id, proven or not."""
        return self._select_asked("WHERE withdraws = ? ORDER BY received, request", packet)

    def deletions_of(self, lookup: str) -> tuple[LinkedRequest, ...]:
        """Return the requests to delete the replies to a lookup, by day and id, proven or not."""
        return self._select_asked("WHERE lookup = ? ORDER BY received, request", lookup)

    def standing(self, row: LinkedPacket) -> Standing:
        """Return what is proven about a packet."""
        match row.purpose:
            case PacketPurpose.FIRST:
                return Begins()
            case PacketPurpose.ADDITION:
                return self._signed(row.lookup, row.signed, row.visit)
            case PacketPurpose.REQUESTS:
                return Carries()
            case _:
                assert_never(row.purpose)

    def standing_of(self, request: RequestNote) -> BelongsTo | Claims:
        """Return what is proven about a request."""
        match request.asks:
            case Asks.WITHDRAW:
                return self._withdrawal(request)
            case Asks.DELETE_REPLIES:
                return self._signed(request.lookup, encode_signed(request), request.visit)
            case _:
                assert_never(request.asks)

    def first_of(self, row: LinkedPacket) -> LinkedPacket | Claims:
        """Return the first packet of the case that a packet belongs to: replies are sealed to its receipt."""
        standing = self.standing(row)
        match standing:
            case Begins():
                return row
            case BelongsTo(first):
                return self.find(first) or Claims("its first packet is not known")
            case Carries():
                return Claims("it brings requests of sources, and belongs to no case")
            case Claims():
                return standing
            case _:
                assert_never(standing)

    def begun_with(self, row: LinkedPacket) -> tuple[PacketId, ...]:
        """Return the first packets with the keys of a packet's case; empty where nothing is proven."""
        first = self.first_of(row)
        return () if isinstance(first, Claims) else self._with_keys_of(first)

    def cases_of(self, request: RequestNote) -> tuple[PacketId, ...]:
        """Return the first packets with the keys of the case that a request is proven to be about."""
        standing = self.standing_of(request)
        first = self.find(standing.first) if isinstance(standing, BelongsTo) else None
        return () if first is None else self._with_keys_of(first)

    def _with_keys_of(self, first: LinkedPacket) -> tuple[PacketId, ...]:
        keys = (first.signing, first.recipient)
        return tuple(one.packet for one in self._firsts(first.lookup) if (one.signing, one.recipient) == keys)

    def _signed(self, lookup: str, text: bytes, signature: str) -> BelongsTo | Claims:
        firsts = self._firsts(lookup)
        if not firsts:
            return Claims("no first packet of that case has been read here")
        signed = [first for first in firsts if _is_signed_by(first.signing, text, signature)]
        if not signed:
            return Claims("it is not signed with the key of that case")
        # Only somebody who saw that key can put a different key for replies beside it.
        if len({first.recipient for first in signed}) > 1:
            return Claims("several first packets give that case different keys: a gateway made one of them up")
        return BelongsTo(signed[0].packet)

    def _firsts(self, lookup: str) -> tuple[LinkedPacket, ...]:
        return self._select("WHERE lookup = ? AND purpose = ? ORDER BY id", lookup, PacketPurpose.FIRST)

    def _withdrawal(self, request: RequestNote) -> BelongsTo | Claims:
        target = self.find(request.withdraws or "")
        if target is None:
            return Claims("the packet that it withdraws has not been read here")
        if not is_token_of(target.withdrawal, request.withdraw_token):
            return Claims("its token does not match the packet that it names")
        return BelongsTo(target.packet)

    def _select(self, clause: str, *values: str) -> tuple[LinkedPacket, ...]:
        with self._file.reading() as db:
            rows = db.execute(f"SELECT * FROM opened {clause}", values).fetchall()  # noqa: S608 - clauses are ours
        return tuple(map(_linked, rows))

    def _select_asked(self, clause: str, *values: str) -> tuple[LinkedRequest, ...]:
        with self._file.reading() as db:
            rows = db.execute(f"SELECT * FROM asked {clause}", values).fetchall()  # noqa: S608 - clauses are ours
        return tuple(map(_linked_request, rows))


def _linked(row: Sequence[Any]) -> LinkedPacket:
    *known, promised = row
    packet = LinkedPacket(
        PacketId(known[0]), PacketPurpose(known[1]), known[2], date.fromisoformat(known[3]), *known[4:]
    )
    return replace(packet, promised=date.fromisoformat(promised)) if promised else packet


def _linked_request(row: Sequence[Any]) -> LinkedRequest:
    _, request, packet, gateway, received, asks, withdraws, token, lookup, visit = row
    known = (RequestId(request), gateway, date.fromisoformat(received), Asks(asks))
    return LinkedRequest(
        PacketId(packet), RequestNote(*known, PacketId(withdraws) if withdraws else None, token, lookup, visit)
    )


def _asked(note: RequestNote, packet: PacketId) -> tuple[str, ...]:
    digest = hashlib.sha256(encode_request(note)).hexdigest()
    known = (digest, note.request, packet, note.gateway, note.received.isoformat(), note.asks)
    return (*known, note.withdraws or "", note.withdraw_token, note.lookup, note.visit)


def _is_signed_by(signing: str, text: bytes, signature: str) -> bool:
    try:
        verify_visit_text(signing, text, signature)
    except VisitError:
        return False
    return True


def _opened(manifest: Manifest, message: bytes) -> LinkedPacket:
    receipt = manifest.receipt
    return LinkedPacket(
        packet=manifest.packet,
        purpose=manifest.purpose,
        gateway=manifest.gateway,
        received=manifest.received,
        lookup=receipt.lookup if receipt else "",
        recipient=receipt.recipient if receipt else "",
        signing=receipt.signing if receipt else "",
        made_by=receipt.made_by if receipt else MadeBy.GATEWAY,
        visit=manifest.visit,
        signed=encode_visit(manifest, message) if receipt else b"",
        withdrawal=manifest.withdrawal,
        promised=manifest.promised,
    )
