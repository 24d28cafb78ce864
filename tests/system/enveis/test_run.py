"""`enveis run`: what is sent from a browser is opened on the other side within seconds, and Ctrl-C stops everything.

Invariant E2.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from enveis.demo.two_machines import encode_form, free_port
from quarantine.scanner.canaries import eicar
from tests.worlds.waiting import WATCHDOG, catches, wait_until

HOST = "127.0.0.1"


class Run:
    def __init__(self, home: Path, *extra: str) -> None:
        self.home = home
        self.port = free_port(HOST)
        command = [sys.executable, "-m", "enveis", "run", "--home", str(home), *(extra or self.listen)]
        self.log = home.with_suffix(f".{self.port}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait(self) -> str:
        """Wait until it ends by itself; return what it said."""
        self.process.wait(WATCHDOG)
        return self.output

    @property
    def listen(self) -> tuple[str, str]:
        return "--listen", f"{HOST}:{self.port}"

    def wait_until_serving(self) -> None:
        # It says so when it has seen the page itself.
        address = f"http://{HOST}:{self.port}/"
        wait_until(lambda: address in self.output or self.process.poll() is not None, lambda: self.output)
        with urllib.request.urlopen(address, timeout=WATCHDOG):
            pass

    def wait_until_it_hears(self) -> None:
        """Wait until it has a handler of its own for SIGTERM; the interpreter brings none."""
        wait_until(lambda: catches(self.process.pid, signal.SIGTERM), lambda: self.output)

    def submit(self, message: str, name: str, content: bytes) -> None:
        body, kind = encode_form([("message", message)], [(name, content)])
        url = f"http://{HOST}:{self.port}/submit"
        request = urllib.request.Request(url, body, {"Content-Type": kind, "Connection": "close"})
        with urllib.request.urlopen(request, timeout=WATCHDOG) as answer:  # noqa: S310
            assert b'id="receipt"' in answer.read()

    def opened(self) -> list[Path]:
        return sorted((self.home / "high" / "opened").glob("*/message.json"))

    def wait_for_opened(self, count: int) -> None:
        wait_until(lambda: len(self.opened()) >= count, lambda: self.output)
        assert len(self.opened()) == count

    def children(self) -> set[int]:
        """Every process that descends from ours, in whatever session."""
        parents = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.parent.name)] = int(fields[1])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found - {self.process.pid}

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(WATCHDOG)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def started(*extra: str) -> Run:
        runs.append(Run(tmp_path / "run", *extra))
        return runs[-1]

    try:
        yield started
    finally:
        for run in runs:
            if run.process.poll() is None:
                run.end(signal.SIGTERM)


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pids: Iterable[int]) -> None:
    pids = set(pids)
    wait_until(lambda: not any(map(is_alive, pids)))


def test_from_the_page_to_the_desk_and_again_with_the_same_keys(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_serving()
    run.submit("the first \x1b[31m message", "a.txt", b"hello\n")
    run.wait_for_opened(1)
    run.submit("the second message", "b.txt", eicar())
    run.wait_for_opened(2)
    children = run.children()
    assert len(children) >= 2  # the gateway and the scanner
    assert run.end(signal.SIGINT) == 0
    assert [pid for pid in children if is_alive(pid)] == []
    assert [path.parent for path in run.home.glob("high/opened/*/01.txt")] != []
    for words in (
        "This is a demonstration".upper(),
        "TEST DATABASE",
        f"http://{HOST}:{run.port}/",
        str(run.home / "low"),
    ):
        assert words in run.output
    assert "  | the first <U+001B>[31m message" in run.output
    assert "LOCKED, not written" in run.output
    assert "\x1b" not in run.output
    assert not list((run.home / "low" / "spool").rglob("*.age"))
    assert not list((run.home / "stick").iterdir())
    identity = (run.home / "high" / "identity.txt").read_bytes()
    gateway = (run.home / "low" / "gateway.key").read_bytes()

    again = start()
    again.wait_until_serving()
    again.submit("the third message", "c.txt", b"hello\n")
    again.wait_for_opened(3)
    assert again.end(signal.SIGTERM) == 0
    assert identity == (run.home / "high" / "identity.txt").read_bytes()
    assert gateway == (run.home / "low" / "gateway.key").read_bytes()
    assert "the keys of the last start" in again.output


@pytest.mark.parametrize("after", [0.0, 0.3, 0.6, 0.9])
def test_it_can_be_ended_while_it_starts(start: Callable[..., Run], after: float) -> None:
    run = start()
    # Before that it is the interpreter which is interrupted, and on a busy machine it takes its time.
    run.wait_until_it_hears()
    time.sleep(after)
    children = run.children()
    assert run.end(signal.SIGINT) == 0
    assert "Traceback" not in run.output
    # What a gateway had started, when it was ended before it heard signals, notices a moment later.
    wait_until_gone(children)


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080", "example.org:8080"])
def test_it_never_listens_beyond_loopback(start: Callable[..., Run], listen: str) -> None:
    run = start("--listen", listen)
    output = run.wait()
    assert run.process.returncode == 1
    assert re.fullmatch(r"enveis: \S+ can be reached from outside, .* loopback only\n", output)
    assert not run.home.exists()


def test_a_port_in_use_is_one_sentence(start: Callable[..., Run]) -> None:
    with socket.create_server((HOST, 0)) as taken:
        run = start("--listen", f"{HOST}:{taken.getsockname()[1]}")
        output = run.wait()
    assert run.process.returncode == 1
    assert re.fullmatch(r"enveis: port \d+ of 127\.0\.0\.1 is in use .*\n", output)


def test_one_run_at_a_time(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_serving()
    second = start()
    output = second.wait()
    assert second.process.returncode == 1
    assert output.startswith("enveis: another 'enveis run' is using ")
    assert output.count("\n") == 1


def test_a_gateway_that_dies_is_reported(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_serving()
    gateways = [pid for pid in run.children() if b"\0serve\0" in cmdline(pid)]
    for pid in gateways:
        os.kill(pid, signal.SIGKILL)
    output = run.wait()
    assert run.process.returncode == 1
    assert "The gateway has stopped by itself" in output


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is not installed")
def test_killed_outright_it_leaves_the_port_and_a_folder_that_starts_again(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_serving()
    children = run.children()
    run.process.kill()
    run.process.wait(WATCHDOG)
    gateways = [pid for pid in children if b"\0serve\0" in cmdline(pid)]
    wait_until_gone(gateways)
    again = start()
    again.wait_until_serving()
    assert again.end(signal.SIGHUP) == 0
    assert [pid for pid in children if b"clamd" in cmdline(pid)] == []
