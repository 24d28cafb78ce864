"""What runs during `enveis run`: a real scanner, a real gateway, and a mover between the two homes.

The mover does what two operators would do: it imports what arrived over the link (or exports to a stick and imports
from it), and acknowledges it. The rest is real.
"""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from audit.events import Event
from desk.arrival.case_links import CaseLinks
from desk.arrival.opening import OpenPacket
from desk.arrival.requests import requests_about
from disk import durable
from disk.lock import BusyError
from disk.settings import read_settings
from enveis.commands.diode import shelf_of
from enveis.commands.packet_display import show_files, show_packet, show_standing
from enveis.commands.source_requests import show_requests
from enveis.demo.running_link import RunningLink
from enveis.demo.stopping import Stopping
from enveis.demo.two_machines import RunningGateway, TwoMachines, is_port_free
from enveis.errors import RefusedError, expected_sentence
from enveis.terminal import Terminal
from enveis.wiring import import_all, low_side
from gateway.home.config import GIB, MIB, GatewayConfig, encode_gateway_config
from quarantine.scanner.local_clamd import LocalClamd
from transfer.diode.receiver.arrived import note_imported, remove_imported, waiting_bags
from transfer.high_side.arrivals import Arrivals
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.export import export, reexport
from transfer.low_side.low_side import LowSide
from transfer.low_side.outbox import BatchState
from transfer.low_side.waiting import count_waiting
from transfer.names import Lane, PacketId
from transfer.usb.bag_writer import find_bags

TICK: Final = 2  # seconds; six hours on a real gateway
MOVE_EVERY: Final = 1.0  # seconds between two moves


def live(root: Path, host: str, port: int, stopping: Stopping, terminal: Terminal, *, stick: bool = False) -> int:
    """Start everything below `root`, move what arrives until somebody asks to stop, then stop everything.

    Batches go over a link, or over a folder that stands for a stick.

    Raises:
        RefusedError: The port is taken, or the gateway did not start.
        KeyboardInterrupt: Somebody asked to stop during the start. Everything has stopped.
    """
    machines = TwoMachines(root)
    if not is_port_free(host, port):
        raise RefusedError(
            f"port {port} of {host} is in use by another program: stop it, or choose another port with --listen"
        )
    terminal.note("Starting the virus scanner ...")
    with LocalClamd(machines.scanner) as scanner:
        new = _prepare(machines, scanner.socket_path)
        with contextlib.ExitStack() as running:
            gateway = running.enter_context(RunningGateway(machines, host, port))
            link = None if stick else running.enter_context(RunningLink(machines))
            _introduce(terminal, machines, gateway, link, new=new, test_database=scanner.is_test_database)
            status = _move_until_stopped(_Mover(machines, terminal, link), gateway, stopping, terminal)
            terminal.note("Stopping: uploads in progress may finish ...")
    return status


def _move_until_stopped(mover: "_Mover", gateway: RunningGateway, stopping: Stopping, terminal: Terminal) -> int:
    stopping.politely()
    while not stopping.wait(MOVE_EVERY):
        if not gateway.is_running():
            terminal.warn(f"The gateway has stopped by itself: {gateway.last_line()}")
            return 1
        if mover.link is not None and not mover.link.is_running():
            terminal.warn(f"The link has stopped by itself: {mover.link.last_line()}")
            return 1
        mover.move()
    return 0


class _Mover:
    """Stands for the two operators, and without a link for a stick too."""

    def __init__(self, machines: TwoMachines, terminal: Terminal, link: RunningLink | None = None) -> None:
        self.link = link
        self._machines = machines
        self._terminal = terminal
        self._low: LowSide = low_side(machines.low)
        self._identities = machines.high.load_identities(_no_passphrase)
        self._shown: set[str] = set()
        self._unopened: list[PacketId] = []
        self._halted = False

    def move(self) -> None:
        """Carry over what is ready; report a failure once, and try again the next time."""
        # Busy: the sender is making a batch, or somebody is running a command; the next second will do.
        with self._reported(), contextlib.suppress(BusyError):
            if not self._halted and self._has_work():
                self._carry(self._bring())

    def _has_work(self) -> bool:
        if self.link is not None:
            return self.link.arrived.is_dir() and bool(find_bags(self.link.arrived))
        out = self._low.outbox
        ready = any(count_waiting(self._low.spool, lane) for lane in Lane)
        return ready or any(out.numbers(state) for state in (BatchState.OUTSTANDING, BatchState.ACKNOWLEDGED))

    def _bring(self) -> Path:
        """Return the folder in which batches have arrived."""
        if self.link is not None:
            return self.link.arrived
        stick = self._machines.stick
        report = export(self._low, stick, progress=_unseen)
        gateway = self._machines.low.load_pairing().gateway
        for number in report.outstanding:
            # Started after a crash: the batch is in the ledger, but its bag is not on the stick.
            if not any(bag.name.endswith(f"{gateway}-{number:06}") for bag in find_bags(stick)):
                reexport(self._low, stick, number, progress=_unseen)
        return stick

    def _carry(self, arrived: Path) -> None:
        high = self._machines.high
        arrived_before = {packet.id for packet in Arrivals(high.arrivals).packets()}
        waiting = waiting_bags(arrived)
        reports, refused = import_all(high, arrived, self._identities, _unseen)
        for bag in refused:
            self._halt(f"{bag.folder.name} was refused: {bag.reason}")
        for imported in reports:
            missing = [item.id for item in imported.missing]
            for item in imported.missing:
                self._halt(f"packet {item.id} did not arrive: {item.detail}")
            # Kept for the next second: the sender may be making a batch now, and then nothing is acknowledged.
            self._unopened += [packet for packet in imported.arrived if packet not in arrived_before]
            acknowledge(self._low, imported.code, missing=missing)
            note_imported(shelf_of(high.root), [imported])
            remove_imported(waiting, [imported])
            while self._unopened:
                with self._reported():
                    self._open(self._unopened.pop(0))

    def _halt(self, sentence: str) -> None:
        # A person would investigate; trying again every second would only fill ledger and logs.
        self._halted = True
        self._warn_once(f"{sentence}. Nothing more is moved until the next start.")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Report a failure that may happen, and continue; let a fault of ours pass."""
        try:
            yield
        except Exception as error:
            sentence = expected_sentence(error)
            if sentence is None:
                raise
            self._warn_once(sentence)

    def _open(self, packet_id: PacketId) -> None:
        high = self._machines.high
        folder = high.root / "opened" / packet_id
        self._terminal.say("", "HIGH SIDE: a packet has arrived, and its copy on the low side was deleted.")
        with OpenPacket(high.packet(packet_id), packet_id, self._identities) as packet:
            high.log().append(Event.PACKET_OPENED, packet=packet_id)
            files = packet.write_files(folder, held=False, progress=_unseen)
            links = CaseLinks(high.visits)
            noted = links.note(packet.manifest, packet.message_bytes, packet.requests)
            show_packet(self._terminal, packet.manifest, packet.message)
            show_standing(self._terminal, packet.manifest, links.standing(noted))
            show_files(self._terminal, packet.manifest, files, folder)
            show_requests(self._terminal, requests_about(links, noted))

    def _warn_once(self, sentence: str) -> None:
        if sentence not in self._shown:
            self._shown.add(sentence)
            self._terminal.warn(sentence)


def _prepare(machines: TwoMachines, socket: Path) -> bool:
    """Make what is missing. Settings that a person changed stay, except the scanner's socket, which we set."""
    fresh = GatewayConfig(
        name="the editors of this demonstration",
        quota_bytes=20 * GIB,
        reserve_bytes=64 * MIB,
        tick_seconds=TICK,
        clamd_socket=str(socket),
    )
    new = machines.prepare(fresh)
    config = read_settings(machines.low.config, GatewayConfig)
    if config.clamd_socket != str(socket):
        text = encode_gateway_config(replace(config, clamd_socket=str(socket)))
        durable.replace(machines.low.config, [text.encode()])
    return new


def _introduce(
    terminal: Terminal,
    machines: TwoMachines,
    gateway: RunningGateway,
    link: RunningLink | None,
    *,
    new: bool,
    test_database: bool,
) -> None:
    channel = f"The folder for the stick:  {machines.stick}"
    if link is not None:
        channel = f"The one-way link:          loopback; its log is {machines.root / 'link.log'}"
    keys = "new keys" if new else "the keys of the last start"
    terminal.say(
        f"The page for sources:      {terminal.strong(gateway.address)}",
        f"Low side, public keys:     {machines.low.root}",
        f"High side, the identity:   {machines.high.root}   ({keys})",
        channel,
        "",
        "THIS IS A DEMONSTRATION with both sides on one machine: whoever owns this machine can read everything.",
    )
    if test_database:
        terminal.say("The virus scanner has a TEST DATABASE (the EICAR file and little else): it finds no real virus.")
    terminal.say(
        "",
        "Try: send a message and a file from the page; it is listed and opened here within seconds.",
        f"     enveis desk inbox --home {machines.high.root}",
        f"     enveis transfer status --home {machines.high.root}",
        f"     enveis audit show --home {machines.low.root}",
        f"     age -d -i {machines.high.identity} {machines.high.inbox}/PACKET.age > packet.zip   (age 1.3 or later)",
        "Ctrl-C stops everything.",
    )


def _no_passphrase() -> str:
    raise RefusedError("the identity has a passphrase; 'enveis run' works only with keys that it made itself")


def _unseen(_done: int, _total: int) -> None:
    """Nobody watches these small moves."""
