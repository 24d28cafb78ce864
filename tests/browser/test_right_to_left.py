"""Arabic pages, on a phone and a desktop: mirrored, nothing cut off, and what is not Arabic in its own direction.

Invariant G8.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.conftest import Seen, Visitor
from tests.worlds.letterbox import Letterbox

SIZES: list[ViewportSize] = [{"width": 360, "height": 740}, {"width": 1280, "height": 900}]
# Where the text of an element begins and ends on the screen, and where there is room for it.
EDGES = """element => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const [text, box] = [range, element].map((each) => each.getBoundingClientRect());
  const style = getComputedStyle(element);
  const [left, right] = [text.left - box.left, box.right - text.right];
  return [left - parseFloat(style.paddingLeft), right - parseFloat(style.paddingRight)];
}"""
REPLY = "Takk (igjen). Hvem undertegnet brevet?"


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    folder = tmp_path_factory.mktemp("arabic")
    with Letterbox(folder, name="Avisa Varden", unreviewed_languages=("ar", "uk")) as running:
        yield running


def _space(element: Locator) -> tuple[float, float]:
    """Return the empty space at the left and at the right of the text of a block, in pixels."""
    left, right = element.evaluate(EDGES)
    return left, right


def _starts_at_the_right(element: Locator) -> None:
    left, right = _space(element)
    assert abs(right) < 3 < left, (left, right)


def _starts_at_the_left(element: Locator) -> None:
    left, right = _space(element)
    assert abs(left) < 3 < right, (left, right)


def _look(page: Page, seen: Seen, name: str) -> None:
    size = page.viewport_size
    assert size is not None
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size["width"], name
    assert page.locator("html").get_attribute("dir") == "rtl"
    _starts_at_the_right(page.locator("h1"))
    note = page.locator("footer .unreviewed")
    _starts_at_the_left(page.locator("footer p[lang=en]"))
    assert re.search("[؀-ۿ]", note.inner_text())
    seen.look(page, f"arabic-{name}-{size['width']}", picture=name in ("form", "receipt"))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_arabic_pages(browser: Browser, letterbox: Letterbox, seen: Seen, size: ViewportSize) -> None:
    visitor = Visitor(browser.new_context(viewport=size, locale="ar"), letterbox.origin)
    page = visitor.page
    before = letterbox.spooled()
    visitor.go("/")
    _look(page, seen, "form")
    _header_is_mirrored(page)
    _first_field_is_seen(page, size)
    for path in ("how", "privacy", "law", "accessibility"):
        visitor.go(f"/ar/{path}")
        _look(page, seen, path)
    visitor.go("/ar/")
    _typed_text_has_its_own_direction(page)
    page.locator("#files").set_input_files({"name": "vedtak (2).txt", "mimeType": "text/plain", "buffer": b"x\n"})
    page.locator(".send button").click()
    words = page.locator("#receipt")
    expect(words).to_be_visible()
    assert words.evaluate("element => getComputedStyle(element).direction") == "ltr"
    # A browser that translates the page would have its reader write down words that open nothing.
    assert words.get_attribute("translate") == "no"
    assert page.locator(".received bdi").inner_text() == "vedtak (2).txt"
    _look(page, seen, "receipt")
    typed = " ".join(re.findall("[a-z]+", words.inner_text()))
    (packet,) = letterbox.spooled() - before
    letterbox.carry()
    letterbox.answer(packet, f"{REPLY}\nشكرًا لك.")
    _come_back(visitor, seen, typed)
    visitor.leave()


def _header_is_mirrored(page: Page) -> None:
    brand, menu = page.locator(".brand").bounding_box(), page.locator(".languages").bounding_box()
    assert brand is not None
    assert menu is not None
    assert menu["x"] + menu["width"] <= brand["x"] + 1
    page.locator(".languages summary").click()
    names = [link.inner_text() for link in page.locator(".languages li").all()]
    assert names == ["Bokmål", "Nynorsk", "Dansk", "English", "العربية", "Українська"]
    page.locator(".languages summary").click()


def _first_field_is_seen(page: Page, size: ViewportSize) -> None:
    field = page.locator("#message").bounding_box()
    assert field is not None
    assert field["y"] + 100 <= size["height"]


def _typed_text_has_its_own_direction(page: Page) -> None:
    message = page.locator("#message")
    assert message.evaluate("element => getComputedStyle(element).unicodeBidi") == "plaintext"
    message.fill("كتبتُ هذا بالعربية.\nThey lost my papers (twice).")


def _come_back(visitor: Visitor, seen: Seen, typed: str) -> None:
    page = visitor.page
    visitor.go("/ar/return")
    field = page.locator("#words")
    assert field.evaluate("element => getComputedStyle(element).direction") == "ltr"
    field.fill(typed)
    _look(page, seen, "return")
    page.locator(".send button").click()
    reply = page.locator(".reply .typed")
    expect(reply).to_have_count(1)
    assert reply.inner_text().startswith(REPLY)
    # Each line of a reply begins where its own language begins.
    first = reply.evaluate(
        "element => { const range = document.createRange(), node = element.firstChild;"
        " range.setStart(node, 0); range.setEnd(node, 4); return range.getBoundingClientRect().left; }"
    )
    box = reply.bounding_box()
    assert box is not None
    assert abs(first - box["x"]) < 3
    _look(page, seen, "case")
