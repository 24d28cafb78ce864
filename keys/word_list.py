"""The lists of 1,024 words, one for each language of a receipt, and the number that a word stands for (BATCH.md, 6.3).

English is the list of SLIP-39; Norwegian and Danish are ours (`word_lists/`, one word a line). The first four letters
identify a word, and the same four stand for the same number in every list, so words are read without asking of which
list they are, and words of several lists may be mixed. Knows nothing of check words, and of what the numbers mean.
"""

import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

from shamir_mnemonic.wordlist import WORDLIST

COUNT: Final = 1024  # words in each list
PREFIX: Final = 4  # letters that identify a word; SLIP-39, "Wordlist"
FOLDER: Final = Path(__file__).with_name("word_lists")


class WordList(StrEnum):
    """A list of words; its value names the language."""

    ENGLISH = "en"
    NORWEGIAN = "no"
    DANISH = "da"


def word_list_for(language: str) -> WordList:
    """Return the list for those who read `language` (nb, da, ...): English where there is none of its own."""
    return _LISTS_FOR.get(language, WordList.ENGLISH)


def fold(untrusted_text: str) -> str:
    """Return the text as words are compared: lower case, without accents, and with o and e where ø and æ were typed.

    No word has such letters; a telephone that corrects to another language puts them in ("hjærte" for "hjerte").
    """
    letters = unicodedata.normalize("NFKD", untrusted_text).lower()
    kept = [letter for letter in letters if unicodedata.category(letter) not in _DROPPED]
    return "".join(kept).translate(_TYPED_FOR)


def find_index(untrusted_word: str) -> int | None:
    """Return the number of a word of any list, None for one of no list; endings after the fourth letter may be missing.

    The word is one that `fold` returned, without anything around it.
    """
    return _INDEXES.get(untrusted_word)


def is_whole(untrusted_word: str) -> bool:
    """Return whether this is a word of some list, typed to its end."""
    return untrusted_word in _WHOLE


def likeliest_list(untrusted_words: Iterable[str]) -> WordList:
    """Return the list that most of these folded words are of; on a tie the first in the order of WordList."""
    words = list(untrusted_words)
    return max(WordList, key=lambda word_list: sum(_is_of(word_list, word) for word in words))


def _is_of(word_list: WordList, untrusted_word: str) -> bool:
    index = find_index(untrusted_word)
    return index is not None and WORDS[word_list][index].startswith(untrusted_word)


def _indexes() -> dict[str, int]:
    """Return the number of everything that stands for a word: its first four letters, and each longer beginning."""
    numbered = [(word, index) for words in WORDS.values() for index, word in enumerate(words)]
    return {word[:size]: index for word, index in numbered for size in range(PREFIX, len(word) + 1)}


def _read(name: str) -> tuple[str, ...]:
    return tuple((FOLDER / name).read_text("ascii").split())


WORDS: Final = {
    WordList.ENGLISH: tuple(WORDLIST),
    WordList.NORWEGIAN: _read("norwegian.txt"),
    WordList.DANISH: _read("danish.txt"),
}
_LISTS_FOR: Final = {
    "nb": WordList.NORWEGIAN,
    "nn": WordList.NORWEGIAN,
    "da": WordList.DANISH,
}
_DROPPED: Final = ("Mn", "Cf")  # accents; marks without a width, as a page that is written from the right has
_TYPED_FOR: Final = str.maketrans({"ø": "o", "æ": "e"})
_INDEXES: Final = _indexes()
_WHOLE: Final = frozenset(word for words in WORDS.values() for word in words)
