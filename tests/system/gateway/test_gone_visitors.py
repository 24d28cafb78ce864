"""Visitors who hang up: who is answered, whose packet stays, and that a flood of them shuts nobody out.

Invariants G13 and G27.
"""

import os
import signal
import socket
import struct
from pathlib import Path

import pytest

from tests.worlds.gateway_process import GatewayProcess, form_body, form_head, read_answer
from tests.worlds.spooled import spooled
from tests.worlds.waiting import wait_until

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


def _open(gateway: GatewayProcess, text: str, path: str = "/en/submit") -> tuple[socket.socket, bytes]:
    """Send all of a submission but its last byte; return the connection and that byte."""
    body, boundary = form_body([("message", text)], [])
    connection = gateway.connect()
    connection.sendall(form_head(boundary, len(body), path) + body[:-1])
    return connection, body[-1:]


def test_a_client_that_closed_its_sending_half_is_answered(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path) as gateway:
        for way in ("with the last byte", "later"):
            connection, last = _open(gateway, way)
            with connection:
                if way == "later":
                    connection.sendall(last)
                    connection.shutdown(socket.SHUT_WR)
                else:
                    # The gateway sees the end in the same moment as the byte before it.
                    assert gateway.process is not None
                    os.kill(gateway.process.pid, signal.SIGSTOP)
                    connection.sendall(last)
                    connection.shutdown(socket.SHUT_WR)
                    os.kill(gateway.process.pid, signal.SIGCONT)
                answer = read_answer(connection)
                assert answer.status == 200
                assert answer.words
                assert connection.recv(1) == b""  # and closed: nothing more can come
        assert len(gateway.packets()) == 2


@pytest.mark.parametrize("request_head", [b"GET /en/ HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /en/submit HT"])
def test_so_is_one_that_asked_for_a_page_and_none_waits_for_half_a_request(tmp_path: Path, request_head: bytes) -> None:
    with GatewayProcess(tmp_path) as gateway, gateway.connect() as connection:
        connection.sendall(request_head)
        connection.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: connection.recv(2**16), b""))
        assert said.startswith(b"HTTP/1.1 200 ") == request_head.endswith(b"\r\n\r\n")


def test_half_a_body_is_not_waited_for(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path) as gateway:
        connection, _ = _open(gateway, "never whole")
        with connection:
            connection.shutdown(socket.SHUT_WR)
            assert read_answer(connection).status == 400
        assert gateway.submit([("message", "whole")]).words
        assert [packet.message.text for packet in gateway.packets()] == ["whole"]


@pytest.mark.parametrize("half_closed", [False, True])
def test_what_a_reset_was_seen_of_before_its_key_is_not_kept(tmp_path: Path, half_closed: bool) -> None:
    with GatewayProcess(tmp_path) as gateway:
        assert gateway.process is not None
        connection, last = _open(gateway, "reset")
        os.kill(gateway.process.pid, signal.SIGSTOP)
        connection.sendall(last)
        if half_closed:
            connection.shutdown(socket.SHUT_WR)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        connection.close()
        os.kill(gateway.process.pid, signal.SIGCONT)
        assert gateway.submit([("message", "there")]).words
        gateway.stop()  # waits for what is under way
        assert [packet.message.text for packet in gateway.packets()] == ["there"]
        assert len(gateway.leftovers()) == 1


def test_a_flood_of_texts_whose_senders_hang_up_shuts_nobody_out(tmp_path: Path) -> None:
    """Each of theirs arrived whole, so each is kept, and each of ours has its receipt."""
    with GatewayProcess(tmp_path) as gateway:
        for number in range(100):
            connection, last = _open(gateway, "flood")
            connection.sendall(last)
            connection.close()
            if number % 20 == 10:
                assert gateway.submit([("message", "ours")]).words
        wait_until(lambda: len(spooled(gateway.home.spool)) == 105)
        texts = [packet.message.text for packet in gateway.packets()]
    assert (texts.count("ours"), texts.count("flood")) == (5, 100)
