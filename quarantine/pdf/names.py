"""PDF names that make a document do something, found in raw bytes also where letters are written as #XX.

ISO 32000-1, 7.3.5: any byte of a name may be written as a number sign and two hex digits. No producer writes letters
so; a file that does, hides a word from a search like this one.
"""

import itertools
import re
from typing import Final

from quarantine.findings import Code
from quarantine.pdf.lexer import unescape

# Values of /S of an action; ISO 32000-1, 12.6.4 and its extension level 3.
ACTIONS: Final[dict[bytes, Code]] = {
    b"JavaScript": Code.PDF_JAVASCRIPT,
    b"Launch": Code.PDF_LAUNCH,
    b"SubmitForm": Code.PDF_SUBMIT_FORM,
    b"ImportData": Code.PDF_IMPORT_DATA,
    b"GoToR": Code.PDF_GOTO_REMOTE,
    b"GoToE": Code.PDF_GOTO_EMBEDDED,
    b"URI": Code.PDF_URI,
    b"Rendition": Code.PDF_RICH_MEDIA,
    b"Movie": Code.PDF_RICH_MEDIA,
    b"Sound": Code.PDF_RICH_MEDIA,
    b"GoTo3DView": Code.PDF_RICH_MEDIA,
    b"RichMediaExecute": Code.PDF_RICH_MEDIA,
}
# Annotations that play something; 12.5.6.16 to 12.5.6.18 and 13.6.
PLAYED: Final = frozenset({b"Movie", b"Sound", b"Screen", b"3D", b"RichMedia"})
_KEYS: Final[dict[bytes, Code]] = {
    b"RichMedia": Code.PDF_RICH_MEDIA,
    b"EmbeddedFile": Code.PDF_EMBEDDED_FILE,
    b"XFA": Code.PDF_XFA,
    b"ObjStm": Code.PDF_OBJECT_STREAMS,
    b"JBIG2Decode": Code.PDF_JBIG2,
}
REACH: Final = 512  # bytes around a name that this search reads

_GAP: Final = rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]{0,100}[\r\n])*"
_END: Final = rb"(?=[\x00\t\n\x0c\r ()<>\[\]{}/%]|\Z)"
_REGULAR: Final = rb"[!-$&'*-.0-;=?-Z\\^-z|~]"  # bytes of a name; 7.2.2
_WORDS: Final = re.compile(rb"/(" + b"|".join(sorted({*ACTIONS, *_KEYS}, reverse=True)) + rb")" + _END, re.ASCII)
# An action's type follows /S, or is an object by itself to which /S points; elsewhere the word is a word of a text,
# and names the key of a link's address. XFA is followed by its packets.
_BEFORE_ACTION: Final = re.compile(rb"(?:/S|\bobj)" + _GAP + rb"\Z")
_AFTER_XFA: Final = re.compile(_GAP + rb"[\[\d]")
_ESCAPED: Final = re.compile(rb"/" + _REGULAR + rb"{0,40}#[4-7][0-9A-Fa-f]" + _REGULAR + rb"{0,80}")
_KNOWN: Final = frozenset({*ACTIONS, *_KEYS, b"OpenAction", b"AA", b"JS", b"Encrypt", b"EF", b"Names", b"AcroForm"})
_ESCAPED_MAX: Final = 5000  # escaped names examined in one piece
_LOOK_BACK: Final = 256  # bytes


def find_names(text: bytes, begin: int = 0, end: int | None = None) -> set[Code]:
    """Return what the names show that begin in `text` from `begin` to before `end`; the bytes around are read too."""
    end = len(text) if end is None else end
    codes: set[Code] = set()
    for match in _WORDS.finditer(text, begin, min(len(text), end + REACH)):
        if match.start() < end:
            codes |= _meaning(text, match)
    if b"#" in text:
        codes |= _find_escaped(text, begin, end)
    return codes


def _find_escaped(text: bytes, begin: int, end: int) -> set[Code]:
    codes: set[Code] = set()
    for match in itertools.islice(_ESCAPED.finditer(text, begin, min(len(text), end + REACH)), _ESCAPED_MAX):
        if match.start() < end and unescape(match[0][1:]) in _KNOWN:
            codes.add(Code.PDF_ESCAPED_NAME)
            before = unescape(text[max(0, match.start() - _LOOK_BACK) : match.start()])
            around = before + unescape(match[0]) + unescape(text[match.end() : match.end() + _LOOK_BACK])
            if (plain := _WORDS.match(around, len(before))) is not None:
                codes |= _meaning(around, plain)
    return codes


def _meaning(text: bytes, match: re.Match[bytes]) -> set[Code]:
    word, codes = match[1], set()
    if word in ACTIONS and _BEFORE_ACTION.search(text[max(0, match.start() - _LOOK_BACK) : match.start()]):
        codes.add(ACTIONS[word])
    if word == b"XFA":
        if _AFTER_XFA.match(text, match.end(), match.end() + _LOOK_BACK):
            codes.add(Code.PDF_XFA)
    elif word in _KEYS:
        codes.add(_KEYS[word])
    return codes
