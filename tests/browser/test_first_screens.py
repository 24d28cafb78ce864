"""What stands in the first screen of each page, asserted by geometry: the first thing that a person sees decides.

`PAGES` is a table. A page that is new gets a row: how to get there, and what has to stand there without scrolling.

Invariant G8.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, ViewportSize

from keys.receipt import new_receipt_words
from tests.browser.conftest import Visitor
from tests.worlds.letterbox import Letterbox
from tests.worlds.waiting import wait_until

PHONE: Final = (360, 740)
DESKTOP: Final = (1280, 900)
NARROW: Final = (320, 640)  # what a page has to fit into: WCAG 2.2, 1.4.10
LINES: Final = 3 * 28  # pixels: so much of a field shows that one may write into it
STYLED: Final = "document.styleSheets.length === document.querySelectorAll('link[rel=stylesheet]').length"
MEASURE: Final = """(selector) => {
  const found = document.querySelector(selector);
  if (!found) return null;
  const box = found.getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom];
}"""


# Links within a sentence are as high as their line; whatever else is pressed is as high as a finger is wide.
PRESSED: Final = "button, summary, select, textarea, nav a, .choices label, input:not([type=radio], [type=checkbox])"
FINGER: Final = 44  # pixels; WCAG 2.2, 2.5.5
SMALL: Final = """([pressed, least]) => [...document.querySelectorAll(pressed)]
  .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect().height])
  .filter(([, height]) => height > 0 && height < least)"""


@dataclass
class Scene:
    """A letterbox with a case that was answered, and one window on it."""

    visitor: Visitor
    return_words: str

    @property
    def page(self) -> Any:
        return self.visitor.page

    def send(self, *, text: str = "De mistet papirene mine.") -> None:
        """Send a first submission."""
        self.visitor.go("/nb/")
        self.page.locator("#message").fill(text)
        self.page.locator(".send button").click()

    def come_back(self, words: str) -> None:
        """Type return words."""
        self.visitor.go("/nb/return")
        self.page.locator("#words").fill(words)
        self.page.locator(".send button").click()

    def press(self, action: str) -> None:
        """Press the button of the form that is sent to `action`."""
        self.page.locator(f"form[action$='{action}'] button").first.click()

    def wait_for(self, selector: str) -> None:
        """Wait until a page has this."""
        self.page.locator(selector).first.wait_for(state="visible")


@dataclass(frozen=True)
class PageRow:
    """A page, how to get there, and what has to be seen there without scrolling."""

    name: str
    reach: Callable[[Scene], None]
    whole: tuple[str, ...]  # selectors of what stands there from its top to its bottom
    begun: tuple[str, ...] = ()  # of what stands there with LINES pixels at least


def _send_nothing(scene: Scene) -> None:
    scene.visitor.go("/nb/")
    scene.page.locator(".send button").click()


def _add(scene: Scene) -> None:
    scene.come_back(scene.return_words)
    scene.wait_for("#add")
    scene.page.locator("#message").fill("Enda en gang.")
    scene.press("/add")


def _withdraw(scene: Scene) -> None:
    scene.send()
    scene.wait_for("#receipt")
    scene.press("/withdraw")


def _delete(scene: Scene) -> None:
    # Words that lead nowhere get the same page as others (ADR 0022), and the answered case keeps its answer.
    scene.come_back(new_receipt_words().return_words)
    scene.wait_for("#add")
    scene.press("/delete-replies")


def _lose(scene: Scene) -> None:
    scene.page.goto(f"{scene.visitor.origin}/nb/nowhere")


def _address(path: str) -> Callable[[Scene], None]:
    return lambda scene: scene.visitor.go(path)


PAGES: Final = [
    PageRow("form", _address("/nb/"), ("h1", ".promise", ".limit", "label[for=message]"), ("#message",)),
    PageRow("problem", _send_nothing, ("#problem-text",)),
    PageRow("receipt", Scene.send, ("h1", "#receipt")),
    PageRow("case", lambda scene: scene.come_back(scene.return_words), ("h1", ".reply .typed")),
    PageRow("added", _add, ("h1", ".received li")),
    PageRow("return", _address("/nb/return"), ("h1", "#words", ".send button")),
    PageRow("wrong-words", lambda scene: scene.come_back("fjell"), ("#problem-text",), ("#words",)),
    PageRow("how", _address("/nb/how"), ("h1", ".contents li:first-child")),
    PageRow("privacy", _address("/nb/privacy"), ("h1", "main p")),
    PageRow("withdrawn", _withdraw, ("h1", "main p")),
    PageRow("deleted", _delete, ("h1", "main p")),
    PageRow("no-such-page", _lose, ("h1", "#problem p", "main a")),
]


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    # Nothing leaves by itself within a test: what was sent can be taken back.
    with Letterbox(tmp_path_factory.mktemp("letterbox")) as running:
        yield running


@pytest.fixture(scope="module")
def answered(browser: Browser, letterbox: Letterbox) -> str:
    """The return words of a case that has an answer."""
    before = letterbox.spooled()
    scene = Scene(Visitor(browser.new_context(java_script_enabled=False), letterbox.origin), "")
    scene.send()
    scene.wait_for("#receipt")
    words = str(scene.page.locator("#receipt").inner_text())
    scene.visitor.leave()
    (packet,) = letterbox.spooled() - before
    letterbox.carry()
    letterbox.answer(packet, "Takk. Hvem undertegnet brevet, og når?")
    return " ".join(words.split())


@pytest.fixture(params=[False, True], ids=["plain", "script"], scope="module")
def script(request: pytest.FixtureRequest) -> bool:
    """Whether the page may run its script."""
    return bool(request.param)


def _scene(browser: Browser, letterbox: Letterbox, words: str, size: tuple[int, int], *, script: bool) -> Scene:
    viewport: ViewportSize = {"width": size[0], "height": size[1]}
    context = browser.new_context(java_script_enabled=script, viewport=viewport, locale="nb")
    return Scene(Visitor(context, letterbox.origin), words)


def _reach(scene: Scene, row: PageRow) -> None:
    row.reach(scene)
    scene.wait_for(row.whole[-1])
    wait_until(lambda: scene.page.evaluate(STYLED), scene.page.content)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.name)
def test_the_first_screen(
    browser: Browser, letterbox: Letterbox, answered: str, script: bool, size: tuple[int, int], row: PageRow
) -> None:
    scene = _scene(browser, letterbox, answered, size, script=script)
    _reach(scene, row)
    assert scene.page.evaluate("window.scrollY") == 0
    width, height = size
    for selector in (*row.whole, *row.begun):
        box = scene.page.evaluate(MEASURE, selector)
        assert box, f"no {selector}"
        left, top, right, bottom = box
        assert 0 <= left < right <= width, selector
        end = min(bottom, top + LINES) if selector in row.begun else bottom
        assert 0 <= top < end <= height, f"{selector} from {top} to {bottom} of {height} pixels"
    scene.visitor.leave()


@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.name)
def test_a_narrow_screen_is_wide_enough(browser: Browser, letterbox: Letterbox, answered: str, row: PageRow) -> None:
    """Nothing has to be scrolled sideways, and a finger hits what it means, also with every fold open."""
    scene = _scene(browser, letterbox, answered, NARROW, script=True)
    _reach(scene, row)
    scene.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert scene.page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    assert scene.page.evaluate(SMALL, [PRESSED, FINGER]) == []
    scene.visitor.leave()
