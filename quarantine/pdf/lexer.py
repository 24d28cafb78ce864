"""As much of a PDF's syntax (ISO 32000-1, 7.2 and 7.3) as two questions need: where a name stands, and what the other
reading of a dictionary is that has a key twice.

No tree is built. What is not well-formed is read on, as readers do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

BLANK: Final = rb"[\x00\t\n\x0c\r ]"
REGULAR: Final = rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]"  # 7.2.2
_TOKEN: Final = re.compile(
    rb"(?P<blank>" + BLANK + rb"+)|(?P<comment>%[^\r\n]*)|(?P<string>\()|(?P<open><<)|(?P<close>>>)|(?P<hex><[^>]*>?)"
    rb"|(?P<name>/" + REGULAR + rb"*)|(?P<bracket>[\[\]])|(?P<word>" + REGULAR + rb"+)|(?P<other>[(){}>])",
)
_IN_STRING: Final = re.compile(rb"[()\\]")
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_FILTER: Final = re.compile(rb"/(?:Filter|F)\b")


class Standing(Enum):
    """What a place in the bytes belongs to."""

    OUTSIDE = auto()  # a part of the syntax
    TEXT = auto()  # inside a string or a comment
    STREAM = auto()  # inside a stream that has to be decoded first


@dataclass(slots=True)
class _Open:
    """A dictionary or an array that is not closed yet."""

    is_dictionary: bool
    key: bytes | None = None
    key_at: int = 0
    value_at: int | None = None  # of a value of several words, such as a reference
    values: dict[bytes, tuple[int, int, bytes]] = field(default_factory=dict)  # begin and end of the entry; its value


def unescape(name: bytes) -> bytes:
    """`name` with each #XX replaced by its byte."""
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), name)


def standing_at(text: bytes, begin: int, place: int) -> Standing:
    """Return what stands at `place` for a reader who begins at `begin`."""
    for kind, start, end in tokens(text, begin, place + 1):
        if kind == "word" and text[start:end] == b"stream" and _FILTER.search(text, begin, start):
            return Standing.STREAM
        if end > place:
            return Standing.OUTSIDE if kind not in {"string", "comment"} else Standing.TEXT
    return Standing.TEXT  # a string that does not end before it


def tokens(text: bytes, begin: int, stop: int) -> Iterator[tuple[str, int, int]]:
    """Yield kind, begin and end of each token that begins before `stop`; a string is one, whatever is in it."""
    at = begin
    while at < stop and (match := _TOKEN.match(text, at)) is not None:
        kind, end = match.lastgroup or "", match.end()
        if kind == "string":
            end = _end_of_string(text, at)
        if kind != "blank":
            yield kind, at, end
        at = end


def _end_of_string(text: bytes, begin: int) -> int:
    depth, at = 0, begin
    while (match := _IN_STRING.search(text, at)) is not None:
        at = match.end()
        if match[0] == b"\\":
            at += 1
        elif match[0] == b"(":
            depth += 1
        else:
            depth -= 1
            if not depth:
                return at
    return len(text)


@dataclass(slots=True)
class SecondReading:
    """What a reader sees in an object who takes the last value of a key that is there twice."""

    text: bytearray  # the object, with the earlier entries blanked; the same length
    repeats: int = 0  # keys that are there again
    differs: bool = False  # whether one of them has another value


def second_reading(text: bytes) -> SecondReading:
    """Read one object from the beginning of `text` to its end, or to its stream."""
    reading, stack = SecondReading(bytearray(text)), [_Open(is_dictionary=False)]
    for kind, start, end in tokens(text, 0, len(text)):
        top = stack[-1]
        if kind == "word" and text[start:end] in {b"endobj", b"stream"}:
            break
        if kind == "comment":
            continue
        if kind == "open" or text[start:end] == b"[":
            stack.append(_Open(is_dictionary=kind == "open"))
            top.value_at = start if top.key is not None and top.value_at is None else top.value_at
        elif kind == "close" or text[start:end] == b"]":
            _end_value(reading, top, start)
            if len(stack) > 1:
                stack.pop()
                _end_value(reading, stack[-1], end)
        elif top.is_dictionary:
            _take(reading, top, kind, start, end)
    return reading


def _take(reading: SecondReading, top: _Open, kind: str, start: int, end: int) -> None:
    """Take a token that stands directly in a dictionary."""
    if kind == "name" and (top.key is None or top.value_at is not None):
        _end_value(reading, top, start)
        top.key, top.key_at = unescape(bytes(reading.text[start:end])), start
        return
    if top.key is None:
        return
    top.value_at = start if top.value_at is None else top.value_at
    if kind != "word":
        _end_value(reading, top, end)


def _end_value(reading: SecondReading, top: _Open, end: int) -> None:
    if not top.is_dictionary or top.key is None or top.value_at is None:
        return
    value = b" ".join(bytes(reading.text[top.value_at : end]).split())
    earlier = top.values.get(top.key)
    if earlier is not None:
        reading.repeats += 1
        reading.differs = reading.differs or earlier[2] != value
        begin, stop, _ = earlier
        reading.text[begin:stop] = b" " * (stop - begin)
    top.values[top.key] = (top.key_at, end, value)
    top.key = top.value_at = None
