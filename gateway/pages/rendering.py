"""Templates and a language to HTML: Jinja2 escapes whatever is not ours, and refuses a name that nobody gave it.

A page's values are forgotten with it. Jinja2's macros and contexts refer to each other, and such a circle would keep
what a source typed in memory until the garbage collector comes by: the contexts are emptied when the page is made.
"""

from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Any, Final

import jinja2
from jinja2.runtime import Context

from gateway.languages import Language
from gateway.pages.catalogues import translations

STYLE: Final = "style.css"
SCRIPT: Final = "enveis.js"
TABLE: Final = "cases.csv"


def render(template: str, language: Language, **values: object) -> str:
    """Return one page in one language."""
    contexts: list[Context] = []
    before = _contexts.set(contexts)
    try:
        return _environment(language).get_template(template).render(values)
    finally:
        _contexts.reset(before)
        for context in contexts:
            context.vars.clear()
            context.parent.clear()


def static(name: str) -> str:
    """Return a file that is the same for everybody: STYLE, SCRIPT or TABLE."""
    return _sources()[name]


_contexts: ContextVar[list[Context]] = ContextVar("contexts of the page that is being rendered")


class _Noted(Context):
    """A context that is in the list of its page: of the page itself, of what it extends, includes and imports."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _contexts.get().append(self)


@cache
def _sources() -> dict[str, str]:
    folder = resources.files("gateway.pages") / "templates"
    # All of them at first use: later, nothing of a request decides which file is read.
    return {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.is_file()}


@cache
def _environment(language: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(_sources()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.context_class = _Noted
    environment.policies["ext.i18n.trimmed"] = True
    catalogue = translations(language)
    # "newstyle" escapes what is put into a message, and leaves the message's own markup alone.
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    return environment
