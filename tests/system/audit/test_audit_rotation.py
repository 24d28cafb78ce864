"""A rotated log is one chain over several files; a changed end is continued only after somebody decided so.

Invariant A3.
"""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from audit import segments
from audit.chain import parse_line, split_lines
from audit.errors import LineError, LogDamagedError
from audit.events import Event, LogRecord
from audit.log import AuditLog
from audit.segments import closed_folder, closed_segments
from tests.worlds.waiting import WATCHDOG

DAY = date(2026, 11, 21)


def make_log(folder: Path) -> AuditLog:
    return AuditLog(folder / "audit.jsonl", today=lambda: DAY)


def write_lines(log: AuditLog, count: int) -> None:
    log.extend([LogRecord(event=Event.PACKET_OPENED, packet=f"{number:032x}") for number in range(count)])


@pytest.fixture
def rotated(tmp_path: Path) -> AuditLog:
    """Three files: lines 1 to 5, 6 to 9, and 10 to 12."""
    log = make_log(tmp_path)
    for count in (4, 3, 2):
        write_lines(log, count)
        if count > 2:
            log.rotate()
    return log


def events(text: bytes) -> list[Event]:
    return [parse_line(line).record.event for line in split_lines(text)]


def test_rotation_keeps_the_chain(rotated: AuditLog, tmp_path: Path) -> None:
    closed = closed_segments(tmp_path / "audit.jsonl")
    assert [(segment.first, segment.last) for segment in closed] == [(1, 5), (6, 9)]
    assert all(segment.path.stat().st_mode & 0o777 == 0o600 for segment in closed)
    assert closed_folder(tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o700
    report = rotated.check(heads=[rotated.head()])
    assert (report.head.seq, report.anchored, report.faults) == (12, 12, ())
    starts = [
        events(path.read_bytes())[0] for path in [*(segment.path for segment in closed), tmp_path / "audit.jsonl"]
    ]
    assert starts == [Event.LOG_STARTED, Event.LOG_CONTINUED, Event.LOG_CONTINUED]


def test_exports_go_on_across_it(rotated: AuditLog) -> None:
    whole = b"".join(line + b"\n" for line in rotated.lines())
    lines = split_lines(whole)
    for seq in range(14):
        assert split_lines(rotated.lines_after(seq)) == lines[seq:]
    # Cut at a size: whole lines, without a gap, whichever file the cut falls into.
    for size in range(0, len(whole) + 200, 97):
        text = rotated.lines_after(2, size_max=size)
        assert len(text) <= size
        assert split_lines(text) == lines[2 : 2 + text.count(b"\n")]
        rest = len(whole) - sum(len(line) + 1 for line in lines[:2])
        assert text.count(b"\n") == 10 or size < rest


@pytest.mark.parametrize("place", range(12))
def test_each_line_of_each_file_counts(rotated: AuditLog, tmp_path: Path, place: int) -> None:
    heads = [rotated.head()]
    files = [*(segment.path for segment in closed_segments(tmp_path / "audit.jsonl")), tmp_path / "audit.jsonl"]
    line = list(rotated.lines())[place]
    path = next(path for path in files if line in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(line + b"\n", b""))
    assert rotated.check(heads=heads).faults[0].line == place + 1


def test_a_lost_file_is_found(rotated: AuditLog, tmp_path: Path) -> None:
    closed_segments(tmp_path / "audit.jsonl")[0].path.unlink()
    assert "number 6 where 1 must follow" in rotated.check().faults[0].reason


def test_nothing_to_close(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    with pytest.raises(LogDamagedError, match="nothing to close"):
        log.rotate()
    (tmp_path / "audit.jsonl").write_bytes(b"\0" * 300)  # what was lost is not restarted by it
    with pytest.raises(LogDamagedError, match="nothing to close"):
        log.rotate()
    assert (tmp_path / "audit.jsonl").read_bytes() == b"\0" * 300
    (tmp_path / "audit.jsonl").unlink()
    write_lines(log, 1)
    log.rotate()
    with pytest.raises(LogDamagedError, match="nothing to close"):
        log.rotate()
    assert log.head().seq == 3


@pytest.mark.parametrize("left", [b"", b'{"v":1,"se'])
def test_a_crash_in_the_middle_of_it(rotated: AuditLog, tmp_path: Path, left: bytes) -> None:
    """After the renaming and before the new file was begun: whoever comes next continues the chain."""
    before = rotated.head()
    path = tmp_path / "audit.jsonl"
    path.rename(closed_folder(path) / f"{10:016}-{12:016}.jsonl")
    if left:
        path.write_bytes(left)
    assert rotated.lines_after(11).count(b"\n") == 1
    assert rotated.head() == before
    rotated = AuditLog(path, today=lambda: DAY, lost="see to it")  # nothing is lost: a file was closed
    assert rotated.head() == before
    write_lines(rotated, 1)
    assert rotated.check(heads=[before]).faults == ()
    assert events(path.read_bytes())[0] is Event.LOG_CONTINUED


ROTATE = """
import sys
from datetime import date
from pathlib import Path
from audit.errors import LogDamagedError
from audit.events import Event
from audit.log import AuditLog

log = AuditLog(Path(sys.argv[1]), today=lambda: date(2026, 11, 21))
print("ready", flush=True)
sys.stdin.readline()
for number in range(150):
    log.append(Event.PACKET_OPENED, packet=f"{sys.argv[2]}{number:031x}")
    if number % 20 == 19:
        try:
            log.rotate()
        except LogDamagedError:
            pass
"""


def test_processes_that_append_and_rotate_at_once_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", ROTATE, path, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=WATCHDOG)
    assert [writer.returncode for writer in writers] == [0, 0]
    log = make_log(tmp_path)
    assert log.check().faults == ()
    packets = [record.packet for line in log.lines() if (record := parse_line(line).record).packet]
    assert sorted(packets) == sorted(f"{name}{number:031x}" for name in "ab" for number in range(150))
    assert len(closed_segments(path)) > 5


def test_reading_the_end_costs_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exported is read, not the whole log: otherwise a thousand batches cost a million lines."""
    path = tmp_path / "audit.jsonl"
    log = make_log(tmp_path)
    write_lines(log, 20_000)
    lines = split_lines(path.read_bytes())
    calls: list[int] = []

    original = parse_line

    def counted(line: bytes) -> object:
        calls.append(1)
        return original(line)

    monkeypatch.setattr(segments, "parse_line", counted)
    for seq in (0, 1, 9_999, 20_000, 20_001, 30_000):
        assert split_lines(log.lines_after(seq)) == lines[seq:]
    assert len(calls) < 6 * 20


def test_a_spoilt_line_in_the_middle_does_not_keep_the_rest_from_leaving(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    write_lines(log, 40)
    path = tmp_path / "audit.jsonl"
    lines = split_lines(path.read_bytes())
    lines[20] = b"x" * 700
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    for seq in (0, 5, 19, 20, 21, 39, 40, 41):
        assert split_lines(log.lines_after(seq)) == lines[seq:], seq
    path.write_bytes(b"x\n" + path.read_bytes())
    with pytest.raises(LineError):
        log.lines_after(3)


@pytest.mark.parametrize("end", [b"{}\n", b"x" * 4000 + b"\n", b"x\n" * 4000, b"\n\n\ntorn"])
def test_an_operator_may_let_a_changed_end_go(tmp_path: Path, end: bytes) -> None:
    log = make_log(tmp_path)
    write_lines(log, 3)
    head = log.head()
    path = tmp_path / "audit.jsonl"
    path.write_bytes(path.read_bytes() + end)
    with pytest.raises(LogDamagedError, match="audit recover"):
        write_lines(log, 1)
    assert log.damage() == (len(end), 4)
    after = log.recover()
    assert after.seq == 5
    assert [path.read_bytes() for path in tmp_path.glob("audit.torn-*")] == [end]
    write_lines(log, 1)
    assert log.check(heads=[head]).faults == ()
    assert events(path.read_bytes())[4] is Event.LOG_RECOVERED
    assert log.damage() == (0, 6)


def test_nothing_of_a_log_is_left(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_bytes(b"junk\n")
    with pytest.raises(LogDamagedError, match="new chain"):
        make_log(tmp_path).recover()
    assert (tmp_path / "audit.jsonl").read_bytes() == b"junk\n"


def test_a_closed_file_that_was_cut_is_not_continued(rotated: AuditLog, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.unlink()
    closed = closed_segments(path)[-1].path
    closed.write_bytes(closed.read_bytes()[:-20])
    with pytest.raises(LogDamagedError):
        rotated.append(Event.GATEWAY_STARTED)
