"""The pages that a source sees: text in, HTML out. Jinja2 escapes whatever is not ours; nothing here is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import resources
from typing import Final, Self

import jinja2

from gateway.form import Fields, filled_rows, person_rows
from gateway.intake import Limits
from gateway.languages import Language
from gateway.outcome import Problem, RefusedFile, RefusedReason, SubmissionError
from gateway.submission import Received
from gateway.views import CaseView, DeletedView, ReturnProblem, ReturnView, Withdrawal, WithdrawnView
from quarantine.verdict import Clear, Grade, Held, Undecided, Verdict
from transfer.message import Kind, Relation, Road, Side

KINDS: Final = {
    Kind.COMPLAINT: "A complaint",
    Kind.QUESTION: "A question or comment",
    Kind.ACCOUNT: "A big case: please contact me",
}
SIDES: Final = {
    Side.COMPLAINED_ABOUT: "is complained about",
    Side.ON_MY_SIDE: "is on my side",
    Side.INVOLVED: "is involved otherwise",
}
RELATIONS: Final = {
    Relation.EMPLOYEE: "an employee",
    Relation.PARTICIPANT: "a participant",
    Relation.PARTNER: "a partner",
    Relation.CUSTOMER: "a customer",
    Relation.USER: "a user of its services",
    Relation.RELATIVE: "a relative of someone concerned",
    Relation.OTHER: "something else",
}
ROADS: Final = {
    Road.OWN: "is my own",
    Road.POWER_OF_ATTORNEY: "is someone's who gave me a power of attorney (please attach it)",
    Road.PASSED_ON: "is passed on for someone",
    Road.COPY: "is a copy of a complaint already sent",
}
TITLES: Final[dict[Problem, str]] = {
    Problem.EMPTY: "There was neither a message nor a file. Please write a few words or choose a file.",
    Problem.NOTHING_ACCEPTABLE: "None of the files could be taken, and there was no message.",
    Problem.TOO_LARGE: "All of it together is larger than what can be sent here at once.",
    Problem.TEXT_TOO_LONG: "The text is too long for the form. Please send it as a text file (.txt).",
    Problem.FIELD_TOO_LONG: "One of the fields is longer than the form can take. Please move it into the text.",
    Problem.MALFORMED: "What your browser sent arrived damaged. Please try again.",
    Problem.NO_LENGTH: "Your browser or program did not say how much it would send. Please try another one.",
    Problem.WRONG_TYPE: "What was sent is not this page's form. Please use the form.",
    Problem.TOO_SLOW: "The upload stopped, or was too slow. Please try again; send the text first, without files.",
    Problem.BUSY: "Too many people are sending at this moment. Please try again in ten minutes.",
    Problem.FULL: "There is no room left at this moment. Please try again later; text alone needs the least.",
    Problem.FILES_OFF: "Files cannot be taken at this moment, because too many are being sent. Text can: send it now, "
    "and come back with your return words to add the files later.",
    Problem.RECEIPT_PUBLIC: "The public halves of your own receipt cannot be used. Paste all four lines that "
    "'enveis receipt new' printed, for the kind of keys that this server has.",
    Problem.FAULT: "Something went wrong on our side. Please try again later.",
    Problem.NOT_FOUND: "There is no such page here.",
    Problem.METHOD: "This page cannot be asked for in that way.",
}
REASONS: Final[dict[RefusedReason, str]] = {
    RefusedReason.NAME: "files of this type are not taken",
    RefusedReason.CONTENT: "its content is of no type that is taken",
    RefusedReason.DISAGREE: "its name says another type than its content",
    RefusedReason.SIZE: "it is too large",
    RefusedReason.COUNT: "there were too many files",
    RefusedReason.FILES_OFF: "files cannot be taken at this moment; add it later with your return words",
}
RETURN_PROBLEMS: Final[dict[ReturnProblem, str]] = {
    ReturnProblem.NONE_TYPED: "There were no words. Please type the return words of your receipt.",
    ReturnProblem.COUNT: "A receipt has {wanted} return words, and here are {found}.",
    ReturnProblem.UNKNOWN_WORD: "Word {position} is not one of the words that receipts are made of.",
    ReturnProblem.MISMATCH: "The words do not belong together: one of them is wrong, or two have changed places.",
    ReturnProblem.PROOF_WORDS: "These look like your proof words. Those never go online; type the other ones.",
    ReturnProblem.BUSY: "Too many people are coming back at this moment. Please try again in ten minutes.",
}
LIKELY: Final = "Look at word {positions} first."
STATES: Final[dict[str, str]] = {
    "received": "received",
    "in-work": "is being worked on",
    "question": "there is a question to you",
    "answered": "answered",
    "referred": "handed on to somebody else",
    "closed": "closed",
}
WITHDRAWN: Final[dict[Withdrawal, tuple[str, str]]] = {
    Withdrawal.WITHDRAWN: (
        "Withdrawn",
        "What you sent was still on this server, sealed, and has been removed. Nobody has read it.",
    ),
    Withdrawal.REQUEST_SENT: (
        "It has left this server",
        "There is nothing here any more that this receipt could take back: it has left for the computer that "
        "is never online. A sealed request to delete it there has been sent after it. People decide on it there.",
    ),
    Withdrawal.UNKNOWN: (
        "Nothing was withdrawn",
        "The request could not be read. Please use the button on the page with your receipt.",
    ),
}
_AGAIN: Final = frozenset(
    {Problem.EMPTY, Problem.NOTHING_ACCEPTABLE, Problem.TEXT_TOO_LONG, Problem.FIELD_TOO_LONG, Problem.TOO_SLOW,
     Problem.BUSY, Problem.FULL, Problem.FILES_OFF, Problem.RECEIPT_PUBLIC}
)  # fmt: skip
_ABOUT_FILES: Final = frozenset({Problem.NOTHING_ACCEPTABLE, Problem.TOO_LARGE})


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one gateway, with its name, its list of bodies and its limits in them."""

    name: str
    bodies: tuple[str, ...]
    limits: Limits
    languages: tuple[Language, ...] = (Language.ENGLISH,)  # offered; the first is for who asks for none
    language: Language = Language.ENGLISH
    feedback_days: int = 90  # within which the source is promised an answer

    def speaking(self, language: Language) -> Self:
        """Return the same pages in another language."""
        return replace(self, language=language)

    def address(self, path: str) -> str:
        """Return the address of `path`, which begins with a slash, in the language of these pages."""
        return f"/{self.language}{path}"

    def form(self, error: SubmissionError | None = None) -> str:
        """Return the form; after a refusal with the reason on top and everything that was typed still in it."""
        fields = error.fields if error else Fields()
        return _ENVIRONMENT.get_template("form.html").render(
            pages=self,
            name=self.name,
            bodies=self.bodies,
            kinds=KINDS.items(),
            sides=SIDES.items(),
            relations=RELATIONS.items(),
            roads=ROADS.items(),
            fields=fields,
            rows=person_rows(fields),
            open_rows={1} | filled_rows(fields),
            files_max=self.limits.files_max,
            file_max=_size(self.limits.file_max_bytes),
            types=", ".join(sorted(self.limits.allowed)),
            accept=",".join(f".{kind}" for kind in sorted(self.limits.allowed)),
            problem=error.problem if error else None,
            sentence=TITLES[error.problem] if error else "",
            advice=self._advice(error),
            refused=_named(error.refused) if error else (),
            kept_text=bool(fields.values),
        )

    def problem(self, error: SubmissionError) -> str:
        """Return the page that says why nothing was received: the form itself where trying again makes sense."""
        if error.problem in _AGAIN:
            return self.form(error)
        title = "Page not found" if error.problem is Problem.NOT_FOUND else "Nothing was received"
        return _ENVIRONMENT.get_template("problem.html").render(
            pages=self, name=self.name, title=title, sentence=TITLES[error.problem], advice=self._advice(error)
        )

    def receipt(self, received: Received) -> str:
        """Return the receipt page; the only place where the words are ever shown."""
        return _ENVIRONMENT.get_template("receipt.html").render(
            pages=self,
            name=self.name,
            day=received.day.isoformat(),
            has_text=received.has_text,
            files=[(kept.untrusted_name or "a file", _told(verdict)) for kept, verdict in received.files],
            refused=_named(received.refused),
            advice=self._file_advice(),
            receipt=received.receipt,
            withdraw=received.withdraw,
            until=(received.day + timedelta(days=self.feedback_days)).isoformat(),
        )

    def return_form(self, view: ReturnView) -> str:
        """Return the form for return words."""
        return _ENVIRONMENT.get_template("return.html").render(
            name=self.name, view=view, sentence=_return_sentence(view)
        )

    def case(self, view: CaseView, *, files_off: bool = False) -> str:
        """Return the page of who came back."""
        return _ENVIRONMENT.get_template("case.html").render(
            pages=self,
            name=self.name,
            view=view,
            states=STATES,
            sentence=TITLES[view.problem] if view.problem else "",
            refused=_named(view.refused),
            files_off=files_off,
            file_max=_size(view.limits.file_max_bytes),
            types=", ".join(sorted(self.limits.allowed)),
            accept=",".join(f".{kind}" for kind in sorted(self.limits.allowed)),
        )

    def added(self, received: Received, words: str) -> str:
        """Return the page after an addition; `words` lead back to the case."""
        return _ENVIRONMENT.get_template("added.html").render(
            pages=self,
            name=self.name,
            day=received.day.isoformat(),
            has_text=received.has_text,
            files=[(kept.untrusted_name or "a file", _told(verdict)) for kept, verdict in received.files],
            refused=_named(received.refused),
            advice=self._file_advice(),
            withdraw=received.withdraw,
            words=words,
        )

    def withdrawn(self, view: WithdrawnView) -> str:
        """Return the page after a request to withdraw."""
        title, sentence = WITHDRAWN[view.outcome]
        return _ENVIRONMENT.get_template("withdrawn.html").render(
            pages=self, name=self.name, title=title, sentence=sentence
        )

    def deleted(self, view: DeletedView) -> str:
        """Return the page after the replies were deleted."""
        return _ENVIRONMENT.get_template("deleted.html").render(pages=self, name=self.name, view=view)

    def _advice(self, error: SubmissionError | None) -> str:
        return self._file_advice() if error is not None and error.problem in _ABOUT_FILES else ""

    def _file_advice(self) -> str:
        return (
            f"Taken are up to {self.limits.files_max} files, each up to {_size(self.limits.file_max_bytes)}, "
            f"of the types {', '.join(sorted(self.limits.allowed))}; name and content have to be of the same type. "
            "For anything larger or of another type, send a message here first and say what it is and how you can "
            "be reached: then we arrange a safe way with you."
        )


def style() -> str:
    """Return the style sheet."""
    return _SOURCES["style.css"]


def _return_sentence(view: ReturnView) -> str:
    if view.problem is None:
        return ""
    said = RETURN_PROBLEMS[view.problem].format(position=view.position, wanted=view.wanted, found=view.found)
    return f"{said} {LIKELY.format(positions=' or '.join(map(str, view.likely)))}" if view.likely else said


def _named(refused: Sequence[RefusedFile]) -> list[tuple[str, str]]:
    return [(file.untrusted_name or "a file without a name", REASONS[file.reason]) for file in refused]


def _told(verdict: Verdict) -> list[str]:
    """What a source is told of a file: what may identify them, never whether a scanner liked it."""
    match verdict:
        case Clear() | Held():
            return [finding.sentence for finding in verdict.findings if finding.grade is Grade.IDENTIFIES_YOU]
        case Undecided():
            return []


def _size(count: int) -> str:
    megabytes = 1024 * 1024
    return f"{count // megabytes} MB" if count >= megabytes else f"{count} bytes"


_SOURCES: Final = {
    entry.name: entry.read_text("utf-8") for entry in (resources.files("gateway") / "templates").iterdir()
}
_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.DictLoader(_SOURCES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
