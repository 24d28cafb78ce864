"""Within how long an answer is promised, as people write it: 'within 10 working days'."""

from gateway.home.promise import AnswerPromise, Term
from gateway.languages import Language
from gateway.pages.catalogues import translations


def term_words(promise: AnswerPromise, language: Language) -> str:
    """Return the term in a language, to be placed behind 'You get an answer'."""
    ngettext = translations(language).ngettext
    if promise.term is Term.DAYS:
        text = ngettext("within %(count)s day", "within %(count)s days", promise.count)
    else:
        text = ngettext("within %(count)s working day", "within %(count)s working days", promise.count)
    return text % {"count": promise.count}
