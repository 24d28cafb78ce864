"""The link that leaves at once, in both browsers: no question, no text left with a script, and an honest word without.

No other host can be reached here, so most tests let the link lead to another page of the letterbox.

Invariant G8.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Route

from gateway.home.country import Country
from gateway.law.texts import law_of
from tests.browser.conftest import Visit, Visitor
from tests.worlds.any_visitor import AnyVisitor
from tests.worlds.letterbox import Letterbox
from tests.worlds.waiting import wait_until

CANARY = "CanaryTyped7"
PLACE = law_of(Country.NORWAY).innocent_page


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    with Letterbox(tmp_path_factory.mktemp("letterbox")) as running:
        yield running


def _exit(visitor: AnyVisitor) -> None:
    """Follow the link, to another page of the letterbox; no question is asked."""
    visitor.read("() => { document.querySelector('[data-exit]').href = '/en/privacy'; }")
    assert visitor.follow("[data-exit]")
    wait_until(lambda: visitor.path() == "/en/privacy", visitor.address)
    assert visitor.questions == 0


def _leave(visitor: AnyVisitor) -> None:
    visitor.go("/en/how")
    visitor.go("/en/")
    visitor.wait_for("#message")
    visitor.write("#message", CANARY)
    _exit(visitor)


def test_with_a_script_back_does_not_find_the_form_again(visit: Visit, letterbox: Letterbox) -> None:
    visitor = visit(letterbox.origin, script=True)
    _leave(visitor)
    visitor.back()
    wait_until(lambda: visitor.path() == "/en/how", visitor.address)


def test_a_receipt_is_left_without_a_question_and_its_words_are_gone(visit: Visit, letterbox: Letterbox) -> None:
    """Otherwise the browser asks before it leaves words that nobody has written down."""
    visitor = visit(letterbox.origin, script=True)
    visitor.go("/en/how")
    visitor.go("/en/")
    visitor.wait_for("#message")
    visitor.write("#message", CANARY)
    visitor.click(".send button")
    visitor.wait_for("#receipt")
    _exit(visitor)
    visitor.back()
    wait_until(lambda: visitor.path() == "/en/how", visitor.address)


def test_return_words_that_were_being_typed_are_gone(visit: Visit, letterbox: Letterbox) -> None:
    """Surprised while typing them: what the link is for."""
    visitor = visit(letterbox.origin, script=True)
    visitor.go("/en/how")
    visitor.go("/en/return")
    visitor.wait_for("#words")
    visitor.write("#words", CANARY)
    _exit(visitor)
    visitor.back()
    wait_until(lambda: visitor.path() == "/en/how", visitor.address)


def test_without_a_script_it_is_a_plain_link_and_the_page_says_what_stays(visit: Visit, letterbox: Letterbox) -> None:
    visitor = visit(letterbox.origin, script=False)
    _leave(visitor)
    assert "Back may show what you typed" in visitor.text("footer")
    visitor.back()
    wait_until(lambda: visitor.path() == "/en/", visitor.address)


def test_no_question_is_asked_and_the_page_is_empty_before_the_next_one_comes(
    browser: Browser, letterbox: Letterbox
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    visitor = Visitor(context, letterbox.origin)
    page = visitor.page
    referrers: list[str | None] = []
    asked: list[str] = []

    def refuse(route: Route) -> None:
        referrers.append(route.request.headers.get("referer"))
        route.abort("aborted")  # the browser then stays with what is left of our page

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    context.route(f"{PLACE}**", refuse)
    visitor.go("/en/")
    page.on("dialog", leave)
    page.evaluate("() => addEventListener('beforeunload', (event) => event.preventDefault())")
    page.locator("#message").fill(CANARY)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    link = page.get_by_role(
        "link", name="Leave page : goes to yr.no at once. Your visit stays in the browser's history."
    )
    box = link.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 740, "it stays in the corner while the page scrolls"
    assert min(box["width"], box["height"]) >= 44
    link.press("Enter", no_wait_after=True)
    wait_until(lambda: page.evaluate("document.title") == "www.yr.no" and referrers, page.content)
    assert page.evaluate("document.body.innerText") == ""
    assert CANARY not in page.content()
    assert referrers == [None]
    assert asked == []
    context.close()


def test_every_other_page_loads_nothing_from_the_place_that_it_leads_to(browser: Browser, letterbox: Letterbox) -> None:
    visitor = Visitor(browser.new_context(), letterbox.origin)
    for path in ("/en/", "/en/law", "/en/accessibility", "/en/how", "/en/privacy", "/en/return"):
        visitor.go(path)
        assert visitor.page.locator("[data-exit]").count() == 1
    visitor.leave()
