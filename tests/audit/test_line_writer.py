"""The thread that writes log lines: nobody waits for a reader, what is lost is counted, what repeats is merged.

Invariant A6.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from audit.line_writer import AsideStream, LineWriter, Values
from tests.worlds.waiting import wait_until

FULL = 1024 * 1024  # bytes; more than a pipe takes


def encode(values: Values | None, *, repeats: int = 0, dropped: int = 0) -> str:
    return json.dumps({"dropped": dropped} if values is None else {**values, "repeats": repeats}) + "\n"


class Pipe:
    """A pipe whose reader may be away, and the clock of its writer."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def fill(self) -> int:
        """Write until nothing more finds room; return how many bytes that were."""
        os.set_blocking(self.writing, False)
        size = 0
        try:
            while True:
                size += os.write(self.writing, bytes(1024))
        except BlockingIOError:
            return size
        finally:
            os.set_blocking(self.writing, True)

    def lines(self) -> list[dict[str, Any]]:
        """Everything that was written, once the writing end is closed."""
        os.close(self.writing)
        with os.fdopen(self.reading, "rb") as stream:
            return [json.loads(line) for line in stream.read().strip(b"\0").splitlines()]


@contextmanager
def writing(pipe: Pipe, *, most: int = 1000) -> Iterator[LineWriter]:
    writer = LineWriter(pipe.writing, encode, most=most, now=pipe.now)
    writer.start()
    yield writer
    writer.close(60.0)


def test_lines_come_in_their_order() -> None:
    pipe = Pipe()
    with writing(pipe) as writer:
        for number in range(500):
            writer.put({"number": number}, merges=True)
    assert [line["number"] for line in pipe.lines()] == list(range(500))


def test_a_pipe_that_nobody_reads_delays_no_caller_and_what_was_lost_is_counted() -> None:
    pipe = Pipe()
    size = pipe.fill()
    with writing(pipe, most=10) as writer:
        writer.put({"number": 0}, merges=False)
        wait_until(lambda: not writer._lines)  # the thread has it, and waits
        for number in range(1, 1000):  # would wait for ever, if one of them did
            writer.put({"number": number}, merges=False)
        while size:
            size -= len(os.read(pipe.reading, min(size, FULL)))
        # What comes now stands behind the report, as the lost ones did.
        wait_until(lambda: not writer._lines)
        writer.put({"number": 1000}, merges=False)
    lines = pipe.lines()
    (gap,) = [place for place, line in enumerate(lines) if "dropped" in line]
    assert lines[gap]["dropped"] + len(lines) - 1 == 1001
    assert [line["number"] for line in lines[:gap]] == list(range(gap))
    assert [line["number"] for line in lines[gap + 1 :]] == [1000]


def test_the_same_line_again_is_one_line_with_a_count() -> None:
    pipe = Pipe()
    with writing(pipe) as writer:
        for _ in range(43_000):
            writer.put({"event": "fault", "at": "a:1"}, merges=True)
        writer.put({"event": "fault", "at": "b:2"}, merges=True)
    assert pipe.lines() == [
        {"event": "fault", "at": "a:1", "repeats": 0},
        {"event": "fault", "at": "b:2", "repeats": 0},
        {"event": "fault", "at": "a:1", "repeats": 42_999},
    ]


def test_a_window_that_is_over_is_counted_up_and_another_begins() -> None:
    pipe = Pipe()
    with writing(pipe) as writer:
        for second, comes in ((0, True), (59, True), (60, False), (61, True), (119, True), (120, False), (180, False)):
            pipe.seconds = second
            with writer._changed:  # as the thread does when it wakes
                writer._count_up()
            if comes:
                writer.put({"event": "fault"}, merges=True)
        writer.put({"event": "fault"}, merges=True)  # nothing came in the window before: it is news again
    assert [line["repeats"] for line in pipe.lines()] == [0, 1, 2, 0]


def test_lines_that_tell_a_state_are_never_merged() -> None:
    pipe = Pipe()
    with writing(pipe) as writer:
        for event in ("shut", "open", "shut", "open"):
            writer.put({"event": event}, merges=False)
    assert [line["event"] for line in pipe.lines()] == ["shut", "open", "shut", "open"]


def test_a_reader_that_is_gone_is_no_fault_of_the_caller() -> None:
    pipe = Pipe()
    os.close(pipe.reading)
    with writing(pipe) as writer:
        for number in range(100):
            writer.put({"number": number}, merges=False)
        wait_until(lambda: writer._dropped == 100)  # and it does not spin: nothing is written that nothing asked for
    os.close(pipe.writing)


def test_the_end_waits_for_a_reader_no_longer_than_it_is_told() -> None:
    script = "import os; from audit.operational_log import LogEvent, aside, log\n"
    script += "with aside() as notes:\n    for _ in range(5000):\n        log(LogEvent.BATCH_ARRIVED, batch=_, "
    script += "gateway='0' * 16, packets=1)\n    print('The form is', file=notes, flush=True)\nprint('ended')\n"
    reading, writing_end = os.pipe()
    try:
        done = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, stderr=writing_end)
    finally:
        os.close(writing_end)
        os.close(reading)
    assert done.stdout == b"ended\n"


def test_a_bar_is_shown_only_while_nothing_waits() -> None:
    pipe = Pipe()
    size = pipe.fill()
    with writing(pipe) as writer:
        stream = AsideStream(writer, isatty=True)
        assert stream.isatty()
        print('{"note": 1}', file=stream, flush=True)
        wait_until(lambda: not writer._lines)  # the thread has it, and waits
        print('{"note": 2}', file=stream, flush=True)
        for _ in range(100):
            stream.write("\r[###]")
            stream.flush()
        while size:
            size -= len(os.read(pipe.reading, min(size, FULL)))
    assert pipe.lines() == [{"note": 1}, {"note": 2}]


def test_a_stream_that_is_no_file_is_written_to_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.operational_log import LogEvent, aside, log

    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    with aside() as notes:
        assert notes is text
        log(LogEvent.STOPPING)
    assert text.getvalue() == '{"event": "stopping"}\n'
