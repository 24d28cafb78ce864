"""One request of a source, sealed to the desk as soon as it is asked: take back what has left, delete the replies.

A request that is not to be kept is sealed all the same, with nothing in it, and the same is done with it.
"""

import hashlib
import secrets
from typing import Final

from gateway.replies.reply_store import SealedReply
from gateway.station import Station
from keys.age.small import seal_bytes
from keys.receipt import ReturnSecrets
from transfer.names import PacketId
from transfer.packet.request import Asks, RequestId, RequestNote, encode_request, sign_request
from transfer.spool.request_journal import JournalEntry

_ID_SIZE: Final = 16  # bytes, random
_CONTEXT: Final = b"enveis-request-mark-v1\n"


def withdrawal_request(station: Station, packet: PacketId, token: str, *, is_kept: bool) -> JournalEntry:
    """Return the sealed request to take back a packet; the desk can check the token."""
    note = RequestNote(
        _new_id(), station.gateway, station.today(), Asks.WITHDRAW, withdraws=packet, withdraw_token=token
    )
    return _sealed(station, note, _mark(b"withdraw", bytes.fromhex(token)), is_kept=is_kept)


def deletion_request(station: Station, found: ReturnSecrets, held: tuple[SealedReply, ...]) -> JournalEntry:
    """Return the signed and sealed request to delete the replies that are here; kept where there are any.

    For the same replies it is the same request, for later ones another.
    """
    note = RequestNote(_new_id(), station.gateway, station.today(), Asks.DELETE_REPLIES, lookup=found.lookup)
    ids = "\n".join(sorted(reply.id for reply in held)).encode()
    # Not made from the lookup, which is in the bundles: whoever has the disk must not see who asked.
    mark = _mark(b"delete-replies", found.signing_seed, ids)
    return _sealed(station, sign_request(found.signing_seed, note), mark, is_kept=bool(held))


def _sealed(station: Station, note: RequestNote, mark: bytes, *, is_kept: bool) -> JournalEntry:
    plain = encode_request(note)
    sealed = seal_bytes(plain if is_kept else bytes(len(plain)), station.recipients)
    return JournalEntry(mark, station.spool.tick_start(), sealed, is_kept)


def _mark(*parts: bytes) -> bytes:
    return hashlib.sha256(_CONTEXT + b"\n".join(hashlib.sha256(part).digest() for part in parts)).digest()


def _new_id() -> RequestId:
    return RequestId(secrets.token_hex(_ID_SIZE))
