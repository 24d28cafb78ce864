"""Debian's Chromium with its back/forward cache, driven through Playwright as `AnyVisitor` wants it."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, BrowserType, Dialog, Error, Page

from tests.worlds.any_visitor import DESKTOP_SIZE, AnyVisitor, BrowserName

CHROMIUM: Final = "/usr/bin/chromium"
# Only our own gateway is spoken to, whatever Chromium would like to update. It has no sandbox where tests run as root.
OPTIONS: Final = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
# Playwright switches it off, and people have it.
_WITHOUT: Final = ["--disable-back-forward-cache"]


def launch_with_history(chromium: BrowserType) -> Browser:
    """Start a Chromium that keeps pages for Back, as people's browsers do."""
    return chromium.launch(executable_path=CHROMIUM, args=OPTIONS, ignore_default_args=_WITHOUT)


def launch_with_profile(chromium: BrowserType, profile: Path, *, script: bool) -> BrowserContext:
    """Start a Chromium that writes into `profile` whatever it writes for people."""
    return chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=OPTIONS, ignore_default_args=_WITHOUT, java_script_enabled=script
    )


class ChromiumVisitor(AnyVisitor):
    """A person with a window of their own, or the only one of a browser that was started with a profile."""

    name: BrowserName = "chromium"
    moving = (Error,)

    def __init__(
        self,
        browser: Browser | BrowserContext,
        origin: str,
        *,
        script: bool,
        size: tuple[int, int] = DESKTOP_SIZE,
        language: str = "en",
    ) -> None:
        super().__init__(origin, size)
        width, height = size
        self.context = (
            browser
            if isinstance(browser, BrowserContext)
            else browser.new_context(
                java_script_enabled=script, locale=language, viewport={"width": width, "height": height}
            )
        )
        self._asked = False
        self.context.on("dialog", self._answer)
        self.page: Page = self.context.new_page()

    def _answer(self, question: Dialog) -> None:
        assert question.type == "beforeunload"
        self._asked = True
        (question.accept if self.leaves_when_asked else question.dismiss)()

    def read(self, function: str, *arguments: object) -> Any:
        return self.page.evaluate(f"(given) => ({function})(...given)", list(arguments))

    def _said(self, method: str, **arguments: object) -> dict[str, Any]:
        session = self.context.new_cdp_session(self.page)
        try:
            answer: dict[str, Any] = session.send(method, arguments)
        finally:
            session.detach()
        return answer

    def document(self) -> str:
        return str(self._said("Page.getFrameTree")["frameTree"]["frame"]["loaderId"])

    def address(self) -> str:
        return self.page.url

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click(no_wait_after=True)

    def write(self, selector: str, text: str) -> None:
        field = self.page.locator(selector).first
        field.press("Control+End")  # it would begin before what the page put into it
        field.press_sequentially(text)

    def choose(self, selector: str, *files: Path) -> None:
        self.page.locator(selector).first.set_input_files(files)

    def _hear(self) -> None:
        # Any call lets Playwright deliver what has happened.
        self.page.title()

    def tabs(self) -> int:
        self._hear()
        return len(self.context.pages)

    def to_tab(self, number: int) -> None:
        self.page = self.context.pages[number]
        self.page.bring_to_front()

    def close(self) -> None:
        self.context.close()

    def _navigate(self, url: str) -> None:
        self._said("Page.navigate", url=url)

    def _history(self, steps: int) -> None:
        history = self._said("Page.getNavigationHistory")
        entry = history["entries"][history["currentIndex"] + steps]
        self._said("Page.navigateToHistoryEntry", entryId=entry["id"])

    def _reload(self) -> None:
        self._said("Page.reload")

    def _was_asked(self) -> bool:
        self._hear()
        asked, self._asked = self._asked, False
        return asked
