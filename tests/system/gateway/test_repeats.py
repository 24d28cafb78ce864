"""A form that is sent again to a real gateway: by a reload, after Back, twice at once, cut off, killed.

Invariant G27.
"""

import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.http.responses import PADDED_MIN
from keys.receipt import new_receipt_words, public_receipt, return_secrets
from keys.recipient import KeyKind
from quarantine.scanner.local_clamd import LocalClamd
from tests.system.gateway.test_way_back import first
from tests.worlds.gateway_process import (
    NO_PACKETS_OF_REQUESTS,
    Answer,
    GatewayProcess,
    form_body,
    form_head,
    read_answer,
    words_shown,
)
from tests.worlds.spooled import lies_at
from tests.worlds.waiting import WATCHDOG, wait_until
from transfer.packet.manifest import PacketPurpose

FILES = [("a.txt", b"first page\n"), ("virus.exe", b"MZ refused")]
FIELDS = [("message", "What happened."), ("contact_name", "Kari")]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    root = tmp_path_factory.mktemp("repeats")
    with GatewayProcess(root, constants=NO_PACKETS_OF_REQUESTS, tick_seconds=6 * 3600) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty_spool(request: pytest.FixtureRequest) -> None:
    if "gateway" in request.fixturenames:
        request.getfixturevalue("gateway").empty_spool()


def _token(page: Answer) -> tuple[str, str]:
    return ("form", page.hidden("form"))


def _sealed_lines(gateway: GatewayProcess) -> int:
    return gateway.home.audit.read_text().count("submission-sealed")


def test_every_form_that_makes_a_packet_has_a_token_of_its_own(gateway: GatewayProcess) -> None:
    words, _, _ = first(gateway)
    case = gateway.come_back(words)
    pages = [gateway.get("/en/"), gateway.get("/en/"), gateway.submit(), case, gateway.post("/add", [("words", words)])]
    tokens = [token for page in pages for token in re.findall(r'name="form" value="([0-9a-f]{32})"', page.text)]
    assert len(tokens) == len(set(tokens)) == 3 + 2 + 1


def test_a_reload_makes_no_second_packet_and_shows_no_words(gateway: GatewayProcess) -> None:
    fields = [_token(gateway.get("/en/")), *FIELDS]
    answer = gateway.submit(fields, FILES)
    assert answer.words
    lines, (packet,) = _sealed_lines(gateway), gateway.packets()
    for _ in range(2):
        again = gateway.submit(fields, FILES)
        assert again.status == 200
        assert "Received already" in again.text
        assert words_shown(answer.words, again.text) == []
        assert packet.manifest.packet not in again.text
    # By whatever browser and in whatever order of parts: the boundary and the order of names are no part of it.
    assert "Received already" in gateway.submit([FIELDS[1], fields[0], FIELDS[0]], FILES).text
    assert [one.manifest.packet for one in gateway.packets()] == [packet.manifest.packet]
    assert gateway.leftovers() == [lies_at(gateway.home.spool, packet.manifest.packet, packet.lane)]
    assert _sealed_lines(gateway) == lines


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        ([("message", "What happened!"), FIELDS[1]], FILES),
        ([*FIELDS, ("contact_phone", "1")], FILES),
        (FIELDS[:1], FILES),
        ([("message", "What happened."), ("contact_phone", "Kari")], FILES),
        (FIELDS, FILES[:1]),
        (FIELDS, [*FILES, *FILES[:1]]),
        (FIELDS, [("b.txt", b"first page\n"), FILES[1]]),
        (FIELDS, [("a.txt", b"other page\n"), FILES[1]]),
        (FIELDS, [FILES[0], ("virus.exe", b"MZ refused, longer")]),
        (FIELDS, [FILES[0], ("other.exe", b"MZ refused")]),
    ],
    ids=["text", "more", "less", "name", "no-refused", "file-twice", "file-name", "content", "refused-size", "refused"],
)
def test_an_old_form_with_anything_else_in_it_is_received(
    gateway: GatewayProcess, fields: list[tuple[str, str]], files: list[tuple[str, bytes]]
) -> None:
    token = _token(gateway.get("/en/"))
    assert gateway.submit([token, *FIELDS], FILES).words
    assert gateway.submit([token, *fields], files).words
    assert len(gateway.packets()) == 2
    # And the first one is known still.
    assert gateway.submit([token, *FIELDS], FILES).words is None
    assert len(gateway.packets()) == 2


def test_without_a_token_or_with_another_it_is_received_each_time(gateway: GatewayProcess) -> None:
    for fields in ([], [], [("form", "0")], [("form", "0")], [_token(gateway.get("/"))], [_token(gateway.get("/"))]):
        assert gateway.submit([*fields, *FIELDS], FILES).words
    assert len(gateway.packets()) == 6


def test_what_was_refused_may_be_sent_again(gateway: GatewayProcess) -> None:
    token = _token(gateway.get("/en/"))
    for _ in range(2):
        assert gateway.submit([token], FILES[1:]).status == 415
    assert gateway.submit([token, *FIELDS], FILES).words


def test_who_made_the_receipt_is_not_told_of_words(gateway: GatewayProcess) -> None:
    halves = public_receipt(new_receipt_words(), KeyKind.CLASSIC)
    pasted = f"lookup {halves.lookup}\nrecipient {halves.recipient}\nsigning {halves.signing}\nproof {halves.proof}\n"
    fields = [_token(gateway.get("/en/")), ("receipt_public", pasted), *FIELDS]
    assert "You made the receipt yourself" in gateway.submit(fields).text
    again = gateway.submit(fields).text
    assert "Received already" in again
    assert "words" not in again
    assert len(gateway.packets()) == 1


def test_an_addition_is_added_once(gateway: GatewayProcess) -> None:
    words, _, _ = first(gateway)
    case = gateway.come_back(words)
    fields = [("words", case.hidden("words")), _token(case), ("message", "One thing more.")]
    assert "Added to your case" in gateway.post("/add", fields, FILES).text
    again = gateway.post("/add", fields, FILES)
    assert again.status == 200
    assert "Received already" in again.text
    assert len(again.text.encode()) == PADDED_MIN
    assert again.hidden("words") == case.hidden("words")
    purposes = [packet.manifest.purpose for packet in gateway.packets()]
    assert sorted(purposes) == sorted([PacketPurpose.FIRST, PacketPurpose.ADDITION])
    # The words that it is added with are a part of it too.
    other, _, _ = first(gateway)
    assert "Added to your case" in gateway.post("/add", [("words", other), *fields[1:]], FILES).text


def test_answers_are_deleted_once(gateway: GatewayProcess) -> None:
    before = len(gateway.asked())
    words, receipt, _ = first(gateway)
    gateway.take_bundle(1, [(receipt, "An answer.")])
    case = gateway.come_back(words)
    *_, token = re.findall(r'name="form" value="([0-9a-f]{32})"', case.text)
    pages = {gateway.post("/delete-replies", [("words", words), ("form", token)]).text for _ in range(3)}
    assert len(pages) == 1
    assert len(gateway.asked()) == before + 1


def test_the_desk_is_asked_once_for_what_has_left(gateway: GatewayProcess) -> None:
    _, _, page = first(gateway)
    gateway.empty_spool()
    before = len(gateway.asked())
    pages = {gateway.post("/withdraw", page.button).text for _ in range(3)}
    assert len(pages) == 1
    assert len(gateway.asked()) == before + 1
    assert gateway.packets() == []


class Rival(threading.Thread):
    """Sends a form over a connection of its own, and reads the answer."""

    def __init__(self, gateway: GatewayProcess, fields: list[tuple[str, str]]) -> None:
        super().__init__()
        self._gateway = gateway
        self._fields = fields
        self.answer: Answer | None = None

    def run(self) -> None:
        self.answer = self._gateway.submit(self._fields, FILES)


def test_ten_at_once_make_one_packet(gateway: GatewayProcess) -> None:
    fields = [_token(gateway.get("/en/")), *FIELDS]
    rivals = [Rival(gateway, fields) for _ in range(10)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    assert sum(rival.answer is not None and bool(rival.answer.words) for rival in rivals) == 1
    assert len(gateway.packets()) == 1
    assert gateway.submit([_token(gateway.get("/en/")), *FIELDS]).words


def test_killed_and_started_again_it_has_forgotten_but_lost_nothing(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, tick_seconds=6 * 3600)
    gateway.start()
    fields = [_token(gateway.get("/en/")), *FIELDS]
    assert gateway.submit(fields).words
    gateway.stop(signal.SIGKILL)
    gateway.start()
    assert gateway.submit(fields).words
    assert gateway.submit(fields).words is None
    gateway.stop()
    assert len(gateway.packets()) == 2


class SilentScanner:
    """Takes the place of a clamd that works: it says that it runs, scans nothing, and so keeps files waiting."""

    def __init__(self, path: Path) -> None:
        path.unlink()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._asked: list[socket.socket] = []

    def until_asked(self) -> None:
        """Wait until one more file is being inspected."""
        self._listening.settimeout(WATCHDOG)
        while True:
            connection, _ = self._listening.accept()
            if b"PING" not in connection.recv(100):
                self._asked.append(connection)
                return
            connection.sendall(b"PONG\n")
            connection.close()

    def let_go(self) -> None:
        """Hang up: the files are undecided, and nobody comes any more."""
        for connection in [*self._asked, self._listening]:
            connection.close()


@pytest.fixture
def waiting(tmp_path: Path, clamd: LocalClamd) -> Iterator[tuple[GatewayProcess, SilentScanner]]:
    """A gateway whose inspection lasts until the test lets go of it."""
    path = tmp_path / "clamd.sock"
    path.symlink_to(clamd.socket_path)
    with GatewayProcess(tmp_path, inspection=True, clamd_socket=str(path), tick_seconds=6 * 3600) as running:
        yield running, SilentScanner(path)


def _send(gateway: GatewayProcess, fields: list[tuple[str, str]]) -> socket.socket:
    body, boundary = form_body(fields, FILES[:1])
    connection = gateway.connect()
    connection.sendall(form_head(boundary, len(body), "/en/submit") + body)
    return connection


def test_a_repeat_waits_for_the_first(waiting: tuple[GatewayProcess, SilentScanner]) -> None:
    gateway, scanner = waiting
    fields = [_token(gateway.get("/en/")), *FIELDS]
    with _send(gateway, fields) as one:
        scanner.until_asked()
        with _send(gateway, fields) as other:
            scanner.until_asked()
            scanner.let_go()
            assert read_answer(one).words
            assert "Received already" in read_answer(other).text
    assert len(gateway.packets()) == 1


def test_who_reloads_while_it_is_sealed_gets_the_receipt(waiting: tuple[GatewayProcess, SilentScanner]) -> None:
    """The browser hangs up and sends it again: the words go to the connection that is still there, for one packet."""
    gateway, scanner = waiting
    fields = [_token(gateway.get("/en/")), *FIELDS]
    with _send(gateway, fields):
        scanner.until_asked()
    with _send(gateway, fields) as other:
        scanner.until_asked()
        scanner.let_go()
        assert read_answer(other).words
    assert len(gateway.packets()) == 1
    assert len(gateway.leftovers()) == 1
    assert gateway.submit(fields, FILES[:1]).words is None


def test_whose_receipt_nobody_saw_gets_one_when_it_is_sent_again(
    waiting: tuple[GatewayProcess, SilentScanner],
) -> None:
    """What has arrived is received although its sender is gone. Sent again, it has words, of this packet or another."""
    gateway, scanner = waiting
    fields = [_token(gateway.get("/en/")), *FIELDS]
    with _send(gateway, fields):
        scanner.until_asked()
    scanner.let_go()
    wait_until(gateway.packets)
    words = gateway.submit(fields, FILES[:1]).words
    assert words
    receipts = [packet.manifest.receipt for packet in gateway.packets()]
    lookup = return_secrets(words, KeyKind.CLASSIC).lookup
    assert lookup in [receipt.lookup for receipt in receipts if receipt is not None]
    assert gateway.submit(fields, FILES[:1]).words is None
