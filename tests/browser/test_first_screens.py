"""What stands in the first screen of each page, asserted by geometry: the first thing that a person sees decides.

`PAGES` is a table. A page that is new gets a row: how to get there, and what has to stand there without scrolling.

Invariant G8.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import pytest

from keys.receipt import new_receipt_words
from tests.browser.conftest import Visit
from tests.worlds.any_visitor import DESKTOP_SIZE, PHONE_SIZE, AnyVisitor
from tests.worlds.letterbox import Letterbox
from tests.worlds.waiting import wait_until

NARROW: Final = (320, 640)  # what a page has to fit into: WCAG 2.2, 1.4.10
LINES: Final = 3 * 28  # pixels: so much of a field shows that one may write into it
STYLED: Final = "() => document.styleSheets.length === document.querySelectorAll('link[rel=stylesheet]').length"
# Links within a sentence are as high as their line; whatever else is pressed is as high as a finger is wide.
PRESSED: Final = "button, summary, select, textarea, nav a, .choices label, input:not([type=radio], [type=checkbox])"
FINGER: Final = 44  # pixels; WCAG 2.2, 2.5.5
SMALL: Final = """(pressed, least) => [...document.querySelectorAll(pressed)]
  .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect().height])
  .filter(([, height]) => height > 0 && height < least)"""

# What is not the topmost thing in its own middle.
COVERED: Final = """(selector) => [...document.querySelectorAll(selector)].filter((each) => {
  const box = each.getBoundingClientRect();
  return document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2) !== each;
}).map((each) => each.outerHTML)"""


@dataclass
class Scene:
    """A letterbox with a case that was answered, and one window on it."""

    visitor: AnyVisitor
    return_words: str

    def send(self) -> None:
        """Send a first submission."""
        self.visitor.go("/nb/")
        self.visitor.write("#message", "De mistet papirene mine.")
        self.visitor.click(".send button")

    def come_back(self, words: str) -> None:
        """Type return words."""
        self.visitor.go("/nb/return")
        self.visitor.write("#words", words)
        self.visitor.click(".send button")

    def press(self, action: str) -> None:
        """Press the button of the form that is sent to `action`, which no script takes over."""
        assert self.visitor.follow(f"form[action$='{action}'] button")


@dataclass(frozen=True)
class PageRow:
    """A page, how to get there, and what has to be seen there without scrolling."""

    name: str
    reach: Callable[[Scene], None]
    whole: tuple[str, ...]  # selectors of what stands there from its top to its bottom
    begun: tuple[str, ...] = ()  # of what stands there with LINES pixels at least


def _send_nothing(scene: Scene) -> None:
    scene.visitor.go("/nb/")
    scene.visitor.click(".send button")


def _add(scene: Scene) -> None:
    scene.come_back(scene.return_words)
    scene.visitor.wait_for("#add")
    scene.visitor.write("#message", "Enda en gang.")
    scene.visitor.click("form[action$='/add'] button")


def _withdraw(scene: Scene) -> None:
    scene.send()
    scene.visitor.wait_for("#receipt")
    # Beside the receipt, which stays.
    scene.visitor.click("form[action$='/withdraw'] button")
    wait_until(lambda: scene.visitor.tabs() == 2)
    scene.visitor.to_tab(1)


def _delete(scene: Scene) -> None:
    # Words that lead nowhere get the same page as others (ADR 0022), and the answered case keeps its answer.
    scene.come_back(new_receipt_words().return_words)
    scene.visitor.wait_for("#add")
    scene.press("/delete-replies")


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
    PageRow("law", _address("/nb/law"), ("h1", ".exit a", ".contents li:first-child a[href='#danger']")),
    PageRow("accessibility", _address("/nb/accessibility"), ("h1", "h1 + p")),
    PageRow("withdrawn", _withdraw, ("h1", "main p")),
    PageRow("deleted", _delete, ("h1", "main p")),
    PageRow("no-such-page", _address("/nb/nowhere"), ("h1", "#problem p", "main a")),
]


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    # Nothing leaves by itself within a test: what was sent can be taken back.
    with Letterbox(tmp_path_factory.mktemp("letterbox")) as running:
        yield running


@pytest.fixture(scope="module")
def case(letterbox: Letterbox) -> dict[str, str]:
    """Where the return words of the answered case are kept, once there is one."""
    return {}


@pytest.fixture
def answered(visit: Visit, letterbox: Letterbox, case: dict[str, str]) -> str:
    """The return words of a case that has an answer."""
    if not case:
        before = letterbox.spooled()
        scene = Scene(visit(letterbox.origin, script=False), "")
        scene.send()
        scene.visitor.wait_for("#receipt")
        case["words"] = " ".join(scene.visitor.text("#receipt").split())
        (packet,) = letterbox.spooled() - before
        letterbox.carry()
        letterbox.answer(packet, "Takk. Hvem undertegnet brevet, og når?")
    return case["words"]


def _reach(visitor: AnyVisitor, words: str, row: PageRow) -> None:
    visitor.leaves_when_asked = True
    row.reach(Scene(visitor, words))
    visitor.wait_for(row.whole[-1])
    wait_until(lambda: visitor.read(STYLED), visitor.html)


@pytest.mark.parametrize("script", [False, True], ids=["plain", "script"])
@pytest.mark.parametrize("size", [PHONE_SIZE, DESKTOP_SIZE], ids=["phone", "desktop"])
@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.name)
def test_the_first_screen(
    visit: Visit, letterbox: Letterbox, answered: str, size: tuple[int, int], row: PageRow, *, script: bool
) -> None:
    visitor = visit(letterbox.origin, script=script, size=size, language="nb")
    _reach(visitor, answered, row)
    assert visitor.scroll_y() == 0
    for selector in row.whole:
        box = visitor.box(selector)
        assert box.is_within(size), f"{selector}: {box}"
        assert box.bottom > box.top, selector
    for selector in row.begun:
        box = visitor.box(selector)
        seen = replace(box, bottom=min(box.bottom, box.top + LINES))
        assert seen.is_within(size), f"{selector}: {box}"


@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.name)
def test_a_narrow_screen_is_wide_enough(visit: Visit, letterbox: Letterbox, answered: str, row: PageRow) -> None:
    """Nothing has to be scrolled sideways, and a finger hits what it means, also with every fold open."""
    visitor = visit(letterbox.origin, script=True, size=NARROW, language="nb")
    _reach(visitor, answered, row)
    visitor.read("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
    assert visitor.read("() => document.documentElement.scrollWidth") <= NARROW[0]
    assert visitor.read(SMALL, PRESSED, FINGER) == []


@pytest.mark.parametrize("size", [NARROW, PHONE_SIZE, DESKTOP_SIZE], ids=["narrow", "phone", "desktop"])
def test_the_languages_lie_above_the_page(visit: Visit, letterbox: Letterbox, size: tuple[int, int]) -> None:
    """The header stays as high as it was, and no part of the page covers a language."""
    visitor = visit(letterbox.origin, script=False, size=size, language="nb")
    visitor.go("/nb/")
    visitor.wait_for("h1")
    wait_until(lambda: visitor.read(STYLED), visitor.html)
    before = visitor.box("header")
    visitor.click(".languages summary")
    wait_until(lambda: visitor.is_shown(".languages li:last-child"), visitor.html)
    assert visitor.box("header") == before
    assert visitor.box(".languages ul").is_within(size)
    assert visitor.read(COVERED, ".languages li > *") == []
