"""Numbers as words that people can read aloud, write down and type back, with a check word at the end.

The words are the 1,024 of SLIP-39: four to eight letters, the first four of which are unique; ten bits a word.
The check word makes the words w1 ... wn, c satisfy  c + a*w1 + a^2*w2 + ... + a^n*wn = purpose  in GF(1024),
a being the element x modulo x^10 + x^3 + 1 (SLIP-39's own field). The coefficients are all different and none is
zero, so one wrong word and any two exchanged words never pass, and one unreadable word can be restored.
Words made for one purpose never pass for another. Knows nothing of what the numbers mean.
"""

import hashlib
import re
from enum import IntEnum, StrEnum
from typing import Final

from shamir_mnemonic.wordlist import WORDLIST

from keys.errors import KeyMaterialError

BITS_PER_WORD: Final = 10
FINGERPRINT_BITS: Final = 70  # of a SHA-256: finding a second key for one fingerprint costs 2^70 keys
TEXT_MAX: Final = 1024  # characters of typed words that are read
UNREADABLE: Final = "?"  # typed for a word that cannot be read any more

_REDUCE: Final = 0b100_0000_1001  # x^10 + x^3 + 1, primitive over GF(2)
_ORDER: Final = 1023  # of x in that field
_SLIP: Final = 2  # letters that a slip of the pen changes at most
_PREFIX: Final = 4  # letters that name a word; SLIP-39, "Wordlist"
# What stands between words on paper and on screens, list numbers included.
_BETWEEN: Final = re.compile(r"[\s,;.:()\d\-\u2010-\u2015_/|]+")


class Purpose(IntEnum):
    """What words are for; a part of the check word, so that one kind is never taken for another."""

    FINGERPRINT = 0
    RETURN = 1
    PROOF = 2
    ACKNOWLEDGEMENT = 3


class WordsFault(StrEnum):
    """What is wrong with typed words."""

    COUNT = "count"
    UNKNOWN = "unknown"  # a word that is not in the list
    MISMATCH = "mismatch"  # the check word does not fit
    PROOF = "proof"  # they are the proof words, where return words are wanted


class WordsError(KeyMaterialError):
    """Typed words cannot be used; the message names positions and counts, never a word.

    `position` is the first word that is not in the list, counted from 1, or None. `likely` are the positions to look
    at first after a mismatch: one word there differs by a letter or two from one that would fit, or two neighbours
    fit in the other order. What would fit is not shown: nothing is ever accepted that was not typed.
    """

    def __init__(
        self,
        message: str,
        *,
        fault: WordsFault,
        position: int | None = None,
        likely: tuple[int, ...] = (),
        wanted: int = 0,
        found: int = 0,
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.position = position
        self.likely = likely
        self.wanted = wanted
        self.found = found


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
        raise WordsError(f"word {position} is not in the word list", fault=WordsFault.UNKNOWN, position=position)
    known = [index for index in indices if index is not None]
    found = _syndrome(known)
    if found != purpose:
        if found == Purpose.PROOF and purpose is Purpose.RETURN:
            # One chance in 1,023 of a false alarm for mistyped words; a source who mixed them up must know.
            raise WordsError("these look like proof words, which must never be typed online", fault=WordsFault.PROOF)
        raise _mismatch(untrusted_text, known, purpose)
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
        raise WordsError(
            f"exactly one unreadable word can be restored, but {len(gaps)} are unreadable", fault=WordsFault.UNKNOWN
        )
    gap = gaps[0]
    filled = [0 if index is None else index for index in indices]
    filled[gap] = _fitting(filled, gap, purpose)
    return " ".join(WORDLIST[index] for index in filled)


def fingerprint_words(data: bytes) -> str:
    """Return seven words and a check word for the SHA-256 of `data`: what two people compare aloud."""
    digest = int.from_bytes(hashlib.sha256(data).digest())
    return encode_words(digest >> 256 - FINGERPRINT_BITS, bits=FINGERPRINT_BITS)


def complete_words(untrusted_text: str) -> list[str | None]:
    """Return every typed word as the list has it, None for one that is not in the list."""
    indices = [_index(word) for word in _BETWEEN.split(untrusted_text.lower()) if word]
    return [None if index is None else WORDLIST[index] for index in indices]


def _count(bits: int) -> int:
    count, rest = divmod(bits, BITS_PER_WORD)
    if rest or not 0 < count < _ORDER:
        raise ValueError("bits must be a multiple of ten")
    return count


def _known_indices(untrusted_text: str, *, bits: int) -> list[int | None]:
    wanted = _count(bits) + 1
    words = _split(untrusted_text)
    if len(untrusted_text) > TEXT_MAX:
        raise WordsError(f"{wanted} words are needed; this is far more", fault=WordsFault.COUNT, wanted=wanted)
    if len(words) != wanted:
        message = f"{wanted} words are needed, but {len(words)} were given"
        raise WordsError(message, fault=WordsFault.COUNT, wanted=wanted, found=len(words))
    return [_index(word) for word in words]


def _split(untrusted_text: str) -> list[str]:
    return [word for word in _BETWEEN.split(untrusted_text[:TEXT_MAX].lower()) if word]


def _index(untrusted_word: str) -> int | None:
    index = _BY_PREFIX.get(untrusted_word[:_PREFIX])
    if index is None or not WORDLIST[index].startswith(untrusted_word):
        return None
    return index


def _mismatch(untrusted_text: str, indices: list[int], purpose: Purpose) -> WordsError:
    likely = _likely(_split(untrusted_text), indices, purpose)
    message = "these words do not fit together: one is wrong, or two are swapped"
    if likely:
        message += f" (check word {' and '.join(map(str, likely))} first)"
    return WordsError(message, fault=WordsFault.MISMATCH, likely=likely)


def _likely(untrusted_words: list[str], indices: list[int], purpose: Purpose) -> tuple[int, ...]:
    """Return the positions where a slip of the pen would explain the mismatch, the likeliest slip alone."""
    for place in range(len(indices) - 1):
        swapped = [*indices[:place], indices[place + 1], indices[place], *indices[place + 2 :]]
        if _syndrome(swapped) == purpose:
            return (place + 1, place + 2)
    # In each place exactly one word would fit.
    distances = [
        (_distance(word, WORDLIST[_fitting(indices, place, purpose)]), place + 1)
        for place, word in enumerate(untrusted_words)
    ]
    best = min(distances)[0]
    return tuple(place for distance, place in distances if distance == best) if best <= _SLIP else ()


def _distance(untrusted_word: str, word: str) -> int:
    """Return how many letters differ (Levenshtein); where a word was not typed to its end each counts twice."""
    one, two, weight = untrusted_word, word, 1
    if untrusted_word not in _WHOLE:
        one, two, weight = untrusted_word, word[: len(untrusted_word)], 2
    row = list(range(len(two) + 1))
    for line, letter in enumerate(one, 1):
        above, row = row, [line]
        row += [0] * len(two)
        for column, other in enumerate(two, 1):
            row[column] = min(above[column] + 1, row[column - 1] + 1, above[column - 1] + (letter != other))
    return weight * row[-1]


def _fitting(indices: list[int], place: int, purpose: Purpose) -> int:
    """Return the one index in that place with which the check succeeds, whatever stands there now."""
    without = [*indices[:place], 0, *indices[place + 1 :]]
    coefficient = 0 if place == len(indices) - 1 else place + 1
    return _times_power(_syndrome(without) ^ purpose, -coefficient)


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


_WHOLE: Final = frozenset(WORDLIST)
_BY_PREFIX: Final = {word[:_PREFIX]: index for index, word in enumerate(WORDLIST)}
