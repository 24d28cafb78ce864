"""What the form says while it sends and after a line broke, in both browsers: never more than the browser knows.

Invariant G25.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.worlds.any_visitor import PHONE_SIZE, AnyVisitor
from tests.worlds.letterbox import Letterbox
from tests.worlds.line_between import Line, LineBetween
from tests.worlds.waiting import WATCHDOG, wait_until

TEXT = "De mistet papirene mine."
STATE = ".state"
CLAIMS = ("arrived", "sealed", "has been received")


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    with Letterbox(tmp_path_factory.mktemp("letterbox"), tick_seconds=3600) as running:
        yield running


@pytest.fixture
def between(letterbox: Letterbox) -> Iterator[LineBetween]:
    with LineBetween(letterbox.origin) as line:
        yield line


def _fill(visitor: AnyVisitor, *files: Path) -> None:
    visitor.go("/en/")
    visitor.write("#message", TEXT)
    if files:
        visitor.choose("#files", *files)


def _reads(visitor: AnyVisitor, words: str) -> None:
    wait_until(lambda: words in visitor.text(STATE), lambda: visitor.text(STATE))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    # More than the sockets between hold.
    file = tmp_path / "large.txt"
    file.write_bytes(b"0123456789abcde\n" * (1024 * 1024))
    return file


def test_what_left_the_browser_is_not_called_received(
    visit: Visit, letterbox: Letterbox, between: LineBetween, large: Path
) -> None:
    visitor = visit(between.origin, script=True, size=PHONE_SIZE)
    _fill(visitor, large)
    between.line, before = Line.HELD, letterbox.spooled()
    visitor.click(".send button")
    assert between.taken.wait(WATCHDOG)
    _reads(visitor, "Only the next page says that it was received")
    assert letterbox.spooled() == before
    assert not [claim for claim in CLAIMS if claim in visitor.text(STATE)]
    between.go_on.set()
    visitor.wait_for("#receipt")
    assert len(letterbox.spooled() - before) == 1


def test_a_line_that_breaks_on_the_way(visit: Visit, letterbox: Letterbox, between: LineBetween, large: Path) -> None:
    visitor = visit(between.origin, script=True, size=PHONE_SIZE)
    _fill(visitor, large)
    between.line, before = Line.CUT, letterbox.spooled()
    visitor.click(".send button")
    wait_until(lambda: visitor.read("() => document.querySelector('.chosen progress').value > 0"))
    between.go_on.set()
    _reads(visitor, "The connection broke off and nothing was received")
    _has_everything_and_sends_it(visitor, between, file=large.name)
    assert len(letterbox.spooled() - before) == 1


def test_without_the_script_back_has_the_text_after_a_line_broke(
    browser_with_history: Browser, letterbox: Letterbox, between: LineBetween
) -> None:
    """Where the browser keeps the page in memory; it has no other copy, on purpose (ADR 0046).

    Chromium only: the page that Firefox shows of a broken line cannot be looked at.
    """
    context = browser_with_history.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{between.origin}/en/")
    page.locator("#message").fill(TEXT)
    between.line, before = Line.CUT, letterbox.spooled()
    between.go_on.set()
    page.locator(".send button").first.click(no_wait_after=True)
    # Asking for the title lets Playwright hear of the page that came.
    wait_until(lambda: (page.title(), page.url)[1].startswith("chrome-error:"), lambda: page.url)
    page.go_back(wait_until="commit")  # a page that was kept is not loaded
    expect(page.locator("#message")).to_have_value(TEXT)
    assert letterbox.spooled() == before
    context.close()


@pytest.mark.parametrize(("line", "received"), [(Line.LOST_ANSWER, 1), (Line.FOREIGN, 0)])
@pytest.mark.parametrize("has_file", [True, False])
def test_an_answer_that_never_came_is_not_called_nothing(
    visit: Visit, letterbox: Letterbox, between: LineBetween, large: Path, line: Line, received: int, *, has_file: bool
) -> None:
    visitor = visit(between.origin, script=True, size=PHONE_SIZE)
    _fill(visitor, *([large] if has_file else []))
    between.line, before = line, letterbox.spooled()
    visitor.click(".send button")
    _reads(visitor, "nobody can say here whether it was received")
    # Firefox by itself sends a form once more whose connection ended without an answer.
    wait_until(lambda: len(letterbox.spooled() - before) >= received)
    _has_everything_and_sends_it(visitor, between, file=large.name if has_file else "")


def _has_everything_and_sends_it(visitor: AnyVisitor, between: LineBetween, *, file: str) -> None:
    assert visitor.value("#message") == TEXT
    assert visitor.count(".chosen li") == bool(file)
    if file:
        assert file in visitor.text(".chosen li")
        assert not visitor.is_shown(".chosen progress")
    between.line = Line.THROUGH
    visitor.click(".send button")
    # Words, also where it was received the first time: nobody has seen those, and a repeat would show none.
    visitor.wait_for("#receipt")
    assert visitor.count("#problem") == 0


def test_files_are_judged_before_they_are_sent_and_the_advice_is_for_here(
    visit: Visit, letterbox: Letterbox, tmp_path: Path
) -> None:
    contents = {"empty.pdf": b"", "photo.heic": b"ftypheic", "a.txt": b"text\n"}
    advice = {"empty.pdf": "it is empty", "photo.heic": "make a PDF of it, or put it into a ZIP file", "a.txt": ""}
    visitor = visit(letterbox.origin, script=True, size=PHONE_SIZE)
    visitor.leaves_when_asked = True  # a chosen file is a reason to ask
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        visitor.go("/en/")
        visitor.choose("#files", tmp_path / name)
        visitor.wait_for(".chosen li")
        assert advice[name] in visitor.text(".chosen li")
        assert visitor.count(".chosen li .why") == bool(advice[name])
        assert visitor.count(".chosen li a[href='/en/how#other-files']") == (name == "photo.heic")


@pytest.mark.parametrize("script", [True, False])
def test_an_empty_file_is_told_on_the_receipt_and_alone_gets_none(
    visit: Visit, letterbox: Letterbox, tmp_path: Path, *, script: bool
) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")
    visitor = visit(letterbox.origin, script=script, size=PHONE_SIZE)
    visitor.go("/en/")
    visitor.choose("#files", tmp_path / "empty.pdf")
    visitor.click(".send button")
    visitor.wait_for("#problem")
    assert "it is empty" in visitor.text(".refused li")
    assert "come back with the return words" in visitor.text("#problem")
    visitor.write("#message", TEXT)
    visitor.choose("#files", tmp_path / "empty.pdf")
    visitor.click(".send button")
    visitor.wait_for("#receipt")
    assert "it is empty" in visitor.text(".refused li")
    assert "empty.pdf" not in visitor.text(".received")
