"""Both machines on this one, for `enveis demo` and `enveis run`: two homes, a folder for the stick, a real gateway.

A real installation never looks like this: whoever owns this machine owns the identity too.
"""

import html
import http.client
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from desk.config import DeskConfig
from desk.home import DeskHome, init_desk, pair
from disk.durable import make_private_folder
from enveis.errors import RefusedError
from gateway.home.config import GatewayConfig
from gateway.home.home import GatewayHome, init_gateway
from keys.recipient import KeyKind

START_TIMEOUT: Final = 60.0  # seconds for a gateway to answer
STOP_TIMEOUT: Final = 30.0  # seconds for it to finish what is under way
OUTPUT: Final = re.compile(r'<output[^>]*\bid="(receipt|proof)"[^>]*>(.*?)</output>', re.DOTALL)

Field = tuple[str, str]
Upload = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class TwoMachines:
    """Where everything lies below one folder."""

    root: Path

    @property
    def low(self) -> GatewayHome:
        """The home of the machine on the internet."""
        return GatewayHome(self.root / "low")

    @property
    def high(self) -> DeskHome:
        """The home of the machine that was never online."""
        return DeskHome(self.root / "high")

    @property
    def stick(self) -> Path:
        """A folder that stands for the USB stick."""
        return self.root / "stick"

    @property
    def scanner(self) -> Path:
        """The virus scanner's folder."""
        return self.root / "clamd"

    @property
    def backup(self) -> Path:
        """The backup identity, which really belongs in a safe."""
        return self.root / "backup-identity.txt"

    @property
    def log(self) -> Path:
        """The output of the gateway's process."""
        return self.root / "gateway.log"

    def prepare(self, config: GatewayConfig) -> bool:
        """Make homes and keys where they are missing; return whether any were made."""
        make_private_folder(self.root)
        make_private_folder(self.stick)
        new_desk = not self.high.config.exists()
        if new_desk:
            init_desk(self.high, kind=KeyKind.HYBRID, backup=self.backup, passphrase=None, config=DeskConfig())
        new_gateway = not self.low.config.exists()
        if new_gateway:
            init_gateway(self.low, recipients=self.high.recipients, desk_key=self.high.public_key, config=config)
        pair(self.high, self.low.load_pairing())
        return new_desk or new_gateway


class RunningGateway:
    """A gateway in a process of its own; leaving the `with` block ends it."""

    def __init__(self, machines: TwoMachines, host: str, port: int) -> None:
        self._machines = machines
        self._host = host
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The address of the page."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/"

    @property
    def pid(self) -> int | None:
        """The id of the gateway's process, None when it is not running."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        host = f"[{self._host}]" if ":" in self._host else self._host
        command = [sys.executable, "-m", "enveis", "gateway", "serve"]
        if setpriv := shutil.which("setpriv"):
            # If this process is killed, the gateway must not stay behind with the port.
            command = [setpriv, "--pdeathsig", "TERM", *command]
        command += ["--home", str(self._machines.low.root), "--listen", f"{host}:{self._port}"]
        with self._machines.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C goes to a terminal's whole group: we stop the gateway ourselves, after its uploads.
                start_new_session=True,
            )
        try:
            self._wait_until_answering()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def is_running(self) -> bool:
        """Return whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop it, letting it finish what is in progress; a second call does nothing."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def last_line(self) -> str:
        """Return the last line that the gateway wrote."""
        lines = self._machines.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("enveis: ") if lines else "it wrote nothing"

    def submit(self, fields: Sequence[Field], files: Sequence[Upload]) -> dict[str, str]:
        """Send a submission as a browser does, and return its return words as `receipt` and its proof words as `proof`.

        Raises:
            RefusedError: The response was not a receipt.
        """
        body, kind = encode_form(fields, files)
        connection = http.client.HTTPConnection(self._host, self._port, timeout=START_TIMEOUT * 2)
        try:
            connection.request("POST", "/submit", body, {"Content-Type": kind})
            answer = connection.getresponse()
            page = answer.read().decode()
        finally:
            connection.close()
        found = {name: re.sub(r"<[^>]*>", " ", text) for name, text in OUTPUT.findall(page)}
        if answer.status != 200 or set(found) != {"receipt", "proof"}:
            raise RefusedError(f"the gateway answered {answer.status} where a receipt was expected")
        return {name: " ".join(html.unescape(text).split()) for name, text in found.items()}

    def _wait_until_answering(self) -> None:
        until = time.monotonic() + START_TIMEOUT
        while time.monotonic() < until:
            if not self.is_running():
                raise RefusedError(f"the gateway did not start: {self.last_line()}")
            connection = http.client.HTTPConnection(self._host, self._port, timeout=5)
            try:
                connection.request("GET", "/")
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()
        raise RefusedError(f"the gateway did not answer within {START_TIMEOUT:.0f} seconds")


def encode_form(fields: Sequence[Field], files: Sequence[Upload]) -> tuple[bytes, str]:
    """Return a body of multipart/form-data and its Content-Type (RFC 7578)."""
    boundary = f"enveis-{secrets.token_hex(16)}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    for name, content in files:
        head = f'Content-Disposition: form-data; name="files"; filename="{name}"'
        kind = "Content-Type: application/octet-stream"
        parts.append(f"--{boundary}\r\n{head}\r\n{kind}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join((*parts, f"--{boundary}--\r\n".encode())), f"multipart/form-data; boundary={boundary}"


def is_port_free(host: str, port: int) -> bool:
    """Return whether nobody listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """Return a port that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
