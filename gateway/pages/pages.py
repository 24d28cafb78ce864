"""The pages that a source sees: values in, HTML in one language out. Nothing here is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Self, TypeVar

from babel.dates import format_date, format_timedelta
from babel.numbers import format_decimal

from gateway.form import Fields
from gateway.home.editors_wording import PublicBody
from gateway.home.promise import AfterWithdrawal
from gateway.languages import Language
from gateway.pages.catalogues import marked, translations
from gateway.pages.form_page import counters_shown, form_values
from gateway.pages.rendering import render
from gateway.pages.rights import Rights
from gateway.pages.sentences import (
    BYTES,
    GIGABYTES,
    KINDS,
    LIKELY,
    MACHINE_TRANSLATED,
    MEGABYTES,
    NAMELESS,
    NOTHING_DONE,
    NOTHING_RECEIVED,
    OR,
    ORIGINS,
    PROBLEMS,
    READ_BACK,
    REASONS,
    RELATIONS,
    RESTRICTED,
    RETURN_PROBLEMS,
    SHORT_PROBLEMS,
    SIDES,
    STATES,
    TITLES,
    WITHDRAWN,
)
from gateway.pages.site import Site
from gateway.pages.term_words import term_words
from gateway.problems import Problem, RefusedFile, RefusedReason, SubmissionError
from gateway.reading.typed_text import TypedText
from gateway.submission.repeats import new_form_token
from gateway.views import CaseView, DeletedView, ReturnView, Withdrawal, WithdrawnView
from keys.word_list import WordList, word_list_for

K = TypeVar("K")
MIB: Final = 1024 * 1024
# Pages that have an address of their own.
PLACES: Final = ("/", "/return", "/how", "/privacy", "/law", "/accessibility")
_LOCALES: Final = {Language.ENGLISH: "en_GB"}  # days before months, as everybody writes here
# The form again, with what was typed, where trying again makes sense.
AGAIN: Final = frozenset(
    {Problem.EMPTY, Problem.NOTHING_ACCEPTABLE, Problem.TEXT_TOO_LONG, Problem.FIELD_TOO_LONG, Problem.TOO_SLOW,
     Problem.BUSY, Problem.FULL, Problem.FILES_OFF, Problem.RECEIPT_PUBLIC}
)  # fmt: skip
_ABOUT_FILES: Final = frozenset({Problem.NOTHING_ACCEPTABLE, Problem.TOO_LARGE})
# These end the reading: what came after that point is not in the form that is shown again.
_PARTIAL: Final = frozenset(
    {Problem.TEXT_TOO_LONG, Problem.FIELD_TOO_LONG, Problem.TOO_SLOW, Problem.BUSY, Problem.FULL, Problem.FILES_OFF}
)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one gateway in one language."""

    site: Site
    language: Language = Language.ENGLISH
    files_off: bool = False  # whether files cannot be accepted at the moment

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages that are offered."""
        return self.site.languages

    @property
    def name(self) -> str:
        """Who receives what is sent here."""
        own = str(getattr(self.site.names, self.language))
        return own or self.site.name or self.site.names.read_in(self.language) or self.said(marked("the editors"))

    def speaking(self, language: Language, *, files_off: bool = False) -> Self:
        """Return the same pages in another language, as they are at this moment."""
        return replace(self, language=language, files_off=files_off)

    def address(self, path: str) -> str:
        """Return the address of `path`, which begins with a slash, in the language of these pages."""
        return f"/{self.language}{path}"

    def onion_address(self, untrusted_path: str) -> str:
        """Return the address of a page in the onion service, of the form for what is no page; empty without one."""
        path = untrusted_path if untrusted_path in PLACES else "/"
        return f"http://{self.site.onion}{self.address(path)}" if self.site.onion else ""

    def said(self, message: str) -> str:
        """Return a marked message in the language of these pages."""
        return translations(self.language).gettext(message)

    def dated(self, day: date) -> str:
        """Return a day as people write it."""
        return format_date(day, format="long", locale=self._locale)

    @property
    def wait(self) -> str:
        """How long a packet waits here at most, as people write it in the language of these pages."""
        tick = self.site.tick_seconds
        unit = 3600 if tick > 2 * 3600 else 60 if tick > 2 * 60 else 1
        # Rounded up: "up to 2 hours" would not be so for two and a quarter. And 90 minutes stay minutes.
        return format_timedelta(timedelta(seconds=-(-tick // unit) * unit), threshold=1.6, locale=self._locale)

    @property
    def answer_within(self) -> str:
        """Within how long an answer is promised, as people write it: 'within 10 working days'."""
        return term_words(self.site.promise, self.language)

    @property
    def restricts(self) -> bool:
        """Return whether what is withdrawn after it left is locked away, and not deleted."""
        return self.site.withdrawal is AfterWithdrawal.RESTRICTS

    @property
    def _locale(self) -> str:
        return _LOCALES.get(self.language, self.language.value)

    def form(
        self, error: SubmissionError | None = None, *, typed: TypedText | None = None, empties: bool = False
    ) -> str:
        """Return the form; after a refusal with the reason on top and everything that was typed still in it.

        `typed` comes from the form of another language. A form that `empties` makes the browser forget other ones.
        """
        counters = (
            None if error else counters_shown(self.site.counters(), self.language, floor=self.site.counters_floor)
        )
        return self.page(
            "form.html",
            path=None if error else "/",
            **form_values(error, typed.fields if typed else Fields()),
            had_files=typed is not None and typed.had_files,
            empties=empties,
            kinds=self._choices(KINDS),
            sides=self._choices(SIDES),
            relations=self._choices(RELATIONS),
            origins=self._choices(ORIGINS),
            read_back=self._choices(READ_BACK),
            sentence=self.said(PROBLEMS[error.problem]) if error else "",
            is_partial=error is not None and error.problem in _PARTIAL,
            is_about_files=error is not None and error.problem in _ABOUT_FILES,
            refused=self.named(error.refused) if error else (),
            counters=counters,
            limits=self.site.limits,
        )

    def problem(self, error: SubmissionError) -> str:
        """Return the page that says why nothing was received: the form itself where trying again makes sense."""
        return self.form(error) if error.problem in AGAIN else self.refusal(error)

    def refusal(self, error: SubmissionError, *, is_sending: bool = True) -> str:
        """Return a page that says why nothing was received, without any form.

        `is_sending` is false for a request that sends nothing to the desk: what failed there is something else.
        """
        usual = NOTHING_RECEIVED if is_sending else NOTHING_DONE
        sentence = PROBLEMS[error.problem] if is_sending else SHORT_PROBLEMS.get(error.problem, PROBLEMS[error.problem])
        return self.page(
            "problem.html",
            path=None,
            title=self.said(TITLES.get(error.problem, usual)),
            sentence=self.said(sentence),
            is_by_program=is_sending and error.problem is Problem.WRONG_TYPE,
            is_about_files=is_sending and error.problem in _ABOUT_FILES,
        )

    def how(self) -> str:
        """Return the page that explains what happens to what is sent, and how to protect oneself."""
        return self.page("how.html", path="/how")

    def privacy(self) -> str:
        """Return the page that says what is kept, where and for how long."""
        return self.page("privacy.html", path="/privacy")

    def law(self) -> str:
        """Return the page on danger and on what the law gives a source."""
        return self.page("law.html", path="/law")

    def accessibility(self) -> str:
        """Return the accessibility statement."""
        return self.page("accessibility.html", path="/accessibility")

    def return_form(self, view: ReturnView) -> str:
        """Return the form for return words."""
        path = None if view.problem else "/return"
        return self.page("return.html", path=path, view=view, sentence=self._return_sentence(view))

    def case(self, view: CaseView) -> str:
        """Return the page of a source who came back."""
        return self.page(
            "case.html",
            path=None,
            view=view,
            states=dict(self._choices(STATES)),
            sentence=self.said(PROBLEMS[view.problem]) if view.problem else "",
            refused=self.named(view.refused),
            limits=view.limits,
        )

    def withdrawn(self, view: WithdrawnView) -> str:
        """Return the page after a request to withdraw."""
        title, sentence = WITHDRAWN[view.outcome]
        if self.restricts and view.outcome is Withdrawal.RECEIVED:
            sentence = RESTRICTED
        return self.page("withdrawn.html", path=None, title=self.said(title), sentence=self.said(sentence))

    def deleted(self, view: DeletedView) -> str:
        """Return the page after the replies were deleted."""
        return self.page("deleted.html", path=None, view=view)

    def page(self, template: str, **values: object) -> str:
        """Return a template as a page in the language of these pages."""
        note = MACHINE_TRANSLATED if self.language.is_unreviewed else ""
        common = {"pages": self, "site": self.site, "name": self.name, "rights": Rights(self.site, self.language)}
        return render(template, self.language, **common, machine_note=note, **values)

    def named(self, refused: Sequence[RefusedFile]) -> list[tuple[str, str, bool]]:
        """Return each refused file: its name, why, and whether it was for its size."""
        nameless = self.said(marked("a file without a name"))
        return [
            (file.untrusted_name or nameless, self.said(_why(file)), file.reason is RefusedReason.SIZE)
            for file in refused
        ]

    def form_token(self) -> str:
        """Return the hidden token of one more form."""
        return new_form_token()

    def size(self, count: int) -> str:
        """Return so many bytes as people say it; rounded down, so that what is promised is kept."""
        for unit, said in ((1024 * MIB, GIGABYTES), (MIB, MEGABYTES)):
            if count >= unit:
                return self.said(said) % {"count": format_decimal(count * 10 // unit / 10, locale=self._locale)}
        return self.said(BYTES) % {"count": count}

    @property
    def words_language(self) -> str:
        """The language of a receipt's words on these pages: their own, or English where it has no words."""
        return str(Language.ENGLISH if word_list_for(self.language) is WordList.ENGLISH else self.language)

    @property
    def words_option(self) -> str:
        """What `enveis receipt new` is told so that its words are of this page's language; empty for English."""
        return "" if self.words_language == Language.ENGLISH else f" --language {self.words_language}"

    @property
    def types(self) -> tuple[str, ...]:
        """The types of file that are accepted, as the ends of their names."""
        return tuple(sorted(self.site.limits.allowed))

    @property
    def bodies(self) -> list[tuple[str, str, str]]:
        """Each public body: its value in the form, its name, and who can act on a complaint about it."""
        return [self._body(body) for body in self.site.bodies]

    def _body(self, body: PublicBody) -> tuple[str, str, str]:
        return self.site.body_value(body), body.name.read_in(self.language), body.who_can_act.read_in(self.language)

    def _choices(self, sentences: dict[K, str]) -> list[tuple[K, str]]:
        return [(value, self.said(text)) for value, text in sentences.items()]

    def _return_sentence(self, view: ReturnView) -> str:
        if view.problem is None:
            return ""
        numbers = {"position": view.position, "wanted": view.wanted, "found": view.found}
        said = self.said(RETURN_PROBLEMS[view.problem]) % numbers
        if not view.likely:
            return said
        positions = f" {self.said(OR)} ".join(map(str, view.likely))
        return f"{said} {self.said(LIKELY) % {'positions': positions}}"


def _why(file: RefusedFile) -> str:
    return NAMELESS if file.reason is RefusedReason.NAME and not file.untrusted_name else REASONS[file.reason]
