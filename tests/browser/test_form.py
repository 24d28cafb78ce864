"""What the form's script and its second button do, in a real browser.

Invariant G8.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visitor
from tests.worlds.letterbox import Letterbox

# What the script would send: the names of the parts in their order, kept instead of being sent.
KEEP = "() => { XMLHttpRequest.prototype.send = (data) => { window.kept = [...data.keys()]; }; }"


@pytest.fixture(scope="module")
def letterbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    with Letterbox(tmp_path_factory.mktemp("letterbox")) as running:
        yield running


def test_the_script_sends_the_files_after_everything_that_was_typed(
    browser: Browser, letterbox: Letterbox, tmp_path: Path
) -> None:
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file in files:
        file.write_text("x\n")
    visitor = Visitor(browser.new_context(), letterbox.origin)
    page = visitor.page
    visitor.go("/en/")
    page.locator("#files").set_input_files(files)
    page.locator(".more > summary").click()
    page.locator("#public_body_other").fill("The passport office")
    page.evaluate(KEEP)
    page.locator(".send-again button").click()
    names = page.evaluate("window.kept")
    assert {"message", "public_body_other", "person-6-role", "receipt_public"} <= set(names)
    assert names[-2:] == ["files", "files"]
    assert names.count("files") == 2
    # Whoever pressed the lower button sees there that something happens, and cannot press either again.
    expect(page.locator(".send-again + .state")).to_be_in_viewport()
    for button in (".send button", ".send-again button"):
        expect(page.locator(button)).to_be_disabled()
    visitor.leave()


@pytest.mark.parametrize("script", [False, True])
def test_details_reach_the_receipt_by_the_second_button(browser: Browser, letterbox: Letterbox, script: bool) -> None:
    visitor = Visitor(browser.new_context(java_script_enabled=script), letterbox.origin)
    page = visitor.page
    visitor.go("/en/")
    expect(page.locator("#public_body_other")).to_be_hidden()
    page.locator(".more > summary").click()
    page.locator(".conversation > summary").click()
    page.locator("#writer_role").fill("foreman")
    page.locator("#read_back").select_option("yes")
    page.locator(".send-again button").click()
    # A role alone says nothing about the matter: it is refused, and the form opens where that was typed.
    expect(page.locator("#problem-text")).to_be_visible()
    expect(page.locator("#writer_role")).to_be_visible()
    expect(page.locator("#writer_role")).to_have_value("foreman")
    page.locator("#public_body_other").fill("The passport office")
    page.locator(".send-again button").click()
    expect(page.locator("#receipt")).to_be_visible()
    visitor.leave()
