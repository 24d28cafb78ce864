"""The pages around the return words, over HTTP: the receipt, what stands at its address later, and trying two of them.

Invariant G26.
"""

import re
from collections.abc import Iterator

import pytest

from gateway.http.responses import PADDED_MIN
from keys.words import complete_words
from tests.worlds.gateway_process import Answer, GatewayProcess, words_shown


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("words"), tick_seconds=6 * 3600) as running:
        yield running


@pytest.fixture(scope="module")
def receipt(gateway: GatewayProcess) -> Answer:
    return gateway.submit([("message", "A matter.")], [("a.exe", b"MZ")])


@pytest.fixture(scope="module")
def words(receipt: Answer) -> str:
    assert receipt.words
    return receipt.words


def _try(gateway: GatewayProcess, words: str, places: tuple[int, ...], typed: tuple[str, ...]) -> Answer:
    fields = [("words", words), *(("place", str(place)) for place in places), *(("typed", word) for word in typed)]
    return gateway.post("/written", fields)


def _shows(words: str, answer: Answer) -> list[str]:
    """Return which of the words a reader sees: what is in a hidden field nobody sees."""
    seen = re.sub(r"<[^>]*>", " ", answer.text)
    return words_shown(words, seen)


def test_the_words_come_first_and_the_proof_words_last(receipt: Answer) -> None:
    order = ['id="receipt"', 'action="/en/written"', 'href="#refused"', "at the\nlatest", 'id="refused"']
    order += ['action="/en/withdraw"', 'id="proof"']
    text = receipt.text.replace("at the latest", "at the\nlatest")
    places = [text.find(mark) for mark in order]
    assert places == sorted(places)
    assert -1 not in places


def test_no_link_of_a_receipt_takes_its_place(receipt: Answer) -> None:
    """They open in a tab of their own: by the base of the page, whoever adds a link to it."""
    head, _, body = receipt.text.partition("<body>")
    assert '<base target="_blank">' in head
    assert head.index("<base") < head.index("<link")
    links = re.findall(r"<a [^>]*>", body)
    assert len(links) >= 3
    for link in links:
        # Whoever has to be gone at once is not kept: the way out takes the page with it.
        assert ('href="#' in link or "data-exit" in link) == ('target="_self"' in link), link


def test_two_words_are_asked_for_without_showing_any(gateway: GatewayProcess, words: str) -> None:
    asked = set()
    for _ in range(12):
        answer = gateway.post("/written", [("words", words)])
        assert answer.status == 200
        assert _shows(words, answer) == []
        places = tuple(map(int, re.findall(r'name="place" value="(\d+)"', answer.text)))
        assert len(set(places)) == 2
        assert set(places) <= set(range(1, 12))
        asked.add(places)
    assert len(asked) > 1


def test_right_words_are_right_by_four_letters(gateway: GatewayProcess, words: str) -> None:
    listed = words.split()
    for typed in ((listed[1], listed[8]), (listed[1][:4], f" {listed[8].upper()}, ")):
        answer = _try(gateway, words, (2, 9), typed)
        assert "Both are right" in answer.text
        assert _shows(words, answer) == []


@pytest.mark.parametrize("wrong", ["", "x", "proof", "3"])
def test_a_wrong_word_is_named_by_its_place_and_all_are_shown(gateway: GatewayProcess, words: str, wrong: str) -> None:
    listed = words.split()
    answer = _try(gateway, words, (2, 9), (listed[1], wrong))
    assert answer.status == 200
    assert "Return word 9 is another one" in answer.text
    assert "Return word 2" not in answer.text
    assert answer.words == words
    # Tried again from there.
    assert _shows(words, gateway.post("/written", [("words", answer.hidden("words"))])) == []


def test_three_letters_are_too_few(gateway: GatewayProcess, words: str) -> None:
    listed = words.split()
    short = listed[1][:3]
    assert complete_words(short) == [None]
    assert "Return word 2 is another" in _try(gateway, words, (2, 9), (short, listed[8])).text


@pytest.mark.parametrize(
    ("places", "typed"), [((), ("a", "b")), ((0, 1), ("a", "b")), ((1, 12), ("a", "b")), ((1, 2), ("a",)), ((1,), ())]
)
def test_places_that_are_none_are_asked_for_again(
    gateway: GatewayProcess, words: str, places: tuple[int, ...], typed: tuple[str, ...]
) -> None:
    assert 'name="typed"' in _try(gateway, words, places, typed).text


def test_other_words_are_shown_to_nobody(gateway: GatewayProcess, words: str) -> None:
    for bad in ("", "x", words.rpartition(" ")[0], f"{words} {words}"):
        answer = gateway.post("/written", [("words", bad)])
        assert answer.status == 400
        assert "<output" not in answer.text


def test_nothing_of_it_is_kept(gateway: GatewayProcess, words: str) -> None:
    packets, log = len(gateway.packets()), gateway.home.audit.read_text() + gateway.log.read_text()
    answers = [
        gateway.post("/written", [("words", words)]),
        _try(gateway, words, (1, 2), (words.split(maxsplit=1)[0], words.split()[1])),
        _try(gateway, words, (1, 2), ("canaryword", "x")),
    ]
    assert {len(answer.text.encode()) for answer in answers} == {PADDED_MIN}
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert len(gateway.packets()) == packets
    assert gateway.home.audit.read_text() + gateway.log.read_text() == log


@pytest.mark.parametrize("path", ["submit", "add", "delete-replies", "withdraw", "written"])
def test_the_address_of_an_answer_says_that_it_was_shown_once(gateway: GatewayProcess, path: str) -> None:
    for language, sentence in (("en", "Shown only once"), ("nb", "Vises bare én gang")):
        answer = gateway.get(f"/{language}/{path}")
        assert answer.status == 200
        assert f"<h1>{sentence}</h1>" in answer.text
        assert f'href="/{language}/return"' in answer.text
    assert ("To an empty form" in gateway.get(f"/en/{path}").text) == (path == "submit")
    assert gateway.get(f"/en/{path}", "PUT").status == 405
