"""The pages that say why something was not done."""

from gateway.http.posts import ADD, FORM, PADDED, SUBMIT, add_problem
from gateway.http.responses import Page, padded
from gateway.pages.pages import Pages
from gateway.problems import SubmissionError
from gateway.station import Station


def refused(path: str, error: SubmissionError, pages: Pages, station: Station) -> Page:
    """Return the page that says why something was not done, with what was typed where it can be sent again."""
    text = None
    if path == FORM and not error.fields.values:
        text = pages.refusal(error, is_sending=False)
    elif path == ADD:
        text = add_problem(station, pages, error)
    elif path in PADDED:
        text = pages.refusal(error, is_sending=False)
    return Page(sized(path, pages.problem(error) if text is None else text), status=error.status, close=True)


def refused_shortly(path: str, error: SubmissionError, pages: Pages) -> Page:
    """Return a page without a form, and so without what was typed: there are too many such pages, or nothing was."""
    text = pages.refusal(SubmissionError(error.problem), is_sending=path in (SUBMIT, ADD))
    return Page(sized(path, text), status=error.status, close=True)


def sized(path: str, text: str) -> str:
    """Return a page of the size that pages of `path` have."""
    return padded(text) if path in PADDED else text
