"""FORMAT.md 4.2: whoever makes keys of return words or proof words makes the same. Invariant G31.

The second reader, which shares no code with these, is `tests/keys/test_word_page.py`.
"""

import io
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from enveis.main import main
from gateway.receipts.derivation_pool import DerivationPool
from gateway.receipts.fresh_receipt import ReceiptMaker
from gateway.receipts.return_keys import ReturnKeyDeriver, spelled
from keys.receipt import PublicReceipt, new_receipt_words
from keys.recipient import KeyKind, Recipient
from tests.builders.receipt_vectors import NUMBER, OLD_WORDS, VALUES, WORDS
from transfer.names import PacketId
from transfer.packet.authorship_proof import encode_challenge, new_challenge, parse_proof, verify_proof

MANIFEST, MESSAGE = b"{manifest}\n", b"{message}\n"


def _public(kind: KeyKind) -> PublicReceipt:
    recipient = Recipient.from_secret(kind, bytes.fromhex(VALUES["secret of `recipient`"]))
    return PublicReceipt(VALUES["`lookup`"], str(recipient), VALUES["`signing`"], VALUES["`proof`"])


@pytest.fixture
async def pool() -> AsyncIterator[DerivationPool]:
    pool = DerivationPool(threads=1)
    yield pool
    pool.close()


@pytest.fixture
def always_this_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_receipt_words, "__defaults__", (lambda bits: NUMBER % 2**bits,))


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.usefixtures("always_this_number")
async def test_the_receipt_that_a_gateway_makes(pool: DerivationPool, kind: KeyKind) -> None:
    made = await ReceiptMaker(kind, pool).make()
    assert ("English", made.return_words, made.proof_words) == WORDS[0]
    assert made.public == _public(kind)


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.usefixtures("always_this_number")
def test_the_receipt_that_a_source_makes(capsys: pytest.CaptureFixture[str], kind: KeyKind) -> None:
    for language, (_, return_words, proof_words) in zip(("en", "nb", "da"), WORDS, strict=True):
        classic = ["--classic"] if kind is KeyKind.CLASSIC else []
        assert main(["--json", "receipt", "new", "--language", language, *classic]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["return"], told["proof"]) == (return_words, proof_words)
        assert PublicReceipt(**told["public"]) == _public(kind)


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize("return_words", [words for _, words, _ in WORDS])
async def test_the_keys_of_one_who_comes_back(pool: DerivationPool, return_words: str, kind: KeyKind) -> None:
    expected = _public(kind)
    for typed in (return_words, return_words.upper(), spelled(return_words)):
        keys = await ReturnKeyDeriver(kind, pool).derive(typed)
        assert (keys.lookup, str(keys.recipient), keys.signing) == (
            expected.lookup,
            expected.recipient,
            expected.signing,
        )


def _prove(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    challenge = new_challenge(
        verifier="A court",
        purpose="case 1",
        day=date(2026, 11, 30),
        packet=PacketId("0f" * 16),
        manifest=MANIFEST,
        message=MESSAGE,
    )
    (tmp_path / "challenge").write_bytes(encode_challenge(challenge))
    monkeypatch.setattr("sys.stdin", io.StringIO(words))
    return main(["receipt", "prove", str(tmp_path / "challenge"), "--to", str(tmp_path / "proof"), "--yes"])


@pytest.mark.parametrize("proof_words", [words for _, _, words in WORDS])
def test_the_proof_that_a_source_makes(proof_words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _prove(proof_words, tmp_path, monkeypatch) == 0
    proof = parse_proof((tmp_path / "proof").read_bytes())
    verify_proof(proof, public=VALUES["`proof`"], manifest=MANIFEST, message=MESSAGE)


def test_words_of_version_1_are_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _prove(OLD_WORDS, tmp_path, monkeypatch) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "enveis: 11 words are needed, but 10 were given"
    assert not (tmp_path / "proof").exists()
