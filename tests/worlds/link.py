"""Both ends of a link with real homes, keys, processes: for tests and measurements of the diode."""

import hashlib
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from desk.config import DeskConfig
from desk.home import DeskHome, init_desk, pair
from enveis.commands.diode import LINK_SETTINGS, shelf_of
from gateway.home.config import GatewayConfig
from gateway.home.home import GatewayHome, init_gateway
from keys.age.small import seal_bytes
from keys.recipient import KeyKind
from tests.worlds.spooled import lay, lies_at
from tests.worlds.waiting import WATCHDOG, wait_until
from transfer.batch.files import MANIFEST
from transfer.diode.receiver.network_process import read_links
from transfer.diode.receiver.report import ReceiverReport, report_receiver
from transfer.diode.receiver.shelf import Shelf
from transfer.diode.settings import ReceiverSettings, SenderSettings, encode_link_settings
from transfer.names import Lane, PacketId

MIB: Final = 1024 * 1024
PIECE: Final = 8 * MIB
ENVEIS: Final = (sys.executable, "-m", "enveis")
HOUR: Final = 3600  # seconds: a tick that has passed


@dataclass
class LinkEnds:
    """A gateway's home and a desk's, paired, below one folder; `on_low` and `on_high` decide where commands run."""

    root: Path
    sender: SenderSettings
    receiver: ReceiverSettings = field(default_factory=ReceiverSettings)
    on_low: Callable[..., Sequence[str]] = lambda *command: command
    on_high: Callable[..., Sequence[str]] = lambda *command: command

    def __post_init__(self) -> None:
        self.low, self.high = GatewayHome(self.root / "low"), DeskHome(self.root / "high")
        self.log = self.root / "link.log"
        self.processes: list[subprocess.Popen[bytes]] = []
        if self.low.config.exists():
            return
        init_desk(self.high, kind=KeyKind.CLASSIC, backup=None, passphrase=None, config=DeskConfig())
        config = GatewayConfig(tick_seconds=1, quota_bytes=2**40, reserve_bytes=0)
        pairing = init_gateway(self.low, recipients=self.high.recipients, desk_key=self.high.public_key, config=config)
        pair(self.high, pairing)
        self.write_settings()

    def write_settings(self) -> None:
        """Write both link.toml."""
        (self.low.root / LINK_SETTINGS).write_text(encode_link_settings(self.sender))
        (self.high.root / LINK_SETTINGS).write_text(encode_link_settings(self.receiver))

    def change_sender(self, **changes: object) -> None:
        """Change settings of the sender, for its next start."""
        self.sender = replace(self.sender, **changes)  # type: ignore[arg-type]
        self.write_settings()

    @property
    def shelf(self) -> Shelf:
        """The receiver's files."""
        return shelf_of(self.high.root)

    def put(self, size: int, *, lane: Lane = Lane.CLEAR, sealed: bool = False) -> PacketId:
        """Put a packet of some `size` bytes into the spool; one that opens only if `sealed`."""
        packet = PacketId(secrets.token_hex(16))
        if sealed:
            content = seal_bytes(secrets.token_bytes(size), self.high.load_recipients())
        else:
            content = secrets.token_bytes(size)
        lay(self.low.spool, packet, content, start=int(time.time()) - HOUR, lane=lane)
        return packet

    def start(self, side: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `enveis transfer send` or `receive`; its output goes to the log."""
        home, where = (self.low, self.on_low) if side == "send" else (self.high, self.on_high)
        command = [*ENVEIS, "--home", str(home.root), "transfer", side, *arguments]
        with self.log.open("ab") as log:
            process = subprocess.Popen(list(where(*command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def start_receiver(self) -> subprocess.Popen[bytes]:
        """Start all three processes and wait until the socket is open."""
        process = self.start("receive")
        wait_until(lambda: self.shelf.figures.exists() and self.report().links[0].is_running, self.log_text)
        return process

    def stop(self) -> None:
        """End what was started."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(WATCHDOG)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def log_text(self) -> str:
        """Return what both sides have logged."""
        return self.log.read_text() if self.log.exists() else ""

    def report(self) -> ReceiverReport:
        """Return what the high side's operator would see."""
        return report_receiver(self.shelf, read_links(self.high.gateways), set(), now=time.time())

    def bags(self) -> list[Path]:
        """Return the batches that have arrived."""
        return sorted(path for path in self.shelf.arrived.glob("enveis-*"))

    def wait_for_bags(self, count: int, seconds: float = WATCHDOG) -> None:
        """Wait until so many batches have arrived."""
        wait_until(lambda: len(self.bags()) >= count, self.log_text, seconds=seconds)

    def role_pids(self, role: str) -> list[int]:
        """Return the processes of a role of this receiver."""
        wanted = f"{self.high.root}\0transfer\0receive\0--role\0{role}\0".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if wanted in path.read_bytes():
                    found.append(int(path.parent.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def assert_identical(self, bag: Path, packets: Sequence[PacketId], lane: Lane = Lane.CLEAR) -> None:
        """Compare each packet of a bag with what still lies in the spool."""
        names = {path.stem for path in (bag / "data" / "packets").iterdir()}
        assert names == set(packets)
        assert (bag / MANIFEST).exists()
        for packet in packets:
            assert digest(bag / "data" / "packets" / f"{packet}.age") == digest(lies_at(self.low.spool, packet, lane))


def free_udp_port(host: str = "127.0.0.1") -> int:
    """Return a UDP port that no socket has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def memory(pid: int, what: str = "VmHWM") -> int:
    """Return bytes of a process's memory: the most that was resident, by default."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {what} for {pid}")
