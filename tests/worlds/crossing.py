"""Both sides of a crossing in a folder, with real keys, files and processes: for tests."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

from audit.events import Event
from audit.log import AuditLog
from keys.age.reader import open_stream
from keys.age.small import open_bytes, seal_bytes
from keys.identity import Identity, generate_identity
from keys.recipient import KeyKind
from keys.signing import SigningKey, VerifyKey
from tests.worlds.spooled import lay, spooled
from transfer.batch.batch import GatewayId, gateway_id
from transfer.high_side.arrivals import Arrivals
from transfer.high_side.high_side import HighSide
from transfer.high_side.import_bag import ImportReport, import_bag
from transfer.low_side.export import ExportReport, export
from transfer.low_side.low_side import LowSide
from transfer.low_side.outbox import Outbox
from transfer.names import Lane, PacketId
from transfer.spool.spool import Spool
from transfer.usb.bag_writer import Progress

DAY = date(2026, 11, 21)
MIDNIGHT = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp())
TICK = 10


def no_progress(done: int, total: int) -> None:
    assert 0 <= done <= total


@dataclass
class Low:
    """A gateway's side: spool, ledger, log. `later` lets the tick pass."""

    home: Path
    identity: Identity
    key: SigningKey = field(default_factory=SigningKey.generate)
    now: float = 1_000_000.0

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        self.spool = Spool(self.home / "spool", quota=2**40, reserve=0, tick=TICK, now=lambda: self.now)
        self.spool.prepare()
        self.audit = AuditLog(self.home / "audit.jsonl", today=lambda: DAY)
        self.outbox = Outbox.begin(self.home / "outbox.sqlite")

    @property
    def side(self) -> LowSide:
        """A fresh one each time: what is not on the disk does not count (a ledger opens its file for each question)."""
        return LowSide(
            key=self.key,
            recipients=(self.identity.recipient,),
            spool=self.spool,
            outbox=self.outbox,
            audit=self.audit,
            lock=self.home / "outbox.lock",
            today=lambda: DAY,
        )

    def put(
        self, packet: int, content: bytes = b"evidence", *, lane: Lane = Lane.CLEAR, sealed: bytes = b""
    ) -> PacketId:
        """Seal `content` into the spool; the tick has not passed for it."""
        packet_id = PacketId(f"{packet:08x}" + "0" * 24)
        content = sealed or seal_bytes(content, [self.identity.recipient])
        lay(self.spool.root, packet_id, content, start=int(self.now) // TICK * TICK, lane=lane)
        self.audit.append(Event.SUBMISSION_SEALED, packet=packet_id, lane=str(lane))
        return packet_id

    def later(self) -> None:
        """Let the tick pass."""
        self.now += 2 * TICK

    def export(self, stick: Path) -> ExportReport:
        """Export everything that is ready onto `stick`."""
        stick.mkdir(exist_ok=True)
        return export(self.side, stick, progress=no_progress)

    def spooled(self) -> set[str]:
        """Return the names of the packets in both lanes."""
        return set(spooled(self.spool.root))


@dataclass
class High:
    """A desk's side: inbox, ledger, copies of logs."""

    home: Path
    identity: Identity
    trusted: dict[GatewayId, VerifyKey]

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        (self.home / "gateways").mkdir(exist_ok=True)
        self.audit = AuditLog(self.home / "audit.jsonl", today=lambda: DAY)
        self.arrivals = Arrivals(self.home / "arrivals.sqlite")  # opens its file for each question

    @property
    def inbox(self) -> Path:
        """Where packets are filed."""
        return self.home / "inbox"

    def take(self, bag: Path, *, progress: Progress = no_progress) -> ImportReport:
        """Import one bag."""
        high = HighSide(
            trusted=self.trusted,
            arrivals=self.arrivals,
            inbox=self.inbox,
            gateways=self.home / "gateways",
            audit=self.audit,
            today=lambda: DAY,
            open_packet=self.open_packet,
            open_secret=lambda sealed: open_bytes(sealed, [self.identity]),
        )
        return import_bag(high, bag, progress=progress)

    def open_packet(self, stream: BinaryIO) -> None:
        """Open to the last chunk."""
        for _ in open_stream(stream, [self.identity]):
            pass

    def filed(self) -> set[str]:
        """Return the ids of the packets in the inbox; nothing else may lie there but the lock."""
        if not self.inbox.exists():
            return set()
        names = {path.name for path in self.inbox.iterdir()} - {".lock"}
        assert all(name.endswith(".age") for name in names), names
        return {name.removesuffix(".age") for name in names}

    def copy(self, low: Low) -> bytes:
        """Return the copy of the gateway's log."""
        path = self.home / "gateways" / f"{gateway_id(low.key.public)}.audit.jsonl"
        return path.read_bytes() if path.exists() else b""


def make_sides(folder: Path) -> tuple[Low, High]:
    """Return a gateway and a desk that trust each other."""
    identity = generate_identity(KeyKind.CLASSIC)
    low = Low(folder / "low", identity)
    return low, High(folder / "high", identity, {gateway_id(low.key.public): low.key.public})
