"""What a sender reports about itself while it sends: heartbeats and histories (WIRE.md, 3.3, 3.4 and 6.3)."""

import time
from dataclasses import dataclass, field
from typing import Final

from keys.signing import SigningKey
from transfer.batch.batch import GatewayId
from transfer.diode.sender.outlet import Outlet
from transfer.diode.sender.schedule import Schedule
from transfer.diode.wire.datagram import TAG_SIZE, DatagramKind
from transfer.diode.wire.notices import (
    HISTORY_MAX,
    Heartbeat,
    History,
    HistoryEntry,
    ObjectHeader,
    encode_heartbeat,
    encode_history,
)
from transfer.low_side.outbox import Outbox
from transfer.names import PacketId

HISTORY_BEATS: Final = 5  # heartbeats between two repetitions of the history; WIRE.md 6.3
NO_TAG: Final = bytes(TAG_SIZE)


@dataclass(frozen=True, slots=True)
class SendProgress:
    """How far the transmission of one object is, for the operator and for the next heartbeat.

    `unsent` datagrams of this transmission did not leave the machine. `counts` is false when there were so many of
    them that the transmission is repeated.
    """

    header: ObjectHeader
    transmission: int
    passes: int
    block: int
    unreadable: frozenset[PacketId] = field(default=frozenset())
    unsent: int = 0
    counts: bool = True

    @property
    def is_end(self) -> bool:
        """Return whether this transmission has ended."""
        return self.block == self.header.geometry.blocks

    def heartbeat(self, waiting: int, every: int) -> Heartbeat:
        """Return the heartbeat that reports this; `waiting` counts batches, `every` is in tenths of a second."""
        times = min(255, self.transmission), min(255, self.passes)
        return Heartbeat(self.header.number, *times, self.block, self.header.geometry.blocks, waiting, every)


class Heartbeats:
    """Sends heartbeats when they are due, and with every fifth the newest history.

    Args:
        outlet: Where datagrams go.
        schedule: The batches to be sent.
        gateway: Whose link this is.
        start: The number of this start of the sender: histories of a later start have higher serials.
        every: Tenths of a second between two heartbeats.
    """

    def __init__(self, outlet: Outlet, schedule: Schedule, gateway: GatewayId, *, start: int, every: int) -> None:
        self._outlet, self._schedule, self._gateway = outlet, schedule, gateway
        self._start, self._every = start, every
        self.now_sending: SendProgress | None = None
        self._due = 0.0
        self._beats = 0
        self._serial = 0
        self._written: object = None
        self._history = b""

    def are_due(self) -> bool:
        """Return whether it is time for the next heartbeat."""
        return time.monotonic() >= self._due

    def send(self) -> None:
        """Send one heartbeat, and the history if this is its turn."""
        self._due = time.monotonic() + self._every / 10
        progress, waiting = self.now_sending, self._schedule.waiting()
        beat = progress.heartbeat(waiting, self._every) if progress else Heartbeat(0, 0, 0, 0, 0, waiting, self._every)
        self._outlet.put(DatagramKind.HEARTBEAT, encode_heartbeat(beat), number=0, tag=NO_TAG)
        if self._history and self._beats % HISTORY_BEATS == 0:
            self._outlet.put(DatagramKind.HISTORY, self._history, number=0, tag=NO_TAG)
        self._beats += 1

    def write_history(self, outbox: Outbox, key: SigningKey) -> None:
        """Sign a new history if the state of the batches has changed."""
        last = outbox.last()
        named, number = self._schedule.named(HISTORY_MAX, last.number if last else 0)
        entries = tuple(HistoryEntry(each, outbox.find(each).digest, self._schedule.progress(each)) for each in named)
        if (number, entries) != self._written:
            self._written = (number, entries)
            self._serial += 1
            history = History(self._gateway, self._start << 32 | self._serial, number, entries)
            self._history = encode_history(history, key)
