"""The log as a file: appended to under a lock by any number of processes, durable before an append returns."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from audit.chain import (
    EMPTY,
    ChainReport,
    Head,
    check_chain,
    hash_line,
    next_line,
    parse_line,
    split_lines,
    verify_chain,
)
from audit.errors import LineError, LogDamagedError
from audit.events import Event, LogRecord
from audit.segments import close_segment, closed_segments, lines_of, text_after
from audit.tail import Tail, closed_head, file_aside, move_aside, pending_digest, read_tail
from disk.durable import PRIVATE, name_folder, sync_folder
from disk.lock import lock

_READ_SIZE: Final = 1024 * 1024  # bytes; more of one line is not kept in memory
_LINES_MIN: Final = 2  # in a file that is closed: a line that only continues the chain is not worth a file


class AuditLog:
    """One station's log. Every append re-reads the end under the lock, so processes may share the file.

    Bytes after the last newline, however many, were never reported to anyone as written: the next append moves them
    aside and logs that (`log-recovered`).

    Args:
        path: The file that is written to.
        today: Gives the UTC day.
        lost: For a log that must exist: what to do when not one line is left, as the end of a sentence. None for a
            log that its first line begins.
    """

    def __init__(self, path: Path, *, today: Callable[[], date], lost: str | None = None) -> None:
        self._path = path
        self._today = today
        self._lost = lost

    def append(
        self,
        event: Event,
        *,
        gateway: str | None = None,
        packet: str | None = None,
        batch: int | None = None,
        lane: str | None = None,
        count: int | None = None,
        digest: str | None = None,
    ) -> Head:
        """Write one line and return the head that it makes, once it is on the disk.

        Which fields an event has stands in `audit.events.FIELDS`; others, or too few, are a ValueError.

        Raises:
            LogDamagedError: The last ended line is not a line of a log, or the log was lost; nothing was written.
            OSError: It could not be made durable; the file is as it was.
        """
        record = LogRecord(
            event=event, gateway=gateway, packet=packet, batch=batch, lane=lane, count=count, digest=digest
        )
        return self.extend([record])

    def extend(self, records: Sequence[LogRecord]) -> Head:
        """Write several lines with one sync; a crash may leave the first few of them, each whole."""
        with self._locked() as fd:
            return self._extend(fd, read_tail(fd, self._path), records)

    def extend_once(self, records: Sequence[LogRecord], *, after: int) -> None:
        """Write those of `records` that no line after number `after` has yet: a crash may have come after a write.

        Raises:
            LineError: One of those lines is not a line of a log; nothing was written.
        """
        logged = {parse_line(line).record for line in split_lines(self.lines_after(after))}
        left = [record for record in records if record not in logged]
        if left:
            self.extend(left)

    def adopt(self, untrusted_lines: bytes) -> Head:
        """Append lines that another station wrote, as they are: a desk keeps a gateway's log this way.

        Raises:
            LineError, ChainError: They do not continue what is here; nothing was written.
        """
        with self._locked() as fd:
            tail = read_tail(fd, self._path)
            lines = split_lines(untrusted_lines)
            verify_chain(lines, start=tail.head)
            # What a crash of ours left torn comes complete with these lines.
            os.ftruncate(fd, tail.whole)
            self._write(fd, untrusted_lines, at=tail.whole)
            sync_folder(self._path.parent)
            return Head(tail.head.seq + len(lines), hash_line(lines[-1])) if lines else tail.head

    def rotate(self) -> Path:
        """Close the file that is written to and begin another, in which the chain continues; return the closed one.

        Raises:
            LogDamagedError: The end is not a line of a log, or there is nothing to close.
            OSError: It could not be made durable. The next append continues the chain in any case.
        """
        with self._locked() as fd:
            tail = read_tail(fd, self._path)
            if tail.head != EMPTY and (tail.torn or pending_digest(self._path)):
                self._extend(fd, tail, [])
                tail = read_tail(fd, self._path)
            first = next(lines_of(self._path), b"")
            if not first or tail.head.seq - parse_line(first).seq + 1 < _LINES_MIN:
                raise LogDamagedError(f"there is nothing to close in {self._path}")
            closed = close_segment(self._path, first=parse_line(first).seq, last=tail.head.seq)
        # Another process may have begun the new file by now; the first one logs that it continues.
        with self._locked() as fd:
            tail = read_tail(fd, self._path)
            if tail.whole == 0:
                self._extend(fd, tail, [])
        return closed

    def damage(self) -> tuple[int, int]:
        """Return how many bytes at the end are not lines of a log, and the number of the last line before them."""
        with self._locked() as fd:
            cut, seq = self._last_good(fd)
            return os.fstat(fd).st_size - cut, seq

    def recover(self) -> Head:
        """Move everything after the last line aside, ended lines included, and log that: an operator's decision.

        Raises:
            LogDamagedError: Not one line is left: this is no longer a log.
        """
        with self._locked() as fd:
            cut, seq = self._last_good(fd)
            if seq == 0:
                raise LogDamagedError(f"{self._path} has no line of a log; begin a new chain instead")
            if cut < os.fstat(fd).st_size:
                move_aside(fd, self._path, start=cut)
            return self._extend(fd, read_tail(fd, self._path), [])

    def head(self) -> Head:
        """Return the number and hash of the last ended line; EMPTY when there is no log yet.

        Raises:
            LogDamagedError: That line is not a line of a log, or the log was lost.
        """
        if not self._exists():
            return self._demand(EMPTY)
        with self._locked() as fd:
            return self._demand(read_tail(fd, self._path).head)

    def last_day(self) -> date | None:
        """Return the UTC day of the last ended line; None before the first. Waits for no lock: it is asked often.

        Raises:
            LogDamagedError: That line is not a line of a log.
        """
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return closed_head(self._path)[1]
        try:
            return read_tail(fd, self._path).day
        finally:
            os.close(fd)

    def lines_after(self, seq: int, *, size_max: int | None = None) -> bytes:
        """Return the whole lines numbered above `seq`, each with its newline, at most `size_max` bytes of them."""
        if not self._exists():
            return b""
        kept = b""
        with self._locked():  # a line that is being written may still be taken back
            newer = [segment.path for segment in closed_segments(self._path) if segment.last > seq]
            for path in [*newer, self._path]:
                left = None if size_max is None else size_max - len(kept)
                text, complete = text_after(path, seq, size_max=left)
                kept += text
                if not complete:
                    break
        return kept

    def lines(self) -> Iterator[bytes]:
        """Yield every ended line of all files, oldest first, without its newline; nothing is checked."""
        for path in [*(segment.path for segment in closed_segments(self._path)), self._path]:
            if path.exists():
                yield from lines_of(path)

    def check(self, *, start: Head = EMPTY, heads: Sequence[Head] = ()) -> ChainReport:
        """Walk the whole log; see `audit.chain.check_chain`. A torn last line is left out."""
        return check_chain(self.lines(), start=start, heads=heads)

    def _demand(self, head: Head) -> Head:
        """Return the head, unless the log is empty and must not be: a second line 1 would be a lie."""
        if head == EMPTY and self._lost is not None:
            raise LogDamagedError(f"{self._path} has no line left, it was lost or emptied: {self._lost}")
        return head

    def _exists(self) -> bool:
        return self._path.exists() or bool(closed_segments(self._path))

    @contextmanager
    def _locked(self) -> Iterator[int]:
        if not self._exists():
            self._demand(EMPTY)  # a lost log is never replaced by an empty file
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(self._path, flags, PRIVATE)
            try:
                lock(fd)
                # While we waited the file may have been moved away (rotation): then the lock protects nothing.
                if self._path.exists() and os.path.samestat(os.fstat(fd), self._path.stat()):
                    yield fd
                    return
            finally:
                os.close(fd)

    def _extend(self, fd: int, tail: Tail, records: Sequence[LogRecord]) -> Head:
        self._demand(tail.head)
        if tail.torn:
            move_aside(fd, self._path, start=tail.whole)
        new = list(records)
        digest = pending_digest(self._path)
        if digest is not None:
            new.insert(0, LogRecord(event=Event.LOG_RECOVERED, digest=digest))
        if tail.whole == 0:
            new.insert(0, LogRecord(event=Event.LOG_STARTED if tail.head == EMPTY else Event.LOG_CONTINUED))
        head, day, text = tail.head, tail.day, bytearray()
        for record in new:
            shown = self._today()
            # Days never go back, but where a person decided that the clock is right and the log's last day is not.
            day = shown if day is None or record.event is Event.CLOCK_ACCEPTED else max(day, shown)
            line, head = next_line(head, day, record)
            text += line + b"\n"
        self._write(fd, bytes(text), at=tail.whole)
        if tail.whole == 0:
            sync_folder(self._path.parent)
        if digest is not None:
            file_aside(self._path, seq=head.seq - len(records), digest=digest)
        return head

    def _last_good(self, fd: int) -> tuple[int, int]:
        """Return where the last line of the file ends, and its number; 0 and 0 without one."""
        cut = seq = offset = 0
        with open(fd, "rb", closefd=False) as stream:
            stream.seek(0)
            while line := stream.readline(_READ_SIZE):
                offset += len(line)
                try:
                    found = parse_line(line[:-1]).seq if line.endswith(b"\n") else 0
                except LineError:
                    continue
                cut, seq = (offset, found) if found else (cut, seq)
        return cut, seq

    def _write(self, fd: int, text: bytes, *, at: int) -> None:
        try:
            written = 0
            while written < len(text):
                written += os.write(fd, text[written:])
            os.fsync(fd)
        except OSError as error:
            name_folder(error, self._path.parent)
            # What was not made durable must not be continued by the next line.
            os.ftruncate(fd, at)
            raise
