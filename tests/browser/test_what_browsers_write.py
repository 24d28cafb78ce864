"""What a browser leaves in its profile of what was typed, sent and shown: the bytes of every file are searched.

Invariant G30.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Error, Playwright

from tests.worlds.any_visitor import AnyVisitor
from tests.worlds.chromium import ChromiumVisitor, launch_with_profile
from tests.worlds.firefox import Firefox, FirefoxVisitor
from tests.worlds.letterbox import Letterbox
from tests.worlds.waiting import wait_until

TEXT: Final = "Papirmappeforsvinning"
DETAIL: Final = "Fjellskrivemaskinkontoret"
CONTENT: Final = "Hvitveisreferatinnhold"
_MAGIC: Final = b"mozLz40\0"  # Firefox: LZ4 in a frame of its own, after it four bytes of length


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    with Letterbox(tmp_path_factory.mktemp("letterbox"), inspection=False) as running:
        yield running


def _unpacked(packed: bytes) -> bytes:
    """Return the bytes of an LZ4 block."""
    out, at = bytearray(), 0

    def long(size: int) -> int:
        nonlocal at
        while size >= 15:
            more = packed[at]
            at, size = at + 1, size + more
            if more < 255:
                break
        return size

    while at < len(packed):
        token = packed[at]
        at += 1
        size = long(token >> 4)
        out += packed[at : at + size]
        at += size
        if at >= len(packed):
            break
        back = int.from_bytes(packed[at : at + 2], "little")
        at += 2
        for _ in range(long(token & 15) + 4):
            out.append(out[-back])
    return bytes(out)


def _found(profile: Path, sought: list[str]) -> dict[str, set[str]]:
    """Return what is found, by the folder or the name of the file."""
    found: dict[str, set[str]] = {}
    for path in filter(Path.is_file, profile.rglob("*")):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # the running browser put another in its place
            continue
        if content.startswith(_MAGIC):
            content += _unpacked(content[12:])
        for text in sought:
            if text.encode() in content or text.encode("utf-16-le") in content:
                name = path.parent.name if path.parent.name == "Sessions" else path.name
                found.setdefault(name, set()).add(text)
    return found


def _type(visitor: AnyVisitor, note: Path) -> None:
    visitor.go("/nb/")
    visitor.write("#message", TEXT)
    visitor.click("details.more > summary")
    visitor.wait_for("#public_body_other")
    visitor.write("#public_body_other", DETAIL)
    visitor.choose("#files", note)


def _send(visitor: AnyVisitor) -> list[str]:
    visitor.click(".send button")
    visitor.wait_for("#receipt")
    words = visitor.text("#receipt").split()
    return [" ".join(words), "\n".join(words)]


def _note(folder: Path) -> Path:
    note = folder / f"{CONTENT}s.txt"
    note.write_text(CONTENT)
    return note


@pytest.mark.parametrize("ending", ["quit", "kill"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("is_sent", [False, True], ids=["typed", "sent"])
def test_firefox(tmp_path: Path, letterbox: Letterbox, ending: str, *, is_sent: bool, script: bool) -> None:
    note, profile = _note(tmp_path), tmp_path / "profile"
    sought = [TEXT, DETAIL, CONTENT]
    with Firefox(profile, {"browser.sessionstore.interval": 100}) as firefox:
        visitor = FirefoxVisitor(firefox, letterbox.origin, script=script)
        _type(visitor, note)
        if is_sent:
            sought += _send(visitor)
        # What it writes of this window is written now: the address in it says so.
        wait_until(lambda: "recovery.jsonlz4" in _found(profile, [letterbox.origin]))
        if ending == "quit":
            firefox.quit()
        else:
            firefox.kill()
    assert _found(profile, sought) == {}


@pytest.mark.parametrize("ending", ["quit", "kill"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("is_sent", [False, True], ids=["typed", "sent"])
def test_chromium(
    playwright: Playwright, tmp_path: Path, letterbox: Letterbox, ending: str, *, is_sent: bool, script: bool
) -> None:
    note, profile = _note(tmp_path), tmp_path / "profile"
    sought = [TEXT, DETAIL, CONTENT]
    context = launch_with_profile(playwright.chromium, profile, script=script)
    visitor = ChromiumVisitor(context, letterbox.origin, script=script)
    _type(visitor, note)
    if is_sent:
        sought += _send(visitor)
    wait_until(lambda: "Sessions" in _found(profile, [letterbox.origin]))
    if ending == "kill":
        pid = int((profile / "SingletonLock").readlink().name.rpartition("-")[2])
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(Error):  # it is gone already
        context.close()
    found = _found(profile, sought)
    if is_sent and not script:
        # It keeps what a form posted with the address that it was posted to: the privacy page says so.
        assert set(found) <= {"Sessions"}
    else:
        assert found == {}
