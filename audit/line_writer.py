"""Writes lines to a descriptor in a thread of its own, so that whoever has something to log never waits for a reader.

A pipe that nobody reads fills up, and a write to it then waits for ever: so may a terminal that was stopped with
Ctrl-S. Here a line is put into a queue of bounded length. What finds no place there is counted, and one line reports
the count where those lines would have stood. The same line again within a window is counted too, and written once.
"""

import io
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

LINES_MAX: Final = 1000  # lines that wait
KINDS_MAX: Final = 200  # different lines whose repetitions are counted at one time
WINDOW: Final = 60.0  # seconds in which the same line is written once, and once more with a count
FLUSH_SECONDS: Final = 2.0  # at the end, for a reader to take what waits

Values = Mapping[str, object]
"""The event of a line and its fields."""


class Encode(Protocol):
    """Makes the text of a line."""

    def __call__(self, values: Values | None, *, repeats: int = 0, dropped: int = 0) -> str:
        """Return it, with its newline.

        Args:
            values: The line; None for the one that reports dropped ones.
            repeats: How often it came again and was not written.
            dropped: How many were lost.
        """


@dataclass(slots=True)
class _Seen:
    """A line that was written, and how often it has come again since."""

    values: Values
    until: float
    again: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Text to be written, and for how many lines it stands: the report of dropped ones stands for all of these."""

    text: str
    lines: int = 1


class LineWriter:
    """A queue of lines and the one thread that writes them. `start` it, and `close` it at the end.

    Args:
        fd: Where to. Never closed here.
        encode: Makes a line.
        now: Seconds that only rise.
    """

    def __init__(
        self,
        fd: int,
        encode: Encode,
        *,
        most: int = LINES_MAX,
        window: float = WINDOW,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fd, self._encode, self._most, self._window, self._now = fd, encode, most, window, now
        self._changed = threading.Condition()
        self._lines: deque[_Waiting] = deque()
        self._seen: dict[tuple[tuple[str, object], ...], _Seen] = {}  # oldest first
        self._dropped = 0
        self._flows = True  # the last write succeeded
        self._is_closing = False
        # A daemon: a write that never returns must not keep the process alive.
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self, seconds: float = FLUSH_SECONDS) -> None:
        """Write what waits, counts included, as long as that takes no more than `seconds`."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(seconds)

    def put(self, values: Values, *, merges: bool) -> None:
        """Have a line written. Where `merges`, the same one again within the window is only counted."""
        with self._changed:
            if merges and self._is_repeated(values):
                return
            self._append(self._encode(values))
            self._changed.notify()

    def put_text(self, text: str, *, is_passing: bool = False) -> None:
        """Have text written as it is. What `is_passing`, such as a bar, is left out while anything waits."""
        with self._changed:
            if not (is_passing and self._lines):
                self._append(text)
                self._changed.notify()

    def _is_repeated(self, values: Values) -> bool:
        key = tuple(values.items())
        seen = self._seen.get(key)
        if seen is not None:
            seen.again += 1
        elif len(self._seen) < KINDS_MAX:
            self._seen[key] = _Seen(values, self._now() + self._window)
            self._changed.notify()
        return seen is not None

    def _append(self, text: str) -> None:
        if len(self._lines) >= self._most:
            self._dropped += 1
            return
        if self._dropped:
            # Where the lines would have been. It may exceed the limit by one.
            self._lines.append(self._report_dropped())
        self._lines.append(_Waiting(text))

    def _report_dropped(self) -> _Waiting:
        dropped, self._dropped = self._dropped, 0
        return _Waiting(self._encode(None, dropped=dropped), dropped)

    def _work(self) -> None:
        while (waiting := self._take()) is not None:
            try:
                self._write(waiting.text.encode(errors="backslashreplace"))
                self._flows = True
            except OSError:  # its reader is gone, or its disk is full: whoever logs has no part in that
                with self._changed:
                    self._dropped, self._flows = self._dropped + waiting.lines, False

    def _take(self) -> _Waiting | None:
        """Return what comes next, once there is something; None when it is time to end."""
        with self._changed:
            while True:
                self._count_up()
                if self._lines:
                    return self._lines.popleft()
                if self._dropped and self._flows:
                    return self._report_dropped()
                if self._is_closing:
                    return None
                self._changed.wait(self._until_next())

    def _count_up(self) -> None:
        """Put one line with a count for each line that came again in the window that is over."""
        now = self._now()
        for key in [key for key, seen in self._seen.items() if self._is_closing or seen.until <= now]:
            seen = self._seen.pop(key)
            if not seen.again:
                continue
            self._append(self._encode(seen.values, repeats=seen.again))
            if not self._is_closing:
                # It goes on, perhaps: then one line for each window, and no more.
                self._seen[key] = _Seen(seen.values, now + self._window)

    def _until_next(self) -> float | None:
        oldest = next(iter(self._seen.values()), None)
        return None if oldest is None else max(0.0, oldest.until - self._now())

    def _write(self, text: bytes) -> None:
        while text:
            try:
                text = text[os.write(self._fd, text) :]
            except BlockingIOError:  # a descriptor that somebody made non-blocking
                writable = select.poll()
                writable.register(self._fd, select.POLLOUT)
                writable.poll()


class AsideStream(io.TextIOBase):
    """Standard error for what is no log line, such as a note or a bar: the same queue, as little waiting."""

    def __init__(self, writer: LineWriter, *, isatty: bool) -> None:
        super().__init__()
        self._writer, self._isatty, self._text = writer, isatty, ""

    def isatty(self) -> bool:
        """Return whether it ends at a terminal."""
        return self._isatty

    def write(self, text: str) -> int:
        """Keep text until `flush`."""
        self._text += text
        return len(text)

    def flush(self) -> None:
        """Have it written; what does not end a line is shown only while nothing else waits."""
        text, self._text = self._text, ""
        if text:
            self._writer.put_text(text, is_passing=not text.endswith("\n"))
