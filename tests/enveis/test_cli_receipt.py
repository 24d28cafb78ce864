"""`enveis receipt new`: words in four languages, and public halves that leave an offline machine without being typed.

The codes are read by another program from the very page and the very letters, and pasted into the gateway's parser.
"""

import base64
import io
import itertools
import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from enveis.commands.receipt import CODES, LANGUAGES, TEXT
from enveis.main import main
from gateway.submission.own_receipt import parse_own_receipt
from keys.receipt import ReceiptWords, parse_proof_words, parse_return_words, public_receipt
from keys.recipient import KeyKind
from keys.word_list import WORDS, word_list_for

SCREEN = 80  # columns
MODULE = 4  # dots of a picture


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def words_shown(text: str) -> ReceiptWords:
    return ReceiptWords(*re.findall(r"^  ((?:[a-z]{4,8} ){10}[a-z]{4,8})$", text, re.MULTILINE))


def _another_stick(folder: Path) -> str:
    """Return what a stick of somebody else says."""
    folder.mkdir()
    assert main(["receipt", "new", "--to", str(folder)]) == 0
    return "".join(file.read_text("utf-8") for file in folder.iterdir())


def read(picture: Image.Image) -> str:
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    (code,) = zxingcpp.read_barcodes(picture.convert("L"), formats=formats)
    return str(code.text)


def scanned(page: str) -> list[str]:
    found = []
    for picture in re.findall(r'src="data:image/png;base64,([^"]+)"', page):
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            found.append(read(image))
    return found


def drawn(lines: list[str]) -> str:
    """Return what a code of half blocks says, as letters of light on a dark screen."""
    size = len(lines[0])
    rows = [[line[x] in upper for x in range(size)] for line in lines for upper in ("█▀", "█▄")]
    picture = Image.new("L", (size, size))
    picture.putdata([255 * light for row in rows[:size] for light in row])
    return read(picture.resize((size * MODULE, size * MODULE), Image.Resampling.NEAREST))


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_of_the_language_that_was_asked_for(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "receipt", "new", "--classic", "--language", language]) == 0
    shown = json.loads(capsys.readouterr().out)
    made = ReceiptWords(shown["return"], shown["proof"])
    assert set(f"{made.return_words} {made.proof_words}".split()) <= set(WORDS[word_list_for(language)])
    assert parse_return_words(made.return_words) != parse_proof_words(made.proof_words)
    assert shown["public"] == asdict(public_receipt(made, KeyKind.CLASSIC))


@pytest.mark.parametrize("kind", KeyKind)
def test_a_stick_carries_the_public_halves_and_no_words(
    kind: KeyKind, stick: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["receipt", "new", "--language", "nb", "--to", str(stick)]
    assert main([*arguments, *(["--classic"] if kind is KeyKind.CLASSIC else [])]) == 0
    shown = capsys.readouterr().out
    made = words_shown(shown)
    assert {file.name for file in stick.iterdir()} == {TEXT, CODES}
    text, page = ((stick / name).read_text("utf-8") for name in (TEXT, CODES))
    assert f"{TEXT} and {CODES} in {stick}; no words." in shown
    assert "age1" not in shown
    # One of the words may be a word of the page's own sentences.
    plain = set(re.findall(r"\w+", _another_stick(tmp_path / "another")))
    for word in {*made.return_words.split(), *made.proof_words.split()} - plain:
        assert not re.search(rf"\b{word}\b", text + page)
    public = public_receipt(made, kind)
    assert parse_own_receipt(text, kind) == public
    codes = scanned(page)
    assert f"{len(codes)} of {len(codes)} codes are needed" in page
    assert len(codes) == (1 if kind is KeyKind.CLASSIC else 4)
    for order, between in itertools.product((codes, codes[::-1], [*codes, codes[0]]), ("\n", " \r\n\r\n", " ", "")):
        assert parse_own_receipt(between.join(order), kind) == public
    assert parse_own_receipt("\n".join(codes).lower(), kind) == public


@pytest.mark.parametrize("there", [TEXT, CODES])
def test_what_is_on_the_stick_is_never_overwritten(there: str, stick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (stick / there).write_text("another receipt")
    assert main(["receipt", "new", "--classic", "--to", str(stick)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""  # no words that lead nowhere
    assert shown.err == f"enveis: {stick / there} already exists\n"
    assert [(file.name, file.read_text()) for file in stick.iterdir()] == [(there, "another receipt")]


def test_a_folder_that_is_none_gets_no_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipt", "new", "--to", str(tmp_path / "none")]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"enveis: {tmp_path / 'none'} is not a folder\n")


def test_codes_on_a_terminal_are_read_and_fit_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipt", "new", "--qr"]) == 0
    shown = capsys.readouterr().out
    assert "age1" not in shown
    blocks = re.split(r"^Code \d+ of \d+:\n", shown, flags=re.MULTILINE)[1:]
    drawings = [[line for line in block.splitlines() if line] for block in blocks]
    assert max(len(line) for lines in drawings for line in lines) <= SCREEN
    codes = [drawn(lines) for lines in drawings]
    assert f"{len(codes)} codes to scan" in shown
    assert parse_own_receipt("\n".join(codes), KeyKind.HYBRID) == public_receipt(words_shown(shown), KeyKind.HYBRID)
