"""Debian's Firefox ESR, driven through Marionette: what Tor Browser is made of, and its own word about history.

`Firefox` is a running browser with a profile; `FirefoxVisitor` is a person with one window of it.
The preferences of `_PREFERENCES` are what a test needs and people do not have; all others are as people have them.
"""

import contextlib
import json
import os
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from marionette_driver import errors
from marionette_driver.marionette import Marionette

from tests.worlds.any_visitor import DESKTOP_SIZE, AnyVisitor, BrowserName
from tests.worlds.waiting import WATCHDOG, wait_until

FIREFOX: Final = "/usr/bin/firefox-esr"
_CSS: Final = "css selector"
# Only our own gateway is spoken to, whatever Firefox would like to ask or to update.
_PREFERENCES: Final[dict[str, object]] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.blockedURIs.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "marionette.port": 0,
    "messaging-system.rsexperimentloader.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    # What a test types is no gesture of a person to Firefox, and without one it never asks about leaving a page.
    "dom.require_user_interaction_for_beforeunload": False,
    # Marionette itself listens for `unload` on the pages that it clicks on, and Firefox keeps no such page for Back.
    "docshell.shistory.bfcache.allow_unload_listeners": True,
    # Marionette chooses files in the page's process, which may name none by itself.
    "dom.file.createInChild": True,
    # The preferences that Marionette recommends would switch that question off, the history's cache and more.
    "remote.prefs.recommended": False,
}
# The question about leaving a page stays open until a test answers it, in sessions that speak WebDriver BiDi only;
# and no command may wait for a page that waits for this answer.
_CAPABILITIES: Final = {
    "webSocketUrl": True,
    "pageLoadStrategy": "none",
    "unhandledPromptBehavior": {"default": "ignore", "beforeUnload": "ignore"},
}
# No window of Firefox is narrower than 500 pixels. The room in which pages stand can be.
_ROOM: Final = """
const style = window.gBrowser.tabpanels.style, [width, height] = arguments;
style.minWidth = style.maxWidth = width + "px";
style.minHeight = style.maxHeight = height + "px";
"""


class Firefox:
    """Start with `with`; `profile` is kept afterwards. `preferences` are those of a test of its own."""

    def __init__(self, profile: Path, preferences: dict[str, object] | None = None) -> None:
        self.profile = profile
        self._preferences = {**_PREFERENCES, **(preferences or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._marionette: Marionette | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()

    @property
    def marionette(self) -> Marionette:
        """The connection to the running browser."""
        if self._marionette is None:
            raise RuntimeError("Firefox does not run")
        return self._marionette

    def start(self) -> None:
        """Start, and wait until it can be driven."""
        self.profile.mkdir(exist_ok=True)
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in self._preferences.items()]
        (self.profile / "user.js").write_text("".join(lines))
        port = self.profile / "MarionetteActivePort"
        port.unlink(missing_ok=True)
        options = ["--headless", "--no-remote", "--marionette", "-remote-allow-system-access"]
        command = [FIREFOX, *options, "--remote-debugging-port", "0", "--profile", str(self.profile)]
        # A headless window is as large as a screen, and this is the screen.
        screen = {"MOZ_HEADLESS_WIDTH": "1600", "MOZ_HEADLESS_HEIGHT": "1400", "HOME": str(self.profile)}
        with (self.profile / "firefox.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **screen}
            )
        wait_until(lambda: _listens(port), self._told)
        self._marionette = Marionette(host="127.0.0.1", port=int(port.read_text()), socket_timeout=WATCHDOG)
        self._marionette.start_session(dict(_CAPABILITIES))
        with self._marionette.using_context("chrome"):
            self._marionette.execute_script("window.resizeTo(1600, 1400)")

    def quit(self) -> None:
        """Let it end as a person would, by its menu."""
        assert self._process is not None
        # Its own quit() is for a browser that it started itself.
        self.marionette._send_message("Marionette:Quit", {"flags": ["eAttemptQuit"]})
        self._process.wait(WATCHDOG)
        self._ended()

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(WATCHDOG)
        self._ended()

    def _ended(self) -> None:
        if self._marionette is not None:
            self._marionette.delete_session(send_request=False)
            # Otherwise it would speak to a browser that is gone when it is collected.
            self._marionette.cleanup_ran = True
        self._process = self._marionette = None

    def _told(self) -> str:
        return (self.profile / "firefox.log").read_text("utf-8", "replace")


def _listens(port: Path) -> bool:
    # The number is there a moment before the socket, and Marionette's own attempts would leave open sockets.
    try:
        socket.create_connection(("127.0.0.1", int(port.read_text()))).close()
    except (OSError, ValueError):
        return False
    return True


class FirefoxVisitor(AnyVisitor):
    """A person with one new tab of a running Firefox; one at a time."""

    name: BrowserName = "firefox"
    moving = (
        errors.JavascriptException,
        errors.NoSuchWindowException,
        errors.StaleElementException,
        errors.UnexpectedAlertOpen,
    )

    def __init__(
        self, firefox: Firefox, origin: str, *, script: bool, size: tuple[int, int] = DESKTOP_SIZE, language: str = "en"
    ) -> None:
        super().__init__(origin, size)
        self._marionette = firefox.marionette
        self._marionette.set_pref("javascript.enabled", script)
        self._marionette.set_pref("intl.accept_languages", language)
        before = self._marionette.window_handles
        self._tabs = [self._open()]
        for handle in before:
            self._close(handle)
        self.to_tab(0)
        with self._marionette.using_context("chrome"):
            self._marionette.execute_script(_ROOM, list(size))
        wait_until(lambda: self.read("() => [innerWidth, innerHeight]") == list(size))

    def _open(self) -> str:
        return str(self._marionette.open("tab")["handle"])

    def _close(self, handle: str) -> None:
        self._marionette.switch_to_window(handle)
        self._marionette.close()

    def read(self, function: str, *arguments: object) -> Any:
        # The sandbox is the browser's own: it works where the page's script is off.
        return self._marionette.execute_script(f"return ({function})(...arguments)", list(arguments), sandbox="system")

    def document(self) -> str:
        return str(self.read("() => window.windowGlobalChild.innerWindowId"))

    def address(self) -> str:
        return str(self._marionette.get_url())

    def click(self, selector: str) -> None:
        self._marionette.find_element(_CSS, selector).click()

    def write(self, selector: str, text: str) -> None:
        self._marionette.find_element(_CSS, selector).send_keys(text.replace("\n", "\ue007"))

    def choose(self, selector: str, *files: Path) -> None:
        for path in files:
            self._marionette.find_element(_CSS, selector).send_keys(str(path))

    def _handles(self) -> list[str]:
        now = self._marionette.window_handles
        self._tabs = [handle for handle in self._tabs if handle in now]
        self._tabs += [handle for handle in now if handle not in self._tabs]
        return self._tabs

    def tabs(self) -> int:
        return len(self._handles())

    def to_tab(self, number: int) -> None:
        self._marionette.switch_to_window(self._handles()[number])

    def close(self) -> None:
        first, *others = self._handles()
        for handle in others:
            self._close(handle)
        self._marionette.switch_to_window(first)
        self.leaves_when_asked = True
        self._leave(lambda: self._navigate("about:blank"))

    def _navigate(self, url: str) -> None:
        self._marionette.navigate(url)

    def _history(self, steps: int) -> None:
        # The page of an error, such as "Document expired", is a page too.
        with contextlib.suppress(errors.UnknownException):
            (self._marionette.go_back if steps < 0 else self._marionette.go_forward)()

    def _reload(self) -> None:
        with contextlib.suppress(errors.UnknownException):
            self._marionette.refresh()

    def _was_asked(self) -> bool:
        with contextlib.suppress(errors.NoAlertPresentException):
            question = self._marionette.switch_to_alert()
            assert question.text
            (question.accept if self.leaves_when_asked else question.dismiss)()
            return True
        return False
