"""The end of a log's file: where the last whole line is, and what becomes of bytes after it that are not a line.

A crash in the middle of a write leaves a torn piece, or zeros where the file system had reserved space. Nobody was told
that this was written. It is never thrown away: it is moved aside, and the log records the hash of what was moved.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from audit.chain import EMPTY, LINE_MAX, Head, hash_line, parse_line
from audit.errors import LineError, LogDamagedError
from audit.segments import closed_segments
from disk.durable import PRIVATE, sync_folder

_BLOCK: Final = 64 * 1024  # bytes read at a time


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a log: its head, that line's day, how many bytes of the file are ended lines, and how many exist."""

    head: Head
    day: date | None  # None before the first line
    whole: int
    size: int

    @property
    def torn(self) -> int:
        """The number of bytes after the last newline."""
        return self.size - self.whole


def read_tail(fd: int, log: Path) -> Tail:
    """Return the end of the open file `fd` of the log at `log`; before the first line, that of the closed files.

    Raises:
        LogDamagedError: The last ended line is not a line of a log: it was changed, or something else was written.
    """
    size = os.fstat(fd).st_size
    whole = end_of_lines(fd, size)
    if whole == 0:
        return Tail(*closed_head(log), 0, size)
    start = max(0, whole - LINE_MAX - 2)
    line = os.pread(fd, whole - 1 - start, start).rpartition(b"\n")[2]
    return Tail(*_head_of(line, log), whole, size)


def closed_head(log: Path) -> tuple[Head, date | None]:
    """Return the head that the closed files end in, and that line's day; EMPTY and None without closed files."""
    segments = closed_segments(log)
    if not segments:
        return EMPTY, None
    last = segments[-1]
    fd = os.open(last.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        start = max(0, size - LINE_MAX - 2)
        text = os.pread(fd, size - start, start)
    finally:
        os.close(fd)
    head, day = _head_of(text.removesuffix(b"\n").rpartition(b"\n")[2], last.path)
    if head.seq != last.last or not text.endswith(b"\n"):
        raise LogDamagedError(f"{last.path} does not end in the line that its name gives; verify the log first")
    return head, day


def pending_path(log: Path) -> Path:
    """Return where bytes lie that were moved aside and are not logged yet."""
    return log.with_suffix(".torn")


def move_aside(fd: int, log: Path, *, start: int) -> None:
    """Move all bytes from `start` on out of the open file `fd`, durably. It may be repeated after a crash."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    aside = os.open(pending_path(log), flags, PRIVATE)
    try:
        offset = start
        while piece := os.pread(fd, _BLOCK, offset):
            offset += len(piece)
            while piece:
                piece = piece[os.write(aside, piece) :]
        os.fsync(aside)
    finally:
        os.close(aside)
    sync_folder(log.parent)
    os.ftruncate(fd, start)


def pending_digest(log: Path) -> str | None:
    """Return the SHA-256 of what lies aside and is not logged yet; None when nothing does."""
    try:
        with pending_path(log).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def file_aside(log: Path, *, seq: int, digest: str) -> None:
    """Give what lies aside its lasting name, after line `seq` logged it."""
    pending_path(log).rename(log.with_suffix(f".torn-{seq}-{digest[:8]}"))
    sync_folder(log.parent)


def end_of_lines(fd: int, size: int) -> int:
    """Return how many of the first `size` bytes are ended lines."""
    end = size
    while end:
        start = max(0, end - _BLOCK)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _head_of(line: bytes, path: Path) -> tuple[Head, date]:
    try:
        parsed = parse_line(line)
        return Head(parsed.seq, hash_line(line)), parsed.day
    except LineError:
        raise LogDamagedError(
            f"the last line of {path} is not a line of a log: find out what happened, then run 'enveis audit recover'"
        ) from None
