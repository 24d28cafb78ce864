"""`/written`: a source without a script tries two of the return words that they wrote down. Nothing of it is kept.

The words come with the request, in a hidden field of the receipt page, and go back with the answer.
"""

import secrets
from typing import Final

from aiohttp import StreamReader

from gateway.form import WORDS_FIELD, Fields
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Body
from gateway.reading.short_form import read_short_form
from gateway.station import Station
from gateway.views import TryView
from keys.receipt import RETURN_BITS, parse_return_words
from keys.word_list import WordList, fold, likeliest_list
from keys.words import BITS_PER_WORD, WordsError, complete_words

TRIED: Final = 2  # words; each finds a paper on which one word is wrong or missing in one case of eleven


async def try_words(station: Station, stream: StreamReader, body: Body) -> TryView:
    """Return which words are asked for, or which of the typed ones were wrong.

    Raises:
        SubmissionError: The request could not be read, or has no return words in it.
        ConnectionError: The visitor went away.
    """
    fields = await read_short_form(stream, body, station.pace, station.texts, {WORDS_FIELD, "place", "typed"})
    words, word_list = _whole_words(fields.first(WORDS_FIELD))
    places = _places(fields, len(words))
    typed = fields.all("typed")
    if places is None or len(typed) != TRIED:
        return TryView(" ".join(words), _random_places(len(words)))
    wrong = tuple(
        place
        for place, untrusted_word in zip(places, typed, strict=True)
        if complete_words(untrusted_word, word_list) != [words[place - 1]]
    )
    return TryView(" ".join(words), places, is_tried=True, wrong=wrong)


def _whole_words(untrusted_words: str) -> tuple[list[str], WordList]:
    """Return the words as the receipt page showed them, all of one list."""
    try:
        parse_return_words(untrusted_words)
    except WordsError:
        raise SubmissionError(Problem.MALFORMED) from None
    word_list = likeliest_list(fold(untrusted_words).split())
    words = [word for word in complete_words(untrusted_words, word_list) if word is not None]
    if len(words) != RETURN_BITS // BITS_PER_WORD + 1:
        raise SubmissionError(Problem.MALFORMED)
    return words, word_list


def _places(fields: Fields, count: int) -> tuple[int, ...] | None:
    """Return the places that were asked for; None when there are none, or none that this page asks for."""
    names = [str(place) for place in range(1, count + 1)]
    untrusted_places = fields.all("place")
    if len(untrusted_places) != TRIED or not all(place in names for place in untrusted_places):
        return None
    return tuple(map(int, untrusted_places))


def _random_places(count: int) -> tuple[int, ...]:
    return tuple(sorted(secrets.SystemRandom().sample(range(1, count + 1), TRIED)))
