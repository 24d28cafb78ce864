"""BATCH.md 6.3 and 6.7 and FORMAT.md 4.2, as a second reader would follow them: nothing of `keys` is imported.

Invariants T1 and K8: the vectors of FORMAT.md lead from words of each list to the number and to the keys.
"""

import hashlib
import hmac
import re
import unicodedata
from pathlib import Path

import pytest
from nacl.bindings import crypto_pwhash_alg, crypto_pwhash_ALG_ARGON2ID13
from nacl.signing import SigningKey
from shamir_mnemonic import wordlist

from tests.builders.receipt_vectors import NUMBER, VALUES, WORDS

ROOT = Path(__file__).parents[2]
BATCH = (ROOT / "transfer/batch/BATCH.md").read_text()
DIGESTS = dict(re.findall(r"^\| (English|Norwegian|Danish) \| .* \| `([0-9a-f]{64})` \|$", BATCH, re.MULTILINE))
FILES = {
    "English": Path(wordlist.__file__).with_name("wordlist.txt"),
    **{name: ROOT / path for name, path in re.findall(r"^\| (\w+) \| `(keys/word_lists/.*?)` \|", BATCH, re.MULTILINE)},
}
LISTS = {name: path.read_text().splitlines() for name, path in FILES.items()}


def _indices(text: str) -> list[int]:
    decomposed = unicodedata.normalize("NFKD", text).lower()
    letters = "".join(one for one in decomposed if unicodedata.category(one) not in ("Mn", "Cf"))
    typed = [word for word in re.split(r"[^\w]|[\d_]", letters.replace("ø", "o").replace("æ", "e")) if word]
    found = [{words.index(word) for words in LISTS.values() for word in words if word.startswith(one)} for one in typed]
    assert all(len(one) >= 4 for one in typed)
    assert {len(numbers) for numbers in found} == {1}
    return [numbers.pop() for numbers in found]


def _check(indices: list[int]) -> int:
    """Return c + x*w1 + x^2*w2 + ..., with long division at the end only."""
    total = 0
    for power, index in enumerate([indices[-1], *indices[:-1]]):
        total ^= index << power
    for bit in range(total.bit_length() - 1, 9, -1):
        if total >> bit & 1:
            total ^= 0b100_0000_1001 << bit - 10
    return total


def _number(indices: list[int]) -> int:
    return int("".join(f"{index:010b}" for index in indices[:-1]), 2)


def _stretched(number: int, salt: bytes) -> bytes:
    return crypto_pwhash_alg(32, number.to_bytes(13, "big"), salt, 1, 8_388_608, crypto_pwhash_ALG_ARGON2ID13)


def _expand(stretched: bytes, info: str) -> bytes:
    return hmac.new(stretched, f"enveis/receipt/v2/{info}".encode() + b"\x01", hashlib.sha256).digest()


@pytest.mark.parametrize("name", ["English", "Norwegian", "Danish"])
def test_the_lists_are_fixed_for_ever(name: str) -> None:
    """Receipts are on paper: a word that changes its number makes strangers of their sources."""
    content = FILES[name].read_bytes()
    assert hashlib.sha256(content).hexdigest() == DIGESTS[name]
    assert content == "".join(f"{word}\n" for word in LISTS[name]).encode("ascii")
    assert len(set(LISTS[name])) == 1024


@pytest.mark.parametrize(("name", "return_words", "proof_words"), WORDS)
def test_a_second_reader_finds_the_number_and_the_keys(name: str, return_words: str, proof_words: str) -> None:
    for words, check in ((return_words, 1), (proof_words, 2)):
        assert set(words.split()) <= set(LISTS[name])
        for typed in (words, words.upper(), words.replace(" ", " - ").replace("e", "æ"), words.replace("o", "Ø")):
            indices = _indices(typed)
            assert (len(indices), _check(indices), _number(indices)) == (11, check, NUMBER)


def test_the_vectors_name_each_list_and_lead_to_the_keys() -> None:
    assert [name for name, _, _ in WORDS] == ["English", "Norwegian", "Danish"]
    coming_back, proving = _stretched(NUMBER, b"enveis/return/v2"), _stretched(NUMBER, b"enveis/proof/v2\0")
    assert {
        "Argon2id of the return words": coming_back.hex(),
        "Argon2id of the proof words": proving.hex(),
        "`lookup`": _expand(coming_back, "lookup")[:16].hex(),
        "secret of `recipient`": _expand(coming_back, "recipient").hex(),
        "`signing`": SigningKey(_expand(coming_back, "signing")).verify_key.encode().hex(),
        "`proof`": SigningKey(_expand(proving, "proof")).verify_key.encode().hex(),
    } == VALUES
