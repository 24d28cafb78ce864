"""What a PDF does: actions in their places (ISO 32000-1, 12.6), followed from one to the next."""

import re
from typing import Final

from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, PdfObject, TextStringObject

from quarantine.findings import Code
from quarantine.pdf.names import ACTIONS, PLAYED
from quarantine.pdf.places import codes_of_path
from quarantine.pdf.values import name_of, value_of

# Actions that only move within the document or change how it is shown; table 198.
_WITHIN: Final = frozenset({"/GoTo", "/Named", "/Hide", "/SetOCGState", "/Trans", "/Thread", "/ResetForm", "/GoToDp"})
_OPENS_FILES: Final = frozenset({Code.PDF_GOTO_REMOTE, Code.PDF_GOTO_EMBEDDED, Code.PDF_LAUNCH})
_NEXT_MAX: Final = 50  # actions in a chain; table 193
_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")  # RFC 3986, section 3.1
# What a reader gives to a browser or a mail program. Paths are judged in places.py.
_ORDINARY_SCHEMES: Final = frozenset({"http", "https", "mailto", "ftp", "tel", "file"})
_FILE_KEYS: Final = ("/F", "/UF", "/DOS", "/Mac", "/Unix")  # of a file specification; table 44
# Entries that make a reader open or print another file: reference XObjects (8.10.4.2), and what the Open Prepress
# Interface puts in place of a picture (14.11.7).
_OTHER_CONTENT: Final = ("/Ref", "/OPI")


def dictionary_actions(dictionary: DictionaryObject) -> set[Code]:
    """Return what one dictionary of the body does or plays by itself or on a click."""
    codes = _action(dictionary) | _paths(dictionary)
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
    # Of any catalog: which one a reader takes, it decides itself.
    if "/OpenAction" in dictionary:
        codes |= _opening(dictionary)
    return codes


def _opening(catalog: DictionaryObject) -> set[Code]:
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
            if name_of(action, "/S") not in _WITHIN or _leads_out(action):
                codes.add(Code.PDF_AUTOMATIC_ACTION)
            waiting.append(value_of(action, "/Next"))
    # A chain without end is built to hide one.
    return codes | {Code.PDF_AUTOMATIC_ACTION}


def _leads_out(action: DictionaryObject) -> bool:
    """Return whether an action that moves within a document names another one (a thread does; 12.6.4.6)."""
    return bool(_path(value_of(action, "/F")))


def _action(dictionary: DictionaryObject) -> set[Code]:
    kind = name_of(dictionary, "/S")
    path = _path(value_of(dictionary, "/F"))
    code = ACTIONS.get(kind[1:].encode("utf-8", "replace"))
    if kind in _WITHIN and path:
        code = Code.PDF_GOTO_REMOTE
    if code is None:
        return set()
    if code is Code.PDF_URI:
        return {code} | _link(name_of(dictionary, "/URI"))
    return {code} | codes_of_path(path, opens_files=code in _OPENS_FILES)


def _paths(dictionary: DictionaryObject) -> set[Code]:
    """Return what the paths of a dictionary mean that is no action: it may be a file specification of anything."""
    codes: set[Code] = set()
    addresses = value_of(dictionary, "/URI")
    if isinstance(addresses, DictionaryObject):
        # What stands before every relative link of the document; table 211.
        codes |= _link(name_of(addresses, "/Base"))
    for key in _OTHER_CONTENT:
        other = value_of(dictionary, key)
        if isinstance(other, DictionaryObject):
            codes |= _other_content(other)
    for key in _FILE_KEYS:
        text = value_of(dictionary, key) if key in dictionary else None
        if isinstance(text, (TextStringObject, ByteStringObject)):
            # Where a local path alone stands, nothing follows it: it is for privacy.py.
            codes |= codes_of_path(_text(text), opens_files=False) & {Code.PDF_REMOTE_PATH}
    return codes


def _other_content(other: DictionaryObject) -> set[Code]:
    """Return what a proxy's file means; OPI has a dictionary for each of its versions, 1.3 and 2.0."""
    inner = [value_of(other, key) for key in ("/1.3", "/2.0")]
    codes = {Code.PDF_EXTERNAL_STREAM}
    for each in [other, *(one for one in inner if isinstance(one, DictionaryObject))]:
        codes |= codes_of_path(_path(value_of(each, "/F")), opens_files=True)
    return codes


def _link(address: str) -> set[Code]:
    scheme = _SCHEME.match(address)
    if scheme is None or len(scheme[1]) == 1 or scheme[1].lower() in _ORDINARY_SCHEMES:
        return codes_of_path(address, opens_files=False)
    if scheme[1].lower() in {"javascript", "vbscript"}:
        return {Code.PDF_JAVASCRIPT}
    return codes_of_path(address, opens_files=False) or {Code.PDF_URI_SCHEME}


def _path(specification: PdfObject | None) -> str:
    """Return a file specification's path, the most far-reaching of those that readers choose from; 7.11.2."""
    if isinstance(specification, DictionaryObject):
        paths = [_text(value_of(specification, key)) for key in _FILE_KEYS]
        return max(paths, key=lambda path: Code.PDF_REMOTE_PATH in codes_of_path(path, opens_files=True))
    return _text(specification)


def _text(value: PdfObject | None) -> str:
    if isinstance(value, ByteStringObject):
        return bytes(value).decode("latin-1")
    return "" if value is None else str(value)
