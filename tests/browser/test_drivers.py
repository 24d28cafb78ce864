"""What both drivers promise to the tests that use them; without it, those tests prove nothing."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Visit
from tests.worlds.any_visitor import DESKTOP_SIZE, PHONE_SIZE
from tests.worlds.waiting import wait_until

_POLICY = "default-src 'none'; script-src 'self'; form-action 'self'"
_HTML = """<!DOCTYPE html><html lang=en><meta name=viewport content="width=device-width"><title>plain</title>
<form><textarea id=text></textarea><input type=file id=file></form>
<a id=other href=/other>other</a> <a id=beside href=/other target=_blank rel=noopener>beside</a>
<script src=/script></script>"""
_SCRIPT = """document.title = "scripted";
addEventListener("beforeunload", (event) => { if (document.getElementById("text").value) event.preventDefault(); });"""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        script = self.path == "/script"
        body = (_SCRIPT if script else _HTML.replace("plain", self.headers["Accept-Language"])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("size", [PHONE_SIZE, DESKTOP_SIZE])
def test_a_visitor(visit: Visit, origin: str, tmp_path: Path, size: tuple[int, int], *, script: bool) -> None:
    visitor = visit(origin, script=script, size=size, language="nb")
    visitor.go("/")
    assert visitor.read("() => [innerWidth, innerHeight]") == list(size)
    title = visitor.read("() => document.title")
    assert title == "scripted" if script else title.startswith("nb")
    visitor.write("#text", "blåbær\n€")
    assert visitor.value("#text") == "blåbær\n€"
    (tmp_path / "a.txt").write_bytes(b"a")
    visitor.choose("#file", tmp_path / "a.txt")
    assert visitor.read("() => document.getElementById('file').files[0].name") == "a.txt"
    assert visitor.box("#text").is_within(size)

    visitor.leaves_when_asked = True
    assert visitor.follow("#other")
    assert (visitor.path(), visitor.questions) == ("/other", 1 if script else 0)
    assert visitor.back()
    assert visitor.path() == "/"
    assert visitor.forward()
    assert visitor.path() == "/other"
    visitor.click("#beside")
    wait_until(lambda: visitor.tabs() == 2)
    visitor.to_tab(1)
    visitor.wait_for("#other")
    assert visitor.path() == "/other"
    visitor.to_tab(0)
    assert visitor.read("() => [innerWidth, innerHeight]") == list(size)


def test_a_visitor_who_stays(visit: Visit, origin: str) -> None:
    visitor = visit(origin, script=True)
    visitor.go("/other")
    visitor.go("/")
    visitor.write("#text", "x")
    assert not visitor.follow("#other")
    assert not visitor.reload()
    assert not visitor.back()
    assert visitor.questions == 3
    assert (visitor.path(), visitor.value("#text")) == ("/", "x")
