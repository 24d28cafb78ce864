"""How many tries a program needs to guess a passphrase (zxcvbn), and a passphrase made by chance.

Loaded only where a passphrase is made for something that opens every packet, which is never on the low side.
"""

import secrets
from typing import Final

from zxcvbn import zxcvbn

from keys.passphrase import sealing_form
from keys.word_list import WORDS, WordList

TRIES_MIN: Final = 10**14  # scrypt makes each cost about a second of a core, and 256 MiB; ADR 0058
SUGGESTED_WORDS: Final = 7  # of 1,024 words each: 70 bits

_ESTIMATED: Final = 72  # characters that zxcvbn takes; what follows them only makes a passphrase stronger
# It knows no Norwegian or Danish; and whoever guesses knows whose desk this is.
_GUESSED_FIRST: Final = ("enveis", "desk", *(word for words in WORDS.values() for word in words))


def estimate_tries(typed: str) -> int:
    """Return after about how many tries a passphrase is guessed by a program that knows what people choose."""
    text = sealing_form(typed)
    # A blank between words is the first thing that such a program tries; zxcvbn takes it for one more secret.
    return min(_estimate(text), _estimate("".join(text.split())))


def weakness(typed: str) -> str:
    """Return a sentence without its full stop when a passphrase is too easy to guess, and an empty string if not."""
    tries = estimate_tries(typed)
    if tries >= TRIES_MIN:
        return ""
    return (
        f"this passphrase is too easy to guess: a program would find it in about {_power(tries)} tries, and it should "
        f"take {_power(TRIES_MIN)} or more"
    )


def suggest_passphrase() -> str:
    """Return words by chance from the list of SLIP-39, whose first four letters tell them apart; never a weak one."""
    while True:
        words = (secrets.choice(WORDS[WordList.ENGLISH]) for _ in range(SUGGESTED_WORDS))
        if not weakness(text := " ".join(words)):
            return text


def _estimate(text: str) -> int:
    return int(zxcvbn(text[:_ESTIMATED], user_inputs=_GUESSED_FIRST)["guesses"])


def _power(tries: int) -> str:
    return f"10^{len(str(tries)) - 1}"
