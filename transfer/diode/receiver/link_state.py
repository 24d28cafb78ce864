"""What the receiver remembers about each gateway's link between two datagrams. All of it is bounded."""

from dataclasses import dataclass, field
from typing import Final

from keys.signing import VerifyKey
from transfer.batch.batch import GatewayId
from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.receiver.loss import LossMeter
from transfer.diode.receiver.symbol_map import SymbolMap
from transfer.diode.wire.datagram import LinkKey
from transfer.diode.wire.notices import Heartbeat, History, ObjectHeader

FINISHED_MAX: Final = 4096  # tags of objects that were received before, so that their symbols do not count as unknown
REFUSED_MAX: Final = 16  # headers without room, so that their repetitions need no second signature check
CHECKS_MAX: Final = 20  # signatures of one gateway that are checked between two calls of `maintain`


@dataclass(frozen=True, slots=True)
class Link:
    """One gateway whose datagrams are accepted: its public key, and the secret of the link."""

    gateway: GatewayId
    key: VerifyKey
    secret: LinkKey


@dataclass(slots=True)
class OpenObject:
    """One object in progress: its header, the signed payload that contained it, and its symbols."""

    header: ObjectHeader
    payload: bytes
    symbols: SymbolMap


@dataclass(slots=True)
class LinkState:
    """Everything known about one gateway's link."""

    link: Link
    meter: LossMeter = field(default_factory=LossMeter)
    objects: dict[bytes, OpenObject] = field(default_factory=dict)
    finished: set[bytes] = field(default_factory=set)
    history: History | None = None
    heartbeat: Heartbeat | None = None
    heard: bool = False  # a new heartbeat since the figures were last written
    refused: dict[bytes, bytes] = field(default_factory=dict)  # headers, by tag, for which there was no room
    no_room: int = 0  # the last batch without room since the figures were last written
    checks: int = 0  # signatures checked since the last `maintain`

    @property
    def signed_start(self) -> int:
        """The start of the newest session that a signed history proves: every earlier session is a recording."""
        return self.history.serial >> 32 if self.history else -1

    def count_check(self) -> None:
        """Count a signature before it is checked: a thief of the link's key must not keep this process busy.

        Raises:
            DatagramError: Too many signatures for now.
        """
        if self.checks >= CHECKS_MAX:
            raise DatagramError(DropReason.TOO_MANY)
        self.checks += 1

    def refuse(self, tag: bytes, payload: bytes) -> None:
        """Remember a header for which there may be no room."""
        if len(self.refused) >= REFUSED_MAX:
            self.refused.clear()
        self.refused[tag] = payload

    def finish(self, tag: bytes) -> None:
        """Remember an object that was received before."""
        if len(self.finished) >= FINISHED_MAX:
            self.finished.clear()  # what is announced again is looked up on disk again
        self.finished.add(tag)
