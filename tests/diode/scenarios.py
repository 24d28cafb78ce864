"""What a link goes through: short in the tests, long in `make soak-diode`. Each returns what it measured."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.worlds.link import MIB, LinkEnds, memory
from tests.worlds.namespaces import HIGH, PORT, Diode
from tests.worlds.waiting import WATCHDOG, wait_until
from transfer.diode.settings import ReceiverSettings, SenderSettings
from transfer.names import PacketId

STALL: Final = 0.4  # seconds
RSS_MAX: Final = 150 * MIB
ROLES: Final = ("network", "decode", "commit")


@dataclass(frozen=True)
class Crossing:
    """One transfer: how long it took from the moment the packet was there, and the receiver's largest process."""

    seconds: float
    transmissions: int
    memory: int

    @property
    def transmission_text(self) -> str:
        """Which transmission brought the end, as far as the heartbeats show; 0 if it had ended."""
        return str(self.transmissions) if self.transmissions else "just ended"


@dataclass
class Rig:
    """A diode with both ends on it; the receiver runs."""

    diode: Diode
    ends: LinkEnds

    def cross(self, size: int, *, seconds: float = WATCHDOG) -> Crossing:
        """Send a packet of `size` bytes as a batch of its own, and compare what arrives."""
        before = len(self.ends.bags())
        packet = self.ends.put(size)
        started = time.monotonic()
        return self.arrived(packet, before, started, seconds)

    def arrived(self, packet: PacketId, before: int, started: float, seconds: float = WATCHDOG) -> Crossing:
        """Wait for the batch with this packet."""
        self.ends.wait_for_bags(before + 1, seconds)
        took = time.monotonic() - started
        bags = [bag for bag in self.ends.bags() if (bag / "data" / "packets" / f"{packet}.age").exists()]
        assert len(bags) == 1, "never a second copy"
        self.ends.assert_identical(bags[0], [packet])
        figures = self.ends.report().links[0].figures
        used = [memory(pid) for role in ROLES for pid in self.ends.role_pids(role)]
        return Crossing(took, figures.transmission if figures else 0, max(used))

    def assert_silent(self) -> None:
        """Not one frame came back, and none was even tried."""
        sent, back = self.diode.frames()
        assert back == 0, f"{back} frames left the receiver's side"
        assert self.diode.tried_to_leave() == 0
        assert sent > 0


@contextmanager
def rig(
    *,
    mtu: int = 1500,
    loss: int = 0,
    rate: int = 50_000_000,
    gap: int = 30,
    passes: int = SenderSettings.passes,
    folder: Path | None = None,
) -> Iterator[Rig]:
    """Build a diode and start its receiver; `loss` in thousandths, the others are settings of the sender."""
    with (
        tempfile.TemporaryDirectory(prefix="enveis-link-", dir=folder) as root,
        Diode(mtu=mtu, loss_permille=loss) as diode,
    ):
        sender = SenderSettings(to=f"{HIGH}:{PORT}", mtu=mtu, rate_bytes=rate, pass_gap_seconds=gap, passes=passes)
        receiver = ReceiverSettings(listen=f"{HIGH}:{PORT}")
        ends = LinkEnds(Path(root), sender, receiver, diode.on_low, diode.on_high)
        try:
            ends.start_receiver()
            yield Rig(diode, ends)
        finally:
            ends.stop()


def stall(rig_: Rig, process: int, stop: float) -> None:
    """Stop a process for a moment, again and again, until the time `stop`."""
    while time.monotonic() < stop and not rig_.ends.bags():
        os.kill(process, signal.SIGSTOP)
        time.sleep(STALL)
        os.kill(process, signal.SIGCONT)
        time.sleep(3 * STALL)


def kill_at_random(rig_: Rig, size: int, kills: int, *, seed: int, seconds: float = WATCHDOG) -> Crossing:
    """Kill one process of the receiver after another, at random points of a transfer, until it has arrived."""
    chance, before = random.Random(seed), len(rig_.ends.bags())
    packet, started = rig_.ends.put(size), time.monotonic()
    for _ in range(kills):
        time.sleep(chance.uniform(0.05, 0.6))
        for pid in rig_.ends.role_pids(chance.choice(ROLES)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    found = rig_.arrived(packet, before, started, seconds)
    wait_until(lambda: not rig_.ends.shelf.names(), rig_.ends.log_text)
    return found


FLOOD: Final = """
import os, socket, sys, time
host, port, size, rate, seconds = sys.argv[1], *map(int, sys.argv[2:])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.setsockopt(socket.SOL_UDP, 103, size)
many = 40
garbage = [os.urandom(size * many) for _ in range(8)]
# The other half looks like ours up to the MAC.
ours = b"\\1\\0" + bytes.fromhex(sys.stdin.readline().strip())
garbage += [b"".join(ours + os.urandom(size - 4) for _ in range(many)) for _ in range(8)]
sent, start = 0, time.monotonic()
while (now := time.monotonic()) < start + seconds:
    out.sendto(garbage[sent // many % 16], (host, port))
    sent += many
    ahead = sent / rate - (now - start)
    if ahead > 0:
        time.sleep(ahead)
print(int(sent / (time.monotonic() - start)))
"""


@contextmanager
def flood(rig_: Rig, *, rate: int, seconds: int) -> Iterator[subprocess.Popen[str]]:
    """Send garbage from the sender's machine beside all other traffic; it prints its rate when it ends."""
    gateway = rig_.ends.low.load_pairing().gateway
    size = rig_.ends.sender.mtu - 48
    command = [sys.executable, "-c", FLOOD, HIGH, str(PORT), str(size), str(rate), str(seconds)]
    process = subprocess.Popen(rig_.diode.on_low(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(f"{gateway[:4]}\n")
    process.stdin.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
