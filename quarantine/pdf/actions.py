"""What a PDF does: actions in their places (ISO 32000-1, 12.6), followed from one to the next."""

import re
from typing import Final

from pypdf.generic import ArrayObject, DictionaryObject, PdfObject

from quarantine.findings import Code
from quarantine.pdf.names import ACTIONS, PLAYED
from quarantine.pdf.values import name_of, value_of

# Actions that only move within the document or change how it is shown; table 198.
_WITHIN: Final = frozenset({"/GoTo", "/Named", "/Hide", "/SetOCGState", "/Trans", "/Thread", "/ResetForm", "/GoToDp"})
_OPENS_FILES: Final = frozenset({Code.PDF_GOTO_REMOTE, Code.PDF_GOTO_EMBEDDED, Code.PDF_LAUNCH})
_NEXT_MAX: Final = 50  # actions in a chain; table 193
_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")  # RFC 3986, section 3.1
_ORDINARY_SCHEMES: Final = frozenset({"http", "https", "mailto", "ftp", "tel"})
_REMOTE: Final = re.compile(r"\s*(?:\\\\|//|file:|smb:|[A-Za-z][A-Za-z0-9+.-]+://)", re.IGNORECASE)
_REMOTE_LINK: Final = re.compile(r"\s*(?:\\\\|file:|smb:)", re.IGNORECASE)


def dictionary_actions(dictionary: DictionaryObject) -> set[Code]:
    """Return what one dictionary of the body does or plays by itself or on a click."""
    codes = _action(dictionary)
    if "/JS" in dictionary:
        codes.add(Code.PDF_JAVASCRIPT)
    if name_of(dictionary, "/Subtype")[1:].encode("utf-8", "replace") in PLAYED:
        codes.add(Code.PDF_RICH_MEDIA)
    if value_of(dictionary, "/XFA") is not None:
        codes.add(Code.PDF_XFA)
    triggers = value_of(dictionary, "/AA")
    if isinstance(triggers, DictionaryObject) and triggers:
        codes.add(Code.PDF_ADDITIONAL_ACTIONS)
        for trigger in triggers:
            codes |= _by_itself(value_of(triggers, trigger))
    return codes


def opening_actions(catalog: DictionaryObject) -> set[Code]:
    """Return what happens when the document is opened."""
    opening = value_of(catalog, "/OpenAction")
    if opening is None:
        return set()
    return {Code.PDF_OPEN_ACTION} | _by_itself(opening)


def _by_itself(untrusted: PdfObject | None) -> set[Code]:
    """Return what an action that needs no click does, and the actions that follow it."""
    codes: set[Code] = set()
    waiting = [untrusted]
    for _ in range(_NEXT_MAX):
        if not waiting:
            return codes
        action = waiting.pop()
        if isinstance(action, ArrayObject):
            # A destination begins with a page; a list of following actions has dictionaries with a type.
            waiting += [entry.get_object() for entry in action[:_NEXT_MAX]]
        elif isinstance(action, DictionaryObject) and "/S" in action and name_of(action, "/Type") != "/Page":
            codes |= _action(action)
            if name_of(action, "/S") not in _WITHIN:
                codes.add(Code.PDF_AUTOMATIC_ACTION)
            waiting.append(value_of(action, "/Next"))
    # A chain without end is built to hide one.
    return codes | {Code.PDF_AUTOMATIC_ACTION}


def _action(dictionary: DictionaryObject) -> set[Code]:
    code = ACTIONS.get(name_of(dictionary, "/S")[1:].encode("utf-8", "replace"))
    if code is None:
        return set()
    if code is Code.PDF_URI:
        return {code} | _link(name_of(dictionary, "/URI"))
    remote = _REMOTE if code in _OPENS_FILES else _REMOTE_LINK
    if remote.match(_path(value_of(dictionary, "/F"))):
        return {code, Code.PDF_REMOTE_PATH}
    return {code}


def _link(address: str) -> set[Code]:
    if _REMOTE_LINK.match(address):
        return {Code.PDF_REMOTE_PATH}
    scheme = _SCHEME.match(address)
    if scheme is None or scheme[1].lower() in _ORDINARY_SCHEMES:
        return set()
    return {Code.PDF_JAVASCRIPT} if scheme[1].lower() in {"javascript", "vbscript"} else {Code.PDF_URI_SCHEME}


def _path(specification: PdfObject | None) -> str:
    """Return a file specification's path; 7.11.2."""
    if isinstance(specification, DictionaryObject):
        return name_of(specification, "/UF") or name_of(specification, "/F")
    return "" if specification is None else str(specification)
