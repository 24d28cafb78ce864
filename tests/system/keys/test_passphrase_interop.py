"""A passphrase opens the same file here and in the age tool, whatever the editor made of its letters. Invariant K10."""

import unicodedata
from pathlib import Path

import pytest

from enveis.main import main
from tests.worlds.typing_person import Typing

WORDS = "tre grønne elefanter danser på rømmegrøt"


@pytest.mark.parametrize("written", [unicodedata.normalize("NFD", WORDS), f"\ufeff{WORDS} \r\n"], ids=["nfd", "mark"])
def test_the_age_tool_opens_what_was_sealed_from_any_editor(tmp_path: Path, written: str) -> None:
    (tmp_path / "p").write_text(written, newline="")
    given = ["--home", str(tmp_path / "high"), "--passphrase-file", str(tmp_path / "p")]
    assert main(["desk", "init", "--classic", *given]) == 0
    plain = tmp_path / "plain"
    with Typing("-d", "-o", plain, tmp_path / "high" / "identity.txt", program=("age",)) as typing:
        typing.wait_for("Enter passphrase")
        typing.type(unicodedata.normalize("NFC", WORDS))
        assert typing.end() == 0
    assert b"AGE-SECRET-KEY-1" in plain.read_bytes()


def test_what_the_age_tool_sealed_opens_here(tmp_path: Path) -> None:
    """Typed there on a system that writes letters as NFD, and here at a terminal that gives NFC."""
    home = tmp_path / "high"
    assert main(["desk", "init", "--classic", "--home", str(home)]) == 0
    plain = home / "identity.txt"
    sealed = tmp_path / "sealed"
    with Typing("-p", "-o", sealed, plain, program=("age",)) as typing:
        for prompt in ("Enter passphrase", "Confirm passphrase"):
            typing.wait_for(prompt)
            typing.type(unicodedata.normalize("NFD", WORDS))
        assert typing.end() == 0
    plain.write_bytes(sealed.read_bytes())
    with Typing("keys", "rehearse", "--home", home) as typing:
        typing.wait_for("Passphrase of the identity: ")
        typing.type(WORDS)
        typing.wait_for("opens it")
        assert typing.end() == 0
