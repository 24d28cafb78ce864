"""Marks in a text that a reader does not see: controls, escape sequences, bidi, zero-width and tag characters.

Works on UTF-8 bytes in pieces of any size; where they are cut does not matter. The lead byte of a UTF-8 character
is never a continuation byte (RFC 3629, section 3), so patterns of bytes find exactly the characters they mean. Each
pattern begins with a literal byte, so that it is searched for at the speed of memchr, and only in pieces where
that byte was seen: 256 MiB of an ordinary text take less than a second.
"""

import itertools
import re
from enum import Enum, auto
from typing import Final

_REACH: Final = 64  # bytes around a place that a pattern may read: nine tag characters, or a colour sequence
COUNTED: Final = 1000  # matches of one mark that are counted; more of them mean nothing new


class Mark(Enum):
    """What may lie in a text unseen."""

    BINARY = auto()  # NUL and other controls that no text needs: what file_types.py refuses at a file's beginning
    TERMINAL = auto()  # escape sequences that do more than colour
    COLOUR = auto()  # SGR and EL of ECMA-48, as in many programs' logs; the charsets of ISO-2022-JP
    CONTROL = auto()  # bell, backspace, SUB: a terminal shows something other than the text
    C1 = auto()  # U+0080 to U+009F: the same, of eight bits
    LONE_CR = auto()
    LF = auto()
    BIDI_OVERRIDE = auto()
    BIDI_EMBEDDING = auto()
    RIGHT_TO_LEFT = auto()  # letters of Hebrew, Arabic, Syriac, Thaana, N'Ko
    ZERO_WIDTH = auto()  # where no script needs it
    TAG = auto()  # tag characters and variation selectors that spell something unseen


# Zero-width joiners are spelling in Persian or Hindi and glue in emoji, a zero-width space is spelling in Khmer and
# Thai: fine after a character beyond ASCII. After ASCII, or after one another, no script needs them.
_ZW: Final = rb"(?:\xe2\x80[\x8b-\x8d]|\xe2\x81[\xa0-\xa4]|\xef\xbb\xbf)"
_E2_UNNEEDED: Final = rb"\xe2(?:(?<![\x80-\xbf]\xe2)|(?<=" + _ZW + rb"\xe2))(?:\x80[\x8b-\x8d]|\x81[\xa0-\xa4])"
_EF_UNNEEDED: Final = rb"\xef(?:(?<![\x80-\xbf]\xef)|(?<=" + _ZW + rb"\xef))\xbb\xbf"
# U+E0000 to U+E007F spell ASCII unseen. Only after a black flag are they an emoji (UTS #51, ED-14a), and few.
_TAG: Final = rb"\xf3\xa0[\x80\x81][\x80-\xbf]"
_TAG_FIRST: Final = rb"\xf3(?<!\xf0\x9f\x8f\xb4\xf3)(?<!\xf3\xa0[\x80\x81][\x80-\xbf]\xf3)\xa0[\x80\x81]"
_TAG_RUN: Final = rb"(?:" + _TAG + rb"){9}"
# One variation selector chooses a glyph; several after one another carry bytes.
_VARIATIONS: Final = rb"\xf3\xa0[\x84-\x87][\x80-\xbf]\xf3\xa0[\x84-\x87]"

_HARMLESS: Final = rb"(?:\[[0-9;:]{0,32}[mK]|\$[@AB]|\([ABHIJ])"

_PATTERNS: Final[tuple[tuple[Mark, int, re.Pattern[bytes]], ...]] = (
    (Mark.COLOUR, 0x1B, re.compile(rb"\x1b(?=" + _HARMLESS + rb")")),
    (Mark.TERMINAL, 0x1B, re.compile(rb"\x1b(?!" + _HARMLESS + rb")")),
    (Mark.CONTROL, 0x07, re.compile(rb"\x07")),
    (Mark.CONTROL, 0x08, re.compile(rb"\x08")),
    (Mark.CONTROL, 0x1A, re.compile(rb"\x1a")),
    (Mark.C1, 0xC2, re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")),  # U+0085 is a new line of mainframes
    (Mark.LONE_CR, 0x0D, re.compile(rb"\r(?!\n)")),
    (Mark.LF, 0x0A, re.compile(rb"\n")),
    (Mark.BIDI_OVERRIDE, 0xE2, re.compile(rb"\xe2\x80[\xad\xae]")),
    (Mark.BIDI_EMBEDDING, 0xE2, re.compile(rb"\xe2(?:\x80[\xaa-\xab]|\x81[\xa6-\xa8])")),
    (Mark.ZERO_WIDTH, 0xE2, re.compile(_E2_UNNEEDED)),
    (Mark.ZERO_WIDTH, 0xEF, re.compile(_EF_UNNEEDED)),
    (Mark.ZERO_WIDTH, 0xEF, re.compile(rb"\xef(?:\xbe\xa0|\xbf[\xb9-\xbb])")),  # filler; annotation marks
    (Mark.ZERO_WIDTH, 0xE3, re.compile(rb"\xe3\x85\xa4")),  # Hangul filler
    (Mark.TAG, 0xF3, re.compile(_TAG_FIRST)),
    (Mark.TAG, 0xF3, re.compile(_TAG_RUN)),
    (Mark.TAG, 0xF3, re.compile(_VARIATIONS)),
    (Mark.TAG, 0xEF, re.compile(rb"\xef\xb8[\x80-\x8f]\xef\xb8[\x80-\x8f]")),
)
_BINARY: Final = bytes([*range(0x07), *range(0x0E, 0x1A), *range(0x1C, 0x20), 0x7F])
_LEADS_RIGHT_TO_LEFT: Final = bytes(range(0xD7, 0xE0))
_TRIED: Final = bytes({byte for _, byte, _ in _PATTERNS})
_ORDINARY: Final = bytes(set(range(256)) - {*_BINARY, *_LEADS_RIGHT_TO_LEFT, *_TRIED})
_ENOUGH: Final = {Mark.LF: 1, Mark.LONE_CR: 1}


class MarkSearch:
    """Counts the marks of one text, which is handed over in pieces."""

    def __init__(self) -> None:
        self._kept = b""  # the end of what was handed over, which the next piece decides about
        self._from = 0  # place in _kept where the search continues
        self._counts = dict.fromkeys(Mark, 0)

    def count(self, mark: Mark) -> int:
        """Return how often it was seen, up to COUNTED (for some only whether: 1)."""
        return self._counts[mark]

    def update(self, piece: bytes) -> None:
        """Search the text's next bytes."""
        self._search(self._kept + piece, last=False)

    def finish(self) -> None:
        """The text has ended: decide about what was kept."""
        self._search(self._kept, last=True)

    def _search(self, text: bytes, *, last: bool) -> None:
        begin, end = self._from, len(text) if last else max(self._from, len(text) - _REACH)
        # What is left of the piece without its ordinary bytes shows at once which patterns are worth trying.
        unusual = frozenset(text[begin:].translate(None, _ORDINARY))
        for mark, byte, pattern in _PATTERNS:
            if byte in unusual:
                self._count(mark, pattern, text, begin, end)
        if not unusual.isdisjoint(_BINARY):
            self._counts[Mark.BINARY] = 1
        if not unusual.isdisjoint(_LEADS_RIGHT_TO_LEFT):
            self._counts[Mark.RIGHT_TO_LEFT] = 1
        start = max(0, end - _REACH)
        self._kept, self._from = text[start:], end - start

    def _count(self, mark: Mark, pattern: re.Pattern[bytes], text: bytes, begin: int, end: int) -> None:
        left = _ENOUGH.get(mark, COUNTED) - self._counts[mark]
        if left > 0:
            # Whole text: a pattern reads around its place. It counts in the piece where it begins.
            places = itertools.takewhile(lambda match: match.start() < end, pattern.finditer(text, begin))
            self._counts[mark] += sum(1 for _ in itertools.islice(places, left))
