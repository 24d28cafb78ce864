"""`make bench-batches`: what a crossing takes for each packet, in time and memory, at 1,000, 10,000 and 100,000.

Small packets, real keys, every step in a process of its own; spool, bags and inbox in memory, so that a disk's syncing
does not hide what the program does. CPU seconds are of that process, memory is its largest resident set. Growth is what
counts: the same time for each packet and the same memory, however many there are. Nothing is asserted.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from audit.events import Event, LogRecord
from audit.log import AuditLog
from audit.utc_day import utc_today
from keys.age.reader import open_stream
from keys.age.small import open_bytes, seal_bytes
from keys.identity import Identity, encode_identity_file, generate_identity, read_identities
from keys.recipient import KeyKind
from keys.signing import SigningKey, parse_signing_key
from transfer.batch.batch import gateway_id
from transfer.high_side.arrivals import Arrivals
from transfer.high_side.high_side import HighSide
from transfer.high_side.import_bag import import_bag
from transfer.high_side.status import read_high_status
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.export import export
from transfer.low_side.low_side import LowSide
from transfer.low_side.outbox import Outbox
from transfer.low_side.status import WaitingLimits, read_low_status
from transfer.names import Lane, PacketId, new_packet_id
from transfer.spool.lanes import TickFolder
from transfer.spool.spool import Spool
from transfer.usb.bag_writer import find_bags

COUNTS: Final = (1_000, 10_000, 100_000)
STEPS: Final = ("export", "status below", "import", "status above", "acknowledge")
TICK: Final = 10  # seconds
CONTENT: Final = b"evidence" * 100
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
LOG_LINES: Final = 1000  # written with one sync
LIMITS: Final = WaitingLimits(alarm_days=3, overdue_days=3, retention_days=30)


def main() -> int:
    """Measure and print; with a step's name, be that step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="packets (default 1000 10000 100000)")
    parser.add_argument("--folder", type=Path, help="where everything lies (default: /dev/shm)")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(_measured(arguments.step, arguments.folder)))
        return 0
    print(f"{'packets':>9}  " + "  ".join(f"{step:>22}" for step in STEPS))
    for count in arguments.counts:
        _row(count, arguments.folder or MEMORY)
    print("ms of CPU for each packet, and the largest resident set")
    return 0


def _row(count: int, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="enveis-bench-", dir=folder) as name:
        root = Path(name)
        _prepare(root, count)
        cells = []
        for step in STEPS:
            command = [sys.executable, "-m", "bench.batches", "--step", step, "--folder", str(root)]
            answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            cells.append(f"{1000 * answer['cpu'] / count:9.3f} ms {answer['rss'] / 1024:6.1f} MiB")
        print(f"{count:>9}  " + "  ".join(f"{cell:>22}" for cell in cells), flush=True)


def _prepare(root: Path, count: int) -> None:
    """Make both homes, and a spool of `count` packets of the same content under ids of their own."""
    identity, key = generate_identity(KeyKind.CLASSIC), SigningKey.generate()
    for name, content in (("identity.txt", encode_identity_file(identity, None)), ("key", key.encode().encode())):
        (root / name).write_bytes(content)
        (root / name).chmod(0o600)
    for folder in ("low", "high", "high/gateways", "stick"):
        (root / folder).mkdir()
    low = _low(root)
    low.spool.prepare()
    sealed = seal_bytes(CONTENT, [identity.recipient])
    tick = TickFolder(1_000_000, Lane.CLEAR)
    tick.path(low.spool.root).mkdir()
    ids = [new_packet_id() for _ in range(count)]
    for packet in ids:
        tick.file(low.spool.root, packet).write_bytes(sealed)
    low.spool.recount()
    for start in range(0, count, LOG_LINES):
        _log(low.audit, ids[start : start + LOG_LINES])


def _log(audit: AuditLog, ids: list[PacketId]) -> None:
    audit.extend([LogRecord(event=Event.SUBMISSION_SEALED, packet=packet, lane="clear") for packet in ids])


def _measured(step: str, root: Path) -> dict[str, float]:
    work: dict[str, Callable[[Path], None]] = {
        "export": _export,
        "status below": _status_below,
        "import": _import,
        "status above": _status_above,
        "acknowledge": _acknowledge,
    }
    before = _cpu()
    work[step](root)
    return {"cpu": _cpu() - before, "rss": _largest()}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _largest() -> int:
    """Return KiB. Not ru_maxrss: that of a child begins with its parent's (getrusage(2))."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def _export(root: Path) -> None:
    report = export(_low(root), root / "stick", progress=_unseen)
    if report.remaining:
        raise RuntimeError("not everything was exported: give more room, see --folder")


def _status_below(root: Path) -> None:
    low = _low(root)
    read_low_status(low.spool, low.outbox, today=utc_today(), limits=LIMITS)


def _import(root: Path) -> None:
    identity, key = _identity(root), _key(root)
    words = []

    def open_packet(stream: BinaryIO) -> None:
        for _ in open_stream(stream, [identity]):
            pass

    high = HighSide(
        trusted={gateway_id(key.public): key.public},
        arrivals=Arrivals(root / "high" / "arrivals.sqlite"),
        inbox=root / "high" / "inbox",
        gateways=root / "high" / "gateways",
        audit=AuditLog(root / "high" / "audit.jsonl", today=utc_today),
        today=utc_today,
        open_packet=open_packet,
        open_secret=lambda sealed: open_bytes(sealed, [identity]),
    )
    for bag in find_bags(root / "stick"):
        report = import_bag(high, bag, progress=_unseen)
        words.append(report.code)
        shutil.rmtree(bag)  # room for the rest
    (root / "words").write_text("\n".join(words))


def _status_above(root: Path) -> None:
    read_high_status(Arrivals(root / "high" / "arrivals.sqlite"))


def _acknowledge(root: Path) -> None:
    low = _low(root)
    for words in (root / "words").read_text().splitlines():
        acknowledge(low, words)


def _low(root: Path) -> LowSide:
    return LowSide(
        key=_key(root),
        recipients=(_identity(root).recipient,),
        spool=Spool(root / "low" / "spool", quota=2**50, reserve=0, tick=TICK),
        outbox=Outbox.begin(root / "low" / "outbox.sqlite"),
        audit=AuditLog(root / "low" / "audit.jsonl", today=utc_today),
        lock=root / "low" / "transfer.lock",
        today=utc_today,
    )


def _identity(root: Path) -> Identity:
    return read_identities(root / "identity.txt", str)[0]


def _key(root: Path) -> SigningKey:
    return parse_signing_key((root / "key").read_text())


def _unseen(_done: int, _total: int) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    sys.exit(main())
