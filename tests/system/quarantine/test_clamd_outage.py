"""A real gateway whose real clamd freezes and wakes up: one line and one figure each, whoever sends meanwhile."""

import os
import signal
import socket
from pathlib import Path

from quarantine.scanner.local_clamd import LocalClamd
from tests.worlds.gateway_process import GatewayProcess
from tests.worlds.waiting import wait_until

# Its own limits are long because a real scanner is slow; here it is frozen, and nothing is scanned but small texts.
QUICK = {
    "gateway.scanner_watch.ASK_EVERY": 0.1,
    "gateway.scanner_watch.ASK_AGAIN": 0.1,
    "gateway.scanner_watch.ANSWER_SECONDS": 2.0,
    "gateway.scanner_watch.SILENT_AFTER": 4.0,
}


def metrics(path: Path) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(path))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with connection.makefile("rb") as stream:
            return stream.read().decode()


def test_a_frozen_scanner_is_one_line_and_one_figure(tmp_path: Path) -> None:
    (tmp_path / "clamd").mkdir()
    with LocalClamd(tmp_path / "clamd", test_database=True) as clamd:
        path = str(clamd.socket_path)
        with GatewayProcess(tmp_path, constants=QUICK, inspection=True, clamd_socket=path) as gateway:
            assert clamd.pid is not None
            assert "enveis_scanner_works 1.0" in metrics(gateway.home.metrics)
            os.kill(clamd.pid, signal.SIGSTOP)
            try:
                wait_until(lambda: "scanner-unfit" in gateway.log.read_text())
                for number in range(3):
                    assert gateway.submit(files=[(f"{number}.txt", b"a harmless text\n")]).words
                assert "enveis_scanner_works 0.0" in metrics(gateway.home.metrics)
            finally:
                os.kill(clamd.pid, signal.SIGCONT)
            wait_until(lambda: gateway.log.read_text().count("scanner-fit") == 2)
            assert "enveis_scanner_works 1.0" in metrics(gateway.home.metrics)
            assert gateway.submit(files=[("3.txt", b"a harmless text\n")]).words
            outcomes = [str(packet.manifest.files[0].outcome) for packet in gateway.packets()]
            assert sorted(outcomes) == ["clear", "undecided", "undecided", "undecided"]
        assert gateway.log.read_text().count("scanner-unfit") == 1
        assert gateway.log.read_text().count("scanner-fit") == 2
