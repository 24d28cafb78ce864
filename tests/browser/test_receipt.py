"""The receipt page in Chromium and Firefox: nothing is sent twice, and no way out loses the words without a question.

Invariant G26.
"""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Visit
from tests.worlds.any_visitor import DESKTOP_SIZE, PHONE_SIZE, AnyVisitor
from tests.worlds.gateway_process import words_shown
from tests.worlds.letterbox import Letterbox
from tests.worlds.waiting import wait_until

SELECTED = "() => getSelection().toString()"
SELECT = "(s) => getSelection().selectAllChildren(document.querySelector(s))"
EACH_WORD = "(s) => [...document.querySelectorAll(`${s} > span`)].map((each) => each.textContent)"
# The tops and bottoms of the words, to see that none lies outside of the first screen or on another.
WHERE = "(s) => [...document.querySelectorAll(`${s} > span`)].map((e) => [e.offsetLeft, e.offsetTop])"
ONCE, REPEATED = "Shown only once", "Received already"


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    with Letterbox(tmp_path_factory.mktemp("letterbox")) as running:
        yield running


@pytest.fixture(params=[PHONE_SIZE, DESKTOP_SIZE], ids=["phone", "desktop"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return (int(request.param[0]), int(request.param[1]))


@pytest.fixture(params=[False, True], ids=["plain", "script"])
def script(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def _send(visitor: AnyVisitor, text: str = "A matter.", *, language: str = "en") -> list[str]:
    """Send a text from the form, as from a page before it; return the words."""
    visitor.go(f"/{language}/how")
    visitor.go(f"/{language}/")
    visitor.write("#message", text)
    visitor.click(".send button")
    visitor.wait_for("#receipt")
    words = visitor.text("#receipt").split()
    assert len(words) == 11
    return words


def _heading(visitor: AnyVisitor) -> str:
    visitor.wait_for("h1")
    return visitor.text("h1")


def _calm_heading(visitor: AnyVisitor) -> str:
    try:
        return visitor.text("h1")
    except visitor.moving:
        return ""


def _leave(visitor: AnyVisitor) -> None:
    visitor.leaves_when_asked = True


def test_the_words_are_seen_first_and_copied_as_one_line(
    visit: Visit, letterbox: Letterbox, size: tuple[int, int], *, script: bool
) -> None:
    language = "nb" if size == PHONE_SIZE else "da"
    visitor = visit(letterbox.origin, script=script, size=size, language=language)
    words = _send(visitor, language=language)
    assert visitor.scroll_y() == 0
    assert visitor.box("h1").is_within(size)
    assert visitor.box("#receipt").is_within(size)
    assert not visitor.is_shown("#proof")
    places = visitor.read(WHERE, "#receipt")
    # Two columns, read from left to right, and no word on another.
    assert len({tuple(place) for place in places}) == len(words)
    assert places[0][1] == places[1][1] < places[-1][1]
    assert visitor.read(EACH_WORD, "#receipt") == words
    visitor.read(SELECT, "#receipt")
    assert visitor.read(SELECTED).strip() == " ".join(words)
    visitor.read("() => getSelection().removeAllRanges()")
    # A tap on one word takes all of them.
    visitor.click("#receipt > span")
    assert visitor.read(SELECTED).strip() == " ".join(words)


def test_a_reload_sends_nothing_twice(visit: Visit, letterbox: Letterbox, size: tuple[int, int], script: bool) -> None:
    visitor = visit(letterbox.origin, script=script, size=size)
    words = _send(visitor)
    packets = letterbox.spooled()
    if script:
        assert not visitor.reload()
        assert visitor.questions == 1
        assert visitor.text("#receipt").split() == words
    _leave(visitor)
    visitor.reload()
    assert _heading(visitor) == (ONCE if script else REPEATED)
    assert visitor.count("#receipt") == 0
    assert words_shown(" ".join(words), visitor.text("main")) == []
    visitor.reload()
    assert _heading(visitor) == (ONCE if script else REPEATED)
    assert letterbox.spooled() == packets


def test_back_and_forward(visit: Visit, letterbox: Letterbox, size: tuple[int, int], script: bool) -> None:
    visitor = visit(letterbox.origin, script=script, size=size)
    words = _send(visitor)
    packets = letterbox.spooled()
    if script:
        assert not visitor.back()
        assert visitor.questions == 1
        assert visitor.text("#receipt").split() == words
    _leave(visitor)
    visitor.back()
    # With the script the form that was sent is nowhere in the history. Without one no browser asks.
    wait_until(lambda: visitor.path() == ("/en/how" if script else "/en/"), visitor.address)
    if not script and visitor.name == "firefox":
        return  # its page "Document Expired" is one that the driver cannot look at
    visitor.forward()
    if not script:
        if visitor.count("#receipt"):
            assert visitor.text("#receipt").split() == words  # kept for Back and Forward
            return
        # The browser's own page, which asks whether to send it again.
        visitor.reload()
    # A page that was kept is loaded again first.
    wait_until(lambda: _calm_heading(visitor) == (ONCE if script else REPEATED), visitor.html)
    assert letterbox.spooled() == packets


def test_back_from_elsewhere_shows_the_words_to_nobody(
    visit: Visit, letterbox: Letterbox, size: tuple[int, int]
) -> None:
    """Also where the browser keeps pages as they were: the next person needs one tap only."""
    visitor = visit(letterbox.origin, script=True, size=size)
    words = _send(visitor)
    _leave(visitor)
    visitor.go("/en/privacy")
    visitor.back()
    wait_until(lambda: visitor.path() == "/en/submit", visitor.address)
    assert _heading(visitor) == ONCE
    assert words_shown(" ".join(words), visitor.read("() => document.documentElement.textContent")) == []


def test_a_link_opens_beside_the_receipt(
    visit: Visit, letterbox: Letterbox, size: tuple[int, int], script: bool
) -> None:
    visitor = visit(letterbox.origin, script=script, size=size)
    words = _send(visitor)
    for number, selector in enumerate(("main a[href='/en/return']", "form[action$='/withdraw'] button"), start=1):
        visitor.click(selector)
        wait_until(lambda number=number: visitor.tabs() == number + 1)  # type: ignore[misc]  # bound now
        visitor.to_tab(number)
        assert _heading(visitor) == ("Come back" if number == 1 else "Your request to withdraw was received")
        visitor.to_tab(0)
        assert visitor.text("#receipt").split() == words
    assert visitor.questions == 0
    # What leads to a place on the page stays on it.
    visitor.read("() => document.querySelector('.skip').click()")
    assert visitor.tabs() == 3
    assert visitor.text("#receipt").split() == words


def test_a_form_from_the_history_with_another_text_is_received(visit: Visit, letterbox: Letterbox) -> None:
    visitor = visit(letterbox.origin, script=False)
    _leave(visitor)
    words, before = _send(visitor, "One."), letterbox.spooled()
    visitor.back()
    visitor.wait_for("#message")
    visitor.write("#message", " And two.")
    visitor.click(".send button")
    visitor.wait_for("#receipt")
    assert visitor.text("#receipt").split() != words
    assert len(letterbox.spooled() - before) == 1


@pytest.mark.parametrize("language", ["en", "nb"])
def test_two_words_are_tried_on_the_page(
    visit: Visit, letterbox: Letterbox, size: tuple[int, int], language: str
) -> None:
    visitor = visit(letterbox.origin, script=True, size=size, language=language)
    words = _send(visitor, language=language)
    requests = letterbox.spooled()
    visitor.click("form[data-try] button")
    assert not visitor.is_shown("#receipt")
    assert visitor.count("form[data-try] input:not([type=hidden])") == 2
    places = visitor.read("() => [...document.querySelectorAll('[id^=try-]')].map((e) => Number(e.id.slice(4)))")
    first, second = places
    assert visitor.focused() == f"try-{first}"
    # Another of the words: named by its place, and all are shown again.
    visitor.write(f"#try-{first}", words[first - 1][:4].upper())
    visitor.write(f"#try-{second}", words[second - 2])
    visitor.click("form[data-try] button")
    assert visitor.is_shown("#receipt")
    said = visitor.text("form[data-try] .state")
    assert str(second) in said.split()
    assert str(first) not in said.split()
    # The question stays until both are right.
    assert not visitor.reload()
    assert visitor.questions == 1
    visitor.click("form[data-try] button")
    for place in visitor.read("() => [...document.querySelectorAll('[id^=try-]')].map((e) => Number(e.id.slice(4)))"):
        visitor.write(f"#try-{place}", words[place - 1])
    visitor.click("form[data-try] button")
    assert visitor.text("form[data-try] .state") == ("Both are right" if language == "en" else "Begge er riktige")
    assert visitor.is_shown("#receipt")
    assert visitor.count("[id^=try-]") == 0
    assert visitor.reload()
    assert visitor.questions == 1
    assert letterbox.spooled() == requests


def test_the_words_are_shown_again_at_once(visit: Visit, letterbox: Letterbox) -> None:
    visitor = visit(letterbox.origin, script=True)
    words = _send(visitor)
    visitor.click("form[data-try] button")
    visitor.click("form[data-try] button[type=button]")
    assert visitor.text("#receipt").split() == words
    assert visitor.count("[id^=try-]") == 0


def test_two_words_are_tried_without_a_script(visit: Visit, letterbox: Letterbox, size: tuple[int, int]) -> None:
    visitor = visit(letterbox.origin, script=False, size=size)
    words = _send(visitor)
    visitor.click("form[action$='/written'] button")
    wait_until(lambda: visitor.tabs() == 2)
    visitor.to_tab(1)
    visitor.wait_for("input[name=typed]")
    assert visitor.count("#receipt") == 0
    _type_two(visitor, ["wrong"] * len(words))
    visitor.wait_for("#receipt")
    assert visitor.text("#receipt").split() == words
    visitor.click("form[action$='/written'] button")
    visitor.wait_for("input[name=typed]")
    _type_two(visitor, words)
    visitor.wait_for("#problem")
    assert visitor.text("h1") == "Both are right"
    visitor.to_tab(0)
    assert visitor.text("#receipt").split() == words


def _type_two(visitor: AnyVisitor, words: list[str]) -> None:
    places = visitor.read("() => [...document.querySelectorAll('[name=place]')].map((each) => Number(each.value))")
    for place in places:
        visitor.write(f"#typed-{place}", words[place - 1][:4])
    visitor.click(".send button")
