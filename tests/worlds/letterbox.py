"""A gateway and its desk in two homes, driven as people drive them: pages by a browser, the rest by `enveis`."""

import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from enveis.demo.two_machines import RunningGateway, TwoMachines
from gateway.home.config import GatewayConfig
from tests.worlds.spooled import spooled
from tests.worlds.waiting import WATCHDOG
from transfer.names import Lane
from transfer.spool.spool import Spool

# The tick is that of a real letterbox: pages tell it, and pictures of pages go into the documentation.
DEFAULTS: dict[str, Any] = {"tick_seconds": 6 * 3600, "inspection": False, "name": "Klageportalen"}
DAY = 24 * 3600  # seconds


class Letterbox:
    """Start with `with`; every setting of gateway.toml may be given. `url` is the front page."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.machines = TwoMachines(root / "machines")
        self.root = root
        self.machines.prepare(replace(GatewayConfig(), **{**DEFAULTS, **settings}))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._gateway = RunningGateway(self.machines, "127.0.0.1", port)
        self.origin = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self._gateway.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gateway.__exit__(kind, error, trace)

    @property
    def pid(self) -> int:
        """The process id of the gateway."""
        if self._gateway.pid is None:
            raise RuntimeError("the gateway does not run")
        return self._gateway.pid

    def low(self, *words: str, text: str = "") -> str:
        """Run a command at the gateway."""
        return self._run(self.machines.low.root, words, text)

    def high(self, *words: str, text: str = "") -> str:
        """Run a command at the desk."""
        return self._run(self.machines.high.root, words, text)

    def spooled(self) -> set[str]:
        """Return the ids of the packets that wait at the gateway."""
        return set(spooled(self.machines.low.spool))

    def carry(self) -> set[str]:
        """Carry all that is ready to the desk and acknowledge it; return the ids of all packets there."""
        stick = self.root / "stick"
        stick.mkdir(exist_ok=True)
        # What was just sent leaves at the end of its tick only: it came yesterday.
        for lane in Lane:
            for tick in (self.machines.low.spool / lane).iterdir():
                if tick.name.isdecimal():
                    tick.rename(tick.with_name(str(int(tick.name) - DAY)))
        Spool(self.machines.low.spool, quota=1, reserve=0, tick=1).recount()
        self.low("transfer", "export", "--own-disk", str(stick))
        self.high("transfer", "import", str(stick))
        return self.inbox()

    def inbox(self) -> set[str]:
        """Return the ids of the packets at the desk."""
        return set(re.findall(r"\b[0-9a-f]{32}\b", self.high("desk", "inbox", "--json")))

    def answer(self, packet: str, text: str, *, state: str = "answered") -> None:
        """Reply to a packet's source: at the desk, then by a bundle to the gateway."""
        self.high("desk", "reply", packet, "--state", state, text=text)
        disc = self.root / f"disc-{packet}"
        disc.mkdir()
        self.high("desk", "bundle", self.machines.low.load().gateway, "--to", str(disc), "--yes")
        (bundle,) = disc.iterdir()
        self.low("gateway", "accept-bundle", str(bundle), "--yes")

    @staticmethod
    def _run(home: Path, words: tuple[str, ...], text: str) -> str:
        command = [sys.executable, "-m", "enveis", *words, "--home", str(home)]
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            timeout=WATCHDOG,
            check=False,
            env={**os.environ, "CI": ""},
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words[:2])}: {done.stderr}")
        return done.stdout
