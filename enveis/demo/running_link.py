"""Both ends of a one-way link over loopback, in processes of their own, for `enveis run`.

Nothing comes back on this link either: a diode's hardware guarantees that, these two processes merely do it.
"""

import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from disk import durable
from disk.settings import read_settings
from enveis.commands.diode import LINK_LEDGER, LINK_SETTINGS, shelf_of
from enveis.demo.two_machines import START_TIMEOUT, STOP_TIMEOUT, TwoMachines
from enveis.errors import RefusedError
from transfer.diode.sender.link_ledger import LinkLedger
from transfer.diode.settings import LinkSettings, ReceiverSettings, SenderSettings, encode_link_settings
from transfer.low_side.outbox import Outbox

HOST: Final = "127.0.0.1"
POLL: Final = 0.05  # seconds
PASS_GAP: Final = 5  # seconds between two passes: nobody who tries a demonstration waits half a minute


class RunningLink:
    """A sender and a receiver. As a context: leaving it ends both."""

    def __init__(self, machines: TwoMachines) -> None:
        self._machines = machines
        self._log = machines.root / "link.log"
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def arrived(self) -> Path:
        """The folder of batches that have arrived."""
        return shelf_of(self._machines.high.root).arrived

    def __enter__(self) -> Self:
        low, high = self._machines.low.root, self._machines.high.root
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((HOST, 0))
            address = f"{HOST}:{free.getsockname()[1]}"
        # Settings that a person changed stay, except the address, which we set.
        _write(low / LINK_SETTINGS, replace(_read_sender(low / LINK_SETTINGS), to=address))
        _write(high / LINK_SETTINGS, replace(_read_receiver(high / LINK_SETTINGS), listen=address))
        self._ask_for_what_is_missing()
        self._log.write_bytes(b"")
        try:
            # In this order: what is sent before anybody listens is lost until the next pass.
            self._start("receive", high)
            self._wait_until_listening()
            self._start("send", low)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def is_running(self) -> bool:
        """Return whether both processes are alive."""
        return all(process.poll() is None for process in self._processes)

    def last_line(self) -> str:
        """Return the last line that one of the two processes wrote."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("enveis: ") if lines else "it wrote nothing"

    def stop(self) -> None:
        """Stop both; a second call does nothing."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def _wait_until_listening(self) -> None:
        figures = shelf_of(self._machines.high.root).figures
        figures.unlink(missing_ok=True)
        until = time.monotonic() + START_TIMEOUT
        while not figures.exists():
            if not self.is_running() or time.monotonic() > until:
                raise RefusedError(f"the receiver of the link did not start: {self.last_line()}")
            time.sleep(POLL)

    def _start(self, command: str, home: Path) -> None:
        words = [sys.executable, "-m", "enveis", "transfer", command, "--home", str(home)]
        if setpriv := shutil.which("setpriv"):
            # Were we killed outright, neither must stay behind.
            words = [setpriv, "--pdeathsig", "TERM", *words]
        with self._log.open("ab") as log:
            self._processes.append(
                subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            )

    def _ask_for_what_is_missing(self) -> None:
        """Do what an operator does when a link is back: ask again for what was sent and did not arrive."""
        here = {path.name for path in self.arrived.iterdir()} if self.arrived.is_dir() else set()
        waiting = [batch.number for batch in Outbox(self._machines.low.outbox).outstanding()]
        missing = [number for number in waiting if not any(f"-{number:06}-" in name for name in here)]
        LinkLedger(self._machines.low.root / LINK_LEDGER).ask(missing)


def _read_sender(path: Path) -> SenderSettings:
    return read_settings(path, SenderSettings) if path.exists() else SenderSettings(pass_gap_seconds=PASS_GAP)


def _read_receiver(path: Path) -> ReceiverSettings:
    # A demonstration's objects are small, and so may its machine be.
    return read_settings(path, ReceiverSettings) if path.exists() else ReceiverSettings(quota_bytes=20 * 1024**3)


def _write(path: Path, settings: LinkSettings) -> None:
    durable.replace(path, [encode_link_settings(settings).encode()])
