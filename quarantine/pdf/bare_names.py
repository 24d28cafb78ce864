"""The names of what a PDF can do to its reader, wherever they stand: no producer writes them for anything else.

`names.py` looks at what stands before and after a name, and so misses one that is reached by a reference, lies in a
stream that is no object stream, or is hidden by a comment. Here a name counts by itself. Inside a text it counts only
when the walk over the objects did not end well, because then nobody knows where a text begins.
"""

import itertools
import re
from dataclasses import dataclass, field
from typing import Final

from quarantine.findings import Code
from quarantine.pdf.lexer import REGULAR, Standing, standing_at, unescape
from quarantine.pdf.names import ACTIONS

_BARE: Final = frozenset(
    {b"JavaScript", b"JS", b"Launch", b"ImportData", b"SubmitForm", b"GoToR", b"GoToE", b"Rendition"}
    | {b"RichMedia", b"RichMediaExecute", b"GoTo3DView"}
)
_CODES: Final[dict[bytes, Code]] = {**ACTIONS, b"JS": Code.PDF_JAVASCRIPT, b"RichMedia": Code.PDF_RICH_MEDIA}
_WORD: Final = re.compile(
    rb"/(JavaScript|JS|Launch|ImportData|SubmitForm|GoTo(?:R|E|3DView)|Rendition|RichMedia(?:Execute)?)(?!"
    + REGULAR
    + rb")"
)
_ESCAPED: Final = re.compile(rb"/" + REGULAR + rb"{0,40}#[4-7][0-9A-Fa-f]" + REGULAR + rb"{0,80}")
_ESCAPED_MAX: Final = 5000  # escaped names examined in one piece
# Two letters come about by chance in a megabyte of compressed bytes: a text, a reference or a comment has to follow.
_AFTER_JS: Final = re.compile(rb"[\x00\t\n\x0c\r ]*[(<%0-9]")
_ANCHOR: Final = re.compile(rb"(?<!end)(?<![A-Za-z])obj|\btrailer\b")
_LOOK_BACK: Final = 16 * 1024  # bytes in which an object's beginning is searched
_ANCHORS_MAX: Final = 8
_READ_MAX: Final = 1024 * 1024  # bytes read of one file to find out where its names stand


@dataclass(slots=True)
class BareNames:
    """The search over one file, piece by piece."""

    codes: set[Code] = field(default_factory=set)  # of names
    inside: set[Code] = field(default_factory=set)  # of what looks like a name inside of a text or of packed bytes
    _read: int = field(default=0, compare=False)  # bytes

    def search_bytes(self, text: bytes, begin: int, end: int) -> None:
        """Search the file's own bytes for names that begin from `begin` to before `end`."""
        for place, code in _found(text, begin, end):
            if code in self.codes:
                continue
            anchors = [match.end() for match in _ANCHOR.finditer(text, max(0, place - _LOOK_BACK), place)]
            # Any of them may be where a reader begins; without one, only a reader who repairs comes here.
            self._take(text, anchors[-_ANCHORS_MAX:], place, code)

    def search_decoded(self, content: bytes) -> None:
        """Search a decoded stream, or a piece of one."""
        for place, code in _found(content, 0, len(content)):
            if code not in self.codes:
                self._take(content, [0], place, code)

    def _take(self, text: bytes, anchors: list[int], place: int, code: Code) -> None:
        self._read += sum(place - anchor for anchor in anchors)
        is_name = self._read > _READ_MAX or any(
            standing_at(text, anchor, place) is Standing.OUTSIDE for anchor in anchors
        )
        (self.codes if is_name else self.inside).add(code)


def _found(text: bytes, begin: int, end: int) -> list[tuple[int, Code]]:
    """Return place and meaning of each name that begins from `begin` to before `end`; what follows is read too."""
    found = [(match.start(), match.end(), match[1]) for match in _WORD.finditer(text, begin) if match.start() < end]
    if b"#" in text:
        escaped = itertools.islice(_ESCAPED.finditer(text, begin), _ESCAPED_MAX)
        names = ((match.start(), match.end(), unescape(match[0][1:])) for match in escaped if match.start() < end)
        found += [name for name in names if name[2] in _BARE]
    return [
        (place, _CODES[word])
        for place, after, word in found
        if word != b"JS" or _AFTER_JS.match(text, after) is not None
    ]
