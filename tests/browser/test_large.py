"""What is too large, sent by a real browser over a slow line, ends on our page and not on a broken connection.

Invariant G7.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visitor
from tests.worlds.letterbox import Letterbox

MIB = 1024 * 1024
# `make soak-pages` takes the gateway's own limits and the sizes that people try; the rest of the time they are smaller.
SOAK = bool(os.environ.get("ENVEIS_SOAK"))
FILE_MAX, FILE, BODY = (256 * MIB, 300 * MIB, 3072 * MIB) if SOAK else (16 * MIB, 24 * MIB, 200 * MIB)
LINE = 4 * MIB  # bytes a second
SECONDS = 300 if SOAK else 60


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    with Letterbox(tmp_path_factory.mktemp("letterbox"), file_max_bytes=FILE_MAX, files_max=2) as running:
        yield running


def send_over_a_slow_line(visitor: Visitor, file: Path, *, text: str, line: int, seconds: float) -> None:
    """Send `file` at `line` bytes a second, and wait for a page of ours for so many seconds."""
    page = visitor.page
    visitor.go("/en/")
    devtools = visitor.context.new_cdp_session(page)
    devtools.send("Network.enable")
    slow = {"offline": False, "latency": 100, "downloadThroughput": line, "uploadThroughput": line}
    devtools.send("Network.emulateNetworkConditions", slow)
    page.locator("#message").fill(text)
    page.locator("#files").set_input_files(file)
    page.locator(".send button").click(no_wait_after=True)
    expect(page.locator("#problem-title, #receipt")).to_be_visible(timeout=seconds * 1000)


def sparse(path: Path, size: int) -> Path:
    """Make a file of so many bytes that takes no room. It begins as a PDF does: only its size is wrong."""
    with path.open("wb") as stream:
        stream.write(b"%PDF-1.7\n")
        stream.truncate(size)
    return path


@pytest.mark.parametrize("script", [False, True])
def test_one_file_beyond_its_limit(browser: Browser, letterbox: Letterbox, tmp_path: Path, script: bool) -> None:
    visitor = Visitor(browser.new_context(java_script_enabled=script), letterbox.origin)
    file = sparse(tmp_path / "large.pdf", FILE)
    send_over_a_slow_line(visitor, file, text="and a few words", line=LINE, seconds=SECONDS)
    # The words arrived, and the page says what did not.
    assert visitor.page.locator("#receipt").count() == 1
    refused = visitor.page.locator(".refused").inner_text()
    assert "large.pdf" in refused
    assert "it is too large" in refused
    visitor.leave()


@pytest.mark.parametrize("script", [False, True])
def test_a_body_beyond_all_limits(browser: Browser, letterbox: Letterbox, tmp_path: Path, script: bool) -> None:
    visitor = Visitor(browser.new_context(java_script_enabled=script), letterbox.origin)
    file = sparse(tmp_path / "huge.pdf", BODY)
    send_over_a_slow_line(visitor, file, text="a text of hours", line=LINE, seconds=SECONDS)
    assert "larger" in visitor.page.locator("#problem").inner_text()
    if script:
        # The script keeps the form below the reason; without it, Back leads to the form.
        assert visitor.page.locator("#message").input_value() == "a text of hours"
        assert visitor.page.locator(".send button").is_enabled()
        visitor.page.locator("#message").fill("")
    visitor.leave()
