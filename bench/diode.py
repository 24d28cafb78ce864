"""`make bench-diode`: goodput over a one-way link beside pydiode and udpcast, in one run, in network namespaces.

Each program is first driven faster and faster without loss, until what it sent no longer arrives whole; its best
rate is then used with loss, and half of it when that fails. Time runs from the first 64 KiB on the wire to the
whole file (ours: the committed batch, each packet hashed and synced). Needs root. Nothing is asserted.
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.worlds.link import LinkEnds
from tests.worlds.namespaces import HIGH, LOW, PORT, Diode, run, why_not
from tests.worlds.spooled import lies_at
from transfer.diode.settings import ReceiverSettings, SenderSettings

SIZE: Final = 268_435_456  # bytes
MB: Final = 1_000_000
RATES: Final = (30, 45, 60, 75, 90, 110, 130, 150, 175, 200, 230, 260, 300, 350, 400)  # MB/s, asked for
LOSSES: Final = (0, 10, 50)  # thousandths
BEGUN: Final = 64 * 1024  # bytes on the wire
TRIES: Final = 2  # of a rate; a shared machine is sometimes busy
POLL: Final = 0.005  # seconds
PATIENCE: Final = 8.0  # seconds beyond thrice the time that the rate asks for


@dataclass(frozen=True)
class Tool:
    """One program: how a file of `SIZE` bytes goes from low to high at `rate` bytes a second."""

    name: str
    send: Callable[["Track", int], float | None]


@dataclass
class Track:
    """One diode, one file to be carried, and a folder for what arrives."""

    diode: Diode
    mtu: int
    source: Path
    digest: str
    root: Path

    def received(self, pid: int) -> int:
        """Return the bytes that reached the receiver's interface, lost ones too."""
        for line in Path(f"/proc/{pid}/net/dev").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name.strip() == self.diode.wire_high:
                return int(rest.split()[0])
        return 0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="where files lie (default: /dev/shm)")  # noqa: S108
    parser.add_argument("--quick", action="store_true", help="few rates: only to see that it runs")
    parser.add_argument("--only", choices=["pydiode", "udpcast", "enveis"], help="measure only this program")
    arguments = parser.parse_args()
    if reason := why_not():
        raise SystemExit(f"bench-diode cannot run: {reason}")
    rates = RATES[2:10:3] if arguments.quick else RATES
    with tempfile.TemporaryDirectory(prefix="enveis-bench-", dir=arguments.folder) as name:
        source = Path(name) / "source"
        digest = _write_source(source)
        pydiode, udpcast, ours = Tool("pydiode", _pydiode), Tool("udpcast", _udpcast), Tool("enveis", _enveis)
        tools = [tool for tool in (pydiode, udpcast, ours) if arguments.only in (None, tool.name)]
        _compare(tools, 1500, rates, source, digest)
        if ours in tools:
            _compare([ours], 9000, rates, source, digest)
    return 0


def _compare(tools: Sequence[Tool], mtu: int, rates: Sequence[int], source: Path, digest: str) -> None:
    print(f"\n256 MiB, MTU {mtu}, {os.cpu_count()} cores; MB/s that arrived whole (rate asked for)", flush=True)
    best: dict[str, float] = {}
    for tool in tools:
        cells, rate = [], 0
        for loss in LOSSES:
            found, asked = _climb(tool, mtu, rates, source, digest) if loss == 0 else (None, 0)
            if loss == 0:
                rate, best[tool.name] = asked, found or 0.0
            else:
                for asked in (rate, rate // 2):
                    found = _try(tool, mtu, loss, asked * MB, source, digest) if asked else None
                    if found:
                        break
            cells.append(f"{loss / 10:g} %: " + (f"{found:5.1f} ({asked})" if found else "did not arrive"))
        print(f"  {tool.name:8}  " + "   ".join(cells), flush=True)
    others = [value for name, value in best.items() if name != "enveis"]
    fastest = max(others, default=0.0)
    if fastest:
        print(f"  enveis / best of the others at 0 %: {best['enveis'] / fastest:.2f}", flush=True)


def _climb(tool: Tool, mtu: int, rates: Sequence[int], source: Path, digest: str) -> tuple[float | None, int]:
    best, asked, failures = None, 0, 0
    for rate in rates:
        found = _try(tool, mtu, 0, rate * MB, source, digest)
        failures = 0 if found else failures + 1
        if found and (best is None or found > best):
            best, asked = found, rate
        if failures == 2:
            break
    return best, asked


def _try(tool: Tool, mtu: int, loss: int, rate: int, source: Path, digest: str) -> float | None:
    for _ in range(TRIES):
        with tempfile.TemporaryDirectory(dir=source.parent) as root, Diode(mtu=mtu, loss_permille=loss) as diode:
            for space, wire in ((diode.low, diode.wire_low), (diode.high, diode.wire_high)):
                run("ip", "-n", space, "route", "add", "224.0.0.0/4", "dev", wire)
            seconds = tool.send(Track(diode, mtu, source, digest, Path(root)), rate)
        if seconds:
            return SIZE / seconds / MB
    return None


def _write_source(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as stream:
        for _ in range(SIZE // MB + 1):
            piece = os.urandom(min(MB, SIZE - stream.tell()))
            digest.update(piece)
            stream.write(piece)
    return digest.hexdigest()


def _enveis(track: Track, rate: int) -> float | None:
    sender = SenderSettings(to=f"{HIGH}:{PORT}", mtu=track.mtu, rate_bytes=rate, passes=1, carousel_times=0)
    receiver = ReceiverSettings(listen=f"{HIGH}:{PORT}")
    ends = LinkEnds(track.root, sender, receiver, track.diode.on_low, track.diode.on_high)
    packet = ends.put(1)
    shutil.copyfile(track.source, lies_at(ends.low.spool, packet))
    try:
        process = ends.start_receiver()
        ends.start("send")
        seconds = _timed(track, process.pid, rate, lambda: bool(ends.bags()))
        if seconds and _digest(ends.bags()[0] / "data" / "packets" / f"{packet}.age") == track.digest:
            return seconds
        return None
    finally:
        ends.stop()


def _pydiode(track: Track, rate: int) -> float | None:
    program = str(Path(sys.executable).with_name("pydiode"))
    receive = [program, "receive", HIGH]
    send = [program, "send", "--max-bitrate", str(8 * rate), HIGH, LOW]
    return _streamed(track, rate, receive, send)


def _udpcast(track: Track, rate: int) -> float | None:
    common = ["--nokbd", "--no-progress", "--mcast-rdv-address", "232.1.1.1"]
    # Its own best: its largest block for this MTU, and its usual code.
    size = ["--blocksize", "1456", "--fec", "8x8/128", "--max-bitrate", f"{8 * rate // 1000}k"]
    receive = ["udp-receiver", *common, "--interface", track.diode.wire_high]
    send = ["udp-sender", *common, *size, "--interface", track.diode.wire_low, "--async", "--autostart", "1"]
    send += ["--mcast-data-address", "232.1.1.1"]
    return _streamed(track, rate, receive, send)


def _streamed(track: Track, rate: int, receive: list[str], send: list[str]) -> float | None:
    """Time two programs that read their standard input and write their standard output."""
    arrived = track.root / "arrived"
    with (
        arrived.open("wb") as out,
        track.source.open("rb") as source,
        _running(track.diode.on_high(*receive), stdout=out.fileno()) as receiver,
    ):
        time.sleep(1.0)
        with _running(track.diode.on_low(*send), stdin=source.fileno()):
            seconds = _timed(track, receiver.pid, rate, lambda: arrived.stat().st_size >= SIZE)
    return seconds if seconds and _digest(arrived) == track.digest else None


def _timed(track: Track, pid: int, rate: int, is_done: Callable[[], bool]) -> float | None:
    end, started = time.monotonic() + 3 * SIZE / rate + PATIENCE, None
    while time.monotonic() < end:
        if started is None:
            with contextlib.suppress(FileNotFoundError):
                started = time.monotonic() if track.received(pid) > BEGUN else None
        elif is_done():
            return time.monotonic() - started
        time.sleep(POLL)
    return None


@contextmanager
def _running(
    command: list[str], *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
