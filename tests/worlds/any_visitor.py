"""One person with one browser window: what Chromium and Firefox both let a test do and see.

Both drivers keep what a browser's history keeps: Chromium's back/forward cache is on, as people have it.
Reads run beside the page, so they work without the page's script and under its policy.
"""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tests.worlds.waiting import wait_until

BrowserName = Literal["chromium", "firefox"]
PHONE_SIZE: Final = (360, 740)  # CSS pixels of the page itself, without the browser's own bars
DESKTOP_SIZE: Final = (1280, 900)
_IS_SHOWN: Final = "(s) => { const e = document.querySelector(s); return !!e && e.checkVisibility(); }"
_BOX: Final = """(s) => {
  const box = document.querySelector(s).getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom];
}"""


@dataclass(frozen=True, slots=True)
class Box:
    """Where an element is, in CSS pixels from the upper left corner of what the window shows now."""

    left: float
    top: float
    right: float
    bottom: float

    def is_within(self, size: tuple[int, int]) -> bool:
        """Return whether all of it is seen in a window of this size without scrolling."""
        width, height = size
        # Half a pixel is a matter of rounding.
        return self.left >= -0.5 and self.top >= -0.5 and self.right <= width + 0.5 and self.bottom <= height + 0.5


class AnyVisitor(abc.ABC):
    """A visitor of `origin`; `questions` counts how often the browser asked whether to leave the page.

    The question is answered at once: by staying, unless `leaves_when_asked` is set.
    """

    name: BrowserName
    moving: tuple[type[Exception], ...]  # what a read raises while one page makes way for another

    def __init__(self, origin: str, size: tuple[int, int]) -> None:
        self.origin = origin
        self.size = size
        self.questions = 0
        self.leaves_when_asked = False

    # What each browser does in a way of its own.

    @abc.abstractmethod
    def read(self, function: str, *arguments: object) -> Any:
        """Run the JavaScript `function` on the page, not as the page, and return what it returns."""

    @abc.abstractmethod
    def document(self) -> str:
        """Return a name of the document that is shown: a new one after each load, the old one after Back."""

    @abc.abstractmethod
    def address(self) -> str:
        """Return the full address in the address bar."""

    @abc.abstractmethod
    def click(self, selector: str) -> None:
        """Click with the mouse, and wait for nothing."""

    @abc.abstractmethod
    def write(self, selector: str, text: str) -> None:
        """Type at the end of what the field holds, key by key; `\\n` is Enter."""

    @abc.abstractmethod
    def choose(self, selector: str, *files: Path) -> None:
        """Choose files in a file field."""

    @abc.abstractmethod
    def tabs(self) -> int:
        """Return how many tabs are open."""

    @abc.abstractmethod
    def to_tab(self, number: int) -> None:
        """Look at another tab; they are counted from 0, in the order in which they were opened."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close all windows of this visitor."""

    @abc.abstractmethod
    def _navigate(self, url: str) -> None: ...

    @abc.abstractmethod
    def _history(self, steps: int) -> None: ...

    @abc.abstractmethod
    def _reload(self) -> None: ...

    @abc.abstractmethod
    def _was_asked(self) -> bool:
        """Answer the question about leaving, if it is open; return whether it was asked since the last call."""

    # What follows from that.

    def go(self, path: str) -> None:
        """Open a page of the letterbox as from the address bar."""
        url = self.origin + path
        if self._leave(lambda: self._navigate(url)):
            # Firefox shows an empty document in between where a page gets a process of its own.
            ready = "(u) => location.href === u && document.readyState === 'complete'"
            wait_until(lambda: self._calm(ready, url), lambda: f"{self.address()} is not {url}")

    def follow(self, selector: str) -> bool:
        """Click what leads to another page in this tab; return whether it came, which it does not if one stays."""
        return self._leave(lambda: self.click(selector))

    def back(self) -> bool:
        """Go one page back; returns as `follow`."""
        return self._leave(lambda: self._history(-1))

    def forward(self) -> bool:
        """Go one page forward; returns as `follow`."""
        return self._leave(lambda: self._history(+1))

    def reload(self) -> bool:
        """Load the page again; returns as `follow`."""
        return self._leave(self._reload)

    def path(self) -> str:
        """Return the address without the origin."""
        return self.address().removeprefix(self.origin)

    def count(self, selector: str) -> int:
        """Return how many elements there are."""
        return int(self.read("(s) => document.querySelectorAll(s).length", selector))

    def is_shown(self, selector: str) -> bool:
        """Return whether the first of them takes up room on the page."""
        return bool(
            self.read("(s) => { const e = document.querySelector(s); return !!e && e.checkVisibility(); }", selector)
        )

    def wait_for(self, selector: str) -> None:
        """Wait until there is one that is shown, on a page that has loaded."""
        ready = f"(s) => document.readyState === 'complete' && ({_IS_SHOWN})(s)"
        wait_until(lambda: self._calm(ready, selector), lambda: f"{selector} on {self.address()}: {self.html()}")

    def text(self, selector: str) -> str:
        """Return the text of the first, as it is seen."""
        return str(self.read("(s) => document.querySelector(s).innerText", selector))

    def value(self, selector: str) -> str:
        """Return what a field holds."""
        return str(self.read("(s) => document.querySelector(s).value", selector))

    def attribute(self, selector: str, name: str) -> str | None:
        """Return an attribute of the first."""
        found = self.read("(s, n) => document.querySelector(s).getAttribute(n)", selector, name)
        return None if found is None else str(found)

    def box(self, selector: str) -> Box:
        """Return where the first is now."""
        left, top, right, bottom = self.read(_BOX, selector)
        return Box(left, top, right, bottom)

    def scroll_y(self) -> float:
        """Return how far the page is scrolled down, in CSS pixels."""
        return float(self.read("() => window.scrollY"))

    def focused(self) -> str:
        """Return the `id` of what has the focus; empty for the page as a whole."""
        return str(self.read("() => document.activeElement ? document.activeElement.id : ''"))

    def html(self) -> str:
        """Return the page as it is now."""
        return str(self.read("() => document.documentElement.outerHTML"))

    def _calm(self, function: str, *arguments: object) -> object:
        try:
            return self.read(function, *arguments)
        except self.moving:
            return None

    def _leave(self, act: Callable[[], None]) -> bool:
        before, asked = self.document(), self.questions
        self._was_asked()
        act()
        came = False

        def is_over() -> bool:
            nonlocal came
            if self._was_asked():
                self.questions += 1
            if self.questions > asked and not self.leaves_when_asked:
                return True
            try:
                came = self.document() != before and bool(self.read("() => document.readyState === 'complete'"))
            except self.moving:
                came = False
            return came

        wait_until(is_over, lambda: f"{self.address()} stayed")
        return came
