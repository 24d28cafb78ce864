"""What the receiver remembers of each gateway's link, between one datagram and the next. All of it is bounded."""

from dataclasses import dataclass, field
from typing import Final

from keys.signing import VerifyKey
from transfer.batch.batch import GatewayId
from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.receiver.loss import LossMeter
from transfer.diode.receiver.symbol_map import SymbolMap
from transfer.diode.wire.datagram import LinkKey
from transfer.diode.wire.notices import Heartbeat, History, ObjectHeader

FINISHED_MAX: Final = 4096  # tags of objects that came before, remembered so that their symbols are no riddle
REFUSED_MAX: Final = 16  # headers without room, remembered so that their repetitions need no second check
CHECKS_MAX: Final = 20  # signatures of one gateway that are checked between two calls of `look_after`


@dataclass(frozen=True, slots=True)
class Link:
    """One gateway that may speak: its public key, and the secret of the link."""

    gateway: GatewayId
    key: VerifyKey
    secret: LinkKey


@dataclass(slots=True)
class OpenObject:
    """One object in progress. `new` counts symbols that brought it forward since the last look."""

    header: ObjectHeader
    payload: bytes
    symbols: SymbolMap
    new: int = 0


@dataclass(slots=True)
class LinkState:
    """All that is known of one gateway's link."""

    link: Link
    meter: LossMeter = field(default_factory=LossMeter)
    objects: dict[bytes, OpenObject] = field(default_factory=dict)
    finished: set[bytes] = field(default_factory=set)
    history: History | None = None
    heartbeat: Heartbeat | None = None
    heard: bool = False  # a new heartbeat since the last look
    refused: dict[bytes, bytes] = field(default_factory=dict)  # by tag, headers for which there was no room
    no_room: int = 0  # the last batch, since the last look, for which there was none
    checks: int = 0  # signatures checked since the last `look_after`

    @property
    def signed_start(self) -> int:
        """The start of the newest session that a signed history tells of: every earlier one is a recording."""
        return self.history.serial >> 32 if self.history else -1

    def count_check(self) -> None:
        """Count a signature before it is checked: whoever has stolen the link's key must not keep us busy with it.

        Raises:
            DatagramError: There were enough for now.
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
        """Remember an object that came before."""
        if len(self.finished) >= FINISHED_MAX:
            self.finished.clear()  # what is asked for again is looked up again
        self.finished.add(tag)
