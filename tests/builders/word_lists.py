"""The word lists for receipts: arranged so that one prefix has one index everywhere, and checked.

    python -m tests.builders.word_lists arrange NORWEGIAN DANISH   # from files of 1,024 words in any order
    python -m tests.builders.word_lists check                     # what a dictionary of Debian does not know

The dictionaries (hunspell, hunspell-no, hunspell-da) verify spelling only: no word was taken from them. A list that
a released version has given receipts in is never arranged again: its words stand on paper.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from keys.word_list import COUNT, FOLDER, PREFIX, WORDS, WordList, fold

LENGTHS: Final = range(4, 9)  # letters of a word
DICTIONARIES: Final = {WordList.NORWEGIAN: ("nb_NO", "nn_NO"), WordList.DANISH: ("da_DK",)}


def arrange(
    english: Sequence[str], norwegian: Sequence[str], danish: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return both lists in their order: an English prefix decides the index; then what both share; then the alphabet.

    Raises:
        ValueError: A list has not 1,024 prefixes, or more is shared than there are indexes free in both.
    """
    fixed = {word[:PREFIX]: index for index, word in enumerate(english)}
    lists = [{word[:PREFIX]: word for word in words} for words in (norwegian, danish)]
    if any(len(words) != COUNT for words in lists):
        raise ValueError(f"a list has {COUNT} words with a prefix of their own")
    placed = [{fixed[prefix]: word for prefix, word in words.items() if prefix in fixed} for words in lists]
    free = [index for index in range(COUNT) if not any(index in list_ for list_ in placed)]
    shared = sorted(lists[0].keys() & lists[1].keys() - fixed.keys())
    for index, prefix in zip(free[: len(shared)], shared, strict=True):
        for list_, words in zip(placed, lists, strict=True):
            list_[index] = words[prefix]
    for list_, words in zip(placed, lists, strict=True):
        rest = sorted(words.keys() - fixed.keys() - set(shared))
        for index, prefix in zip((i for i in range(COUNT) if i not in set(list_)), rest, strict=True):
            list_[index] = words[prefix]
    first, second = (tuple(list_[index] for index in range(COUNT)) for list_ in placed)
    return first, second


def faults(lists: Mapping[WordList, Sequence[str]]) -> Iterator[str]:
    """Yield in what the lists break their rules (BATCH.md, 6.7), over all pairs of words; nothing where all is well."""
    for name, words in lists.items():
        if len(words) != COUNT:
            yield f"{name}: {len(words)} words"
        yield from (f"{name}: {word} is not spelled as it must be" for word in words if not _is_well_formed(word))
        prefixes = Counter(word[:PREFIX] for word in words)
        yield from (f"{name}: {prefix} begins {count} words" for prefix, count in prefixes.items() if count > 1)
        if name is not WordList.ENGLISH:  # SLIP-39 has its own rules
            yield from (f"{name}: {one} and {other} differ by one letter" for one, other in neighbours(words))
    yield from _faults_between(lists)


def neighbours(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each two words of which one becomes the other by one letter left out, put in or replaced.

    Two words are so close only if they, with some one letter left out at the most, are the same text: each word is
    compared with those that share such a text with it, and no pair of the list is missed.
    """
    holders = dict[str, list[str]]()
    for word in words:
        met = set[str]()
        for rest in {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}:
            met.update(holders.get(rest, ()))
            holders.setdefault(rest, []).append(word)
        yield from ((other, word) for other in sorted(met) if is_one_letter_away(other, word))


def is_one_letter_away(one: str, other: str) -> bool:
    """Return whether two words are the same, or one letter left out, put in or replaced makes them so."""
    short, long = sorted((one, other), key=len)
    start = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    if len(short) == len(long):
        return short[start + 1 :] == long[start + 1 :]
    return short[start:] == long[start + 1 :]


def unknown_to(dictionary: str, words: Sequence[str]) -> list[str]:
    """Return the words that one of Debian's dictionaries does not know; hunspell must be installed."""
    asked = ["hunspell", "-d", dictionary, "-i", "utf-8", "-l"]
    text = "".join(f"{word}\n" for word in words)
    return subprocess.run(asked, input=text, text=True, capture_output=True, check=True).stdout.split()


def _is_well_formed(word: str) -> bool:
    return len(word) in LENGTHS and word.isascii() and word.isalpha() and word == fold(word)


def _faults_between(lists: Mapping[WordList, Sequence[str]]) -> Iterator[str]:
    index_of = dict[str, int]()
    words_of = dict[str, set[str]]()
    for words in lists.values():
        for index, word in enumerate(words):
            prefix = word[:PREFIX]
            if index_of.setdefault(prefix, index) != index:
                yield f"{prefix} has the indexes {index_of[prefix]} and {index}"
            words_of.setdefault(prefix, set()).add(word)
    # A word of four letters or more that begins another begins with the other's prefix.
    for together in words_of.values():
        yield from (f"{one} begins {two}" for one in together for two in together if one != two and two.startswith(one))


def main(arguments: list[str]) -> int:
    """Arrange or check; return how the command ended."""
    match arguments:
        case ["arrange", norwegian, danish]:
            given = [Path(name).read_text("ascii").split() for name in (norwegian, danish)]
            arranged = arrange(WORDS[WordList.ENGLISH], *given)
            for name, words in zip(("norwegian", "danish"), arranged, strict=True):
                (FOLDER / f"{name}.txt").write_text("".join(f"{word}\n" for word in words), "ascii")
            return 0
        case ["check"]:
            unknown = {one: unknown_to(one, WORDS[list_]) for list_, them in DICTIONARIES.items() for one in them}
            for dictionary, missing in unknown.items():
                print(dictionary, *missing or ["knows every word"])
            return int(any(unknown.values()))
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
