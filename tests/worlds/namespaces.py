"""A diode out of two network namespaces: a veth pair, loss on the way up, and nothing at all on the way down.

Needs root. Frames are real: segmentation and its reverse are off, so that loss drops single datagrams. There is no
netem in every kernel, so loss is nftables' `numgen` at the receiver's ingress.
"""

import json
import os
import re
import subprocess
from itertools import count
from types import TracebackType
from typing import Final, Self

from tests.worlds.waiting import WATCHDOG

LOW: Final = "192.0.2.1"  # RFC 5737
HIGH: Final = "192.0.2.2"
PORT: Final = 4141
LOW_MAC: Final = "02:00:00:00:00:01"
HIGH_MAC: Final = "02:00:00:00:00:02"

_numbers = count()


def why_not() -> str:
    """Return why no diode can be built here, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"enveis-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True, text=True)
    if made.returncode:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    run("ip", "netns", "del", name)
    return ""


def run(*command: str) -> str:
    """Run a program that must succeed and return what it printed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=WATCHDOG)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Diode:
    """Two machines and the link between them. As a context: takes it all down."""

    def __init__(self, *, mtu: int = 1500, loss_permille: int = 0, reverse: bool = False) -> None:
        number = f"{os.getpid()}-{next(_numbers)}"
        self.low, self.high = f"enveis-low-{number}", f"enveis-high-{number}"
        self._mtu, self._loss, self._reverse = mtu, loss_permille, reverse
        self.wire_low, self.wire_high = f"elo{number}"[:15], f"ehi{number}"[:15]

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in (self.low, self.high):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def on_low(self, *command: str) -> list[str]:
        """Return the command that runs `command` on the sender's machine."""
        return ["ip", "netns", "exec", self.low, *command]

    def on_high(self, *command: str) -> list[str]:
        """Return the command that runs `command` on the receiver's machine."""
        return ["ip", "netns", "exec", self.high, *command]

    def set_loss(self, permille: int) -> None:
        """Lose so many of a thousand frames from now on."""
        self._nft("flush chain netdev diode in")
        if permille >= 1000:
            self._nft("add rule netdev diode in counter drop")
        elif permille:
            self._nft(f"add rule netdev diode in numgen random mod 1000 < {permille} counter drop")

    def frames(self) -> tuple[int, int]:
        """Return how many frames left the sender's side, and how many came back to it."""
        shown = json.loads(run(*self.on_low("ip", "-j", "-s", "link", "show", "dev", self.wire_low)))
        statistics = shown[0]["stats64"]
        return int(statistics["tx"]["packets"]), int(statistics["rx"]["packets"])

    def tried_to_leave(self) -> int:
        """Return how many frames the receiver's machine tried to send; all were dropped."""
        text = run(*self.on_high("nft", "list", "chain", "netdev", "diode", "out"))
        found = re.search(r"counter packets (\d+)", text)
        return int(found[1]) if found else 0

    def _build(self) -> None:
        for name in (self.low, self.high):
            run("ip", "netns", "add", name)
            for each in ("all", "default"):
                run("ip", "netns", "exec", name, "sysctl", "-qw", f"net.ipv6.conf.{each}.disable_ipv6=1")
        low, high = self.wire_low, self.wire_high
        run("ip", "link", "add", low, "netns", self.low, "type", "veth", "peer", "name", high, "netns", self.high)
        ends = [
            (self.low, low, LOW, LOW_MAC, HIGH, HIGH_MAC),
            (self.high, high, HIGH, HIGH_MAC, LOW, LOW_MAC),
        ]
        for space, wire, address, mac, other, other_mac in ends:
            inside = ["ip", "-n", space]
            run(*inside, "link", "set", wire, "address", mac, "mtu", str(self._mtu))
            run(*inside, "address", "add", f"{address}/24", "dev", wire)
            run(*inside, "link", "set", "lo", "up")
            # A neighbour that was asked for would have to answer.
            run(*inside, "link", "set", wire, "up", "arp", "on" if self._reverse else "off")
            run(*inside, "neigh", "replace", other, "lladdr", other_mac, "dev", wire, "nud", "permanent")
            run(*inside, "link", "set", wire, "gso_max_segs", "1", "gro_max_size", "0")
        self._nft("add table netdev diode")
        self._nft(f"add chain netdev diode in {{ type filter hook ingress device {high} priority 0; }}")
        if not self._reverse:
            self._nft(f"add chain netdev diode out {{ type filter hook egress device {high} priority 0; }}")
            self._nft("add rule netdev diode out counter drop")
        self.set_loss(self._loss)

    def _nft(self, command: str) -> None:
        run(*self.on_high("nft", *command.split(" ")))
