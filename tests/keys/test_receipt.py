"""A receipt's words lead to the same keys for ever, and to nothing that anyone else can guess."""

import hashlib
import hmac
from dataclasses import asdict

import pytest
from nacl.bindings import crypto_pwhash_alg, crypto_pwhash_ALG_ARGON2ID13
from nacl.signing import SigningKey, VerifyKey

from keys.age.small import open_bytes, seal_bytes
from keys.receipt import (
    PROOF_BITS,
    RETURN_BITS,
    PublicReceipt,
    ReceiptWords,
    derive_proof_seed,
    derive_return_keys,
    new_receipt_words,
    parse_proof_words,
    parse_return_words,
    public_receipt,
    return_secrets,
)
from keys.recipient import KeyKind, Recipient, parse_recipient
from keys.words import WordsError

FIXED = new_receipt_words(lambda bits: 2**bits - 2)


def test_words_are_long_enough_and_never_the_same() -> None:
    assert min(RETURN_BITS, PROOF_BITS) >= 100, "ADR 0052"
    asked: list[int] = []

    def random_bits(bits: int) -> int:
        asked.append(bits)
        return len(asked)

    words = new_receipt_words(random_bits)
    assert asked == [RETURN_BITS, PROOF_BITS]
    assert (parse_return_words(words.return_words), parse_proof_words(words.proof_words)) == (1, 2)
    assert new_receipt_words() != new_receipt_words()


def test_derivations_are_fixed_for_ever() -> None:
    """The words lead to the same keys when libsodium is called directly, and HKDF is computed by hand."""
    value = parse_return_words(FIXED.return_words)
    keys = derive_return_keys(value)
    stretched = crypto_pwhash_alg(
        32, value.to_bytes(13, "big"), b"enveis/return/v2", 1, 8 * 2**20, crypto_pwhash_ALG_ARGON2ID13
    )

    def expand(info: bytes) -> bytes:
        return hmac.new(stretched, info + b"\x01", hashlib.sha256).digest()  # RFC 5869, 2.3, one block

    assert keys.lookup == expand(b"enveis/receipt/v2/lookup")[:16].hex()
    assert keys.recipient_secret == expand(b"enveis/receipt/v2/recipient")
    assert keys.signing_seed == expand(b"enveis/receipt/v2/signing")
    assert keys.lookup == "6cf85edb5037626143b979b93aed2b09"
    assert (
        derive_proof_seed(parse_proof_words(FIXED.proof_words)).hex()
        == "0d918f5e4765f1c157c4f9f3ff88171c08f835e4b71ee74e046806649dd96e49"
    )


@pytest.mark.parametrize("kind", KeyKind)
def test_public_halves_fit_the_secret_ones(kind: KeyKind) -> None:
    public = public_receipt(FIXED, kind)
    keys = derive_return_keys(parse_return_words(FIXED.return_words))
    assert public.lookup == keys.lookup
    assert parse_recipient(public.recipient) == Recipient.from_secret(kind, keys.recipient_secret)
    visit = SigningKey(keys.signing_seed).sign(b"a later visit")
    VerifyKey(bytes.fromhex(public.signing)).verify(visit)
    proof = SigningKey(derive_proof_seed(parse_proof_words(FIXED.proof_words))).sign(b"a challenge")
    VerifyKey(bytes.fromhex(public.proof)).verify(proof)
    assert len({*asdict(public).values()}) == 4


@pytest.mark.parametrize("kind", KeyKind)
def test_a_visit_opens_what_was_sealed_to_its_receipt(kind: KeyKind) -> None:
    public = public_receipt(FIXED, kind)
    visit = return_secrets(FIXED.return_words.upper().replace(" ", " - "), kind)
    assert (visit.lookup, str(visit.recipient), visit.signing) == (public.lookup, public.recipient, public.signing)
    sealed = seal_bytes(b"an answer", [parse_recipient(public.recipient)])
    assert open_bytes(sealed, [visit.reply_key]) == b"an answer"
    for secret in (visit.signing_seed, visit.reply_key.secret):
        assert repr(secret) not in repr(visit)


def test_return_and_proof_words_of_one_number_share_nothing() -> None:
    seed = derive_proof_seed(5)
    keys = derive_return_keys(5)
    assert seed not in {keys.recipient_secret, keys.signing_seed}


def test_proof_words_never_pass_as_return_words() -> None:
    with pytest.raises(WordsError, match="must never be typed online"):
        parse_return_words(FIXED.proof_words)
    with pytest.raises(WordsError):
        parse_proof_words(FIXED.return_words)


def test_nothing_secret_is_printed() -> None:
    keys = derive_return_keys(7)
    for shown in (repr(FIXED), repr(keys)):
        for secret in (FIXED.return_words, FIXED.proof_words, repr(keys.recipient_secret), repr(keys.signing_seed)):
            assert secret not in shown
    assert PublicReceipt.__dataclass_fields__.keys() == {"lookup", "recipient", "signing", "proof"}
    assert isinstance(FIXED, ReceiptWords)
