"""Passphrases at the command line: what is asked at a terminal, what a script hands in, and what is too weak.

Invariant K10.
"""

import io
import re
import unicodedata
from datetime import date
from pathlib import Path

import pytest

import keys.age.wrap
from enveis.main import main
from keys.age.header import Stanza
from keys.age.small import seal_bytes
from keys.identity import is_sealed, read_identities
from tests.worlds.typing_person import Typing
from transfer.names import new_packet_id
from transfer.packet.authorship_proof import encode_challenge, new_challenge

STRONG = "tre grønne elefanter danser i regnet"
PLAIN = "correct horse battery staple"
WEAK = "Sommer2026!"
WIPE = "\x1b[2J\x1b[3J\x1b[H"


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process only: scrypt in its own strength is for the tests at a terminal, and for other programs."""
    real = keys.age.wrap._scrypt
    monkeypatch.setattr(keys.age.wrap, "_scrypt", lambda text, salt, work: real(text, salt, min(work, 4)))


def enveis(home: Path, *arguments: object) -> int:
    return main(["--home", str(home), *map(str, arguments)])


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [STRONG, f"\ufeff{STRONG} \r\n", unicodedata.normalize("NFD", STRONG), f"{STRONG}\r\nmore".encode("utf-16")],
)
def test_a_file_of_any_editor_seals_in_one_form(
    tmp_path: Path, content: str | bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    given = written(tmp_path / "p", content)
    assert enveis(tmp_path / "high", "desk", "init", "--backup", tmp_path / "b", "--passphrase-file", given) == 0
    assert "letters outside ASCII" in capsys.readouterr().err
    typed = written(tmp_path / "typed", STRONG)
    rehearse = ["keys", "rehearse", "--backup", tmp_path / "b", "--passphrase-file"]
    for file in (typed, given):
        assert enveis(tmp_path / "high", *rehearse, file) == 0


def making(tmp_path: Path) -> dict[str, list[object]]:
    """Every command that makes something which a new passphrase opens, without its passphrase."""
    home = tmp_path / "made"
    shares = tmp_path / "shares"
    assert enveis(home, "desk", "init", "--backup", tmp_path / "backup") == 0
    assert enveis(home, "keys", "split", "--to", shares) == 0
    given = ["--share", shares / "share-1.txt", "--share", shares / "share-2.txt"]
    return {
        "init": ["desk", "init", "--home", tmp_path / "new", "--backup", tmp_path / "b2", "--passphrase-file"],
        "recipients": ["desk", "recipients", "--new", "--backup", tmp_path / "b3", "--passphrase-file"],
        "combine": ["keys", "combine", "--to", tmp_path / "joined", *given, "--passphrase-file"],
        "split": ["keys", "split", "--to", tmp_path / "others", "--shares-passphrase-file"],
    }


@pytest.mark.parametrize("name", ["init", "recipients", "combine", "split"])
def test_what_is_easy_to_guess_seals_nothing_unless_a_script_insists(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = making(tmp_path)[name]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    weak = written(tmp_path / "weak", WEAK)
    capsys.readouterr()
    assert enveis(tmp_path / "made", *command, weak) == 1
    said = capsys.readouterr().err
    assert re.fullmatch(
        r"enveis: this passphrase is too easy to guess: .* in about 10\^\d tries, .*; nothing was done "
        r"\(--weak-passphrase accepts it\)\n",
        said,
    )
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path != weak}
    assert set(after) == set(before)
    assert enveis(tmp_path / "made", *command, weak, "--weak-passphrase") == 0
    assert "letters outside" not in capsys.readouterr().err


def test_what_exists_opens_with_a_weak_passphrase_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The floor is for what is made; a copy of a key under it only warns, where somebody insisted before."""
    weak = written(tmp_path / "weak", WEAK)
    made = ["desk", "init", "--passphrase-file", weak, "--weak-passphrase"]
    assert enveis(tmp_path / "high", *made) == 0
    for command in (
        ["desk", "inbox", "--sort"],
        ["keys", "rehearse"],
        ["keys", "split", "--to", tmp_path / "shares"],
        ["keys", "paper", "--to", tmp_path / "page.html"],
    ):
        assert enveis(tmp_path / "high", *command, "--passphrase-file", weak) == 0
    new = ["desk", "recipients", "--new", "--passphrase-file", weak]
    assert enveis(tmp_path / "high", *new) == 1
    assert enveis(tmp_path / "high", *new, "--weak-passphrase") == 0
    assert len(read_identities(tmp_path / "high" / "identity.txt", lambda: WEAK)) == 2


def test_a_new_generation_opens_an_identity_that_was_sealed_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another program kept a blank at the end; the new file is sealed in our form."""
    home = tmp_path / "high"
    assert enveis(home, "desk", "init") == 0
    text = (home / "identity.txt").read_bytes()
    (home / "identity.txt").write_bytes(sealed_elsewhere(text, PLAIN + " "))
    assert enveis(home, "desk", "recipients", "--new", "--passphrase-file", written(tmp_path / "p", PLAIN + " ")) == 0
    assert len(read_identities(home / "identity.txt", lambda: PLAIN)) == 2


def sealed_elsewhere(content: bytes, passphrase: str) -> bytes:
    class Elsewhere:
        label = "scrypt"

        def wrap(self, file_key: bytes) -> Stanza:
            return keys.age.wrap.wrap_scrypt(file_key, passphrase)

    return seal_bytes(content, [Elsewhere()])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b" \t\r\n", "an empty passphrase"),
        (b"\xef\xbb\xbf\n", "an empty passphrase"),
        (b"correct\x1b[Dt horse battery staple", "arrow keys"),
        (b"x" * 5000, "larger than 4 KiB"),
        (b"bl\xe5b\xe6r og r\xf8mme\n", "not a UTF-8 text file"),
    ],
)
def test_what_nobody_could_type_again_is_one_sentence(
    tmp_path: Path, content: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = written(tmp_path / "p", content)
    assert enveis(tmp_path / "high", "desk", "init", "--passphrase-file", given) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "high").exists()


def test_a_passphrase_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"\ufeff{PLAIN} \r\nmore\n".encode())))
    assert enveis(tmp_path / "high", "desk", "init", "--passphrase-file", "-") == 0
    assert read_identities(tmp_path / "high" / "identity.txt", lambda: PLAIN)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"bl\xe5\n"), encoding="utf-8"))
    assert enveis(tmp_path / "other", "desk", "init", "--passphrase-file", "-") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["desk", "init", "--passphrase-file", "-"],
        ["keys", "combine", "--to", "joined", "--recipients", "recipients.txt"],
        ["desk", "rekey"],
        ["receipt", "prove", "challenge", "--yes"],
    ],
)
def test_bytes_that_are_no_text_are_one_sentence_or_no_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """A terminal of another encoding than this program thinks: what it sends is no fault of ours."""

    class Typed(io.TextIOWrapper):
        def isatty(self) -> bool:
            return arguments[1] == "rekey"

    monkeypatch.chdir(tmp_path)
    assert enveis(tmp_path / "made", "desk", "init") == 0
    (tmp_path / "recipients.txt").write_bytes((tmp_path / "made" / "recipients.txt").read_bytes())
    challenge = new_challenge(
        verifier="me", purpose="this", day=date(2026, 11, 30), packet=new_packet_id(), manifest=b"", message=b""
    )
    (tmp_path / "challenge").write_bytes(encode_challenge(challenge))
    capsys.readouterr()
    home = tmp_path / ("new" if arguments[1] == "init" else "made")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr("sys.stdin", Typed(io.BytesIO(b"bl\xe5\n"), encoding="utf-8"))
    assert enveis(home, *arguments) == 1
    said = capsys.readouterr().err
    assert "fault in Enveis" not in said
    assert "enveis: " in said
    assert sorted(tmp_path.rglob("*")) == before


def test_shares_have_only_what_every_keyboard_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enveis(tmp_path / "high", "desk", "init") == 0
    given = written(tmp_path / "p", STRONG)
    split = ["keys", "split", "--to", tmp_path / "shares", "--shares-passphrase-file", given]
    assert enveis(tmp_path / "high", *split) == 1
    assert "printable ASCII" in capsys.readouterr().err
    assert not (tmp_path / "shares").exists()


def test_at_a_terminal_a_weak_one_is_typed_again_to_insist(tmp_path: Path) -> None:
    with Typing("desk", "init", "--classic", "--home", tmp_path / "high", "--passphrase") as typing:
        typing.wait_for("Passphrase of the identity: ")
        typing.type(WEAK)
        typing.wait_for("too easy to guess")
        typing.wait_for("the same again to use it all the same")
        typing.wait_for("Passphrase of the identity: ")
        typing.type("Vinter2026!")  # another weak one: the sentence again
        typing.wait_for("too easy to guess")
        typing.wait_for("Passphrase of the identity: ")
        typing.type("Vinter2026!")
        typing.wait_for("The desk is ready")
        assert typing.end() == 0
    assert is_sealed(tmp_path / "high" / "identity.txt")


def test_at_a_terminal_enter_alone_suggests_words_and_the_screen_is_wiped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "high"
    with Typing("desk", "init", "--classic", "--home", home, "--passphrase") as typing:
        typing.wait_for("Enter alone suggests some")
        typing.wait_for("Passphrase of the identity: ")
        typing.type("")
        typing.wait_for("by chance:  ")
        words = typing.wait_for("\n").strip()
        typing.wait_for("Passphrase of the identity: ")
        typing.type(words)
        typing.wait_for("Repeat it: ")
        typing.type(words + " ")
        typing.wait_for(WIPE)
        assert words not in typing.wait_for("The desk is ready")
        assert typing.end() == 0
    assert len(words.split()) == 7
    monkeypatch.undo()
    assert read_identities(home / "identity.txt", lambda: words)
