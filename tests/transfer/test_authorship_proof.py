"""Proof of authorship: only the proof words make one, and only for what was asked."""

import re
import subprocess
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import transfer.packet.authorship_proof
from keys.ed25519 import ed25519_public
from keys.word_list import WordList
from keys.words import translate_words
from tests.worlds.way_back import Source, WayBackMachines
from transfer.names import PacketId
from transfer.packet.authorship_proof import (
    Challenge,
    ProofError,
    encode_challenge,
    encode_proof,
    new_challenge,
    parse_challenge,
    parse_proof,
    sign_challenge,
    verify_proof,
)
from transfer.packet.manifest import MadeBy, PacketPurpose

SEED = bytes(range(32))
PUBLIC = ed25519_public(SEED)
MANIFEST, MESSAGE = b"{manifest}\n", b"{message}\n"
CHALLENGE = new_challenge(
    verifier="Oslo tingrett",
    purpose="sak 26-104: hvem sendte dette?",
    day=date(2026, 11, 22),
    packet=PacketId("0f" * 16),
    manifest=MANIFEST,
    message=MESSAGE,
)
PROOF = sign_challenge(SEED, CHALLENGE)
TEXT = encode_proof(PROOF)


def check(untrusted: bytes) -> None:
    verify_proof(parse_proof(untrusted), public=PUBLIC, manifest=MANIFEST, message=MESSAGE)


def test_a_proof_proves() -> None:
    check(TEXT)
    check(TEXT.replace(b"\n", b"\r\n"))
    assert parse_challenge(encode_challenge(CHALLENGE)) == CHALLENGE
    assert parse_proof(TEXT) == PROOF


def test_the_commands_of_the_page_check_it(tmp_path: Path) -> None:
    page = (Path(transfer.packet.authorship_proof.__file__).parents[2] / "docs" / "proof.md").read_text()
    commands = page[page.index("    head -n 8") :].replace("KEY", PROOF.public).replace("SIGNATURE", PROOF.signature)
    (tmp_path / "proof.txt").write_bytes(TEXT)
    done = subprocess.run(["bash", "-ec", commands], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n"), done.stderr
    (tmp_path / "proof.txt").write_bytes(TEXT.replace(b"26-104", b"26-105"))
    assert subprocess.run(["bash", "-ec", commands], cwd=tmp_path, check=False, capture_output=True).returncode != 0


@given(place=st.integers(0, len(TEXT) - 2), byte=st.integers(32, 126))
@settings(max_examples=300, deadline=None)
def test_no_letter_of_a_proof_can_be_changed(place: int, byte: int) -> None:
    changed = TEXT[:place] + bytes([byte]) + TEXT[place + 1 :]
    if changed != TEXT:
        with pytest.raises(ProofError):
            check(changed)


@pytest.mark.parametrize(
    "other",
    [
        replace(CHALLENGE, verifier="Another court"),
        replace(CHALLENGE, purpose="another"),
        replace(CHALLENGE, day=date(2026, 11, 23)),
        replace(CHALLENGE, packet=PacketId("1f" * 16)),
        replace(CHALLENGE, nonce="00" * 16),
    ],
)
def test_a_proof_for_one_is_none_for_another(other: Challenge) -> None:
    with pytest.raises(ProofError, match="does not fit"):
        check(encode_proof(replace(PROOF, challenge=other)))


def test_other_words_and_other_packets() -> None:
    with pytest.raises(ProofError, match="made with other proof words"):
        check(encode_proof(sign_challenge(bytes(32), CHALLENGE)))
    with pytest.raises(ProofError, match="about another packet"):
        verify_proof(PROOF, public=PUBLIC, manifest=MANIFEST, message=MESSAGE + b" ")
    with pytest.raises(ProofError, match="about another packet"):
        verify_proof(PROOF, public=PUBLIC, manifest=MANIFEST + b" ", message=MESSAGE)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", TEXT + b"x\n", TEXT[:50], b"x" * 9000, TEXT.replace(b"key: ", b"k: ")]
)
def test_what_is_no_proof(content: bytes) -> None:
    with pytest.raises(ProofError):
        parse_proof(content)
    with pytest.raises(ProofError):
        parse_challenge(content)


@pytest.mark.parametrize("text", ["", " x", "a\nb", "\x1b[2J", "x" * 201, "abc\u202edef"])
def test_a_challenge_can_be_read_as_it_is(text: str) -> None:
    common = partial(new_challenge, day=CHALLENGE.day, packet=CHALLENGE.packet, manifest=MANIFEST, message=MESSAGE)
    with pytest.raises(ProofError, match="one line each"):
        common(verifier=text, purpose="x")
    with pytest.raises(ProofError, match="one line each"):
        common(verifier="x", purpose=text)


# -- the commands


@pytest.fixture
def m(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> WayBackMachines:
    return WayBackMachines(tmp_path, capsys, monkeypatch)


def ask(m: WayBackMachines, packet: str, name: str = "challenge") -> Path:
    path = m.root / name
    m.desk("challenge", packet, "--verifier", "The editors", "--purpose", "payment", "--to", path)
    return path


def words_in(text: str) -> set[str]:
    return set(re.findall(r"\b[a-z]+\b", text))


def test_from_the_challenge_to_what_is_proven(m: WayBackMachines) -> None:
    source, other = Source(), Source()
    packet, others = m.send(source), m.send(other)
    challenge, proof, stranger = ask(m, packet[:8]), m.root / "proof-1", m.root / "proof-2"
    shown = m.say("receipt", "prove", challenge, "--to", proof, "--yes", typed=source.words.proof_words.upper())
    strangers = m.say("receipt", "prove", challenge, "--to", stranger, "--yes", typed=other.words.proof_words)
    assert "The editors asks you to prove that you sent packet" in shown
    # Proof words are English: what is written to somebody with other words is not said of these.
    own = words_in(shown + proof.read_text()) - words_in(strangers + stranger.read_text())
    assert not own & set(source.words.proof_words.split())
    proven = m.desk("verify-proof", proof, "--challenge", challenge)
    assert "Proven: whoever answered has the proof words" in proven
    assert "The gateway made those proof words" in proven
    assert "Compare name, purpose and date" in m.desk("verify-proof", proof)
    assert "a different challenge" in m.desk("verify-proof", proof, "--challenge", ask(m, packet, "again"), status=1)
    assert "about another packet" in m.desk("verify-proof", proof, "--packet", others, status=1)
    assert "made with other proof words" in m.desk("verify-proof", stranger, status=1)


@pytest.mark.parametrize("word_list", WordList)
def test_proof_words_of_each_list_prove_the_same(m: WayBackMachines, word_list: WordList) -> None:
    source = Source()
    packet = m.send(source)
    proof = m.root / "proof"
    typed = translate_words(source.words.proof_words, word_list)
    m.say("receipt", "prove", ask(m, packet), "--to", proof, "--yes", typed=typed)
    assert "Proven: whoever answered has the proof words" in m.desk("verify-proof", proof)


def test_words_made_by_the_source_have_no_witness(m: WayBackMachines) -> None:
    source = Source()
    packet = m.send(source, made_by=MadeBy.SOURCE)
    proof = m.root / "proof"
    m.say("receipt", "prove", ask(m, packet), "--to", proof, "--yes", typed=source.words.proof_words)
    assert "The gateway made" not in m.desk("verify-proof", proof)


def test_what_cannot_be_proven_is_said(m: WayBackMachines) -> None:
    source = Source()
    packet = m.send(source)
    challenge = ask(m, packet)
    assert "do not fit together" in m.say(
        "receipt", "prove", challenge, "--yes", typed=source.words.return_words, status=1
    )
    assert "there is no terminal" in m.say("receipt", "prove", challenge, typed=source.words.proof_words, status=2)
    addition = m.send(source, PacketPurpose.ADDITION, seed=source.seed)
    refused = m.desk("challenge", addition, "--verifier", "a", "--purpose", "b", "--to", m.root / "x", status=1)
    assert "no proof key" in refused
