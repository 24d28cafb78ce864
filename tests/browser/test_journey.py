"""The whole way of a source in a real browser, with the script and without any, in two languages.

Each page and each state of a page is checked on the way: by axe (WCAG 2.2), and kept for the validator of HTML.

Invariant G8.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pypdf import PdfWriter

from quarantine.scanner.local_clamd import LocalClamd
from tests.browser.conftest import Scheme, Seen, Visitor
from tests.worlds.letterbox import Letterbox
from tests.worlds.waiting import wait_until

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1100, "height": 800}
REPLY = "Takk. Hvem undertegnet brevet?\n<script>alert(1)</script> Tel. 12 & 34"
PUT_BY_SCRIPT = "Add one more person"


@dataclass(frozen=True)
class Way:
    """One way through: a language and a kind of browser."""

    language: str
    script: bool
    scheme: Scheme
    size: ViewportSize
    sentences: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.language}-{'script' if self.script else 'plain'}"


WAYS = [
    Way("nb", script=False, scheme="light", size=PHONE, sentences={
        "tells": "PDF-en oppgir hvem som er forfatter.",
        "refused": "filer av denne typen tas ikke imot",
        "one-word": "Sjekk ord",
        "withdrawn": "Vi har fått ønsket ditt om å trekke tilbake",
        "answered": "besvart",
    }),
    Way("en", script=True, scheme="dark", size=DESKTOP, sentences={
        "tells": "The PDF names its author.",
        "refused": "files of this type are not accepted",
        "one-word": "Check word",
        "withdrawn": "Your request to withdraw was received",
        "answered": "answered",
    }),
]  # fmt: skip


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory, clamd: LocalClamd) -> Iterator[Letterbox]:
    settings = {"inspection": True, "clamd_socket": str(clamd.socket_path)}
    with Letterbox(tmp_path_factory.mktemp("letterbox"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    """A letterbox that takes files of 1 MB at most."""
    with Letterbox(tmp_path_factory.mktemp("small"), file_max_bytes=1024 * 1024) as running:
        yield running


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.add_metadata({"/Author": "Kari Nordmann"})
    document = io.BytesIO()
    writer.write(document)
    contents = {"brev.pdf": document.getvalue(), "notat.txt": b"Minutes\n", "foto.exe": b"MZ" + bytes(64)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def _visitor(browser: Browser, letterbox: Letterbox, way: Way) -> Visitor:
    context = browser.new_context(
        java_script_enabled=way.script, locale=way.language, color_scheme=way.scheme, viewport=way.size
    )
    return Visitor(context, letterbox.origin)


def _send(page: Page) -> None:
    page.locator(".send button").click()
    page.wait_for_load_state()


def _focused(page: Page, selector: str) -> None:
    expect(page.locator(f"{selector}:focus")).to_have_count(1)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_whole_way(browser: Browser, letterbox: Letterbox, seen: Seen, files: list[Path], way: Way) -> None:
    visitor = _visitor(browser, letterbox, way)
    page = visitor.page
    before = letterbox.spooled()

    # The browser's language, then the address's.
    visitor.go("/")
    assert page.locator("html").get_attribute("lang") == way.language
    seen.look(page, f"form-{way.name}", script=way.script, scheme=way.scheme)
    for path in ("how", "privacy", "law", "accessibility", "return"):
        visitor.go(f"/{way.language}/{path}")
        seen.look(page, f"{path}-{way.name}", script=way.script, scheme=way.scheme)
    page.locator(".places a:visible").first.click()
    assert page.url == f"{letterbox.origin}/{way.language}/"

    # Nothing at all: the reason is on top, has the focus, and leads to the field.
    _send(page)
    _focused(page, "#problem")
    seen.look(page, f"form-empty-{way.name}", script=way.script, scheme=way.scheme, picture=False)
    expect(page.locator("#message")).to_have_attribute("aria-invalid", "true")
    page.locator("#problem a").click()
    assert page.url.endswith("#message")

    _fill(page, way)
    page.locator("#files").set_input_files(files)
    seen.look(page, f"form-filled-{way.name}", script=way.script, scheme=way.scheme)
    _send(page)
    expect(page.locator("#receipt")).to_be_visible()
    seen.look(page, f"receipt-{way.name}", script=way.script, scheme=way.scheme)
    assert way.sentences["tells"] in page.locator(".received").inner_text()
    refused = page.locator(".problem .refused").inner_text()
    assert refused == f"foto.exe: {way.sentences['refused']}"
    words = page.locator("#receipt").inner_text()
    (packet,) = letterbox.spooled() - before

    _come_back_wrongly(visitor, seen, way, words)
    letterbox.carry()
    letterbox.answer(packet, REPLY)
    _come_back(visitor, seen, way, words, files)
    _withdraw_after_it_left(page, seen, way)
    visitor.leave()


def test_the_receipt_opens_at_the_return_words(browser: Browser, letterbox: Letterbox) -> None:
    """With the script, on the smallest phone: the focus goes to the page's start and the view stays there."""
    small: ViewportSize = {"width": 360, "height": 740}
    visitor = _visitor(browser, letterbox, Way("nb", script=True, scheme="light", size=small, sentences={}))
    page = visitor.page
    visitor.go("/nb/")
    page.locator("#message").fill("De mistet papirene mine.")
    _send(page)
    words = page.locator("#receipt")
    expect(words).to_be_visible()
    _focused(page, "#main")
    assert page.evaluate("window.scrollY") == 0
    box = words.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= small["height"]
    visitor.leave()


def _fill(page: Page, way: Way) -> None:
    page.locator("#message").fill("De mistet papirene mine.\nTo ganger.")
    page.locator(".more > summary").click()
    page.locator("#public_body").select_option(index=5)
    page.locator("#person-1-given_name").fill("Kari")
    page.locator("#person-1-family_names").fill("Nordmann, Hansen")
    # One at a time: of the five further rows only the next one is offered.
    people = page.locator("details.person")
    expect(people).to_have_count(5)
    for number in range(2, 7):
        summaries = page.locator("details.person:not([open]) > summary:visible")
        expect(summaries).to_have_count(1)
        summaries.click()
        expect(page.locator(f"#person-{number}-role")).to_be_visible()
    if not way.script:
        page.locator("#person-6-role").fill("leder")
        return
    expect(page.locator(".who-now p")).to_have_count(1)
    page.get_by_role("button", name=PUT_BY_SCRIPT).click()
    expect(people).to_have_count(6)
    page.locator("#person-7-role").fill("leder")


def _come_back_wrongly(visitor: Visitor, seen: Seen, way: Way, words: str) -> None:
    """One word is wrong: the page says which place, keeps what was typed, and the receipt stays open elsewhere."""
    page = visitor.context.new_page()
    page.goto(f"{visitor.origin}/{way.language}/return")
    typed = words.split()
    slip = f"{typed[2]}q"  # no word; another last letter makes one of the list now and then
    page.locator("#words").fill(" ".join([*typed[:2], slip, *typed[3:]]))
    _send(page)
    _focused(page, "#problem")
    seen.look(page, f"return-wrong-{way.name}", script=way.script, scheme=way.scheme)
    assert "3" in page.locator("#problem-text").inner_text()
    assert page.locator("#words").input_value().split()[2] == slip
    page.close()


def _come_back(visitor: Visitor, seen: Seen, way: Way, words: str, files: list[Path]) -> None:
    page = visitor.context.new_page()
    page.goto(f"{visitor.origin}/{way.language}/return")
    # Capitals, commas and four letters are enough.
    page.locator("#words").fill(", ".join(word[:4].upper() for word in words.split()))
    _send(page)
    reply = page.locator(".reply")
    expect(reply).to_have_count(1)
    assert reply.locator(".typed").inner_text() == REPLY
    assert way.sentences["answered"] in reply.locator("h3").inner_text()
    seen.look(page, f"case-{way.name}", script=way.script, scheme=way.scheme)

    page.locator("#files").set_input_files(files[1])
    _send(page)
    expect(page.locator(".received li")).to_have_count(1)
    seen.look(page, f"added-{way.name}", script=way.script, scheme=way.scheme)
    page.locator("form[action$='/return'] button").click()
    expect(page.locator(".reply")).to_have_count(1)
    page.locator("form[action$='/delete-replies'] button").click()
    page.wait_for_load_state()
    seen.look(page, f"deleted-{way.name}", script=way.script, scheme=way.scheme)
    page.locator("form[action$='/return'] button").click()
    expect(page.locator("#add")).to_have_count(1)
    expect(page.locator(".reply")).to_have_count(0)
    seen.look(page, f"case-no-answer-{way.name}", script=way.script, scheme=way.scheme)
    page.close()


def _beside(page: Page, selector: str) -> Page:
    """Click what opens in a tab of its own, so that the receipt stays; return that page."""
    with page.context.expect_page() as opened:
        page.locator(selector).click()
    return opened.value


def _withdraw_after_it_left(page: Page, seen: Seen, way: Way) -> None:
    page = _beside(page, "form[action$='/withdraw'] button")
    expect(page.locator("h1")).to_have_text(way.sentences["withdrawn"])
    seen.look(page, f"withdraw-left-{way.name}", script=way.script, scheme=way.scheme)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_withdrawn_before_it_left(browser: Browser, letterbox: Letterbox, seen: Seen, way: Way) -> None:
    visitor = _visitor(browser, letterbox, way)
    page, before = visitor.page, letterbox.spooled()
    visitor.go(f"/{way.language}/")
    page.locator("#message").fill("x")
    _send(page)
    page.locator("form[action$='/withdraw'] button").wait_for()
    assert len(letterbox.spooled() - before) == 1
    page = _beside(page, "form[action$='/withdraw'] button")
    expect(page.locator("h1")).to_have_text(way.sentences["withdrawn"])
    seen.look(page, f"withdrawn-{way.name}", script=way.script, scheme=way.scheme)
    wait_until(lambda: letterbox.spooled() == before)
    visitor.leave()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_too_large(browser: Browser, small: Letterbox, seen: Seen, tmp_path: Path, way: Way) -> None:
    visitor = _visitor(browser, small, way)
    page = visitor.page
    visitor.go(f"/{way.language}/")
    page.locator("#message").fill("still here")
    large = tmp_path / "large.txt"
    large.write_bytes(b"x" * (1024 * 1024 + 1))
    page.locator("#files").set_input_files(large)
    if way.script:
        expect(page.locator(".chosen .why")).to_have_count(1)
    page.locator("#message").fill("")
    _send(page)
    _focused(page, "#problem")
    assert "large.txt" in page.locator(".refused").inner_text()
    expect(page.locator("#files")).to_have_attribute("aria-invalid", "true")
    seen.look(page, f"too-large-{way.name}", script=way.script, scheme=way.scheme)
    # Beyond all limits together nothing is read at all.
    page.locator("#files").set_input_files([_sparse(tmp_path / f"{n}.txt", 6 * 1024 * 1024) for n in range(4)])
    _send(page)
    expect(page.locator("#problem-title")).to_be_visible(timeout=30_000)
    seen.look(page, f"beyond-limits-{way.name}", script=way.script, scheme=way.scheme, picture=False)
    visitor.leave()


def _sparse(path: Path, size: int) -> Path:
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def _width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


@pytest.mark.parametrize("language", ["nb", "nn", "da", "en"])
def test_every_language_at_320_pixels_and_twice_the_size(
    browser: Browser, letterbox: Letterbox, seen: Seen, language: str
) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, locale="pl")
    visitor = Visitor(context, letterbox.origin)
    for path, name in (
        ("/", "form"),
        ("/how", "how"),
        ("/return", "return"),
        ("/privacy", "privacy"),
        ("/law", "law"),
        ("/accessibility", "accessibility"),
    ):
        visitor.go(f"/{language}{path}")
        seen.look(visitor.page, f"narrow-{name}-{language}", picture=name == "form" and language in ("nn", "da"))
        assert _width(visitor.page) <= 320, path
        # Text of twice the size (WCAG 1.4.4) on a small window; a zoom of 400 % on a large one is what 320 pixels are.
        visitor.page.set_viewport_size({"width": 640, "height": 640})
        visitor.page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert _width(visitor.page) <= 640, path
        visitor.page.set_viewport_size({"width": 320, "height": 640})
    links = visitor.page.locator(".languages a")
    assert [links.nth(n).get_attribute("lang") for n in range(links.count())] == ["nb", "nn", "da", "en"]
    assert links.nth(2).get_attribute("href") == "/da/accessibility"
    visitor.leave()
