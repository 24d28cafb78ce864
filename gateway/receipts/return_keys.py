"""From return words to keys, for the sources who come back.

They derive in the threads that make receipts, in a queue of their own that is bounded and never comes first, so that
no number of visitors delays a submission for long. Nothing is stored: keys live as long as the request that they were
derived for.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from audit.operational_log import LogEvent, log
from gateway.receipts.derivation_pool import DerivationPool, PoolFullError
from keys.receipt import RETURN_BITS, ReturnSecrets, parse_return_words, return_secrets
from keys.recipient import KeyKind
from keys.words import Purpose, encode_words

WAIT: Final = 60.0  # seconds that a visitor waits before being asked to come again
_LETTERS: Final = 4  # letters that identify a word; keys/words.py


class DeriverBusyError(Exception):
    """Too many are coming back at this moment, or keys cannot be derived now."""


def spelled(untrusted_words: str) -> str:
    """Return return words in the one spelling that a page's hidden field carries: four letters each.

    Every receipt's is of the same length, so that pages differ in nothing but these letters.

    Raises:
        keys.words.WordsError: They are no return words.
    """
    whole = encode_words(parse_return_words(untrusted_words), bits=RETURN_BITS, purpose=Purpose.RETURN)
    return " ".join(word[:_LETTERS] for word in whole.split())


class ReturnKeyDeriver:
    """Derives keys of one kind."""

    def __init__(self, kind: KeyKind, pool: DerivationPool) -> None:
        self._kind = kind
        self._pool = pool

    async def derive(self, untrusted_words: str, *, has_place: bool = False) -> ReturnSecrets:
        """Return the keys behind return words. Nobody here knows whether these return words were ever given out.

        `has_place` says that the visitor sends something, and has a place among the submissions.

        Raises:
            keys.words.WordsError: They are no return words; nothing was derived.
            DeriverBusyError: Too many wait, these return words had no turn within WAIT seconds, or there is no memory.
        """
        parse_return_words(untrusted_words)

        def derive() -> ReturnSecrets:
            return return_secrets(untrusted_words, self._kind)

        try:
            async with asyncio.timeout(WAIT):
                return await self._turn(derive, has_place=has_place)
        except (PoolFullError, TimeoutError):
            raise DeriverBusyError from None
        except OSError as fault:
            log(LogEvent.FAULT, fault=fault)
            raise DeriverBusyError from None

    async def _turn(self, derive: Callable[[], ReturnSecrets], *, has_place: bool) -> ReturnSecrets:
        if has_place:
            return await self._pool.for_submission(derive)
        return await self._pool.for_visitor(derive)
