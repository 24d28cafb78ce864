"""The pages that answer what was sent: the receipt, an addition, a repeat of either, and the trying of two words.

Apart from `pages` because these alone show return words and proof words.
"""

from datetime import date

from gateway.pages.catalogues import marked
from gateway.pages.pages import Pages
from gateway.pages.sentences import IDENTIFYING
from gateway.submission.receive import Received, Repeated
from gateway.views import TryView
from keys.word_list import word_list_for
from quarantine.verdict import Clear, Held, Undecided, Verdict


def receipt(pages: Pages, received: Received) -> str:
    """Return the receipt page; the only place where proof words are ever shown, and return words unasked."""
    shown = received.receipt and received.receipt.in_words_of(word_list_for(pages.language))
    return pages.page("receipt.html", path=None, **_of(pages, received), receipt=shown)


def added(pages: Pages, received: Received, words: str) -> str:
    """Return the page after an addition; `words` are the return words that lead back to the case."""
    return pages.page("added.html", path=None, **_of(pages, received), words=words)


def repeated(pages: Pages, again: Repeated) -> str:
    """Return the page for a submission that came twice: it shows no words, for they were shown once."""
    return pages.page("repeated.html", path=None, day=pages.dated(again.day), own_receipt=again.own_receipt, words="")


def added_before(pages: Pages, day: date, words: str) -> str:
    """Return the page for an addition that came twice; `words` came with it, and lead back to the case."""
    return pages.page("repeated.html", path=None, day=pages.dated(day), own_receipt=False, words=words)


def shown_once(pages: Pages, *, is_first: bool) -> str:
    """Return what stands at the address of an answer that was shown once; `is_first`: of a first submission."""
    return pages.page("once.html", path=None, is_first=is_first)


def tried(pages: Pages, view: TryView) -> str:
    """Return the page that asks for two of the words that were written down, or says whether they were right."""
    return pages.page("written.html", path=None, view=view)


def _of(pages: Pages, received: Received) -> dict[str, object]:
    nameless = pages.said(marked("a file without a name"))
    return {
        "day": pages.dated(received.day),
        "until": pages.dated(received.promised),
        "has_text": received.has_text,
        "files": [(kept.untrusted_name or nameless, _told(pages, verdict)) for kept, verdict in received.files],
        "refused": pages.named(received.refused),
        "withdraw": received.withdraw,
    }


def _told(pages: Pages, verdict: Verdict) -> list[str]:
    """Return what a source is told about a file: what may identify them, never whether a scanner liked it."""
    match verdict:
        case Clear() | Held():
            return [pages.said(IDENTIFYING[f.code]) for f in verdict.findings if f.code in IDENTIFYING]
        case Undecided():
            return []
