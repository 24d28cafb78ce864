"""Words: what is mistyped is noticed, and where; what is only untidy is taken."""

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shamir_mnemonic.wordlist import WORDLIST

from keys.words import (
    Purpose,
    WordsError,
    WordsFault,
    encode_words,
    fingerprint_words,
    parse_words,
    restore_words,
)

BITS = 70
COUNT = BITS // 10 + 1
values = st.integers(0, 2**BITS - 1)
places = st.integers(0, COUNT - 1)


@given(values, st.sampled_from(Purpose))
def test_words_come_back_as_the_number(value: int, purpose: Purpose) -> None:
    text = encode_words(value, bits=BITS, purpose=purpose)
    assert len(text.split()) == COUNT
    assert parse_words(text, bits=BITS, purpose=purpose) == value


def test_the_words_are_fixed_for_ever() -> None:
    # By hand: 1 * x^3 = 8; 1023 * x^2 = 999, and 999 ^ 1 = 998.
    assert encode_words(1, bits=30) == "academic academic acid adequate"
    assert encode_words(1023, bits=20, purpose=Purpose.RETURN) == "academic zero weapon"
    assert fingerprint_words(b"") == "theater satisfy else pharmacy wisdom hush equation main"


@given(values, places, st.integers(1, 1023))
def test_any_one_wrong_word_is_noticed(value: int, place: int, change: int) -> None:
    words = encode_words(value, bits=BITS).split()
    words[place] = WORDLIST[WORDLIST.index(words[place]) ^ change]
    with pytest.raises(WordsError, match="fit together"):
        parse_words(" ".join(words), bits=BITS)


@given(values, places, places)
def test_any_two_exchanged_words_are_noticed(value: int, one: int, other: int) -> None:
    words = encode_words(value, bits=BITS).split()
    assume(words[one] != words[other])
    words[one], words[other] = words[other], words[one]
    with pytest.raises(WordsError, match="fit together"):
        parse_words(" ".join(words), bits=BITS)


@given(values, places, st.sampled_from(Purpose))
def test_one_unreadable_word_is_pointed_out_and_restored(value: int, place: int, purpose: Purpose) -> None:
    text = encode_words(value, bits=BITS, purpose=purpose)
    words = text.split()
    words[place] = "?"
    with pytest.raises(WordsError, match=f"word {place + 1} ") as caught:
        parse_words(" ".join(words), bits=BITS, purpose=purpose)
    assert caught.value.position == place + 1
    assert restore_words(" ".join(words), bits=BITS, purpose=purpose) == text


def _slips() -> list[tuple[str, str]]:
    """Words of the list that differ by one letter replaced, and no other."""
    return [
        (one, other)
        for one in WORDLIST
        for other in WORDLIST
        if len(one) == len(other) and sum(map(str.__ne__, one, other)) in (1, 2) and one != other
    ]


def test_a_slip_of_the_pen_is_pointed_out_and_never_accepted() -> None:
    dice = random.Random(1)
    pointed_out = 0
    for meant, typed in dice.sample(_slips(), 300):
        place = dice.randrange(COUNT - 1)
        shift = 10 * (COUNT - 2 - place)
        value = dice.getrandbits(BITS) & ~(1023 << shift) | WORDLIST.index(meant) << shift
        words = encode_words(value, bits=BITS).split()
        assert words[place] == meant
        words[place] = typed
        with pytest.raises(WordsError) as caught:
            parse_words(" ".join(words), bits=BITS)
        assert caught.value.fault is WordsFault.MISMATCH
        pointed_out += place + 1 in caught.value.likely
    # Now and then another place is explained by a slip as small.
    assert pointed_out > 280


@given(values, st.integers(0, COUNT - 2))
def test_neighbours_that_changed_places_are_pointed_out(value: int, place: int) -> None:
    words = encode_words(value, bits=BITS).split()
    assume(words[place] != words[place + 1])
    words[place], words[place + 1] = words[place + 1], words[place]
    with pytest.raises(WordsError, match="check word") as caught:
        parse_words(" ".join(words), bits=BITS)
    assert len(caught.value.likely) == 2


def test_words_of_another_paper_are_not_explained_by_a_slip() -> None:
    dice = random.Random(1)
    explained = 0
    for _ in range(300):
        words = [dice.choice(WORDLIST) for _ in range(COUNT)]
        try:
            parse_words(" ".join(words), bits=BITS)  # one in 1,023 fits by chance
        except WordsError as error:
            explained += bool(error.likely)
    assert explained < 30


@pytest.mark.parametrize("gaps", [0, 2])
def test_only_one_word_can_be_restored(gaps: int) -> None:
    words = encode_words(12345, bits=BITS).split()
    words[:gaps] = ["?"] * gaps
    with pytest.raises(WordsError, match=f"but {gaps} are unreadable"):
        restore_words(" ".join(words), bits=BITS)


@given(values, st.integers(0, 2**32), st.sampled_from([" ", "-", ", ", "\n", " \u2013 ", "\u00a0", "  \t", ";\r\n"]))
def test_untidy_entry_is_taken(value: int, seed: int, between: str) -> None:
    words = encode_words(value, bits=BITS).split()
    dice = random.Random(seed)
    typed = [word[: dice.randint(4, len(word))] for word in words]
    typed = [dice.choice([word, word.upper(), word.title()]) for word in typed]
    text = between.join(typed)
    assert parse_words(f"\n {text} \n", bits=BITS) == value
    numbered = "\n".join(f"{number}. {word}" for number, word in enumerate(words, start=1))
    assert parse_words(numbered, bits=BITS) == value


@given(values, places)
def test_three_letters_or_another_ending_do_not_name_a_word(value: int, place: int) -> None:
    words = encode_words(value, bits=BITS).split()
    for typed in (words[place][:3], words[place] + "x", words[place][:4] + "q"):
        changed = [*words[:place], typed, *words[place + 1 :]]
        with pytest.raises(WordsError, match=f"word {place + 1} "):
            parse_words(" ".join(changed), bits=BITS)


@given(values, st.sampled_from(Purpose), st.sampled_from(Purpose))
def test_words_for_one_purpose_never_pass_for_another(value: int, made: Purpose, asked: Purpose) -> None:
    assume(made != asked)
    text = encode_words(value, bits=BITS, purpose=made)
    with pytest.raises(WordsError) as caught:
        parse_words(text, bits=BITS, purpose=asked)
    if (made, asked) == (Purpose.PROOF, Purpose.RETURN):
        assert "must never be typed online" in str(caught.value)


@given(st.text(max_size=1100))
def test_errors_never_repeat_what_was_typed(text: str) -> None:
    with pytest.raises(WordsError) as caught:
        parse_words("zyzzyva " + text, bits=BITS)
    assert "zyzzyva" not in str(caught.value)


@pytest.mark.parametrize("count", [0, 7, 9])
def test_a_wrong_count_is_reported(count: int) -> None:
    with pytest.raises(WordsError, match=f"8 words are needed, but {count}"):
        parse_words("acid " * count, bits=BITS)


def test_a_number_that_does_not_fit_is_a_bug() -> None:
    for value, bits in ((1024, 10), (-1, 10), (0, 11), (0, 0)):
        with pytest.raises(ValueError, match="bits"):
            encode_words(value, bits=bits)
