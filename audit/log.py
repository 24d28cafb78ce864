"""The log as a file: appended to under a lock by any number of processes, durable before an append returns."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from audit.chain import (
    EMPTY,
    LINE_MAX,
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
from audit.events import Event, Record
from disk.durable import PRIVATE, sync_folder

_TAIL: Final = 4 * (LINE_MAX + 1)  # bytes read from the end: surely the last whole line and a torn one
_READ_SIZE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Tail:
    """The end of a log: its head, how many bytes are whole lines, and how many exist."""

    head: Head
    whole: int
    size: int


class AuditLog:
    """One station's log. Every append re-reads the end under the lock, so processes may share the file.

    A last line that a crash tore was never acknowledged to anyone: it is dropped by the next append, which says
    so (`log-recovered`). `today` gives the UTC day.
    """

    def __init__(self, path: Path, *, today: Callable[[], date]) -> None:
        self._path = path
        self._today = today

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
            LogDamagedError: The last whole line is not a line of a log; nothing was written.
            OSError: It could not be made durable; the file is as it was.
        """
        record = Record(event=event, gateway=gateway, packet=packet, batch=batch, lane=lane, count=count, digest=digest)
        return self.extend([record])

    def extend(self, records: Sequence[Record]) -> Head:
        """Write several lines with one sync; a crash may leave the first few of them, each whole."""
        with self._locked() as fd:
            tail = self._read_tail(fd)
            said = list(records)
            if tail.whole != tail.size:
                os.ftruncate(fd, tail.whole)
                said.insert(0, Record(event=Event.LOG_RECOVERED))
            if tail.whole == 0:
                said.insert(0, Record(event=Event.LOG_STARTED))
            head, text = tail.head, bytearray()
            for record in said:
                line, head = next_line(head, self._today(), record)
                text += line + b"\n"
            self._write(fd, bytes(text), at=tail.whole)
            if tail.whole == 0:
                sync_folder(self._path.parent)
            return head

    def adopt(self, untrusted_lines: bytes) -> Head:
        """Append lines that another station wrote, as they are: how a desk keeps a gateway's log.

        Raises:
            LineError, ChainError: They do not continue what is here; nothing was written.
        """
        with self._locked() as fd:
            tail = self._read_tail(fd)
            lines = split_lines(untrusted_lines)
            verify_chain(lines, start=tail.head)
            os.ftruncate(fd, tail.whole)
            self._write(fd, untrusted_lines, at=tail.whole)
            sync_folder(self._path.parent)
            return Head(tail.head.seq + len(lines), hash_line(lines[-1])) if lines else tail.head

    def head(self) -> Head:
        """Return the number and hash of the last whole line; EMPTY when there is no log yet.

        Raises:
            LogDamagedError: That line is not a line of a log.
        """
        if not self._path.exists():
            return EMPTY
        with self._locked() as fd:
            return self._read_tail(fd).head

    def lines_after(self, seq: int, *, size_max: int | None = None) -> bytes:
        """Return the whole lines numbered above `seq`, each with its newline, at most `size_max` bytes of them."""
        if not self._path.exists():
            return b""
        with self._locked():  # a line that is being written may still be taken back
            return self._read_after(seq, size_max)

    def check(self, *, start: Head = EMPTY, heads: Sequence[Head] = ()) -> ChainReport:
        """Walk the whole log; see `audit.chain.check_chain`. A torn last line is not looked at."""
        return check_chain(self._whole_lines(), start=start, heads=heads)

    def _read_after(self, seq: int, size_max: int | None) -> bytes:
        kept = bytearray()
        skip: int | None = None
        for line in self._whole_lines():
            if skip is None:
                # Numbers rise by one, so the first line of the file tells how many to pass over.
                skip = max(0, seq + 1 - parse_line(line).seq)
            if skip > 0:
                skip -= 1
                continue
            if size_max is not None and len(kept) + len(line) + 1 > size_max:
                break
            kept += line + b"\n"
        return bytes(kept)

    def _whole_lines(self) -> Iterator[bytes]:
        if not self._path.exists():
            return
        with self._path.open("rb", buffering=_READ_SIZE) as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield line[:-1]

    @contextmanager
    def _locked(self) -> Iterator[int]:
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(self._path, flags, PRIVATE)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                # While we waited the file may have been moved away (rotation): then the lock is worth nothing.
                if self._path.exists() and os.path.samestat(os.fstat(fd), self._path.stat()):
                    yield fd
                    return
            finally:
                os.close(fd)

    def _read_tail(self, fd: int) -> _Tail:
        size = os.fstat(fd).st_size
        start = max(0, size - _TAIL)
        text = os.pread(fd, _TAIL, start)
        end = text.rfind(b"\n")
        if end < 0:
            if start:
                raise LogDamagedError(f"the end of the log {self._path} is not a line; see what happened to it")
            return _Tail(EMPTY, 0, size)
        line = text[text.rfind(b"\n", 0, end) + 1 : end]
        try:
            head = Head(parse_line(line).seq, hash_line(line))
        except LineError:
            raise LogDamagedError(f"the last line of the log {self._path} was changed; verify it first") from None
        return _Tail(head, start + end + 1, size)

    def _write(self, fd: int, text: bytes, *, at: int) -> None:
        try:
            written = 0
            while written < len(text):
                written += os.write(fd, text[written:])
            os.fsync(fd)
        except OSError:
            # What was not made durable must not be continued by the next line.
            os.ftruncate(fd, at)
            raise
