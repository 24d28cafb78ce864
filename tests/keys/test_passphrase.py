"""Passphrases: one form that we seal with, and every form that opens. Invariant K10."""

import unicodedata
from pathlib import Path

import pytest
from shamir_mnemonic import generate_mnemonics

import keys.age.wrap
from keys.age.errors import NoMatchError
from keys.age.small import open_bytes, seal_bytes
from keys.identity import Passphrase, encode_identity_file, generate_identity, read_identities
from keys.passphrase import FILE_MAX, has_control_characters, opening_forms, parse_first_line, sealing_form
from keys.passphrase_strength import SUGGESTED_WORDS, TRIES_MIN, estimate_tries, suggest_passphrase, weakness
from keys.recipient import KeyKind
from keys.shares import Plan, join_identity, parse_share, split_identity

NFC = "blåbærsyltetøy på rømmegrøt, café"
NFD = unicodedata.normalize("NFD", NFC)
VECTORS = Path(__file__).parents[1] / "vectors" / "passphrases"


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every passphrase that scrypt was asked for, which is cheap here; the same forms, the same file."""
    asked: list[str] = []
    real = keys.age.wrap._scrypt

    def cheap(passphrase: str, salt: bytes, work: int) -> bytes:
        asked.append(passphrase)
        return real(passphrase, salt, min(work, 4))

    monkeypatch.setattr(keys.age.wrap, "_scrypt", cheap)
    return asked


@pytest.mark.parametrize("typed", [NFC, NFD, "\ufeff" + NFC, NFD + " \t\r\n", "\ufeff" + NFC + "\u00a0"])
def test_whatever_is_typed_is_sealed_in_one_form(typed: str, derivations: list[str]) -> None:
    assert sealing_form(typed) == NFC
    sealed = seal_bytes(b"x", [Passphrase(typed)])
    assert derivations == [NFC]
    for later in (NFC, NFD, "\ufeff" + NFC, NFC + " "):
        assert open_bytes(sealed, [Passphrase(later)]) == b"x"


def test_what_was_sealed_elsewhere_opens_as_it_was_typed(derivations: list[str]) -> None:
    for form in (NFD, "a blank at the end ", "\ufeffa mark"):
        stanza = keys.age.wrap.wrap_scrypt(bytes(16), form)
        assert Passphrase(form).unwrap(stanza) == bytes(16)
    # A Mac sealed it with NFD; here it is typed on a keyboard that gives NFC.
    assert Passphrase(NFC).unwrap(keys.age.wrap.wrap_scrypt(bytes(16), NFD)) == bytes(16)


@pytest.mark.parametrize(
    ("typed", "forms"),
    [
        ("plain ASCII", ("plain ASCII",)),
        ("plain ASCII ", ("plain ASCII", "plain ASCII ")),
        (NFC, (NFC, NFD)),
        (NFD, (NFC, NFD)),
        (NFC + " ", (NFC, NFC + " ", NFD)),
        ("\ufeffone", ("one", "\ufeffone")),
        ("   ", ("   ",)),
        ("", ()),
    ],
)
def test_each_form_is_tried_once_and_the_likeliest_first(
    typed: str, forms: tuple[str, ...], derivations: list[str]
) -> None:
    """Each costs a second: a wrong passphrase of plain ASCII costs one derivation, as it always did."""
    assert opening_forms(typed) == forms
    stanza = keys.age.wrap.wrap_scrypt(bytes(16), "something else")
    del derivations[:]
    assert Passphrase(typed).unwrap(stanza) is None
    assert tuple(derivations) == forms


@pytest.mark.parametrize(
    ("name", "typed"),
    [("nfc", NFD), ("nfd", NFC), ("blank", NFC + " "), ("mark", "\ufeff" + NFC)],
    ids=["nfc", "nfd", "blank", "mark"],
)
def test_files_that_the_age_tool_sealed_open(name: str, typed: str) -> None:
    """Vectors: sealed by age 1.1.1 at a terminal, with the passphrase in the form that the name says."""
    sealed = (VECTORS / f"age_{name}.age").read_bytes()
    assert open_bytes(sealed, [Passphrase(typed)]) == name.encode() + b"\n"


def test_a_wrong_passphrase_opens_in_no_form(derivations: list[str]) -> None:
    with pytest.raises(NoMatchError):
        open_bytes(seal_bytes(b"x", [Passphrase(NFC)]), [Passphrase(NFC.upper())])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", ""),
        (b"one", "one"),
        (b"one\ntwo\n", "one"),
        (b"one \r\ntwo\r\n", "one "),
        (b"\xef\xbb\xbfone\r\n", "\ufeffone"),
        ("one\r\ntwo".encode("utf-16"), "one"),
        ("\ufeffrømme \r\n".encode("utf-16-be"), "rømme "),
        ("\ufeff\u0a0d\u0d0a\n".encode("utf-16-le"), "\u0a0d\u0d0a"),  # a line end's bytes inside of letters
        (b"x" * FILE_MAX, "x" * FILE_MAX),
    ],
)
def test_the_first_line_of_a_file_of_any_editor(content: bytes, line: str) -> None:
    assert parse_first_line(content) == line


@pytest.mark.parametrize("content", [b"\xff", b"\xff\xfex", b"\xe5\n"])
def test_a_file_that_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        parse_first_line(content)


def test_an_identity_that_was_typed_into_an_editor_may_begin_with_a_mark(tmp_path: Path) -> None:
    identity = generate_identity(KeyKind.CLASSIC)
    (tmp_path / "typed").write_bytes(b"\xef\xbb\xbf" + identity.encode().encode() + b"\r\n")
    assert read_identities(tmp_path / "typed", lambda: "") == (identity,)


def test_an_identity_file_opens_in_every_form(tmp_path: Path, derivations: list[str]) -> None:
    identity = generate_identity(KeyKind.CLASSIC)
    (tmp_path / "sealed").write_bytes(encode_identity_file(identity, NFD + "\n"))
    assert read_identities(tmp_path / "sealed", lambda: NFC) == (identity,)
    assert read_identities(tmp_path / "sealed", lambda: "\ufeff" + NFD) == (identity,)


def test_shares_open_with_and_without_a_blank_at_the_end() -> None:
    identity = generate_identity(KeyKind.CLASSIC)
    known = [identity.recipient]
    (shares,) = split_identity(identity, Plan(), "\ufeffcorrect horse \n")
    for typed in ("correct horse", "correct horse  ", "\ufeffcorrect horse"):
        assert join_identity(shares, typed, known) == identity
    # Another program for SLIP-39 kept the blank.
    (made,) = generate_mnemonics(1, [(2, 3)], identity.secret, b"correct horse ")
    assert join_identity([parse_share(words) for words in made], "correct horse ", known) == identity


def test_what_a_guessing_program_finds_is_weak() -> None:
    for weak in ("a", "correct horse", "Sommer2026!", "hemmelig passord 123", "Enveis desk 2026", "aaaa" * 40, "1 2 3"):
        assert "too easy to guess" in weakness(weak), weak
    for strong in ("correct horse battery staple", "tre grønne elefanter danser i regnet", NFD):
        assert weakness(strong) == "", strong


def test_blanks_do_not_make_words_strong() -> None:
    assert estimate_tries("jeg elsker oslo") == estimate_tries("jegelskeroslo") < TRIES_MIN
    assert estimate_tries("correct horse \n") == estimate_tries("correct horse")


def test_a_suggestion_is_strong_and_never_the_same() -> None:
    made = {suggest_passphrase() for _ in range(10)}
    assert len(made) == 10
    for text in made:
        assert len(text.split()) == SUGGESTED_WORDS
        assert weakness(text) == ""
        assert sealing_form(text) == text


def test_keys_that_write_nothing_are_found() -> None:
    assert has_control_characters("a\x1b[Db")
    assert has_control_characters("a\tb")
    assert not has_control_characters(NFD)
