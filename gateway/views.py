"""What the pages of a source's way back show: values only, made by the stations that receive, rendered by `pages`.

Nothing here knows HTML, a language or a key. `words` are return words in the one spelling of fixed length
(`spelled`): a page carries them in a hidden field of its forms, for there is no session that could remember them.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from gateway.problems import Problem, RefusedFile
from transfer.names import PacketId


class ReturnProblem(StrEnum):
    """Why typed return words, or a request with them, lead nowhere. The value names the page's text."""

    NONE_TYPED = "none-typed"
    COUNT = "count"  # not as many words as there must be
    UNKNOWN_WORD = "unknown-word"  # `position` says which
    MISMATCH = "mismatch"  # the check word does not match: one is wrong, or two changed places
    PROOF_WORDS = "proof-words"  # these are the ones that are never to be typed online
    BUSY = "busy"  # too many are coming back at the moment


class Withdrawal(StrEnum):
    """How a request to withdraw ended, as far as anybody is told."""

    RECEIVED = "received"  # of a packet that is here, that has left, or that nobody knows
    UNKNOWN = "unknown"  # what was sent is not a withdrawal of ours


@dataclass(frozen=True, slots=True)
class ReturnView:
    """The form for return words; after a failure with what was typed, to be put right."""

    problem: ReturnProblem | None = None
    position: int = 0  # of the wrong word, counted from 1; 0 where none is known
    likely: tuple[int, ...] = ()  # positions of words that may be mistyped
    wanted: int = 0  # words that a receipt has
    found: int = 0  # words that were typed
    untrusted_words: str = field(default="", repr=False)
    untrusted_text: str = field(default="", repr=False)  # that was to be added to the case; so that it is not lost

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        if self.problem is ReturnProblem.BUSY:
            return 503
        return 200 if self.problem is None else 400


@dataclass(frozen=True, slots=True)
class ReplyView:
    """One reply of the desk, opened for this answer only."""

    day: date
    state: str  # one of the states of transfer.bundle.bundle
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseLimits:
    """What may be added in one go; larger than the form's limits where the desk granted more."""

    files_max: int
    file_max_bytes: int
    granted: bool = False
    until: date | None = None  # last day of the grant
    tables: bool = False  # whether a .csv counts as text


@dataclass(frozen=True, slots=True)
class CaseView:
    """The page of a source who came back: replies, a form to add, and one to delete the replies.

    For return words that nobody was ever given it is the page of a case without replies. `problem` and `refused`
    are those of an addition that failed, `untrusted_text` what was typed for it.
    """

    words: str = field(repr=False)  # fixed length, for the hidden field
    replies: tuple[ReplyView, ...] = field(repr=False)
    limits: CaseLimits
    unreadable: int = 0  # replies that are there and could not be opened
    problem: Problem | None = None
    refused: tuple[RefusedFile, ...] = field(default=(), repr=False)
    untrusted_text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TryView:
    """Two return words are asked for, at `places`; after the answer, `wrong` are the places that did not fit."""

    words: str = field(repr=False)  # all of them, as on the receipt
    places: tuple[int, ...]  # counted from 1
    is_tried: bool = False
    wrong: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WithdrawForm:
    """The hidden fields of a withdraw button."""

    packet: PacketId
    day: date  # UTC, of receipt
    token: str = field(repr=False)  # 64 hexadecimal digits
    mark: str = field(repr=False)  # 64 hexadecimal digits: this gateway made the button (withdraw_key)


@dataclass(frozen=True, slots=True)
class WithdrawnView:
    """What came of a request to withdraw."""

    outcome: Withdrawal
    day: date  # UTC


@dataclass(frozen=True, slots=True)
class DeletedView:
    """The replies are gone from this server, if there were any; the desk is asked to delete its copies."""

    day: date  # UTC
    words: str = field(repr=False)  # for the way back to the case
