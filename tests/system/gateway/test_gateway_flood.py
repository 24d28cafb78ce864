"""A gateway under a flood: a hundred uploads at once, visitors who come back by the dozen, files switched off.

Invariants G10 and G13.
"""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.home.config import GatewayConfig
from gateway.reading.upload_slots import SMALL_MAX
from keys.receipt import new_receipt_words
from tests.worlds.gateway_process import DAY, GatewayProcess, form_body, form_head, read_answer
from tests.worlds.spooled import lies_at, spooled
from tests.worlds.waiting import WATCHDOG, wait_until

LARGE = b"x" * (SMALL_MAX + 1)
BEGUN = 300_000  # bytes, more than is read at once: a packet is opened with what comes after a place was taken
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
# Nothing here is about these: on a busy machine a hundred uploads take longer than any of them.
NO_LIMITS = {"gateway.reading.upload_slots.IDLE": DAY, "gateway.receipts.fresh_receipt.WAIT": DAY}


def _offer(gateway: GatewayProcess, text: str = "with a file") -> tuple[socket.socket, bytes]:
    """Send the head of a large upload, which asks whether to send the rest; return the connection and the rest."""
    body, boundary = form_body([("message", text)], [("large.txt", LARGE)])
    connection = gateway.connect()
    connection.sendall(form_head(boundary, len(body), "/en/submit", "Expect: 100-continue"))
    return connection, body


def _begin(gateway: GatewayProcess) -> tuple[socket.socket, bytes]:
    """Send enough of a large upload for a place of its own; return the connection and the rest."""
    connection, body = _offer(gateway)
    assert connection.recv(len(GO_ON), socket.MSG_WAITALL) == GO_ON
    connection.sendall(body[:BEGUN])
    return connection, body[BEGUN:]


def test_a_hundred_uploads_at_once_and_then_a_friendly_page(tmp_path: Path) -> None:
    most = GatewayConfig().uploads_max
    assert most == 100
    with GatewayProcess(tmp_path, constants=NO_LIMITS, base_deadline_seconds=DAY, valve_seconds=DAY) as gateway:
        begun = [_begin(gateway) for _ in range(most)]
        # A hundred more heads change nothing.
        idle = [_offer(gateway)[0] for _ in range(most)]
        wait_until(lambda: len(gateway.leftovers()) == most)
        one_more, _ = _begin(gateway)
        with one_more:
            answer = read_answer(one_more)
        assert "with a file" in answer.text
        assert gateway.submit([("message", "text is taken")], [("small.txt", b"x" * 1000)]).words
        for connection in idle:
            connection.close()
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "Too many people are sending" in answer.text

        def finish(upload: tuple[socket.socket, bytes]) -> str | None:
            connection, rest = upload
            with connection:
                connection.sendall(rest)
                return read_answer(connection).words

        with ThreadPoolExecutor(20) as pool:
            words = list(pool.map(finish, begun))
        assert len(set(words) - {None}) == most
        assert len(gateway.leftovers()) == most + 1


def test_who_comes_back_never_keeps_who_sends_out(tmp_path: Path) -> None:
    """Ten visitors at once, again and again: each submission has its receipt meanwhile."""
    with GatewayProcess(tmp_path) as gateway:
        ended = threading.Event()
        answered: list[int] = []

        def come_back() -> None:
            while not ended.is_set():
                answered.append(gateway.come_back(new_receipt_words().return_words).status)

        visitors = [threading.Thread(target=come_back) for _ in range(10)]
        for visitor in visitors:
            visitor.start()
        wait_until(lambda: 200 in answered)
        sent = [gateway.submit([("message", f"text {number}")]).words for number in range(10)]
        ended.set()
        for visitor in visitors:
            visitor.join(WATCHDOG)
    assert len(set(sent) - {None}) == 10
    assert set(answered) == {200}


def test_under_a_flood_files_are_switched_off_and_text_never_is(tmp_path: Path) -> None:
    off = "Files cannot be accepted at the moment"
    settings: dict[str, Any] = {
        "uploads_max": 10,
        "valve_uploads_percent": 50,
        "valve_seconds": 1,
        "base_deadline_seconds": DAY,
    }
    with GatewayProcess(tmp_path, **settings) as gateway:
        words = gateway.submit([("message", "before")]).words
        assert words
        assert off not in gateway.get("/en/").text
        begun = [_begin(gateway) for _ in range(10)]
        wait_until(lambda: off in gateway.get("/en/").text)
        page = gateway.get("/en/").text
        assert 'type="file"' not in page
        assert 'name="message"' in page
        assert gateway.submit([("message", "only text")]).words
        # A small file goes with its text: the text is received, the file is not, and the page says so.
        both = gateway.submit([("message", "text and file")], [("a.txt", b"x")])
        assert both.words
        assert "a.txt" in both.text
        assert "later with your return words" in both.text
        # A large one is not waited for, and nothing that was typed is lost.
        connection, body = _offer(gateway, "what I typed")
        with connection:
            assert connection.recv(len(GO_ON), socket.MSG_WAITALL) == GO_ON
            connection.sendall(body[: len(body) // 2])
            refused = read_answer(connection)
        assert refused.status == 503
        assert off in refused.text
        assert "what I typed" in refused.text
        case = gateway.come_back(words)
        assert case.status == 200
        assert off in case.text
        assert gateway.post("/add", [("words", words), ("message", "more text")]).status == 200
        for connection, _ in begun:
            connection.close()
        wait_until(lambda: off not in gateway.get("/en/").text)
        assert gateway.submit([], [("a.txt", b"x")]).words
        files = [name for packet in gateway.packets() for name in packet.files]
        assert files == ["a.txt"]
        log = gateway.log.read_text()
    assert log.count("valve-shut") == log.count("valve-open") == 1


def test_a_spool_that_fills_shuts_the_valve_before_it_is_full(tmp_path: Path) -> None:
    quota = 6 * 1024 * 1024
    settings: dict[str, Any] = {
        "quota_bytes": quota,
        "reserve_bytes": quota // 3,
        "valve_seconds": 1,
        "valve_fill_percent": 25,
    }
    with GatewayProcess(tmp_path, **settings) as gateway:
        assert gateway.submit([], [("a.txt", LARGE)]).words
        wait_until(lambda: "Files cannot be accepted" in gateway.get("/en/").text)
        assert gateway.submit([("message", "text")]).words


def test_killed_at_any_moment_of_a_withdrawal(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, tick_seconds=6 * 3600)
    ended = {True: 0, False: 0}
    for delay in (0.0, 0.002, 0.005, 0.01, 0.02, None):
        gateway.start()
        page = gateway.submit([("message", "to be withdrawn")])
        packet = page.hidden("packet")
        body, boundary = form_body(page.button, [])
        with gateway.connect() as connection:
            connection.sendall(form_head(boundary, len(body), "/withdraw") + body)
            if delay is None:
                wait_until(lambda: packet not in spooled(gateway.home.spool))  # noqa: B023
            else:
                time.sleep(delay)
            gateway.stop(9)
        gateway.start()
        spool = gateway.home.spool
        waits = packet in spooled(spool)
        assert (spool / "withdrawable" / packet).exists() == waits
        assert not (spool / "withdrawable" / "gone" / f"{packet}.age").exists()
        said = f'"packet":"{packet}"' in "".join(
            line for line in gateway.home.audit.read_text().splitlines() if "submission-withdrawn" in line
        )
        assert said != waits
        ended[waits] += 1
        # Confirmed and not done yet: the desk is asked, whatever happens.
        asked = [note.withdraws for note in gateway.asked()]
        if waits:
            assert gateway.post("/withdraw", page.button).status == 200
            if packet not in asked:
                wait_until(lambda: packet not in spooled(spool))  # noqa: B023
        gateway.stop()
        lies_at(spool, packet).unlink(missing_ok=True)
        (spool / "withdrawable" / packet).unlink(missing_ok=True)
        assert gateway.leftovers() == []
    assert ended[False]
