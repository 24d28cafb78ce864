"""Numbers as words that people can read aloud, write down and type back, with a check word at the end.

A word is one of 1,024, in the language of who will read it (`word_list`): four to eight letters, the first four of
which identify it; ten bits a word. Typed words are taken from any list.
The check word makes the words w1 ... wn, c satisfy  c + a*w1 + a^2*w2 + ... + a^n*wn = purpose  in GF(1024),
a being the element x modulo x^10 + x^3 + 1 (SLIP-39's own field). The coefficients are all different and none is
zero, so one wrong word and any two exchanged words never pass, and one unreadable word can be restored.
Words made for one purpose never pass for another. Knows nothing of what the numbers mean.
"""

import hashlib
import re
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Final

from keys.errors import KeyMaterialError
from keys.word_list import WORDS, WordList, find_index, fold, is_whole, likeliest_list

BITS_PER_WORD: Final = 10
FINGERPRINT_BITS: Final = 70  # of a SHA-256: finding a second key for one fingerprint costs 2^70 keys
TEXT_MAX: Final = 1024  # characters of typed words that are read
UNREADABLE: Final = "?"  # typed for a word that cannot be read any more

_REDUCE: Final = 0b100_0000_1001  # x^10 + x^3 + 1, primitive over GF(2)
_ORDER: Final = 1023  # of x in that field
_SLIP: Final = 2  # letters that a slip of the pen changes at most
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


def encode_words(
    value: int, *, bits: int, purpose: Purpose = Purpose.FINGERPRINT, word_list: WordList = WordList.ENGLISH
) -> str:
    """Return `value` (0 <= value < 2^bits, bits a multiple of ten) as words of the list, the check word last."""
    count = _count(bits)
    if not 0 <= value < 1 << bits:
        raise ValueError(f"the value does not fit into {bits} bits")
    indices = [value >> BITS_PER_WORD * (count - 1 - place) & 1023 for place in range(count)]
    indices.append(_syndrome([*indices, 0]) ^ purpose)
    return _written(indices, word_list)


def parse_words(untrusted_text: str, *, bits: int, purpose: Purpose = Purpose.FINGERPRINT) -> int:
    """Return the number in typed words of any list; case, accents, separators and endings after the fourth letter do
    not matter.

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
    """Return all words where exactly one is unreadable (`?`, or in no list), in the list of the others.

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
    return _written(filled, likeliest_list(_split(untrusted_text)))


def translate_words(words: str, word_list: WordList) -> str:
    """Return words as `word_list` has them; they stand for the same number.

    Raises:
        WordsError: One is in no list.
    """
    indices = [find_index(word) for word in _split(words)]
    if None in indices:
        position = indices.index(None) + 1
        raise WordsError(f"word {position} is not in the word list", fault=WordsFault.UNKNOWN, position=position)
    return _written([index for index in indices if index is not None], word_list)


def is_same_word(untrusted_typed: str, word: str) -> bool:
    """Return whether what was typed is this one word, of whatever list; untidy entry is taken as elsewhere."""
    typed = [find_index(one) for one in _split(untrusted_typed)]
    return typed == [find_index(word)]


def fingerprint_words(data: bytes) -> str:
    """Return seven words and a check word for the SHA-256 of `data`: what two people compare aloud."""
    digest = int.from_bytes(hashlib.sha256(data).digest())
    return encode_words(digest >> 256 - FINGERPRINT_BITS, bits=FINGERPRINT_BITS)


def complete_words(untrusted_text: str, word_list: WordList = WordList.ENGLISH) -> list[str | None]:
    """Return every typed word as `word_list` has it, None for one that is not of this list."""
    return [_completed(word, WORDS[word_list]) for word in _split(untrusted_text)]


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
    return [find_index(word) for word in words]


def _split(untrusted_text: str) -> list[str]:
    return [word for word in _BETWEEN.split(fold(untrusted_text[:TEXT_MAX])) if word]


def _completed(untrusted_word: str, words: Sequence[str]) -> str | None:
    index = find_index(untrusted_word)
    return words[index] if index is not None and words[index].startswith(untrusted_word) else None


def _written(indices: Sequence[int], word_list: WordList) -> str:
    return " ".join(WORDS[word_list][index] for index in indices)


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
    # In each place exactly one word would fit. It is sought in the list that the words are of.
    words = WORDS[likeliest_list(untrusted_words)]
    distances = [
        (_distance(word, words[_fitting(indices, place, purpose)]), place + 1)
        for place, word in enumerate(untrusted_words)
    ]
    best = min(distances)[0]
    return tuple(place for distance, place in distances if distance == best) if best <= _SLIP else ()


def _distance(untrusted_word: str, word: str) -> int:
    """Return how many letters differ (Levenshtein); where a word was not typed to its end each counts twice."""
    one, two, weight = untrusted_word, word, 1
    if not is_whole(untrusted_word):
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
