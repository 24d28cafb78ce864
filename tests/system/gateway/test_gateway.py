"""A real gateway over HTTP: what it takes, what it refuses and how, and that nothing is left of what was refused.

Invariants G4, G5, G9 and G20.
"""

import hashlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.http.responses import SCRIPT_TAG
from keys.recipient import KeyKind
from quarantine.scanner.canaries import eicar
from quarantine.scanner.local_clamd import LocalClamd
from tests.builders.pdf_files import pdf
from tests.worlds.gateway_process import DAY, Answer, GatewayProcess, file_head, form_body, form_head, read_answer
from tests.worlds.waiting import WATCHDOG, wait_until
from transfer.names import Lane
from transfer.packet.manifest import Outcome
from transfer.packet.message import Contact, Origin, Person, Relation, Side

PDF = pdf()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, clamd: LocalClamd) -> Iterator[GatewayProcess]:
    """A gateway with small limits, shared by the tests that leave nothing behind or read the newest packet only."""
    root = tmp_path_factory.mktemp("gateway")
    with GatewayProcess(
        root, inspection=True, clamd_socket=str(clamd.socket_path), files_max=3, file_max_bytes=200_000
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty_spool(request: pytest.FixtureRequest) -> None:
    if "gateway" in request.fixturenames:
        request.getfixturevalue("gateway").empty_spool()


def test_everything_of_the_form_arrives(gateway: GatewayProcess) -> None:
    answer = gateway.submit(
        [
            ("kind", "complaint"),
            ("message", "They lost my papers.\r\nTwice. <b>æøå</b> ✉"),
            ("public_body", "The police"),
            ("public_body_other", "Passport office"),
            ("person-2-given_name", "Ola"),
            ("person-1-side", "complained-about"),
            ("person-1-given_name", "Kari"),
            ("person-1-family_names", "Nordmann"),
            ("person-1-family_names", "Hansen"),
            ("person-1-family_names", ""),
            ("person-1-role", "officer"),
            ("person-1-workplace", "Oslo"),
            ("person-2-side", "on-my-side"),
            ("person-3-side", "complained-about"),
            ("relation", "user"),
            ("road", "conversation"),
            ("writer_role", "foreman"),
            ("read_back", "no"),
            ("contact_name", "N. N."),
            ("contact_address", "Road 1\r\n0001 Town"),
            ("contact_please_call", "yes"),
            ("unknown", "x" * 100_000),
        ],
        [("my scan.pdf", PDF), ("notes.TXT", b"notes"), ("", b"")],
    )
    assert answer.status == 200
    assert answer.words is not None
    assert len(answer.words.split()) == 11
    (packet,) = gateway.packets()
    assert packet.files == {"my scan.pdf": PDF, "notes.TXT": b"notes"}
    assert packet.message.text == "They lost my papers.\nTwice. <b>æøå</b> ✉"
    assert (packet.message.public_body, packet.message.public_body_other) == ("The police", "Passport office")
    assert packet.message.people == (
        Person(Side.COMPLAINED_ABOUT, "Kari", ("Nordmann", "Hansen"), "officer", "Oslo"),
        Person(Side.ON_MY_SIDE, "Ola"),
    )
    assert packet.message.contact == Contact(name="N. N.", address="Road 1\n0001 Town", please_call=True)
    assert (packet.message.relation, packet.message.road) == (Relation.USER, Origin.CONVERSATION)
    assert (packet.message.writer_role, packet.message.read_back) == ("foreman", False)
    assert packet.lane is packet.manifest.lane is Lane.CLEAR
    assert [note.sha256 for note in packet.manifest.files] == [
        hashlib.sha256(content).hexdigest() for content in (PDF, b"notes")
    ]
    assert packet.manifest.receipt is not None
    assert packet.manifest.receipt.recipient.startswith("age1")


def test_two_receipts_have_nothing_in_common(gateway: GatewayProcess) -> None:
    first, second = gateway.submit([("message", "a")]), gateway.submit([("message", "b")])
    assert first.words != second.words
    one, two = gateway.packets()
    assert one.manifest.receipt != two.manifest.receipt
    assert len(one.sealed) == len(two.sealed)


def test_malware_is_held_and_not_thrown_away(gateway: GatewayProcess) -> None:
    answer = gateway.submit([], [("good.txt", b"good"), ("bad.txt", eicar())])
    assert answer.status == 200
    (packet,) = gateway.packets()
    assert packet.lane is Lane.HELD
    assert packet.files["bad.txt"] == eicar()
    assert [note.outcome for note in packet.manifest.files] == [Outcome.CLEAR, Outcome.HELD]
    # Which files a scanner disliked is for the desk; a source is not told to try again.
    assert "malware" not in answer.text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("tool.exe", b"MZ\x90\x00", "type.name"),
        ("picture.pdf", b"\x89PNG\r\n\x1a\n" + bytes(50), "type.content"),
        ("really.pdf", b"just text", "type.disagree"),
        ("no extension", b"just text", "type.name"),
        ("large.txt", b"MARKER-OF-THE-LARGE-FILE\n" * 10_000, "size"),
        ("empty.pdf", b"", "empty"),
    ],
)
def test_one_bad_file_does_not_sink_the_good_ones(
    gateway: GatewayProcess, name: str, content: bytes, reason: str
) -> None:
    answer = gateway.submit([], [("a.txt", b"first"), (name, content), ("b.txt", b"second" * 20_000)])
    assert answer.status == 200
    assert answer.words
    assert name in answer.text.partition("What was not received")[2]
    (packet,) = gateway.packets()
    assert packet.files == {"a.txt": b"first", "b.txt": b"second" * 20_000}
    assert [note.member for note in packet.manifest.files] == ["files/01.txt", "files/02.txt"]
    assert [(note.name, note.reason) for note in packet.manifest.refused] == [(name, reason)]
    # Not kept means not kept: not even sealed.
    assert b"MARKER-OF-THE-LARGE-FILE" not in packet.plaintext
    assert len(gateway.leftovers()) == 1


def test_a_file_of_exactly_the_limit_is_taken(gateway: GatewayProcess) -> None:
    assert gateway.submit([], [("a.txt", b"x" * 200_000)]).words
    assert not gateway.submit([], [("a.txt", b"x" * 200_001)]).words


def test_one_file_too_many(gateway: GatewayProcess) -> None:
    answer = gateway.submit([], [(f"{number}.txt", b"x") for number in range(5)])
    assert answer.status == 200
    (packet,) = gateway.packets()
    assert list(packet.files) == ["0.txt", "1.txt", "2.txt"]
    assert [note.reason for note in packet.manifest.refused] == ["count", "count"]


def test_a_refused_file_beside_a_message_leaves_the_message(gateway: GatewayProcess) -> None:
    answer = gateway.submit([("message", "see my file")], [("tool.exe", b"MZ")])
    assert answer.words
    assert gateway.packets()[0].message.text == "see my file"


@pytest.mark.parametrize(("content", "status"), [(b"MZ", 415), (b"x" * 300_000, 413)])
def test_nothing_acceptable(gateway: GatewayProcess, content: bytes, status: int) -> None:
    name = "tool.exe" if content == b"MZ" else "large.txt"
    answer = gateway.submit([("public_body", "A court"), ("kind", "question")], [(name, content)])
    assert answer.status == status
    assert answer.words is None
    assert name in answer.text
    assert "pdf, rar, txt, zip" in answer.text
    assert "come back with the return words" in " ".join(answer.text.split())
    assert '<option value="A court" selected>' in answer.text
    assert not gateway.leftovers()


def test_neither_message_nor_file(gateway: GatewayProcess) -> None:
    answer = gateway.submit([("message", " \n "), ("public_body", "A court")], [("", b"")])
    assert answer.status == 400
    assert '<option value="A court" selected>' in answer.text
    assert not gateway.leftovers()


def test_what_was_typed_comes_back_escaped(gateway: GatewayProcess) -> None:
    evil = '"><script>alert(1)</script>'
    answer = gateway.submit([("person-1-role", "x" * 2000), ("contact_name", evil), ("message", evil)])
    assert answer.status == 413
    assert "<script" not in answer.text.replace(SCRIPT_TAG, "")
    assert answer.text.count("&lt;script&gt;") == 2


def test_a_text_beyond_its_limit(gateway: GatewayProcess) -> None:
    answer = gateway.submit([("public_body", "A court"), ("message", "x" * 1_100_000)])
    assert answer.status == 413
    assert "text file" in answer.text
    assert not gateway.leftovers()


def test_a_file_name_can_do_nothing(gateway: GatewayProcess) -> None:
    names = ["../../../etc/passwd.txt", "<img src=x onerror=alert(1)>.txt", "a\u202egpj.txt"]
    answer = gateway.submit([], [(name, b"x") for name in names])
    assert answer.words
    assert "<img" not in answer.text
    (packet,) = gateway.packets()
    assert list(packet.files) == names
    assert {note.member for note in packet.manifest.files} == {"files/01.txt", "files/02.txt", "files/03.txt"}


def _multipart(body: bytes, extra: str = "", boundary: str = "b") -> bytes:
    head = f"POST /submit HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{extra}"
    return f"{head}Content-Type: multipart/form-data; boundary={boundary}\r\n".encode() + body


GOOD = b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\nhi\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (_multipart(b"Content-Length: 12\r\n\r\nno multipart"), 400),
        (_multipart(b"Content-Length: %d\r\n\r\n" % (len(GOOD) - 6) + GOOD[:-6]), 400),
        (_multipart(b"Content-Length: 4\r\n\r\n--b\r"), 400),
        (_multipart(b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD, "Content-Encoding: gzip\r\n"), 415),
        (_multipart(b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 411),
        (_multipart(b"\r\n"), 411),
        (_multipart(b"Content-Length: 0\r\n\r\n"), 400),
        (_multipart(b"Content-Length: 3\r\n\r\nabc", boundary="x" * 200), 415),
        (
            b"POST /submit HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
            415,
        ),
        (
            b"POST /submit HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n",
            411,
        ),
        (b"DELETE /submit HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 405),
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"GARBAGE \x00\xff\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Bomb: y\r\n" * 1000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Bomb: " + b"y" * 100_000 + b"\r\n\r\n", 431),
        (b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (
            _multipart(b"Content-Length: 20000\r\n\r\n--b\r\nContent-Disposition: form-data; " + b"x" * 19_960),
            400,
        ),
    ],
)
def test_a_bad_request_gets_our_page(gateway: GatewayProcess, request_bytes: bytes, status: int) -> None:
    answer = gateway.raw(request_bytes)
    assert answer.status == status
    _is_ours(answer)
    assert "X-Bomb" not in answer.text
    assert not gateway.leftovers()


@pytest.mark.parametrize(("path", "method"), [("/", "GET"), ("/style.css", "GET"), ("/x", "GET"), ("/", "DELETE")])
def test_headers_of_every_answer(gateway: GatewayProcess, path: str, method: str) -> None:
    # The browser's history may keep an empty form, and nothing that answers one.
    _is_ours(gateway.get(path, method), cache="private, no-cache" if (path, method) == ("/", "GET") else "no-store")


def test_headers_of_a_receipt(gateway: GatewayProcess) -> None:
    _is_ours(gateway.submit([("message", "hello")]))


def _is_ours(answer: Answer, *, cache: str = "no-store") -> None:
    assert not {"server", "date", "set-cookie", "etag", "last-modified"} & set(answer.headers)
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == cache
    assert answer.headers["referrer-policy"] == "no-referrer"
    # "python" is one of the words that a receipt may have.
    said = re.sub(r"<output.*?</output>", "", answer.text, flags=re.DOTALL).lower()
    assert "aiohttp" not in said
    assert "python" not in said


def test_too_large_a_body_is_refused_while_it_is_still_being_sent(gateway: GatewayProcess) -> None:
    with gateway.connect() as connection:
        connection.sendall(form_head("b", 50_000_000))
        # Only a little was sent; the page is there already.
        connection.sendall(bytes(10_000))
        answer = read_answer(connection)
    assert answer.status == 413
    assert "larger than" in answer.text
    assert not gateway.leftovers()


def test_a_browser_that_sends_everything_first_still_reads_the_page(gateway: GatewayProcess) -> None:
    body = bytes(8_100_000)
    with gateway.connect() as connection:
        connection.sendall(form_head("b", len(body)) + body)
        assert read_answer(connection).status == 413


def test_a_visitor_who_goes_away_leaves_nothing(gateway: GatewayProcess) -> None:
    body, boundary = form_body([("message", "x")], [("a.txt", b"x" * 150_000)])
    with gateway.connect() as connection:
        connection.sendall(form_head(boundary, len(body)) + body[:-100])
        wait_until(lambda: len(gateway.leftovers()) == 1)
    wait_until(lambda: not gateway.leftovers())


def test_nothing_a_source_sends_is_in_a_log_or_a_name(gateway: GatewayProcess) -> None:
    canary = "CanarySecretWord"
    gateway.submit([("message", canary), ("contact_name", canary)], [(f"{canary}.txt", canary.encode())])
    gateway.submit([("message", canary * 100_000)], [(f"{canary}.exe", b"MZ")])
    gateway.raw(f"GET /{canary} HTTP/1.1\r\n{canary}: {canary}\r\n\r\n".encode())
    gateway.raw(f"{canary}\r\n\r\n".encode())
    gateway.raw(f"GET / HTTP/1.1\r\nX: {canary}\x00\r\n\r\n".encode())
    for path in gateway.root.rglob("*"):
        assert canary not in str(path)
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path
    assert "127.0.0.1" not in gateway.log.read_text().replace(f"http://127.0.0.1:{gateway.port}/", "")


def test_a_hybrid_packet(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, kind=KeyKind.HYBRID) as gateway:
        assert gateway.submit([("message", "hello")]).words
        (packet,) = gateway.packets()
    assert packet.manifest.receipt is not None
    assert packet.manifest.receipt.recipient.startswith("age1pq1")


def test_without_a_scanner_everything_is_taken_and_held(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, inspection=True, clamd_socket=str(tmp_path / "nobody")) as gateway:
        assert gateway.submit([], [("a.txt", b"hello")]).words
        (packet,) = gateway.packets()
    assert packet.lane is Lane.HELD
    assert packet.manifest.files[0].outcome is Outcome.UNDECIDED


def test_a_full_spool_gives_no_receipt_and_keeps_the_reserve_for_text(tmp_path: Path) -> None:
    quota = 4 * 1024 * 1024
    with GatewayProcess(tmp_path, quota_bytes=quota, reserve_bytes=quota // 2) as gateway:
        large = [("a.txt", b"x" * 1_900_000)]
        answers = [gateway.submit([], large) for _ in range(2)]
        assert [answer.status for answer in answers] == [503, 503]
        assert answers[0].headers["retry-after"]
        assert not gateway.leftovers()
        assert gateway.submit([("message", "text")]).words
        while (last := gateway.submit([("message", "text" * 70_000)])).words:
            pass
        assert last.status == 503
        # What was promised is there, and nothing else.
        assert sum(path.stat().st_size for path in gateway.leftovers()) <= quota
        assert len(gateway.packets()) == len(gateway.leftovers())


def test_a_disk_that_fills_up_under_an_upload(tmp_path: Path) -> None:
    # A limit on the size of a file stands for the full disk: the write fails just as it does there.
    wrapper = ["prlimit", "--fsize=3000000", "--"]
    with GatewayProcess(tmp_path, wrapper=wrapper) as gateway:
        answer = gateway.submit([("message", "typed")], [("a.txt", b"x" * 5_000_000)])
        assert answer.status == 503
        assert "typed" in answer.text
        assert not gateway.leftovers()
        assert gateway.submit([("message", "text")]).words


def test_an_upload_that_stalls_is_ended(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, base_deadline_seconds=1, min_rate_bytes=1_000_000) as gateway:
        body, boundary = form_body([("message", "typed before")], [("a.txt", b"x" * 100_000)])
        with gateway.connect() as connection:
            connection.sendall(form_head(boundary, len(body)) + body[:50_000])
            answer = read_answer(connection)
        assert answer.status == 408
        assert "typed before" in answer.text
        assert not gateway.leftovers()


def test_a_slow_but_steady_upload_is_not_ended(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, base_deadline_seconds=1, min_rate_bytes=100) as gateway:
        body, boundary = form_body([], [("a.txt", b"x" * 10_000)])
        with gateway.connect() as connection:
            # Two seconds where one is allowed; from its first piece on it is five seconds ahead, however busy we are.
            connection.sendall(form_head(boundary, len(body)) + body[:500])
            for start in range(500, len(body), 500):
                time.sleep(0.1)
                connection.sendall(body[start : start + 500])
            assert read_answer(connection).words


def test_text_is_let_in_when_all_places_are_taken(tmp_path: Path) -> None:
    constants = {"gateway.reading.upload_slots.IDLE": DAY}
    with GatewayProcess(tmp_path, uploads_max=2, base_deadline_seconds=DAY, constants=constants) as gateway:
        body, boundary = form_body([], [("a.txt", b"x" * 3_000_000)])
        slow, faster = gateway.connect(), gateway.connect()
        with slow, faster:
            # More than is read at once: a packet is opened with what comes after an upload took its place.
            slow.sendall(form_head(boundary, len(body)) + body[:300_000])
            faster.sendall(form_head(boundary, len(body)) + body[:2_000_000])
            wait_until(lambda: [path.stat().st_size > 1_500_000 for path in gateway.leftovers()].count(True) == 1)
            wait_until(lambda: len(gateway.leftovers()) == 2)
            # Large uploads have to wait; text goes in, with small files, and takes nobody's place.
            assert gateway.submit([], [("b.txt", b"x" * 3_000_000)]).status == 503
            assert gateway.submit([("message", "text")], [("c.txt", b"x" * 100_000)]).words
            slow.sendall(body[300_000:])
            assert read_answer(slow).words
            faster.sendall(body[2_000_000:])
            assert read_answer(faster).words


def test_who_stopped_sending_loses_the_place_to_who_sends(tmp_path: Path) -> None:
    constants = {"gateway.reading.upload_slots.IDLE": 0.0}
    with GatewayProcess(tmp_path, uploads_max=1, base_deadline_seconds=DAY, constants=constants) as gateway:
        body, boundary = form_body([("message", "what I typed")], [("a.txt", b"x" * 3_000_000)])
        with gateway.connect() as stopped:
            stopped.sendall(form_head(boundary, len(body), "/en/submit") + body[:300_000])
            wait_until(gateway.leftovers)
            assert gateway.submit([], [("b.txt", b"x" * 3_000_000)]).words
            refused = read_answer(stopped)
            assert refused.status == 503
            assert "what I typed" in refused.text


def _is_refused(gateway: GatewayProcess) -> bool:
    try:
        gateway.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigterm_lets_an_upload_come_to_its_end(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path)
    gateway.start()
    body, boundary = form_body([], [("a.txt", b"x" * 2_000_000)])
    with gateway.connect() as connection:
        connection.sendall(form_head(boundary, len(body)) + body[:1_000_000])
        wait_until(gateway.leftovers)
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _is_refused(gateway))
        connection.sendall(body[1_000_000:])
        assert read_answer(connection).words
    assert gateway.stop() == 0
    assert len(gateway.packets()) == 1


def test_many_at_once(tmp_path: Path, clamd: LocalClamd) -> None:
    answers: list[Answer] = []
    with GatewayProcess(tmp_path, inspection=True, clamd_socket=str(clamd.socket_path)) as gateway:

        def send(number: int) -> None:
            answers.append(gateway.submit([("message", f"{number}")], [("a.txt", b"%d" % number * 50_000)]))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({answer.words for answer in answers}) == 16
        packets = gateway.packets()
    assert {packet.message.text for packet in packets} == {str(number) for number in range(16)}
    for packet in packets:
        assert packet.lane is Lane.CLEAR
        assert packet.files["a.txt"] == packet.message.text.encode() * 50_000


def _breakages(home: Path) -> list[tuple[str, str]]:
    classic = (home / "recipients.txt").read_text()
    return [
        ("recipients.txt", "nonsense\n"),
        ("recipients.txt", ""),
        ("recipients.txt", classic + "age1pq1" + "q" * 20 + "\n"),
        ("gateway.toml", "quta_bytes = 5\n"),
        ("gateway.toml", "not toml ["),
        ("gateway.toml", 'quota_bytes = "many"\n'),
        ("gateway.key", "nonsense\n"),
        ("desk.pub", "nonsense\n"),
    ]


def test_a_wrong_home_is_one_sentence_at_start(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path)
    for name, content in _breakages(gateway.home.root):
        path = gateway.home.root / name
        good = path.read_bytes()
        path.write_text(content)
        command = [sys.executable, "-m", "enveis", "gateway", "serve", "--home", str(gateway.home.root)]
        result = subprocess.run(
            [*command, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=WATCHDOG, check=False
        )
        assert result.returncode == 1, (name, content)
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert "Traceback" not in result.stderr
        path.write_bytes(good)


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "enveis", "gateway", "serve", "--home", str(gateway.home.root)]
        result = subprocess.run(
            [*command, "--listen", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=WATCHDOG, check=False
        )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_a_head_alone_of_a_file_part_is_not_a_file(gateway: GatewayProcess) -> None:
    body = file_head("b", "a.txt") + b"x"
    assert gateway.raw(form_head("b", len(body)) + body).status == 400
    assert not gateway.leftovers()


@pytest.mark.parametrize(
    ("disposition", "kept"),
    [
        ('name="attachment"; filename="a.txt"', True),
        ('name="message"; filename="a.txt"', True),
        ('name="files"', False),
        ("name=\"files\"; filename*=UTF-8''a.txt", True),
    ],
)
def test_no_file_is_dropped_in_silence(gateway: GatewayProcess, disposition: str, kept: bool) -> None:
    part = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\nFILE\r\n"
    body = part.encode() + b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\nhi\r\n--b--\r\n'
    answer = gateway.raw(form_head("b", len(body)) + body)
    assert answer.words
    (packet,) = gateway.packets()
    assert len(packet.manifest.files) + len(packet.manifest.refused) == 1
    assert bool(packet.files) is kept
    assert ("What was not received" in answer.text) is not kept
