"""Every route and every way of failing: what protects a reader is on each answer, and nothing leads anywhere else.

Invariant G14.
"""

import re
from collections.abc import Iterator

import pytest

from gateway.http.posts import POSTS
from keys.receipt import new_receipt_words
from tests.worlds.gateway_process import Answer, GatewayProcess

EXPLAINING = ("/how", "/privacy", "/law", "/accessibility")
PATHS = (
    "/",
    "/empty",
    "/return",
    *EXPLAINING,
    "/style.css",
    "/sent.css",
    "/enveis.js",
    "/cases.csv",
    "/nowhere",
    *sorted(POSTS),
)
ONION = "a" * 56 + ".onion"
WORDS = new_receipt_words().return_words
PROTECTING = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}
KEPT = frozenset({"/", "/form", "/empty", "/return", "/words"})  # empty forms
ASKED = KEPT | {*EXPLAINING}  # pages that hold nothing of anybody
SENT = '<link rel="stylesheet" href="/sent.css">'
_ADDRESS = re.compile(r"""(?:href|src|action|formaction|poster|data|cite|background|srcset)\s*=\s*["']([^"']*)""")
_ELSEWHERE = re.compile(r"(?i)^\s*(?:[a-z][a-z0-9+.-]*:|//)")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    root = tmp_path_factory.mktemp("routes")
    with GatewayProcess(root, tick_seconds=6 * 3600, file_max_bytes=100_000, onion=ONION) as running:
        yield running


def _protects(answer: Answer, what: str, *, is_kept: bool = False) -> None:
    assert not {"server", "date", "set-cookie", "etag", "last-modified", "x-powered-by"} & set(answer.headers), what
    for name, value in PROTECTING.items():
        assert answer.headers[name] == value, (what, name)
    expected = "private, no-cache" if is_kept else "no-store"
    assert answer.headers["cache-control"] == expected, what
    assert ("clear-site-data" in answer.headers) == (what.endswith("/sent.css") and what.startswith("GET")), what
    for feature in ("camera", "geolocation", "microphone", "payment", "usb"):
        assert f"{feature}=()" in answer.headers["permissions-policy"], what
    policy = answer.headers["content-security-policy"]
    for part in ("default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy, what
    assert "unsafe" not in policy, what
    assert not re.search(r"https?:|\*|data:|blob:", policy), what
    # A link that a person may follow is no load; everything else stays here.
    loaded = re.sub(r"<a [^>]*>", "", answer.text)
    for address in _ADDRESS.findall(loaded):
        assert not _ELSEWHERE.match(address), (what, address)
    assert "url(" not in answer.text, what


@pytest.mark.parametrize("language", ["", "/en", "/nb", "/nn", "/da"])
def test_what_is_asked_for(gateway: GatewayProcess, language: str) -> None:
    for path in PATHS:
        for method in ("GET", "DELETE"):
            answer = gateway.get(f"{language}{path}", method)
            _protects(answer, f"{method} {language}{path}", is_kept=method == "GET" and path in KEPT)
            onion = answer.headers.get("onion-location")
            # What a browser asks for again after a post has none: Tor Browser would go there at once.
            assert (onion is not None) == (method == "GET" and path in ASKED), (method, path)
            assert onion is None or onion.startswith(f"http://{ONION}/")


def test_what_is_posted_well_or_badly(gateway: GatewayProcess) -> None:
    page = gateway.submit([("message", "hello")])
    named = page.button
    # Browsers drop the form that their history keeps.
    assert SENT in page.text
    answers = {"receipt": page}
    for path in sorted(POSTS):
        answers |= {
            f"{path} empty": gateway.post(path),
            f"{path} words": gateway.post(path, [("words", WORDS)]),
            f"{path} wrong words": gateway.post(path, [("words", "x y z")]),
            f"{path} text": gateway.post(path, [("words", WORDS), ("message", "hello")], [("a.exe", b"MZ")]),
            f"{path} withdraw": gateway.post(path, named),
            f"{path} malformed": gateway.raw(_head(path, 12) + b"no multipart"),
            f"{path} too large": gateway.raw(_head(path, 10**12)),
            f"{path} no length": gateway.raw(f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()),
        }
    for what, answer in answers.items():
        _protects(answer, what)
        # Tor Browser would go there at once, and a receipt would be gone.
        assert "onion-location" not in answer.headers, what
    assert {answer.status for answer in answers.values()} == {200, 400, 411, 413}


def _head(path: str, length: int) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
    ).encode()
