"""What a person at a terminal, or a log, sees of us: lines, tables, progress, and a stranger's text made harmless.

Colours and bars are for a terminal only; NO_COLOR turns colours off (no-color.org). A log gets plain lines.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TextIO
from unicodedata import category

Progress = Callable[[int, int], None]
"""(done, total), in whatever unit the label names."""

BAR_WIDTH: Final = 30  # characters
BAR_EVERY: Final = 0.1  # seconds between two drawings on a terminal
LOG_EVERY: Final = 10.0  # seconds between two lines in a log
WIPE: Final = "\x1b[2J\x1b[3J\x1b[H"  # screen, scroll-back, cursor to the corner
_KEPT: Final = frozenset("\n\t")
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_STRONG: Final = re.compile(f"({re.escape(_BOLD)}|{re.escape(_PLAIN)})")


def visible(untrusted_text: str, *, lines: bool = False) -> str:
    """Return text that cannot move a cursor, change colours, reorder or hide anything on a terminal.

    Every control, format (bidi, zero-width, tag), private and unassigned character becomes `<U+XXXX>`; line
    ends and tabs stay where `lines` is true.
    """
    return "".join(
        character
        if character.isprintable() or (lines and character in _KEPT)
        else " "
        if category(character) == "Zs"
        else f"<U+{ord(character):04X}>"
        for character in untrusted_text
    )


class Terminal:
    """Where a command writes its answer (`out`) and its notes, warnings and progress (`err`).

    All of it goes through `visible` here, so that no caller can forget it: a path on a stick is a stranger's text too,
    and may contain escape codes and line ends. One argument is one line.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None, *, as_json: bool = False) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self.as_json = as_json

    def say(self, *lines: str) -> None:
        """Write lines of the answer. Of control codes only those of `strong` act, on a terminal."""
        for line in lines:
            print(_harmless(line, self._out), file=self._out, flush=True)

    def note(self, line: str) -> None:
        """Write one line beside the answer; nothing in it can act on a terminal."""
        print(_harmless(line, self._err), file=self._err, flush=True)

    def warn(self, line: str) -> None:
        """Write one line beside the answer that must not be overlooked; nothing in it can act on a terminal."""
        print(self._coloured(_harmless(line, self._err), "33"), file=self._err, flush=True)

    def wipe(self) -> None:
        """Clear the terminal that notes go to, and what can be scrolled back to; nothing where it is none."""
        if self._err.isatty():
            self._err.write(WIPE)
            self._err.flush()

    def strong(self, text: str) -> str:
        """Return `text`, bold on a terminal."""
        return f"{_BOLD}{text}{_PLAIN}" if _is_colourful(self._out) else text

    def answer(self, value: Any) -> None:
        """Write the machine-readable answer; ASCII only, so no text in it can do anything to a terminal."""
        print(json.dumps(value, indent=1), file=self._out, flush=True)

    def table(self, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write rows under a heading, or as a list of JSON objects."""
        if self.as_json:
            self.answer([dict(zip(names, row, strict=True)) for row in rows])
            return
        texts = [[visible("-" if cell is None else str(cell)) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(names, *texts, strict=True)]
        for index, line in enumerate([list(names), *texts]):
            padded = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            self.say(self.strong(padded) if index == 0 else padded)

    @contextmanager
    def progress(self, label: str, *, unit: str = "bytes") -> Iterator[Progress]:
        """Show how far long work is: a bar on a terminal, a line now and then in a log."""
        meter = _Meter(self._err, label, unit)
        try:
            yield meter.show
        finally:
            meter.end()

    def _coloured(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if _is_colourful(self._err) else text


class _Meter:
    def __init__(self, stream: TextIO, label: str, unit: str) -> None:
        self._stream = stream
        self._label = label
        self._unit = unit
        self._bar = stream.isatty()
        self._shown = time.monotonic() if not self._bar else 0.0
        self._drawn = False

    def show(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._shown < (BAR_EVERY if self._bar else LOG_EVERY) and (done < total or not self._bar):
            return
        self._shown = now
        share = min(1.0, done / total) if total else 1.0
        amounts = f"{amount(done, self._unit)} of {amount(total, self._unit)}"
        if self._bar:
            filled = int(share * BAR_WIDTH)
            bar = "#" * filled + "." * (BAR_WIDTH - filled)
            self._stream.write(f"\r\x1b[K{self._label} [{bar}] {share:4.0%}  {amounts}")
            self._stream.flush()
            self._drawn = True
        else:
            print(f"{self._label}: {share:.0%}, {amounts}", file=self._stream, flush=True)

    def end(self) -> None:
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def amount(number: int, unit: str = "bytes") -> str:
    """Return a number for a person: bytes in binary units, anything else as it is."""
    if unit != "bytes" or number < 1024:
        return f"{number} {unit}"
    step = min(3, (number.bit_length() - 1) // 10)
    return f"{number / 1024**step:.1f} {('KiB', 'MiB', 'GiB')[step - 1]}"


def _harmless(line: str, stream: TextIO) -> str:
    # The pieces at odd places are the codes of `strong`. A stranger's text may contain them too: bold misleads nobody.
    codes = _is_colourful(stream)
    pieces = enumerate(_STRONG.split(line))
    return "".join(_one_line(piece) if place % 2 == 0 else piece if codes else "" for place, piece in pieces)


def _one_line(text: str) -> str:
    # Tabs stay: they are in what sources write, and only move to the right.
    return "\t".join(map(visible, text.split("\t")))


def _is_colourful(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
