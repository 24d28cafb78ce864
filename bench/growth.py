"""`make bench-growth`: what a submission, a look and a batch cost while up to a million packets wait.

One gateway and one desk, and at each row more waiting packets (files of one byte in the folders of their ticks, half of
them in a single tick), their tokens, their lines in the log, and as many packets in the desk's inbox and ledger. Then,
at that size:

    commit       a packet of 1 KB promised, written and made durable in its lane, in one process
    submission   a text sent to the gateway's address, until the page with the receipt is here
    status       the command `enveis transfer status`
    export       the oldest 1,000 packets into one batch on a stick
    import       this batch at the desk: verified, opened, filed, recorded
    acknowledge  its words at the gateway, which deletes the 1,000

Milliseconds of CPU of the program that does it, then of the clock, each the median of some runs; last, the largest of a
column divided by its smallest. The clock depends on the disk and on who else uses it: what counts is the CPU. All is
made in a folder of its own, which is removed at the end; it needs some 6 GB. Nothing is asserted.

A batch takes up to 2 MiB of new lines of the log along; in each row it does, as after a long wait.

What is not here: the first command after many submissions reads their lines of the log once, and remembers up to where;
and packets are listed at the start and at each tick, in a thread, where nobody waits for it.
"""

import argparse
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from audit.events import Event, LogRecord
from audit.log import AuditLog
from disk.lock import exclusive, is_held
from enveis.wiring import low_side
from keys.age.small import seal_bytes
from tests.worlds.crossing import High
from tests.worlds.gateway_process import GatewayProcess
from transfer.batch.batch import GatewayId, gateway_id
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.export import _new_batches
from transfer.low_side.recovery import resume
from transfer.names import Lane, PacketId, new_packet_id
from transfer.spool.lanes import TickFolder
from transfer.spool.spool import Spool

COUNTS: Final = (0, 10_000, 100_000, 1_000_000)
COLUMNS: Final = ("commit", "submission", "status", "export", "import", "acknowledge")
BATCH: Final = 1000  # packets
LOG_LINES: Final = 1000  # written with one sync
TICK: Final = 3600  # seconds
TICKS: Final = 40  # that half of the waiting packets are spread over
BACKLOG: Final = 40_000  # lines of the log that no batch took along yet
LINKS: Final = 30_000  # names of one file; ext4 allows 65,000
QUOTA: Final = 2**45  # bytes
Figures = dict[str, tuple[float, float]]  # by column: ms of CPU, ms of the clock


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="waiting packets, rising")
    parser.add_argument("--runs", type=int, default=3, help="batches at each size (default 3)")
    parser.add_argument("--folder", type=Path, help="where everything lies (default: the system's)")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="enveis-growth-", dir=arguments.folder) as name:
        place = Place(Path(name))
        print(f"{'waiting':>9}" + "".join(f"{column:>18}" for column in COLUMNS), flush=True)
        for count in arguments.counts:
            place.grow(count)
            rows.append(place.measured(arguments.runs))
            _print(f"{count:>9}", rows[-1])
        _say("removing the folder")
    ratios = {column: tuple(_ratio([row[column][at] for row in rows]) for at in (0, 1)) for column in COLUMNS}
    print(f"{'largest':>9}" + "".join(f"{f'{cpu:.2f} x / {clock:.2f} x':>18}" for cpu, clock in ratios.values()))
    print("ms of CPU / ms of the clock")
    return 0


def _print(head: str, row: Figures) -> None:
    print(head + "".join(f"{f'{row[column][0]:.1f} / {row[column][1]:.1f}':>18}" for column in COLUMNS), flush=True)


def _ratio(values: list[float]) -> float:
    return max(values) / max(min(values), 0.001)


def _say(text: str) -> None:
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


class Place:
    """A gateway and a desk that trust each other, and what waits there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gateway = GatewayProcess(root, tick_seconds=TICK, quota_bytes=QUOTA, inspection=False)
        self.home = self.gateway.home
        key = self.home.load().signing_key.public
        self.id: GatewayId = gateway_id(key)
        self.high = High(root / "high", self.gateway.identity, {self.id: key})
        self.high.inbox.mkdir()
        self.waiting = 0
        self.clock = int(time.time())
        self.sealed = seal_bytes(b"evidence" * 100, [self.gateway.identity.recipient])
        self._spool().prepare()
        _log(self.home.log(), [new_packet_id() for _ in range(BACKLOG)])

    def _spool(self) -> Spool:
        return Spool(self.home.spool, quota=QUOTA, reserve=0, tick=TICK)

    def grow(self, count: int) -> None:
        """Let as many packets wait, and lie at the desk."""
        more = count - self.waiting
        one = self.root / "one"
        for start in range(0, more, LINKS):
            ids = [new_packet_id() for _ in range(min(LINKS, more - start))]
            self._lay(ids, start)
            one.unlink(missing_ok=True)
            one.write_bytes(b"x")
            _link(one, [self.home.spool / "withdrawable" / packet for packet in ids])
            others = [new_packet_id() for _ in ids]  # the desk has other packets than those that wait
            _link(one, [self.high.inbox / f"{packet}.age" for packet in others])
            self._record(others, start)
            _log(self.home.log(), ids)
            _say(f"{self.waiting + start + len(ids):,} packets wait")
        self.waiting = count
        self._spool().recount()
        _say("")

    def _lay(self, ids: list[PacketId], start: int) -> None:
        for number, packet in enumerate(ids, start):
            ticks = 1 if number % 2 else 2 + number // 2 % TICKS
            folder = TickFolder(self.clock // TICK * TICK - ticks * TICK, Lane.CLEAR)
            path = folder.file(self.home.spool, packet)
            if number < 2 * TICKS:
                path.parent.mkdir(exist_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(fd, b"x")
            os.close(fd)

    def _record(self, ids: list[PacketId], start: int) -> None:
        """Enter packets into the desk's ledger, as batches of another gateway brought them."""
        number = (self.waiting + start) // BATCH + 1
        day = date(2026, 1, 1).isoformat()
        db = sqlite3.connect(self.high.home / "arrivals.sqlite", isolation_level=None)
        db.execute("BEGIN")
        for at in range(0, len(ids), BATCH):
            db.execute(
                "INSERT OR IGNORE INTO batches (gateway, number, digest, lane, day, came, packets, audit_last, "
                "audit_head, log_seq, said) VALUES ('0000000000000000', ?, ?, 'clear', ?, ?, ?, 0, '', 0, 1)",
                (number + at // BATCH, f"{number + at // BATCH:064x}", day, day, BATCH),
            )
        rows = [(packet, "0" * 64, number) for packet in ids]
        db.executemany("INSERT INTO packets VALUES (?, ?, 1, 'clear', '0000000000000000', ?, 0)", rows)
        db.execute("COMMIT")
        db.close()

    def measured(self, runs: int) -> Figures:
        """Return the figures at this size."""
        found = {"commit": self._commit(), "submission": self._submission(), "status": self._status(runs)}
        batches = [self._batch(run) for run in range(runs)]
        for column in ("export", "import", "acknowledge"):
            both = zip(*(batch[column] for batch in batches), strict=True)
            cpu, clock = (statistics.median(values) for values in both)
            found[column] = cpu, clock
        return found

    def _commit(self) -> tuple[float, float]:
        spool, times = self._spool(), []
        before, count = time.process_time(), 200
        for _ in range(count):
            began = time.perf_counter()
            incoming = spool.create(new_packet_id(), spool.admit(1000))
            incoming.write(bytes(1000))
            incoming.commit(Lane.HELD, withdrawal="0" * 64)
            times.append(1000 * (time.perf_counter() - began))
        return 1000 * (time.process_time() - before) / count, statistics.median(times)

    def _submission(self) -> tuple[float, float]:
        times, count = [], 60
        with self.gateway as gateway:
            gateway.submit([("message", "a first one")])
            while is_held(self.home.root / "spool.room" / "recount.lock"):  # counted at the start, in a thread
                time.sleep(0.1)
            before = _cpu_of(gateway.pid)
            for _ in range(count):
                began = time.perf_counter()
                if not gateway.submit([("message", "text " * 200)]).words:
                    raise SystemExit("the gateway gave no receipt")
                times.append(1000 * (time.perf_counter() - began))
            cpu = _cpu_of(gateway.pid) - before
        return 1000 * cpu / count, statistics.median(times)

    def _status(self, runs: int) -> tuple[float, float]:
        command = [sys.executable, "-m", "enveis", "--home", str(self.home.root), "transfer", "status"]
        cpus, clocks = [], []
        for _ in range(runs + 3):
            before, began = _children(), time.perf_counter()
            done = subprocess.run(command, check=False, capture_output=True)
            if done.returncode not in (0, 3):  # 3: a packet is old
                raise SystemExit(done.stderr.decode())
            cpus.append(1000 * (_children() - before))
            clocks.append(1000 * (time.perf_counter() - began))
        return statistics.median(cpus), statistics.median(clocks)

    def _batch(self, run: int) -> Figures:
        """Let 1,000 packets of the oldest tick cross."""
        clock = self.clock - 20 * 24 * 3600
        spool = Spool(self.home.spool, quota=QUOTA, reserve=0, tick=TICK, now=lambda: clock)
        folder = TickFolder(spool.tick_start(), Lane.CLEAR)
        folder.path(self.home.spool).mkdir(exist_ok=True)
        ids = [new_packet_id() for _ in range(BATCH)]
        for packet in ids:
            folder.file(self.home.spool, packet).write_bytes(self.sealed)
        spool.recount()
        _log(self.home.log(), ids)
        stick, low, found = self.root / f"stick-{self.waiting}-{run}", low_side(self.home), Figures()
        stick.mkdir()
        with _timed(found, "export"), exclusive(low.lock):
            resume(low)
            batch = next(_new_batches(low, stick, [Lane.CLEAR], _unseen))
        if batch.packets != BATCH:
            raise SystemExit("other packets were exported than the oldest")
        with _timed(found, "import"):
            report = self.high.take(batch.folder)
        if len(report.arrived) != BATCH:
            raise SystemExit("not all packets arrived")
        with _timed(found, "acknowledge"):
            acknowledge(low, report.code)
        shutil.rmtree(stick)
        return found


@contextmanager
def _timed(found: Figures, column: str) -> Iterator[None]:
    os.sync()  # what was made before is not written during the measurement
    before, began = time.process_time(), time.perf_counter()
    yield
    found[column] = 1000 * (time.process_time() - before), 1000 * (time.perf_counter() - began)


def _link(one: Path, names: list[Path]) -> None:
    for name in names:
        os.link(one, name)


def _log(audit: AuditLog, ids: list[PacketId]) -> None:
    for start in range(0, len(ids), LOG_LINES):
        some = ids[start : start + LOG_LINES]
        audit.extend([LogRecord(event=Event.SUBMISSION_SEALED, packet=packet, lane="clear") for packet in some])


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _unseen(_done: int, _total: int) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    sys.exit(main())
