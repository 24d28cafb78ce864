"""A receipt for one source, made when the submission is here: return words, proof words and their public halves."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final

from audit.operational_log import LogEvent, log
from gateway.receipts.derivation_pool import DerivationPool
from keys.receipt import PublicReceipt, new_receipt_words, public_receipt
from keys.recipient import KeyKind
from keys.word_list import WordList
from keys.words import translate_words

WAIT: Final = 120.0  # seconds that a submission waits for its turn: what is here was hard to send


class NoReceiptError(Exception):
    """No receipt could be made in time; without one nothing may be received."""


@dataclass(frozen=True, slots=True)
class FreshReceipt:
    """Return words and proof words for one source, shown once, and their public halves for the packet."""

    return_words: str = field(repr=False)
    proof_words: str = field(repr=False)
    public: PublicReceipt

    def in_words_of(self, word_list: WordList) -> "FreshReceipt":
        """Return the same receipt with its words in another list, as the page of its source's language shows it."""
        return_words = translate_words(self.return_words, word_list)
        return replace(self, return_words=return_words, proof_words=translate_words(self.proof_words, word_list))


class ReceiptMaker:
    """Makes receipts of one kind."""

    def __init__(self, kind: KeyKind, pool: DerivationPool) -> None:
        self._kind = kind
        self._pool = pool

    async def make(self) -> FreshReceipt:
        """Return a receipt that nobody else gets.

        Raises:
            NoReceiptError: None was made within WAIT seconds, or there is no memory for it.
        """
        try:
            async with asyncio.timeout(WAIT):
                return await self._pool.for_submission(self._derive)
        except TimeoutError:
            raise NoReceiptError from None
        except OSError as fault:
            log(LogEvent.FAULT, fault=fault)
            raise NoReceiptError from None

    def _derive(self) -> FreshReceipt:
        words = new_receipt_words()
        return FreshReceipt(words.return_words, words.proof_words, public_receipt(words, self._kind))
