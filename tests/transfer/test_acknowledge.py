"""Acknowledgement words: for exactly one batch and exactly these packets, and not without the secret.

Invariant T9.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.words import WordsError
from transfer.batch.acknowledgement import CODE_BITS, acknowledgement_words, is_acknowledgement, parse_acknowledgement
from transfer.names import PacketId

SECRET = bytes(range(32))
DIGEST = "ab" * 32
PACKETS = [PacketId(f"{number:032x}") for number in range(5)]
WORDS = acknowledgement_words(SECRET, digest=DIGEST, arrived=PACKETS)


def fits(words: str, *, secret: bytes = SECRET, digest: str = DIGEST, arrived: list[PacketId] = PACKETS) -> bool:
    return is_acknowledgement(parse_acknowledgement(words), secret, digest=digest, arrived=arrived)


def test_the_words_are_fixed_for_ever() -> None:
    import hashlib

    mac = hashlib.blake2b(key=SECRET, person=b"enveis-ack-v1", digest_size=16)
    mac.update(bytes.fromhex(DIGEST + "".join(PACKETS)))
    assert CODE_BITS >= 66
    assert parse_acknowledgement(WORDS) == int.from_bytes(mac.digest()) >> 128 - CODE_BITS
    assert len(WORDS.split()) == 8


def test_order_of_arrival_does_not_matter() -> None:
    assert acknowledgement_words(SECRET, digest=DIGEST, arrived=reversed(PACKETS)) == WORDS
    assert fits(WORDS)


@given(st.sets(st.sampled_from(PACKETS)))
def test_words_fit_only_what_arrived(arrived: set[PacketId]) -> None:
    assert fits(WORDS, arrived=sorted(arrived)) == (len(arrived) == len(PACKETS))
    words = acknowledgement_words(SECRET, digest=DIGEST, arrived=arrived)
    assert fits(words, arrived=sorted(arrived))


@given(st.binary(min_size=32, max_size=32))
def test_words_cannot_be_made_without_the_secret(guess: bytes) -> None:
    """Everything else in a batch is public to whoever has the stick."""
    if guess != SECRET:
        assert not fits(acknowledgement_words(guess, digest=DIGEST, arrived=PACKETS))


def test_words_of_another_batch_do_not_fit() -> None:
    assert not fits(acknowledgement_words(SECRET, digest="ac" * 32, arrived=PACKETS))


def test_a_slip_is_noticed() -> None:
    words = WORDS.split()
    words[0] = "academic" if words[0] != "academic" else "acid"
    with pytest.raises(WordsError):
        parse_acknowledgement(" ".join(words))


def test_a_secret_has_one_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        acknowledgement_words(b"", digest=DIGEST, arrived=PACKETS)
