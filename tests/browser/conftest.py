"""Debian's Chromium and Firefox, and what is kept of each page that a test sees: its HTML, and a picture on demand."""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests.worlds.any_visitor import DESKTOP_SIZE, AnyVisitor
from tests.worlds.chromium import CHROMIUM, OPTIONS, ChromiumVisitor, launch_with_history
from tests.worlds.firefox import Firefox, FirefoxVisitor
from tests.worlds.waiting import wait_until

# Where `make screenshots` wants the pictures; without it they go into the test's own folder.
PICTURES = os.environ.get("ENVEIS_SCREENSHOTS")
Scheme = Literal["light", "dark"]
STYLED = "document.styleSheets.length === document.querySelectorAll('link[rel=stylesheet]').length"
COLOURS = 64  # enough for text, and a third of the size


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let these come last: while a browser is driven its loop counts as running, and no other test could have one.

    `make test` tries Firefox on a phone, and Chromium on both; `make soak-pages` tries both everywhere.
    """
    here = Path(__file__).parent
    items.sort(key=lambda item: here in item.path.parents)
    if not os.environ.get("ENVEIS_SOAK"):
        left_out = [item for item in items if _is_firefox_on_a_desktop(item)]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def _is_firefox_on_a_desktop(item: pytest.Item) -> bool:
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return params.get("visit") == "firefox" and params.get("size") == DESKTOP_SIZE


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The driver of Chromium: one for a process."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A running Chromium."""
    running = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
    yield running
    running.close()


@pytest.fixture(scope="session")
def browser_with_history(playwright: Playwright) -> Iterator[Browser]:
    """A running Chromium that keeps pages for Back, as people's browsers do."""
    running = launch_with_history(playwright.chromium)
    yield running
    running.close()


@pytest.fixture(scope="session")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """A running Firefox."""
    with Firefox(tmp_path_factory.mktemp("firefox") / "profile") as running:
        yield running


class Visit(Protocol):
    """Opens a window at `origin` in the browser of this test; one after the other in one test."""

    def __call__(
        self, origin: str, *, script: bool, size: tuple[int, int] = DESKTOP_SIZE, language: str = "en"
    ) -> AnyVisitor: ...


@pytest.fixture(params=["chromium", "firefox"])
def visit(request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Run the test in both browsers."""
    opened: list[AnyVisitor] = []

    def open_window(
        origin: str, *, script: bool, size: tuple[int, int] = DESKTOP_SIZE, language: str = "en"
    ) -> AnyVisitor:
        visitor: AnyVisitor
        if request.param == "firefox":
            running = request.getfixturevalue("firefox")
            visitor = FirefoxVisitor(running, origin, script=script, size=size, language=language)
        else:
            running = request.getfixturevalue("browser_with_history")
            visitor = ChromiumVisitor(running, origin, script=script, size=size, language=language)
        opened.append(visitor)
        return visitor

    yield open_window
    for visitor in opened:
        visitor.close()


class Seen:
    """Every page and state that was seen: checked by axe at once, its HTML kept for the validator."""

    def __init__(self, folder: Path, browser: Browser) -> None:
        self._browser = browser
        self.html = folder / "html"
        self.html.mkdir()
        self.pictures = Path(PICTURES) if PICTURES else folder / "pictures"
        self.pictures.mkdir(exist_ok=True)
        self.names: set[str] = set()

    def look(
        self, page: Page, name: str, *, script: bool = True, picture: bool = True, scheme: Scheme = "light"
    ) -> None:
        """Keep what `page` shows under `name`, and fail on what axe finds in it."""
        assert re.fullmatch(r"[a-z0-9-]+", name)
        self.names.add(name)
        html = page.content()
        (self.html / f"{name}.html").write_text(html, "utf-8")
        if script:
            self._check(page, name, picture=picture)
            return
        # Axe is a script: it checks the same HTML and style in a window that runs scripts, but none of ours.
        context = self._browser.new_context(viewport=page.viewport_size, color_scheme=scheme)
        copy = context.new_page()
        copy.route("**/enveis.js", lambda route: route.abort())
        address = page.url.partition("#")[0]
        copy.route(address, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
        copy.goto(address)
        assert copy.title() == page.title()
        self._check(copy, name, picture=picture)
        context.close()

    def _check(self, page: Page, name: str, *, picture: bool) -> None:
        # A page that the script put in place has its style sheet a moment later; until then its colours are not ours.
        # Asked again and again from here: the page's own policy forbids `wait_for_function` to evaluate a text.
        wait_until(lambda: page.evaluate(STYLED), page.content)
        results = Axe().run(page)
        assert results.violations_count == 0, f"{name}: {results.generate_report()}"
        assert results.response["passes"], name
        if picture:
            image = Image.open(io.BytesIO(page.screenshot(full_page=True)))
            image.convert("RGB").quantize(COLOURS).save(self.pictures / f"{name}.png", optimize=True)


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Seen:
    """What this run has seen."""
    return Seen(tmp_path_factory.mktemp("seen"), browser)


class Visitor:
    """One person with one browser window, who notes every address that the browser asks for."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        context.set_default_timeout(90_000)  # milliseconds; a page takes a second, and twenty with a load of 13
        self.page = context.new_page()
        self.origin = origin
        self.asked: set[str] = set()
        context.on("request", lambda request: self.asked.add(request.url))
        # A page with a status of its own is no fault; what a policy blocked is.
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.said: list[str] = []

    def _note(self, message: ConsoleMessage) -> None:
        # What the gateway wants forgotten is told there too.
        if "with a status of" not in message.text and not message.text.startswith("Clear-Site-Data header on"):
            self.said.append(message.text)

    def go(self, path: str) -> None:
        """Open a page of the letterbox."""
        answer = self.page.goto(self.origin + path)
        assert answer is not None
        assert answer.status == 200, path

    def leave(self) -> None:
        """Close the window; nothing may be left in it, and no other place was spoken to."""
        assert self.context.cookies() == []
        assert {url for url in self.asked if not url.startswith(self.origin + "/")} == set()
        assert self.said == []
        self.context.close()
