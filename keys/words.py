"""Numbers as words that people can read aloud, write down and type back, with a check word at the end.

The words are the 1,024 of SLIP-39: four to eight letters, the first four of which are unique; ten bits a word.
The check word makes the words w1 ... wn, c satisfy  c + a*w1 + a^2*w2 + ... + a^n*wn = purpose  in GF(1024),
a being the element x modulo x^10 + x^3 + 1 (SLIP-39's own field). The coefficients are all different and none is
zero, so one wrong word and any two exchanged words never pass, and one unreadable word can be restored.
Words made for one purpose never pass for another. Knows nothing of what the numbers mean.
"""

import hashlib
import re
from enum import IntEnum
from typing import Final

from shamir_mnemonic.wordlist import WORDLIST

from keys.errors import KeyMaterialError

BITS_PER_WORD: Final = 10
FINGERPRINT_BITS: Final = 70  # of a SHA-256: finding a second key for one fingerprint costs 2^70 keys
TEXT_MAX: Final = 1024  # characters of typed words looked at
UNREADABLE: Final = "?"  # typed for a word that cannot be read any more

_REDUCE: Final = 0b100_0000_1001  # x^10 + x^3 + 1, primitive over GF(2)
_ORDER: Final = 1023  # of x in that field
_PREFIX: Final = 4  # letters that name a word; SLIP-39, "Wordlist"
# What stands between words on paper and on screens, list numbers included.
_BETWEEN: Final = re.compile(r"[\s,;.:()\d\-\u2010-\u2015_/|]+")


class Purpose(IntEnum):
    """What words are for; a part of the check word, so that one kind is never taken for another."""

    FINGERPRINT = 0
    RETURN = 1
    PROOF = 2
    ACKNOWLEDGEMENT = 3


class WordsError(KeyMaterialError):
    """Typed words cannot be used; the message tells positions and counts, never a word.

    `position` is the first word that is not in the list, counted from 1, or None.
    """

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


def encode_words(value: int, *, bits: int, purpose: Purpose = Purpose.FINGERPRINT) -> str:
    """Return `value` (0 <= value < 2^bits, bits a multiple of ten) as words, the check word last."""
    count = _count(bits)
    if not 0 <= value < 1 << bits:
        raise ValueError(f"the value does not fit into {bits} bits")
    indices = [value >> BITS_PER_WORD * (count - 1 - place) & 1023 for place in range(count)]
    indices.append(_syndrome([*indices, 0]) ^ purpose)
    return " ".join(WORDLIST[index] for index in indices)


def parse_words(untrusted_text: str, *, bits: int, purpose: Purpose = Purpose.FINGERPRINT) -> int:
    """Return the number in typed words; case, separators and endings after the fourth letter do not matter.

    Raises:
        WordsError: A wrong count, a word that is not in the list, or words that do not belong together.
    """
    indices = _known_indices(untrusted_text, bits=bits)
    if None in indices:
        position = indices.index(None) + 1
        raise WordsError(f"word {position} is not one of our words", position=position)
    known = [index for index in indices if index is not None]
    found = _syndrome(known)
    if found != purpose:
        if found == Purpose.PROOF and purpose is Purpose.RETURN:
            # One chance in 1,023 of a false alarm for mistyped words; a source who mixed them up must know.
            raise WordsError("these look like the proof words, which are never to be typed online")
        raise WordsError("these words do not belong together: one is wrong, or two have changed places")
    return _join(known[:-1])


def restore_words(untrusted_text: str, *, bits: int, purpose: Purpose = Purpose.FINGERPRINT) -> str:
    """Return all words where exactly one is unreadable (`?`, or not in the list).

    The check is used up by it: whether the other words are right shows only when the result is used.

    Raises:
        WordsError: A wrong count, or not exactly one unreadable word.
    """
    indices = _known_indices(untrusted_text, bits=bits)
    gaps = [place for place, index in enumerate(indices) if index is None]
    if len(gaps) != 1:
        raise WordsError(f"one unreadable word can be restored, here are {len(gaps)}")
    gap = gaps[0]
    filled = [0 if index is None else index for index in indices]
    difference = _syndrome(filled) ^ purpose
    coefficient = 0 if gap == len(filled) - 1 else gap + 1
    filled[gap] = _times_power(difference, -coefficient)
    return " ".join(WORDLIST[index] for index in filled)


def fingerprint_words(data: bytes) -> str:
    """Return seven words and a check word for the SHA-256 of `data`: what two people compare aloud."""
    digest = int.from_bytes(hashlib.sha256(data).digest())
    return encode_words(digest >> 256 - FINGERPRINT_BITS, bits=FINGERPRINT_BITS)


def _count(bits: int) -> int:
    count, rest = divmod(bits, BITS_PER_WORD)
    if rest or not 0 < count < _ORDER:
        raise ValueError("bits must be a multiple of ten")
    return count


def _known_indices(untrusted_text: str, *, bits: int) -> list[int | None]:
    wanted = _count(bits) + 1
    if len(untrusted_text) > TEXT_MAX:
        raise WordsError(f"{wanted} words are needed; this is far more")
    words = [word for word in _BETWEEN.split(untrusted_text.lower()) if word]
    if len(words) != wanted:
        raise WordsError(f"{wanted} words are needed, here are {len(words)}")
    return [_index(word) for word in words]


def _index(untrusted_word: str) -> int | None:
    index = _BY_PREFIX.get(untrusted_word[:_PREFIX])
    if index is None or not WORDLIST[index].startswith(untrusted_word):
        return None
    return index


def _join(indices: list[int]) -> int:
    value = 0
    for index in indices:
        value = value << BITS_PER_WORD | index
    return value


def _syndrome(indices: list[int]) -> int:
    """Return c + a*w1 + ... + a^n*wn, the last of `indices` being c."""
    total = indices[-1]
    for place, index in enumerate(indices[:-1]):
        total ^= _times_power(index, place + 1)
    return total


def _times_power(element: int, power: int) -> int:
    """Return element * x^power in GF(1024)."""
    for _ in range(power % _ORDER):
        element <<= 1
        if element >> BITS_PER_WORD:
            element ^= _REDUCE
    return element


_BY_PREFIX: Final = {word[:_PREFIX]: index for index, word in enumerate(WORDLIST)}
