"""The lines of an audit log and the chain that they form. Does no input or output.

A line is one JSON object in compact form, its keys in the order of `_ORDER`, ended by one newline:

    {"v":1,"seq":2,"day":"2026-11-21","event":"submission-sealed","packet":"…","lane":"clear","prev":"…"}

`prev` is the BLAKE2b-256 of the line before, without its newline (64 zeros before the first line), in lowercase
hexadecimal: `printf %s "$line" | b2sum -l 256` computes it. Every field is closed: an event out of `Event`, a UTC
day, random ids, digests and small counts, and each event has exactly the fields that `events.FIELDS` gives it.
No field could contain text, an address, a file name, an exact size or a time finer than a day.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from audit.errors import ChainError, LineError
from audit.events import FIELDS, Event, LogRecord

__all__ = [
    "EMPTY",
    "LINE_MAX",
    "ChainReport",
    "CutLine",
    "Event",
    "Fault",
    "Head",
    "Line",
    "LogRecord",
    "check_chain",
    "encode_line",
    "hash_line",
    "next_line",
    "parse_line",
    "split_lines",
    "verify_chain",
]

VERSION: Final = 1
LINE_MAX: Final = 512  # bytes without the newline; the longest line that the fields allow has fewer
SEQ_MAX: Final = 2**53 - 1  # the largest number that every JSON reader keeps exactly
HASH_SIZE: Final = 32  # bytes of BLAKE2b

_ORDER: Final = ("v", "seq", "day", "event", "gateway", "packet", "batch", "lane", "count", "digest", "prev")
_RECORD_FIELDS: Final = _ORDER[4:-1]
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Head:
    """A place in a chain: the number of a line and its hash. `EMPTY` stands before the first line."""

    seq: int
    hash: str

    def __post_init__(self) -> None:
        if type(self.seq) is not int or not 0 <= self.seq <= SEQ_MAX or not _HASH.fullmatch(self.hash):
            raise ValueError("a head is a line number and 64 lowercase hexadecimal digits")


EMPTY: Final = Head(0, "0" * 2 * HASH_SIZE)


class CutLine(bytes):
    """The last bytes of a file that was closed, without a newline: no crash leaves them, and they are never a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number, the UTC day, what was logged, and the hash of the line before."""

    seq: int
    day: date
    record: LogRecord
    prev: str

    def __post_init__(self) -> None:
        if type(self.seq) is not int or not 1 <= self.seq <= SEQ_MAX:
            raise ValueError("a line number is a whole number from 1")
        # A datetime is a date to Python; its text form would contain the hour.
        if type(self.day) is not date:
            raise TypeError("the day is a date and nothing finer")
        if not _HASH.fullmatch(self.prev):
            raise ValueError("the hash of the line before is 64 lowercase hexadecimal digits")


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where lines do not form a chain; `line` is counted from 1 in what was read."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found: the last line's head, the last line that a known head covers, and every fault."""

    head: Head
    anchored: int
    faults: tuple[Fault, ...]


def encode_line(line: Line) -> bytes:
    """Return the bytes of a line, without its newline."""
    values: dict[str, object] = {"v": VERSION, "seq": line.seq, "day": line.day.isoformat(), "prev": line.prev}
    values |= {"event": str(line.record.event)}
    values |= {name: getattr(line.record, name) for name in FIELDS[line.record.event]}
    plain = {name: _plain(values[name]) for name in _ORDER if name in values}
    return json.dumps(plain, separators=(",", ":")).encode()


def parse_line(untrusted_line: bytes) -> Line:
    """Return the line in these bytes (no newline); what parses encodes to the same bytes.

    Raises:
        LineError: Too long, not JSON, other keys, values or form than `encode_line` writes; or a CutLine.
    """
    if isinstance(untrusted_line, CutLine):
        raise LineError("its end is missing, in a file that was closed: something was appended or cut off")
    if len(untrusted_line) > LINE_MAX:
        raise LineError(f"a line has at most {LINE_MAX} bytes")
    try:
        values = json.loads(untrusted_line)
        known = {name: values[name] for name in _RECORD_FIELDS if name in values}
        record = LogRecord(event=Event(values["event"]), **known)
        line = Line(values["seq"], date.fromisoformat(values["day"]), record, values["prev"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise LineError("this is not a line of an audit log") from None
    if encode_line(line) != untrusted_line:
        raise LineError("the line is not written in the one form that is allowed")
    return line


def hash_line(line: bytes) -> str:
    """Return the hash that the next line names: BLAKE2b-256 in hexadecimal, of the line without its newline."""
    return hashlib.blake2b(line, digest_size=HASH_SIZE).hexdigest()


def next_line(head: Head, day: date, record: LogRecord) -> tuple[bytes, Head]:
    """Return the line that logs `record` after `head`, and the new head."""
    line = encode_line(Line(head.seq + 1, day, record, head.hash))
    return line, Head(head.seq + 1, hash_line(line))


def check_chain(untrusted_lines: Iterable[bytes], *, start: Head = EMPTY, heads: Sequence[Head] = ()) -> ChainReport:
    """Walk lines (without newlines) and report every place where they do not follow `start` or each other.

    Args:
        untrusted_lines: The lines, oldest first.
        start: The head before the first of them.
        heads: Heads that were signed and kept elsewhere. Without one the last line can be changed without notice.

    A changed line is found at the line after it, whose `prev` no longer fits, or at a head.
    """
    faults: list[Fault] = []
    expected: dict[int, set[str]] = {}
    for head in heads:
        expected.setdefault(head.seq, set()).add(head.hash)
    anchored, current, place = start.seq, start, 0
    for place, untrusted_line in enumerate(untrusted_lines, start=1):
        try:
            line = parse_line(untrusted_line)
        except LineError as error:
            faults.append(Fault(place, f"line {place}: {error}"))
            current = Head(min(current.seq + 1, SEQ_MAX), hash_line(untrusted_line))
            continue
        faults.extend(_follow(current, line, place))
        current = Head(line.seq, hash_line(untrusted_line))
        if expected.get(line.seq, {current.hash}) != {current.hash}:
            # If every hash was recomputed, it is found here and not where the change began: name the two places around.
            since = f"it, or one after number {anchored}," if anchored < line.seq - 1 else "it"
            reason = f"line {place}: a signed head has another hash for line {line.seq}: {since} was changed"
            faults.append(Fault(place, reason))
        elif line.seq in expected:
            anchored = line.seq
    last = max(expected, default=0)
    if last > current.seq:
        faults.append(Fault(place + 1, f"after line {place}: lines up to number {last} were signed and are missing"))
    return ChainReport(head=current, anchored=anchored, faults=tuple(faults))


def verify_chain(untrusted_lines: Iterable[bytes], *, start: Head = EMPTY, heads: Sequence[Head] = ()) -> None:
    """Check a chain like `check_chain`, for callers who accept whole chains only.

    Raises:
        ChainError: The first fault.
    """
    faults = check_chain(untrusted_lines, start=start, heads=heads).faults
    if faults:
        raise ChainError(faults[0].reason, line=faults[0].line)


def split_lines(untrusted_text: bytes) -> list[bytes]:
    """Return the lines of a file's bytes without their newlines.

    Raises:
        LineError: The last line is not ended.
    """
    if not untrusted_text:
        return []
    if not untrusted_text.endswith(b"\n"):
        raise LineError("the last line is not complete")
    return untrusted_text[:-1].split(b"\n")


def _follow(before: Head, line: Line, place: int) -> list[Fault]:
    faults = []
    if line.seq != before.seq + 1:
        reason = f"line {place}: has number {line.seq} where {before.seq + 1} must follow"
        faults.append(Fault(place, f"{reason}: lines were removed, inserted or exchanged"))
    if line.prev != before.hash:
        reason = f"line {place}: does not continue the line before it: one of the two was changed"
        faults.append(Fault(place, reason))
    return faults


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value  # an enum's member becomes its text
