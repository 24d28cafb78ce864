"""What the form shows, whatever the language: which parts are open, what is wrong, and the counters above it."""

from typing import Any, Final

from gateway.form import (
    Fields,
    filled_rows,
    has_conversation,
    has_details,
    is_employed,
    is_preselected,
    person_rows,
    row_closed_up,
    rows_closed_up,
)
from gateway.languages import Language
from gateway.pages.catalogues import translations
from gateway.problems import Problem, SubmissionError
from transfer.bundle.contents import Counters

# The field that a problem is about; FIELD_TOO_LONG names its own.
_FIELDS: Final = {
    Problem.EMPTY: "message",
    Problem.TEXT_TOO_LONG: "message",
    Problem.NOTHING_ACCEPTABLE: "files",
    Problem.FILES_OFF: "files",
    Problem.RECEIPT_PUBLIC: "receipt_public",
}


def form_values(error: SubmissionError | None, typed: Fields) -> dict[str, Any]:
    """Return what the form's template needs of what was typed, and of the problem with it.

    Without a problem, `typed` is what the form holds.
    """
    fields, places = rows_closed_up(error.fields if error else typed)
    wrong = _wrong_field(error, places) if error else ""
    return {
        "is_employed": is_employed(fields),
        "has_conversation": has_conversation(fields),
        "fields": fields,
        "rows": person_rows(fields),
        "open_rows": filled_rows(fields),
        "is_more_open": has_details(fields) or wrong not in ("", "message", "files"),
        "problem": error.problem if error else None,
        "wrong": wrong,
        "kept_text": any(any(typed) for name, typed in fields.values.items() if not is_preselected(name)),
        "has_contact": any(any(typed) for name, typed in fields.values.items() if name.startswith("contact_")),
    }


def counters_shown(counters: Counters | None, language: Language, *, floor: int) -> list[tuple[int, str]]:
    """Return the counters that are large enough to reveal no single person, each with its text."""
    if counters is None:
        return []
    catalogue = translations(language)
    said = [
        (counters.received, catalogue.ngettext("complaint received", "complaints received", counters.received)),
        (counters.bodies, catalogue.ngettext("body complained about", "bodies complained about", counters.bodies)),
        (counters.officials, catalogue.ngettext("official registered", "officials registered", counters.officials)),
    ]
    return [(count, text) for count, text in said if count >= max(1, floor)]


def _wrong_field(error: SubmissionError, places: dict[int, int]) -> str:
    """Return the id of the form's field that an error is about; empty when it is about none."""
    name = error.field_name if error.problem is Problem.FIELD_TOO_LONG else _FIELDS.get(error.problem, "")
    return "person-1-side" if name == "people" else row_closed_up(name, places)
