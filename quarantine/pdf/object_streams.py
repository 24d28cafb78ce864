"""Object streams (ISO 32000-1, 7.5.7) as a list of what lies in them, so that members are seen that no reader asks for.

Some readers look a member up by its number, and others by its place; a stream in which the two differ shows them
different objects.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pypdf.generic import NumberObject, StreamObject

from quarantine.pdf.values import name_of, value_of

_PAIR: Final = re.compile(rb"[\x00\t\n\x0c\r ]*(\d{1,10})[\x00\t\n\x0c\r ]+(\d{1,10})(?!\d)")


@dataclass(frozen=True, slots=True)
class Member:
    """One object in an object stream."""

    number: int
    text: bytes  # from its beginning to that of the next one


@dataclass(frozen=True, slots=True)
class ObjectStream:
    """The decoded content, and what its index says; `members` has one for each place of the index."""

    content: bytes
    members: tuple[Member, ...]
    is_whole: bool  # whether the index has as many entries as it should

    @property
    def repeats(self) -> bool:
        """Whether one number is there twice."""
        return len({member.number for member in self.members}) < len(self.members)


def is_object_stream(stream: StreamObject) -> bool:
    """Return whether any reader would take it for one; some do without the type."""
    return name_of(stream, "/Type") == "/ObjStm" or ("/N" in stream and "/First" in stream)


def read_object_stream(stream: StreamObject, members_max: int) -> ObjectStream:
    """Read the index.

    Args:
        stream: An object stream.
        members_max: Entries of the index that are read.

    Raises whatever pypdf does for content that cannot be decoded or is beyond its limits.
    """
    content = stream.get_data()
    count, first = value_of(stream, "/N"), value_of(stream, "/First")
    if not isinstance(count, NumberObject) or not isinstance(first, NumberObject) or first < 0:
        return ObjectStream(content, (), is_whole=False)
    pairs = list(_pairs(content, min(int(count), members_max)))
    ends = sorted({first + offset for _, offset in pairs} | {len(content)})
    following = dict(itertools.pairwise(ends))
    members = tuple(Member(number, content[first + offset : following.get(first + offset)]) for number, offset in pairs)
    return ObjectStream(content, members, is_whole=len(pairs) == int(count))


def _pairs(content: bytes, count: int) -> Iterator[tuple[int, int]]:
    at = 0
    for _ in range(count):
        pair = _PAIR.match(content, at)
        if pair is None:
            return
        at = pair.end()
        yield int(pair[1]), int(pair[2])
