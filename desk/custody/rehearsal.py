"""Proves that a key opens what is sealed today: a test packet is made for the recipients, and each key opens it alone.

The packet is a real one, of our format and with random bytes as its file; it is never put into the inbox. Of a key in
shares, each set that `desk.custody.share_sets` chooses is joined and has to open it.
"""

import hashlib
import io
import secrets
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from desk.custody.share_sets import name_shares
from keys.age.small import open_bytes
from keys.errors import KeyMaterialError
from keys.identity import Identity
from keys.recipient import Recipient
from keys.shares import Share, ShareError, join_identity
from transfer.packet.writer import MANIFEST_MEMBER, PacketWriter

_SIZE: Final = 200_000  # bytes of the file: several chunks of the sealed stream
_MEMBER: Final = "files/01.txt"


@dataclass(frozen=True, slots=True)
class TestPacket:
    """A sealed packet and the SHA-256 of the one file in it."""

    __test__ = False  # not a class of tests, whatever its name begins with

    sealed: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class RehearsedKey:
    """The result for one key: the recipient that it belongs to, counted from 1, or None; and why it did not open."""

    way: str
    recipient: int | None
    fault: str

    @property
    def opens(self) -> bool:
        """Return whether the key opened every byte that was sealed."""
        return not self.fault


def make_test_packet(recipients: Sequence[Recipient]) -> TestPacket:
    """Return a packet that nobody sent, sealed as a gateway seals one."""
    content = secrets.token_bytes(_SIZE)
    writer = PacketWriter(recipients)
    pieces = [writer.header, writer.begin(_MEMBER), writer.write(content)]
    last, _ = writer.end()
    pieces += [last, *writer.finish(b"{}", b"{}")]
    return TestPacket(b"".join(pieces), hashlib.sha256(content).hexdigest())


def rehearse_key(packet: TestPacket, identity: Identity, recipients: Sequence[Recipient], *, way: str) -> RehearsedKey:
    """Open the packet with this identity alone and compare what comes out; `way` names it for people."""
    places = [place for place, recipient in enumerate(recipients, start=1) if recipient == identity.recipient]
    place = places[0] if places else None
    try:
        plain = open_bytes(packet.sealed, [identity])
        with zipfile.ZipFile(io.BytesIO(plain)) as archive:
            same = hashlib.sha256(archive.read(_MEMBER)).hexdigest() == packet.sha256
            whole = same and MANIFEST_MEMBER in archive.namelist()
    except KeyMaterialError as error:
        return RehearsedKey(way, place, str(error))
    return RehearsedKey(way, place, "" if whole else "it opens, but not to the bytes that were sealed")


def rehearse_shares(
    packet: TestPacket,
    shares: Sequence[Share],
    recipients: Sequence[Recipient],
    *,
    passphrase: str,
    known: Sequence[Recipient],
) -> RehearsedKey:
    """Join one set of shares to a key that is `known`, and rehearse that key; shares that do not join are a fault."""
    way = name_shares(shares)
    try:
        identity = join_identity(shares, passphrase, known)
    except ShareError as error:
        return RehearsedKey(way, None, str(error))
    return rehearse_key(packet, identity, recipients, way=way)
