"""Forms as old browsers, text browsers and programs send them, over real sockets: nothing in them vanishes in silence.

Invariant G28.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.gateway_process import GatewayProcess, form_head


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("gateway"), inspection=False) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty_spool(gateway: GatewayProcess) -> None:
    gateway.empty_spool()


def _urlencoded(path: str, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("søknad – 5 €.txt".encode("cp1252"), "søknad – 5 €.txt"),
        ("søknad.txt".encode(), "søknad.txt"),
        ("отчёт.txt".encode("cp1251"), "îò÷¸ò.txt"),
        ("報告.txt".encode("shift-jis"), "•ñ\ufffd\ufffd.txt"),
        (b"\xff\xfe.txt", "ÿþ.txt"),
    ],
)
def test_a_name_in_another_encoding_costs_nothing(gateway: GatewayProcess, name: bytes, shown: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\nP\xe5 \xc5s\r\n--b\r\n'
    body += b'Content-Disposition: form-data; name="files"; filename="' + name + b'"\r\n\r\nFILE\r\n--b--\r\n'
    answer = gateway.raw(form_head("b", len(body)) + body)
    assert answer.words, answer.text
    (packet,) = gateway.packets()
    assert [note.name for note in packet.manifest.files] == [shown]
    assert packet.message.text == "På Ås"


def test_texts_that_come_twice_and_an_empty_file_are_in_the_packet(gateway: GatewayProcess) -> None:
    fields = [("message", "one"), ("public_body", "Somewhere else"), ("message", "two"), ("contact_phone", "1")]
    answer = gateway.submit([*fields, ("contact_phone", "2")], [("cloud.pdf", b""), ("", b"")])
    assert answer.words, answer.text
    assert "it is empty" in answer.text
    (packet,) = gateway.packets()
    assert packet.message.text == "one\n\ntwo"
    assert packet.message.public_body_other == "Somewhere else"
    assert packet.message.contact.phone == "1; 2"
    assert [(note.name, note.reason) for note in packet.manifest.refused] == [("cloud.pdf", "empty")]


def test_url_encoded_forms_are_taken_on_every_page(gateway: GatewayProcess) -> None:
    answer = gateway.raw(_urlencoded("/en/submit", b"message=Bl%C3%A5b%C3%A6r+%26+milk&person-1-role=judge"))
    assert answer.words, answer.text
    (packet,) = gateway.packets()
    assert (packet.message.text, packet.message.people[0].role) == ("Blåbær & milk", "judge")
    words = answer.words.replace(" ", "+").encode()
    assert "Your case" in gateway.raw(_urlencoded("/en/return", b"words=" + words)).text
    added = gateway.raw(_urlencoded("/en/add", b"words=" + words + b"&message=more"))
    assert (added.status, "Added to your case" in added.text) == (200, True)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"message": "hi"}', "application/json"),
        (b"message=hi", "text/plain"),
        (b"message=Drunk & disorderly", "application/x-www-form-urlencoded"),
    ],
)
def test_other_forms_are_told_how(gateway: GatewayProcess, body: bytes, content_type: str) -> None:
    answer = gateway.raw(_urlencoded("/en/submit", body, content_type))
    assert (answer.status, "curl -F" in answer.text) == (415, True)
    assert not gateway.leftovers()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the line that the page shows is tried where there is curl")
def test_the_line_that_the_page_shows_works(gateway: GatewayProcess, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("På Ås & i Bø\n")
    (tmp_path / "evidence.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    line = [
        "curl",
        "-s",
        "-F",
        "message=<text.txt",
        "-F",
        "files=@evidence.pdf",
        f"http://127.0.0.1:{gateway.port}/submit",
    ]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert 'id="receipt"' in done.stdout
    (packet,) = gateway.packets()
    assert packet.message.text == "På Ås & i Bø\n"
    assert [note.name for note in packet.manifest.files] == ["evidence.pdf"]
