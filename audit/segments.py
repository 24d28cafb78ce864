"""The files of one log, oldest first: those that a rotation closed, and the one that is written to.

`audit.jsonl` is written to; `audit.closed/<first>-<last>.jsonl` contain what came before, named by the numbers of their
lines. The chain runs through all of them: the first line of each file names the hash of the last line before it.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from audit.chain import LINE_MAX, CutLine, parse_line
from audit.errors import LineError
from disk.durable import make_private_folder, sync_folder
from disk.handed_over import open_handed_over

_DIGITS: Final = 16  # of a line's number, so that names sort like numbers
_NAME: Final = re.compile(rf"([0-9]{{{_DIGITS}}})-([0-9]{{{_DIGITS}}})\.jsonl", re.ASCII)
_READ_SIZE: Final = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class LogSegment:
    """A closed file and the numbers of its first and last line, as its name gives them."""

    path: Path
    first: int
    last: int


def closed_folder(log: Path) -> Path:
    """Return where the closed files of the log at `log` lie."""
    return log.with_suffix(".closed")


def closed_segments(log: Path) -> list[LogSegment]:
    """Return the closed files, oldest first; none when the log was never rotated."""
    names = [(path, _NAME.fullmatch(path.name)) for path in sorted(closed_folder(log).glob("*.jsonl"))]
    return [LogSegment(path, int(name[1]), int(name[2])) for path, name in names if name]


def close_segment(log: Path, *, first: int, last: int) -> Path:
    """Move the file that is written to among the closed ones, durably; the caller holds its lock."""
    folder = closed_folder(log)
    make_private_folder(folder)
    target = folder / f"{first:0{_DIGITS}}-{last:0{_DIGITS}}.jsonl"
    if target.exists():
        raise FileExistsError(f"{target} already exists")
    log.rename(target)
    for changed in (folder, log.parent):
        sync_folder(changed)
    return target


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the ended lines of one file without their newlines; of one that is too long, only its beginning.

    A last line without a newline is left out of the file that is written to: a crash tore it, and nobody was told that
    it was written. A file is closed only after such bytes were moved aside: there it is yielded as a `CutLine`.
    """
    is_closed = _NAME.fullmatch(path.name) is not None
    with open_handed_over(path, largest=None) as stream:
        while line := stream.readline(LINE_MAX + 2):
            if line.endswith(b"\n"):
                yield line[:-1]
            elif _skip_line(stream):
                yield line
            elif is_closed:
                yield CutLine(line)


def text_after(path: Path, seq: int, *, size_max: int | None) -> tuple[bytes, bool]:
    """Return the whole lines of one file numbered above `seq`, with newlines, and whether these are all.

    At most `size_max` bytes of them. Only what is returned is read, however long the file is.
    """
    with open_handed_over(path, largest=None) as stream:
        size = _whole_size(stream)
        start = _find_after(stream, size, seq)
        stream.seek(start)
        left = size - start
        text = stream.read(left if size_max is None else min(left, size_max))
    whole = text[: text.rfind(b"\n") + 1]
    return whole, len(whole) == left


def _skip_line(stream: BinaryIO) -> bool:
    """Read to the next newline; return whether there was one."""
    while piece := stream.readline(_READ_SIZE):
        if piece.endswith(b"\n"):
            return True
    return False


def _whole_size(stream: BinaryIO) -> int:
    """Return how many bytes of a file are ended lines."""
    end = os.fstat(stream.fileno()).st_size
    while end:
        start = max(0, end - _READ_SIZE)
        newline = os.pread(stream.fileno(), end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _find_after(stream: BinaryIO, size: int, seq: int) -> int:
    """Return where the first line numbered above `seq` begins: by halving, as the numbers rise."""
    low, high = 0, size
    try:
        while low < high:
            start, end = _line_around(stream.fileno(), (low + high) // 2)
            if parse_line(os.pread(stream.fileno(), end - start, start)).seq <= seq:
                low = end + 1
            else:
                high = start
    except LineError:
        return _count_after(stream, size, seq)
    return low


def _line_around(fd: int, offset: int) -> tuple[int, int]:
    """Return where the line around this byte begins, and where its newline is."""
    start = max(0, offset - LINE_MAX - 1)
    before = os.pread(fd, offset - start, start).rfind(b"\n")
    begin = start + before + 1 if before >= 0 else start
    newline = os.pread(fd, LINE_MAX + 1, offset).find(b"\n")
    if newline < 0 or (before < 0 and start):
        raise LineError(f"a line has at most {LINE_MAX} bytes")
    return begin, offset + newline


def _count_after(stream: BinaryIO, size: int, seq: int) -> int:
    """Do what `_find_after` does for a file with a spoilt line: count from the first line, which must be intact."""
    stream.seek(0)
    skip: int | None = None
    while stream.tell() < size:
        if skip == 0:
            break
        line = stream.readline()
        skip = max(0, seq + 1 - parse_line(line[:-1]).seq) if skip is None else skip
        if skip == 0:
            return 0
        skip -= 1
    return stream.tell()
