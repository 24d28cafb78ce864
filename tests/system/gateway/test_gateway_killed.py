"""kill -9 at ten points of a submission: every receipt that was shown has its whole packet; nothing else is left.

Invariant G1.
"""

import http.client
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.worlds.gateway_process import Answer, GatewayProcess, form_body, form_head, read_answer
from tests.worlds.waiting import WATCHDOG

MARKER = b"PLAINTEXT-MARKER-7f3a"
CONTENT = MARKER * 100_000  # 2.1 MB: many chunks, several writes


class Sender(threading.Thread):
    """Sends a share of one submission and reads whatever comes back."""

    def __init__(self, gateway: GatewayProcess, share: float) -> None:
        super().__init__()
        self._gateway = gateway
        self._share = share
        self.receipts: list[Answer] = []

    def run(self) -> None:
        body, boundary = form_body([("message", MARKER.decode())], [("a.txt", CONTENT)])
        try:
            with self._gateway.connect() as connection:
                connection.sendall(form_head(boundary, len(body)) + body[: int(len(body) * self._share)])
                answer = read_answer(connection)
                if answer.words:
                    self.receipts.append(answer)
        except (OSError, http.client.HTTPException):
            pass


@pytest.mark.parametrize(
    ("share", "delay"),
    [(0.0, 0.1), (0.05, 0.1), (0.3, 0.1), (0.6, 0.1), (0.999, 0.1), (1.0, 0.0), (1.0, 0.03), (1.0, None)],
)
def test_killed_from_outside(tmp_path: Path, share: float, delay: float | None) -> None:
    """Killed `delay` seconds after the upload began, or when its receipt is here."""
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    assert gateway.submit([("message", "before")]).words
    sender = Sender(gateway, share)
    sender.start()
    if delay is None:
        sender.join()
        assert sender.receipts
    else:
        time.sleep(delay)
    assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL
    sender.join()
    _check_after_restart(gateway, receipts=len(sender.receipts))
    if share < 1.0:
        assert not sender.receipts


@pytest.mark.parametrize("call", ["utimensat", "rename"])
def test_killed_in_the_middle_of_a_commit(tmp_path: Path, call: str) -> None:
    gateway = GatewayProcess(tmp_path)
    with gateway:
        assert gateway.submit([("message", "before")]).words
    # strace counts calls by thread, so the first one of any thread is the one.
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when=1"]
    gateway.wrapped("strace", "-f", "-qq", "-o", "/dev/null", *inject).start()
    sender = Sender(gateway, 1.0)
    sender.start()
    sender.join()
    assert gateway.process is not None
    gateway.process.wait(WATCHDOG)
    gateway.stop()
    assert not sender.receipts
    _check_after_restart(gateway.wrapped(), receipts=0)


def _check_after_restart(gateway: GatewayProcess, *, receipts: int) -> None:
    gateway.start()
    packets = gateway.packets()
    assert gateway.stop() == 0
    # The reverse does not hold: the line may die between packet and receipt.
    assert 1 + receipts <= len(packets) <= 2
    for packet in packets[1:]:
        assert packet.files["a.txt"] == CONTENT
    assert not list((gateway.home.spool / "incoming").iterdir())
    for path in gateway.root.rglob("*"):
        assert not path.is_file() or MARKER not in path.read_bytes()
