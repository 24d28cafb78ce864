"""The translations: read from the `.po` files that translators edit, at start, with nothing compiled beforehand."""

import gettext
import io
from functools import cache
from importlib import resources
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from gateway.languages import Language

SOURCE: Final = Language.ENGLISH  # what the templates are written in; it has no catalogue


def marked(text: str) -> str:
    """Return `text`, marked as a message for the catalogues; it is translated where it is shown."""
    return text


@cache
def translations(language: Language) -> gettext.NullTranslations:
    """Return the messages of one language.

    Raises:
        ValueError: The catalogue that was installed is damaged.
    """
    if language is SOURCE:
        return gettext.NullTranslations()
    path = resources.files("gateway.pages") / "locale" / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as stream:
        catalogue = read_po(stream, locale=language.value, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
