"""The network process: from the socket into the state of each link. Loads no coder, opens no batch, sends nothing.

A blocking loop, not an event loop: a process that does more between two datagrams loses some of them.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from keys.errors import KeyMaterialError
from transfer.batch.batch import GatewayId
from transfer.diode.errors import DatagramError, DropReason, LinkError
from transfer.diode.receiver.datagram_intake import DatagramIntake
from transfer.diode.receiver.figures import Figures, LinkFigures, read_figures, write_figures
from transfer.diode.receiver.link_state import Link, LinkState
from transfer.diode.receiver.loss import PERIOD_SECONDS, LossMeter
from transfer.diode.receiver.open_objects import FileStore
from transfer.diode.receiver.recvmmsg import DatagramReceiver
from transfer.diode.receiver.shelf import Shelf
from transfer.diode.settings import ReceiverSettings
from transfer.diode.wire.datagram import IP_OVERHEAD, MTU_MAX, LinkKey
from transfer.diode.wire.notices import parse_object
from transfer.pairing import PAIRING_MAX, PairingError, parse_pairing

AT_ONCE: Final = 128  # datagrams taken from the kernel together
FEW: Final = 32  # after fewer than this, a short sleep lets more datagrams gather for the next call
REST: Final = 0.0005  # seconds; the kernel's buffer lasts much longer
WAIT: Final = 0.2  # seconds between two checks of everything else
PRIORITY: Final = -10  # nice(2), where permitted: the decoder can wait for the processor, datagrams cannot
MICRO: Final = 1_000_000
_SO_RCVBUFFORCE: Final = 33  # socket(7); for processes with CAP_NET_ADMIN


def read_links(gateways: Path) -> list[Link]:
    """Return the links of all paired gateways, whose pairing files lie in `gateways`.

    Raises:
        LinkError: No gateway is paired, or a pairing file cannot be used.
    """
    links = []
    for path in sorted(gateways.glob("*.pairing")):
        try:
            with path.open("rb") as stream:
                pairing = parse_pairing(stream.read(PAIRING_MAX + 1))
        except (PairingError, KeyMaterialError) as error:
            raise LinkError(f"{path}: {error}") from None
        links.append(Link(GatewayId(pairing.gateway), pairing.key, LinkKey(pairing.link_key)))
    if not links:
        raise LinkError("no gateway is paired here: use 'enveis desk pair' first")
    return links


def open_socket(settings: ReceiverSettings) -> socket.socket:
    """Return the only socket of the link, bound; nothing is ever sent through it.

    Raises:
        LinkError: The address is not this machine's, or another program uses the port.
    """
    host, port = settings.address
    listening = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    )
    try:
        with contextlib.suppress(PermissionError):
            listening.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, settings.buffer_bytes // 2)
        if listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < settings.buffer_bytes:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, settings.buffer_bytes // 2)
        seconds, rest = divmod(WAIT, 1)
        timeout = int(seconds).to_bytes(8, "little") + int(rest * MICRO).to_bytes(8, "little")
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise LinkError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listening


def run_network(
    shelf: Shelf,
    links: list[Link],
    settings: ReceiverSettings,
    *,
    should_continue: Callable[[], bool],
    ready: Callable[[], None],
) -> None:
    """Receive until `should_continue` returns false; it is called several times a second, `ready` once at the start."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    store = FileStore(shelf, quota=settings.quota_bytes, objects_max=settings.objects_max, gateways=len(links))
    intake = DatagramIntake(links, store, objects_max=settings.objects_max)
    _resume(intake, store, shelf)
    with open_socket(settings) as listening:
        ready()
        datagrams = DatagramReceiver(listening, most=AT_ONCE, size=MTU_MAX - IP_OVERHEAD)
        figures = _FiguresWriter(intake, shelf, listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        take_all = intake.take_all
        due = time.monotonic()
        while True:
            came = datagrams.receive()
            take_all(came)
            intake.flush()
            now = time.monotonic()
            if now >= due:
                due = max(due + WAIT, now)
                intake.maintain()
                figures.work(now)
                if not should_continue():
                    figures.write()
                    return
            if len(came) < FEW:
                time.sleep(REST)


def _resume(intake: DatagramIntake, store: FileStore, shelf: Shelf) -> None:
    trusted = {state.link.gateway: state.link.key for state in intake.links.values()}
    for name, payload in store.resume():
        try:
            header = parse_object(payload, trusted)
        except DatagramError:
            continue  # its gateway is no longer paired: the object stays until a person removes it
        if not shelf.was_received(name):
            intake.resume(header, payload, store.reopen(header))
    figures = read_figures(shelf.figures)
    before = {each.gateway: each for each in figures.links} if figures else {}
    for state in intake.links.values():
        state.history = shelf.read_history(state.link.gateway, state.link.key)
        old = before.get(state.link.gateway)
        # Otherwise the first recording that arrives would count as the newest session.
        state.meter = LossMeter(
            list(old.day) if old else None,
            start=max(0, state.signed_start),
            heard=(old.session, old.sequence) if old else (-1, 0),
        )


class _FiguresWriter:
    """Once a second: writes the figures for people, and lets refused objects try again."""

    def __init__(self, intake: DatagramIntake, shelf: Shelf, buffer: int) -> None:
        self._intake = intake
        self._path = shelf.figures
        self._buffer = buffer
        self._due = time.monotonic() + 1
        self._period = time.monotonic() + PERIOD_SECONDS
        self._heard: dict[GatewayId, int] = {}
        self._no_room: dict[GatewayId, tuple[int, int]] = {}

    def work(self, now: float) -> None:
        if now < self._due:
            return
        self._due = now + 1
        self._intake.forget_refusals()
        for state in self._intake.links.values():
            state.meter.second()
            if now >= self._period:
                state.meter.period()
        if now >= self._period:
            self._period = now + PERIOD_SECONDS
        self.write()

    def write(self) -> None:
        """Write the figures, also at the end: a successor must know which sessions were heard."""
        wall = int(time.time())
        for state in self._intake.links.values():
            gateway = state.link.gateway
            if state.heard:
                self._heard[gateway], state.heard = wall, False
            if state.no_room:
                self._no_room[gateway], state.no_room = (state.no_room, wall), 0
        links = tuple(self._figures(state) for state in self._intake.links.values())
        refused = {str(reason): self._intake.refused[reason] for reason in DropReason}
        write_figures(self._path, Figures(wall, self._buffer, self._intake.surplus, refused, links))

    def _figures(self, state: LinkState) -> LinkFigures:
        reading, beat = state.meter.reading(), state.heartbeat
        session, sequence = state.meter.newest() or (0, 0)
        no_room = self._no_room.get(state.link.gateway)
        return LinkFigures(
            gateway=state.link.gateway,
            heard_at=self._heard.get(state.link.gateway),
            every=beat.every if beat else 0,
            number=beat.number if beat else 0,
            transmission=beat.transmission if beat else 0,
            transmissions=beat.transmissions if beat else 0,
            block=beat.block if beat else 0,
            blocks=beat.blocks if beat else 0,
            waiting=beat.waiting if beat else 0,
            loss_now=_micro(reading.loss_now),
            loss_day=_micro(reading.loss_day),
            repeated=reading.repeated,
            rivals=reading.rivals,
            session=session,
            sequence=sequence,
            no_room=no_room[0] if no_room else 0,
            no_room_at=no_room[1] if no_room else None,
            day=tuple(state.meter.day()),
        )


def _micro(share: float | None) -> int | None:
    return None if share is None else round(share * MICRO)
