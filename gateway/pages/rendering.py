"""Templates and a language to HTML: Jinja2 escapes whatever is not ours, and refuses a name that nobody gave it."""

from functools import cache
from importlib import resources
from typing import Final

import jinja2

from gateway.languages import Language
from gateway.pages.catalogues import translations

STYLE: Final = "style.css"
SCRIPT: Final = "enveis.js"
TABLE: Final = "cases.csv"


def render(template: str, language: Language, **values: object) -> str:
    """Return one page in one language."""
    return _environment(language).get_template(template).render(values)


def static(name: str) -> str:
    """Return a file that is the same for everybody: STYLE, SCRIPT or TABLE."""
    return _sources()[name]


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
    environment.policies["ext.i18n.trimmed"] = True
    catalogue = translations(language)
    # "newstyle" escapes what is put into a message, and leaves the message's own markup alone.
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    return environment
