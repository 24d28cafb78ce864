"""Who comes back with return words, over HTTP to a real gateway: answers, additions, deletion, withdrawal.

Invariant G11.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.http.responses import PADDED_MIN
from gateway.receipts.return_keys import spelled
from keys.receipt import new_receipt_words, public_receipt
from keys.recipient import KeyKind
from keys.word_list import WORDS, WordList, word_list_for
from keys.words import translate_words
from tests.builders.receipt_vectors import OLD_WORDS
from tests.worlds.gateway_process import (
    NO_PACKETS_OF_REQUESTS,
    Answer,
    GatewayProcess,
    OpenedPacket,
    form_body,
    form_head,
)
from tests.worlds.spooled import lies_at, spooled
from tests.worlds.waiting import wait_until
from transfer.bundle.contents import Grant
from transfer.names import Lane, PacketId
from transfer.packet.manifest import MadeBy, PacketPurpose, ReceiptNote
from transfer.packet.message import encode_message
from transfer.packet.request import Asks, encode_signed
from transfer.packet.visit_signature import is_token_of, verify_visit, verify_visit_text
from transfer.spool.spool import Spool

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway whose packets wait for hours, as real ones do."""
    root = tmp_path_factory.mktemp("way-back")
    settings: dict[str, Any] = {"tick_seconds": 6 * 3600, "files_max": 3, "file_max_bytes": 200_000}
    with GatewayProcess(root, constants=NO_PACKETS_OF_REQUESTS, **settings) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty_spool(request: pytest.FixtureRequest) -> None:
    if "gateway" in request.fixturenames:
        request.getfixturevalue("gateway").empty_spool()


class Serial:
    """Rising numbers for the bundles of one gateway."""

    last = 0


def next_serial() -> int:
    Serial.last += 1
    return Serial.last


def _two(*places: int) -> list[tuple[str, str]]:
    return [("place", str(place)) for place in places]


def _typed(words: str, *places: int) -> list[tuple[str, str]]:
    return [("typed", words.split()[place - 1]) for place in places]


def first(gateway: GatewayProcess, text: str = "a matter") -> tuple[str, ReceiptNote, Answer]:
    """Send a first submission; return its words, the public halves, and the page."""
    before = {packet.manifest.packet for packet in gateway.packets()}
    answer = gateway.submit([("message", text)])
    assert answer.words
    (packet,) = [packet for packet in gateway.packets() if packet.manifest.packet not in before]
    assert packet.manifest.receipt is not None
    return answer.words, packet.manifest.receipt, answer


def newest(gateway: GatewayProcess) -> OpenedPacket:
    return max(
        gateway.packets(), key=lambda p: lies_at(gateway.home.spool, p.manifest.packet, p.lane).stat().st_ctime_ns
    )


def test_the_whole_way_back(gateway: GatewayProcess) -> None:
    words, receipt, _ = first(gateway)
    empty = gateway.come_back(words)
    assert empty.status == 200
    assert "There is no answer here" in empty.text
    gateway.take_bundle(next_serial(), [(receipt, "We have read it. <b>æøå</b>\nWrite again."), (receipt, "Done.")])
    case = gateway.come_back(words)
    assert "We have read it. &lt;b&gt;æøå&lt;/b&gt;\nWrite again." in case.text
    assert "Done." in case.text
    assert "There is no answer here" not in case.text
    # From here on without typing the words again.
    hidden = case.hidden("words")
    added = gateway.post("/add", [("words", hidden), ("message", "One thing more.")], [("a.txt", b"the letter")])
    assert added.status == 200
    assert added.words is None
    packet = newest(gateway)
    assert packet.manifest.purpose is PacketPurpose.ADDITION
    assert packet.message.text == "One thing more."
    assert packet.files == {"a.txt": b"the letter"}
    assert packet.manifest.receipt is not None
    assert packet.manifest.receipt.lookup == receipt.lookup
    verify_visit(receipt.signing, packet.manifest, encode_message(packet.message))
    assert "One thing more" not in gateway.come_back(added.hidden("words")).text
    before = gateway.asked()
    deleted = gateway.post("/delete-replies", [("words", hidden)])
    assert deleted.status == 200
    (request,) = [note for note in gateway.asked() if note not in before]
    assert (request.asks, request.lookup) == (Asks.DELETE_REPLIES, receipt.lookup)
    verify_visit_text(receipt.signing, encode_signed(request), request.visit)
    gone = gateway.come_back(deleted.hidden("words"))
    assert "We have read it" not in gone.text
    assert gone.without_tokens == empty.without_tokens


@pytest.mark.parametrize(
    "untidy",
    [
        *(str.upper, str.title, lambda words: words.replace(" ", "-"), spelled),
        *(
            lambda words: translate_words(words, WordList.NORWEGIAN),
            lambda words: translate_words(words, WordList.DANISH),
        ),
    ],
)
def test_words_are_taken_however_they_are_typed(gateway: GatewayProcess, untidy) -> None:  # type: ignore[no-untyped-def]
    words, receipt, _ = first(gateway)
    gateway.take_bundle(next_serial(), [(receipt, "Read this.")])
    assert "Read this." in gateway.come_back(untidy(words)).text


def _with(words: str, place: int, word: str) -> str:
    typed = words.split()
    typed[place] = word
    return " ".join(typed)


def test_wrong_words_are_explained_and_given_back(gateway: GatewayProcess) -> None:
    # Fixed: of random words one in two hundred is explained otherwise, or looks like proof words.
    made = new_receipt_words(lambda bits: 0x5EED_0F_A_5714_1E55_5EC2E7 % 2**bits)
    words = made.return_words
    swapped = words.split()
    swapped[2:4] = reversed(swapped[2:4])
    told = {
        "": "You typed no return words",
        "acid acid": "A receipt has 11 return words; you typed 2.",
        OLD_WORDS: "A receipt has 11 return words; you typed 10.",
        _with(words, 3, "zzzz"): "Word 4 is not one of the words",
        " ".join(swapped): "Check word 3 or 4 first",
        made.proof_words: "proof words",
    }
    for typed, sentence in told.items():
        answer = gateway.come_back(typed)
        assert answer.status == 400
        assert sentence in answer.text
        assert (typed in answer.text) is (typed != made.proof_words)
        assert len(answer.text.encode()) == PADDED_MIN
        assert not gateway.leftovers()


def test_a_reply_that_is_not_for_these_words_is_not_opened(gateway: GatewayProcess) -> None:
    words, receipt, _ = first(gateway)
    _, other, _ = first(gateway)
    moved = ReceiptNote(receipt.lookup, other.recipient, other.signing, other.proof)
    gateway.take_bundle(next_serial(), [(moved, "For somebody else.")])
    answer = gateway.come_back(words)
    assert "For somebody else" not in answer.text
    assert "One more answer could not be opened here" in answer.text


def test_all_answers_have_one_of_few_sizes(gateway: GatewayProcess) -> None:
    words, receipt, page = first(gateway)
    sizes = {}
    for length in (0, 1_000, 40_000, 60_000):
        gateway.take_bundle(next_serial(), [(receipt, "x" * length), (receipt, "y" * length)])
        sizes[length] = len(gateway.come_back(words).text.encode())
    assert sizes == {0: PADDED_MIN, 1_000: PADDED_MIN, 40_000: 2 * PADDED_MIN, 60_000: 2 * PADDED_MIN}
    hidden = gateway.come_back(words).hidden("words")
    answers = [
        gateway.get("/en/return"),
        gateway.get("/en/add"),
        gateway.post("/add", [("words", hidden), ("message", "more")]),
        gateway.post("/add", [("words", hidden)]),
        gateway.post("/add", [("words", "wrong"), ("message", "more")]),
        gateway.post("/delete-replies", [("words", hidden)]),
        gateway.post("/delete-replies", [("words", "wrong")]),
        gateway.post("/withdraw", page.button),
        gateway.post("/withdraw", page.button),
        gateway.post("/withdraw"),
        gateway.get("/en/withdraw"),
        gateway.get("/en/written"),
        gateway.post("/written", [("words", words)]),
        gateway.post("/written", [("words", words), *_two(1, 2), *_typed(words, 1, 2)]),
        gateway.post("/written", [("words", words), *_two(3, 10), *_typed(words, 1, 2)]),
        gateway.post("/written"),
        gateway.post("/return", [("words", "x" * 20_000)]),
        gateway.raw(b"POST /return HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    ]
    assert {len(answer.text.encode()) for answer in answers} == {PADDED_MIN}
    assert {answer.status for answer in answers} == {200, 400, 413, 415}


@pytest.mark.parametrize("kind", KeyKind)
def test_unknown_words_and_a_case_without_replies_get_the_same_bytes(
    gateway: GatewayProcess, tmp_path_factory: pytest.TempPathFactory, kind: KeyKind
) -> None:
    with GatewayProcess(tmp_path_factory.mktemp("same"), kind=kind) as running:
        words, receipt, _ = first(running)
        _, other, _ = first(running)
        running.take_bundle(1, [(other, "For the other case.")])
        # The case was answered once: a mailbox that is empty now is a case without replies too.
        answered, note, _ = first(running)
        running.take_bundle(2, [(note, "An answer."), (other, "For the other case.")])
        running.post("/delete-replies", [("words", answered)])
        pages = set()
        known = [words, *(translate_words(words, word_list) for word_list in WordList)]
        for typed in (*known, answered, new_receipt_words().return_words, new_receipt_words().return_words):
            answer = running.come_back(typed)
            assert answer.status == 200
            hidden = answer.hidden("words")
            assert len(hidden) == 54
            same_headers = tuple(sorted(answer.headers.items()))
            pages.add((answer.without_tokens.replace(hidden, "-" * 54), same_headers))
        assert len(pages) == 1
        del receipt


def test_what_is_added_with_unknown_words_is_received_all_the_same(gateway: GatewayProcess) -> None:
    words, receipt, _ = first(gateway)
    pages, manifests = set(), []
    for typed in (words, new_receipt_words().return_words):
        answer = gateway.post("/add", [("words", typed), ("message", "more")], [("a.txt", b"x"), ("b.exe", b"MZ")])
        assert answer.status == 200
        manifests.append(newest(gateway).manifest)
        stripped = re.sub(r'(name="(words|token|packet|mark)" value=")[^"]*', r"\1", answer.text)
        pages.add(stripped)
    assert len(pages) == 1
    assert [manifest.purpose for manifest in manifests] == [PacketPurpose.ADDITION] * 2
    assert [manifest.receipt.lookup == receipt.lookup for manifest in manifests if manifest.receipt] == [True, False]


def say(gateway: GatewayProcess, path: str, fields: list[tuple[str, str]]) -> Answer:
    """Send a form to `path`, in the language that it begins with."""
    body, boundary = form_body(fields, [])
    return gateway.raw(form_head(boundary, len(body), path) + body)


@pytest.mark.parametrize("language", ["nb", "nn", "da", "en"])
def test_words_of_each_page_are_taken_on_every_page(gateway: GatewayProcess, language: str) -> None:
    """Whatever the language of the receipt is, of the list that its words are typed in, and of the page."""
    words = say(gateway, f"/{language}/submit", [("message", "a matter")]).words
    assert words is not None
    assert set(words.split()) <= set(WORDS[word_list_for(language)])
    receipt = newest(gateway).manifest.receipt
    assert receipt is not None
    gateway.take_bundle(next_serial(), [(receipt, "Read this.")])
    for word_list in WordList:
        typed = [("words", translate_words(words, word_list))]
        case = say(gateway, "/nn/return", typed)
        assert "Read this." in case.text
        added = say(gateway, "/da/add", [*typed, ("message", "More.")])
        later = newest(gateway).manifest.receipt
        assert later is not None
        assert later.lookup == receipt.lookup
        assert added.hidden("words") == case.hidden("words") == spelled(words)
    deleted = say(gateway, "/nb/delete-replies", [("words", words)])
    assert deleted.hidden("words") == spelled(words)
    assert "Read this." not in gateway.come_back(words).text


def test_an_addition_that_fails_keeps_what_was_typed(gateway: GatewayProcess) -> None:
    words, _, _ = first(gateway)
    before = len(gateway.leftovers())
    empty = gateway.post("/add", [("words", words), ("message", " ")])
    assert empty.status == 400
    assert empty.hidden("words") == spelled(words)
    refused = gateway.post("/add", [("words", words)], [("b.exe", b"MZ")])
    assert refused.status == 415
    assert "b.exe" in refused.text
    assert refused.hidden("words") == spelled(words)
    long = gateway.post("/add", [("words", words), ("message", "x" * 1_100_000)])
    assert long.status == 413
    assert "x" * 1_000_000 in long.text
    for wrong in ("", "acid acid", _with(words, 0, "zzzz")):
        answer = gateway.post("/add", [("words", wrong), ("message", "what I typed")], [("a.txt", b"x")])
        assert answer.status == 400
        assert "what I typed" in answer.text
        assert "What you typed could not be used as return words" in answer.text
    assert gateway.post("/add", [("message", "what I typed")]).status == 400
    assert len(gateway.leftovers()) == before


def test_a_grant_gives_more_room_and_a_table(gateway: GatewayProcess) -> None:
    words, receipt, _ = first(gateway)
    large, table = b"x" * 300_000, b"body,name\r\nThe police,Kari\r\n"
    files = [("1.txt", b"1"), ("large.txt", large), ("cases.csv", table), ("2.txt", b"2"), ("3.txt", b"3")]
    without = gateway.post("/add", [("words", words)], files)
    assert without.status == 200
    packet = newest(gateway)
    assert list(packet.files) == ["1.txt", "2.txt", "3.txt"]
    assert [note.reason for note in packet.manifest.refused] == ["size", "type.name"]
    assert "csv" not in gateway.come_back(words).text
    grant = Grant(receipt.lookup, files_max=50, file_max_bytes=2**30, expires=TODAY + timedelta(days=9))
    gateway.take_bundle(next_serial(), grants=(grant,))
    case = gateway.come_back(words)
    assert "50 files, each up to 1 GB" in " ".join(case.text.split())
    assert "csv" not in case.text
    grant = replace(grant, file_max_bytes=1_000_000, tables=True)
    gateway.take_bundle(next_serial(), grants=(grant,))
    case = gateway.come_back(words)
    assert "/cases.csv" in case.text
    assert "50 files" in case.text
    assert 'accept=".pdf,.rar,.txt,.zip,.csv"' in case.text
    assert 'data-types="pdf rar txt zip csv"' in case.text
    assert gateway.post("/add", [("words", words)], files).status == 200
    packet = newest(gateway)
    assert packet.files == dict(files)
    assert [note.type for note in packet.manifest.files] == ["txt"] * 5
    # The same file with anybody else's words is too large.
    other = gateway.post("/add", [("words", new_receipt_words().return_words)], files)
    assert other.status == 200
    assert list(newest(gateway).files) == ["1.txt", "2.txt", "3.txt"]
    template = gateway.get("/cases.csv")
    assert template.headers["content-type"] == "text/csv; charset=utf-8"
    assert template.text.count("\n") == 1
    # A table is one with a grant only, and never a way round the form's own list.
    assert gateway.submit([], [("cases.csv", table)]).status == 415


def test_text_first_and_then_files_one_by_one(gateway: GatewayProcess) -> None:
    words, receipt, _ = first(gateway, "The text, over a slow line.")
    for number in range(2):
        content = f"file {number} ".encode() * 10_000
        assert gateway.post("/add", [("words", words)], [(f"{number}.txt", content)]).status == 200
    before = len(gateway.leftovers())
    body, boundary = form_body([("words", words)], [("2.txt", b"broken off" * 10_000)])
    with gateway.connect() as connection:
        connection.sendall(form_head(boundary, len(body), "/add") + body[:-20_000])
        wait_until(lambda: len(gateway.leftovers()) > before)
    wait_until(lambda: len(gateway.leftovers()) == before)
    assert gateway.post("/add", [("words", words)], [("2.txt", b"again")]).status == 200
    packets = [packet for packet in gateway.packets() if packet.manifest.receipt]
    assert {packet.manifest.receipt.lookup for packet in packets if packet.manifest.receipt} == {receipt.lookup}
    names = [name for packet in packets for name in packet.files]
    assert sorted(names) == ["0.txt", "1.txt", "2.txt"]


def test_a_submission_is_withdrawn_before_its_tick(gateway: GatewayProcess) -> None:
    already = gateway.home.audit.read_text()
    _, _, page = first(gateway)
    first(gateway)
    packet = page.hidden("packet")
    answer = gateway.post("/withdraw", page.button)
    assert answer.status == 200
    assert "Your request to withdraw was received" in answer.text

    def is_gone() -> bool:
        return [waiting.manifest.packet for waiting in gateway.packets()] != [packet] and len(gateway.leftovers()) == 1

    wait_until(is_gone)
    wait_until(lambda: packet not in [note.withdraws for note in gateway.asked()])
    # A second press, or a page that is loaded again, is told the same: nothing has left, and nothing is sent after it.
    assert gateway.post("/withdraw", page.button).text == answer.text
    wait_until(lambda: packet not in [note.withdraws for note in gateway.asked()])
    (line,) = [
        line
        for line in gateway.home.audit.read_text().removeprefix(already).splitlines()
        if "submission-withdrawn" in line
    ]
    assert packet in line


def _left(gateway: GatewayProcess) -> PacketId:
    """Let the packet that waits leave: listed as an export does, but long after the tick."""
    later = Spool(gateway.home.spool, quota=2**40, reserve=0, tick=3600, now=lambda: time.time() + 10**6)
    (ready,) = later.ready(Lane.CLEAR)
    return ready.id


def test_deleting_gets_the_same_bytes_whether_answers_were_here(gateway: GatewayProcess) -> None:
    words, receipt, _ = first(gateway)
    without, _, _ = first(gateway)
    gateway.take_bundle(next_serial(), [(receipt, "Read this.")])
    asked = gateway.asked()
    pages = set()
    for typed in (new_receipt_words().return_words, words, without, words):
        answer = gateway.post("/delete-replies", [("words", typed)])
        pages.add((answer.text.replace(answer.hidden("words"), "-"), tuple(sorted(answer.headers.items()))))
    assert len(pages) == 1
    (request,) = [note for note in gateway.asked() if note not in asked]
    assert request.lookup == receipt.lookup


def test_what_has_left_is_asked_back_from_the_desk(gateway: GatewayProcess) -> None:
    _, _, page = first(gateway)
    (packet,) = gateway.packets()
    assert _left(gateway) == packet.manifest.packet
    assert gateway.post("/withdraw", page.button).status == 200
    (request,) = [note for note in gateway.asked() if note.withdraws == packet.manifest.packet]
    assert request.asks is Asks.WITHDRAW
    assert is_token_of(packet.manifest.withdrawal, request.withdraw_token)
    assert len(gateway.leftovers()) == 1, "no packet before the tick is over"


def test_whatever_comes_of_a_withdrawal_the_page_is_one(gateway: GatewayProcess) -> None:
    """Invented, of a packet that is here, of one that was taken back, and of one that left long ago."""
    _, _, left = first(gateway)
    _left(gateway)
    gateway.empty_spool()
    _, _, here = first(gateway)
    invented = dict(here.button) | {"mark": "0" * 64}
    known = gateway.asked()
    buttons = {
        "invented": list(invented.items()),
        "of another packet": list((dict(here.button) | {"packet": "0" * 32}).items()),
        "with another token": list((dict(here.button) | {"token": "0" * 64}).items()),
        "of another day": list((dict(here.button) | {"day": "2020-01-01"}).items()),
    }
    answers = {what: gateway.post("/withdraw", button) for what, button in buttons.items()}
    assert gateway.asked() == known, "nothing is kept of what is not ours"
    assert len(gateway.leftovers()) == 1
    answers |= {"here": gateway.post("/withdraw", here.button)}
    wait_until(lambda: gateway.packets() == [])
    answers |= {
        "taken back": gateway.post("/withdraw", here.button),
        "left": gateway.post("/withdraw", left.button),
        "left, again": gateway.post("/withdraw", left.button),
    }
    assert len({(answer.status, answer.text, *sorted(answer.headers.items())) for answer in answers.values()}) == 1
    assert {answer.status for answer in answers.values()} == {200}


def test_what_is_no_button_withdraws_nothing(gateway: GatewayProcess) -> None:
    _, _, page = first(gateway)
    whole = dict(page.button)
    for fields in (
        *([(name, value) for name, value in page.button if name != left_out] for left_out in whole),
        *(list((whole | {name: "../../x"}).items()) for name in whole),
        list((whole | {"day": "2026-02-30"}).items()),
        [],
    ):
        answer = gateway.post("/withdraw", fields)
        assert answer.status == 400
        assert "Nothing was withdrawn" in answer.text
    assert page.hidden("packet") in spooled(gateway.home.spool)


def test_a_receipt_that_the_source_made(gateway: GatewayProcess) -> None:
    words = new_receipt_words()
    public = public_receipt(words, KeyKind.CLASSIC)
    pasted = "\n".join(f"  {name:<10} {getattr(public, name)}" for name in ("lookup", "recipient", "signing", "proof"))
    answer = gateway.submit([("message", "mine"), ("receipt_public", pasted)])
    assert answer.status == 200
    assert answer.words is None
    assert "<output" not in answer.text
    (packet,) = gateway.packets()
    receipt = packet.manifest.receipt
    assert receipt == ReceiptNote(public.lookup, public.recipient, public.signing, public.proof, MadeBy.SOURCE)
    gateway.take_bundle(next_serial(), [(receipt, "For your own words.")])
    assert "For your own words." in gateway.come_back(words.return_words).text
    hybrid = public_receipt(words, KeyKind.HYBRID)
    for wrong in (
        "x",
        pasted.replace("age1", "age2"),
        pasted + "\nmore 1",
        pasted.replace(public.recipient, hybrid.recipient),
    ):
        refused = gateway.submit([("message", "mine"), ("receipt_public", wrong)])
        assert refused.status == 400
        assert "public halves of your own receipt cannot be used" in refused.text
        assert ">mine</textarea>" in refused.text.replace("\n", "")
    assert len(gateway.leftovers()) == 1
