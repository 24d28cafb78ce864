"""The way of a new source on a phone, from the front page to the return words: `make bench-journey`.

Chromium at 360 x 740 pixels, in Bokmål and Danish, without and with the script, against a real gateway. Counted are the
taps, the screens that are scrolled, the words of text that stand before a field, and where things stand. The time is
this machine's (typing at one pace, and everything that browser and gateway do); how long a person reads is an estimate,
at READING words a minute, of what stands before the Send button and of what is read again as far as the return words.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.worlds.chromium import CHROMIUM
from tests.worlds.letterbox import Letterbox

PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
READING: Final = 200  # words a minute
PACE: Final = 20  # milliseconds from key to key
LANGUAGES: Final = ("nb", "da")
TEXT: Final = "De mistet papirene mine to ganger, i mars og i mai, paa passkontoret i Bergen."
FIELDS: Final = "input:not([type=hidden]), textarea, select"
# The words that are shown and stand before an element of the page, in the order of the page.
WORDS_BEFORE: Final = """(element) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!(element.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING)) continue;
    const box = node.parentElement.getBoundingClientRect();
    const shown = node.parentElement.checkVisibility() && box.right > 0 && box.bottom + scrollY > 0 && box.width > 1;
    if (shown && !node.parentElement.closest("option, textarea")) count += (node.data.match(/\\S+/g) || []).length;
  }
  return count;
}"""
TOP: Final = "(element) => Math.round(element.getBoundingClientRect().top + scrollY)"


@dataclass(frozen=True, slots=True)
class Journey:
    """One way from the front page to the return words."""

    language: str
    script: bool
    taps: int
    scrolled: float  # screens, one way, to everything that has to be used or read
    words_before_field: int
    words_before_send: int
    words_before_receipt: int  # on the page of the receipt
    page_height: int  # pixels, as all that follow
    first_field: int
    message: int
    files: int
    send: int
    receipt: int
    receipt_scrolled: int  # where the page of the receipt opens
    seconds: float

    @property
    def reading(self) -> float:
        """Estimated seconds of reading."""
        return 60 * (self.words_before_send + self.words_before_receipt) / READING


class Finger:
    """Taps what is in sight, and scrolls as little as possible where it is not."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self.taps = 0
        self.pixels = 0.0

    def reach(self, selector: str) -> None:
        """Scroll until all of an element is in sight."""
        before = self._page.evaluate("scrollY")
        self._page.locator(selector).first.scroll_into_view_if_needed()
        self.pixels += abs(self._page.evaluate("scrollY") - before)

    def tap(self, selector: str) -> None:
        """Tap an element."""
        self.reach(selector)
        self.taps += 1
        self._page.locator(selector).first.click()


def journey(browser: Browser, letterbox: Letterbox, file: Path, language: str, *, script: bool) -> Journey:
    """Go the whole way once."""
    context = browser.new_context(java_script_enabled=script, viewport=PHONE, locale=language)
    page, finger = context.new_page(), Finger(context.pages[0])
    started = time.monotonic()
    page.goto(f"{letterbox.origin}/{language}/")
    counted = time.monotonic()
    first = page.locator(FIELDS).locator("visible=true").first
    seen = {
        "words_before_field": first.evaluate(WORDS_BEFORE),
        "words_before_send": page.locator(".send button").evaluate(WORDS_BEFORE),
        "page_height": page.evaluate("document.documentElement.scrollHeight"),
        "first_field": first.evaluate(TOP),
        "message": page.locator("#message").evaluate(TOP),
        "files": page.locator("#files").evaluate(TOP),
        "send": page.locator(".send button").evaluate(TOP),
    }
    started += time.monotonic() - counted  # counting is no part of the way
    finger.tap("#message")
    page.keyboard.type(TEXT, delay=PACE)
    with page.expect_file_chooser() as chooser:
        finger.tap("#files")
    chooser.value.set_files(file)
    finger.taps += 1  # on the file, in the phone's own window
    finger.tap(".send button")
    receipt = page.locator("#receipt")
    receipt.wait_for(state="visible", timeout=300_000)
    seconds = time.monotonic() - started
    opened = page.evaluate("scrollY")
    finger.reach("#receipt")
    found = Journey(
        language=language,
        script=script,
        taps=finger.taps,
        scrolled=finger.pixels / PHONE["height"],
        words_before_receipt=receipt.evaluate(WORDS_BEFORE),
        receipt=receipt.evaluate(TOP),
        receipt_scrolled=opened,
        seconds=seconds,
        **seen,
    )
    context.close()
    return found


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="ways of each sort; the fastest counts (default 3)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "notat.txt"
        file.write_text("Minutes of the meeting\n")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with Letterbox(Path(folder) / "letterbox") as letterbox:
            for language in LANGUAGES:
                for script in (False, True):
                    ways = [journey(browser, letterbox, file, language, script=script) for _ in range(rounds)]
                    _show(min(ways, key=lambda way: way.seconds))
        browser.close()
    return 0


def _show(way: Journey) -> None:
    height = PHONE["height"]
    print(f"{way.language}, {'with the' if way.script else 'without'} script")
    print(f"  taps                                {way.taps}")
    print(f"  screens scrolled                    {way.scrolled:.1f}")
    print(f"  words before the first field        {way.words_before_field}")
    print(f"  words before Send                   {way.words_before_send}")
    print(f"  height of the page                  {way.page_height} pixels, {way.page_height / height:.1f} screens")
    for name, top in (("first field", way.first_field), ("own words", way.message), ("files", way.files)):
        print(f"  {name:<36}at {top} pixels")
    print(f"  {'Send':<36}at {way.send} pixels")
    print(f"  {'return words':<36}at {way.receipt} pixels, and the page opens at {way.receipt_scrolled}")
    print(f"  this machine's time                 {way.seconds:.1f} s")
    print(f"  reading, estimated                  {way.reading:.0f} s at {READING} words a minute\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
