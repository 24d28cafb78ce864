"""What is posted, by its path: what is done with it, and the text and status of the page that answers."""

from dataclasses import replace
from typing import Final

from aiohttp import StreamReader
from aiohttp.web import BaseRequest

from gateway.form import WORDS_FIELD
from gateway.limits import Limits
from gateway.pages import receipt_pages
from gateway.pages.pages import AGAIN, Pages
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Body
from gateway.reading.short_form import SHORT_FORM_MAX, read_short_form
from gateway.reading.typed_text import read_typed
from gateway.receipts.return_keys import spelled
from gateway.return_visit.return_visit import delete_replies, explain, open_case
from gateway.return_visit.try_words import try_words
from gateway.return_visit.withdrawal import withdraw
from gateway.station import Station
from gateway.submission.first_visit import FirstVisit
from gateway.submission.later_visit import LaterVisit, limits_with
from gateway.submission.receive import Repeated, receive
from gateway.submission.visitor import Visitor
from gateway.views import CaseLimits, CaseView, ReturnView, Withdrawal

SUBMIT: Final = "/submit"
ADD: Final = "/add"
RETURN: Final = "/return"
DELETE_REPLIES: Final = "/delete-replies"
WITHDRAW: Final = "/withdraw"
WRITTEN: Final = "/written"
FORM: Final = "/form"  # in another language, with what was typed; nothing is sent to the desk
WORDS: Final = "/words"  # likewise, return words
# Of a source who comes back, or whose words are in the page: these pages are padded.
PADDED: Final = frozenset({RETURN, ADD, DELETE_REPLIES, WITHDRAW, WRITTEN, WORDS})
POSTS: Final = PADDED | {SUBMIT, FORM}


def body_max(station: Station, path: str) -> int:
    """Return how many bytes a body posted to `path` may have."""
    match path:
        case "/submit":
            return station.limits.body_max
        case "/add":
            # Whose words they are is known when the body is being read. That some case has a grant shows here.
            return _widest(station).body_max
        case "/form":
            return station.limits.typed_max
        case _:
            return SHORT_FORM_MAX


def is_ours(request: BaseRequest) -> bool:
    """Return whether a form of ours sent this, or no browser did, as far as a browser says so.

    `none` is a visitor who typed the address, chose a bookmark or reloads. A page of another site, and one of another
    name below the same domain, could send a form in a visitor's name (W3C Fetch Metadata, 2.4).
    """
    return request.headers.get("Sec-Fetch-Site", "none").strip().lower() in {"same-origin", "none", ""}


def typed_max(station: Station, path: str) -> int:
    """Return how many bytes an url-encoded body posted to `path` may have."""
    return min(body_max(station, path), station.limits.typed_max)


async def post(  # noqa: PLR0911 - one for each door
    station: Station, pages: Pages, path: str, stream: StreamReader, body: Body, *, visitor: Visitor
) -> tuple[str, int]:
    """Do what was asked for; return the page's text and status.

    Raises:
        SubmissionError: It was not done.
        ConnectionError: The visitor went away.
    """
    match path:
        case "/submit":
            return await _submitted(station, pages, stream, body, visitor), 200
        case "/add":
            return await _added(station, pages, stream, body, visitor), 200
        case "/return":
            found = await open_case(station, stream, body)
            return (_why_not(pages, found)) if isinstance(found, ReturnView) else (pages.case(found), 200)
        case "/form" | "/words":
            return await _in_another_language(station, pages, path, stream, body), 200
        case "/delete-replies":
            deleted = await delete_replies(station, stream, body)
            return _why_not(pages, deleted) if isinstance(deleted, ReturnView) else (pages.deleted(deleted), 200)
        case "/withdraw":
            view = await withdraw(station, stream, body)
            return pages.withdrawn(view), 400 if view.outcome is Withdrawal.UNKNOWN else 200
        case "/written":
            return receipt_pages.tried(pages, await try_words(station, stream, body)), 200
        case _:
            raise SubmissionError(Problem.NOT_FOUND)


async def _submitted(station: Station, pages: Pages, stream: StreamReader, body: Body, visitor: Visitor) -> str:
    errand = FirstVisit(station)
    received = await receive(station, stream, body, page_language=pages.language, errand=errand, visitor=visitor)
    if isinstance(received, Repeated):
        return receipt_pages.repeated(pages, received)
    return receipt_pages.receipt(pages, received)


async def _added(station: Station, pages: Pages, stream: StreamReader, body: Body, visitor: Visitor) -> str:
    errand = LaterVisit(station)
    received = await receive(station, stream, body, page_language=pages.language, errand=errand, visitor=visitor)
    if isinstance(received, Repeated):
        return receipt_pages.added_before(pages, received.day, spelled(received.untrusted_words))
    return receipt_pages.added(pages, received, errand.words)


async def _in_another_language(station: Station, pages: Pages, path: str, stream: StreamReader, body: Body) -> str:
    """Return a form with what was typed in that of another language; nothing is done with it."""
    if path == FORM:
        typed = await read_typed(stream, body, station.pace, station.limits, station.texts)
        return pages.form(typed=typed)
    words = await read_short_form(stream, body, station.pace, station.texts, (WORDS_FIELD,))
    return pages.return_form(ReturnView(untrusted_words=words.first(WORDS_FIELD)))


def add_problem(station: Station, pages: Pages, error: SubmissionError) -> str:
    """Return the page after an addition that was not received: with the form again, and what was typed in it."""
    words, text = error.fields.first(WORDS_FIELD), error.fields.text("message")
    wrong = explain(words)
    if error.problem is Problem.WORDS and wrong is not None:
        return pages.return_form(replace(wrong, untrusted_text=text))
    if wrong is not None or error.problem not in AGAIN:
        return pages.refusal(error)
    # The limits of everybody: whether these words have a grant is not known to every way of failing.
    limits = CaseLimits(station.limits.files_max, station.limits.file_max_bytes)
    view = CaseView(spelled(words), (), limits, problem=error.problem, refused=error.refused, untrusted_text=text)
    return pages.case(view)


def _why_not(pages: Pages, view: ReturnView) -> tuple[str, int]:
    return pages.return_form(view), view.status


def _widest(station: Station) -> Limits:
    return limits_with(station.limits, station.mail.widest_grant())
