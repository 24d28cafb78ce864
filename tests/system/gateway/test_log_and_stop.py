"""A real gateway whose log nobody reads, whose port somebody else wants, and which is told to stop more than once.

Invariants A6, G35.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worlds.gateway_process import GatewayProcess, form_body, form_head, read_answer
from tests.worlds.waiting import WATCHDOG, ended, wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(gateway: GatewayProcess, port: int, stderr: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "enveis", "--home", str(gateway.home.root), "gateway", "serve"]
    return subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL, stderr=stderr)


def descendants(pid: int) -> list[int]:
    """The processes that this one started, and theirs."""
    found = [int(pid) for task in Path(f"/proc/{pid}/task").glob("*/children") for pid in task.read_text().split()]
    return found + [pid for child in found for pid in descendants(child)]


def is_open(port: int) -> bool:
    with socket.socket() as visitor:
        return visitor.connect_ex(("127.0.0.1", port)) == 0


def test_a_log_that_nobody_reads_stops_no_submission_and_no_stop(tmp_path: Path, full_pipe: int) -> None:
    # Swap, an empty name and the first line of all: there is something to log before anybody comes.
    gateway = GatewayProcess(tmp_path)
    gateway.port = free_port()
    with ended(start(gateway, gateway.port, full_pipe)) as process:
        wait_until(lambda: is_open(gateway.port))
        for number in range(3):
            assert gateway.submit([("message", f"text {number}")]).words
        process.send_signal(signal.SIGTERM)
        assert process.wait(WATCHDOG) == 0
    assert len(gateway.packets()) == 3


def test_without_a_descriptor_left_the_log_stays_short_and_visitors_come_in_again(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, wrapper=["prlimit", "--nofile=100:100"])
    with gateway:
        with contextlib.ExitStack() as idle:
            for _ in range(200):
                idle.enter_context(gateway.connect())
            assert gateway.submit([("message", "text")]).words
        assert gateway.submit([("message", "text")]).words
    # At most one line at once, and one with a count of those that followed.
    assert gateway.log.read_text().count("connections-wait") <= 2
    assert len(gateway.log.read_text().splitlines()) < 12


def test_a_start_that_fails_ends_though_nobody_reads_why(tmp_path: Path, full_pipe: int) -> None:
    gateway = GatewayProcess(tmp_path)
    gateway.home.config.write_text("nonsense = 1\n")
    with ended(start(gateway, free_port(), full_pipe)) as process:
        assert process.wait(WATCHDOG) == 1


def test_another_home_is_told_that_the_port_is_taken(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with GatewayProcess(tmp_path / "one") as first:
        other = GatewayProcess(tmp_path / "other")
        with ended(start(other, first.port, subprocess.PIPE)) as process:
            _, said = process.communicate(timeout=WATCHDOG)
        assert process.returncode == 1
        (line,) = [line for line in said.decode().splitlines() if line.startswith("enveis: ")]
        assert line == (
            f"enveis: another program already listens on 127.0.0.1 port {first.port}, perhaps the gateway of another "
            "home: a port is shared only by gateway processes of one home, with the same --listen"
        )
        # One more of the same home is welcome, and both end as they should.
        with ended(start(first, first.port, subprocess.PIPE)) as sibling:
            assert sibling.stderr is not None
            assert any(b"The form is at" in line for line in sibling.stderr)
            assert all(first.submit([("message", "text")]).words for _ in range(4))
            sibling.send_signal(signal.SIGTERM)
            assert sibling.wait(WATCHDOG) == 0
        assert first.submit([("message", "text")]).words


def test_a_second_signal_is_quiet_and_what_is_under_way_still_arrives(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path)
    with gateway, gateway.connect() as visitor:
        body, boundary = form_body([("message", "sent while the gateway stops")], [])
        visitor.sendall(form_head(boundary, len(body), "/en/submit", "Expect: 100-continue"))
        assert visitor.recv(100).startswith(b"HTTP/1.1 100")  # it has begun
        visitor.sendall(body[:50])
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: '"stopping"' in gateway.log.read_text())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            gateway.process.send_signal(number)
        visitor.sendall(body[50:])
        assert read_answer(visitor).status == 200
        # To the very end, wherever it is by then.
        while gateway.process.poll() is None:
            for number in (signal.SIGINT, signal.SIGTERM):
                gateway.process.send_signal(number)
        assert gateway.process.returncode == 0
    said = gateway.log.read_text()
    assert said.count('"stopping"') == 1
    assert said.splitlines()[-1] == '{"event": "stopping"}'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stop_of_all_its_processes_at_once_is_no_fault(tmp_path: Path, number: signal.Signals) -> None:
    gateway = GatewayProcess(tmp_path, inspection=True, clamd_socket=str(tmp_path / "none"))
    with gateway:
        assert gateway.submit([("message", "text")], [("a.txt", b"text")]).words
        assert gateway.process is not None
        family = descendants(gateway.process.pid)
        assert family
        # As a service manager does: one after the other, in no order that we could rely on.
        for pid in family:
            os.kill(pid, number)
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(WATCHDOG) == 0
    assert "fault" not in gateway.log.read_text()
