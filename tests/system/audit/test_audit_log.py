"""The log as a file: real processes appending at once, a torn line, and a check with jq and b2sum alone.

Invariants A1 and A3.
"""

import errno
import hashlib
import os
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from audit.chain import EMPTY, parse_line, split_lines
from audit.errors import AuditError, LogDamagedError
from audit.events import Event, LogRecord
from audit.log import AuditLog
from tests.worlds.waiting import WATCHDOG, ended, wait_until, waits_for_lock

DAY = date(2026, 11, 21)
# What a reviewer types: no program of ours takes part.
BY_HAND = r"""
set -eu
prev=$(printf '0%.0s' $(seq 64)); seq=0
while IFS= read -r line; do
  seq=$((seq + 1))
  test "$(printf %s "$line" | jq -r .prev)" = "$prev" || { echo "line $seq is not continued"; exit 1; }
  test "$(printf %s "$line" | jq -r .seq)" = "$seq" || { echo "line $seq has another number"; exit 1; }
  prev=$(printf %s "$line" | b2sum -l 256 | cut -d' ' -f1)
done < "$1"
echo "$seq $prev"
"""


def make_log(folder: Path, *, lines: int = 0) -> AuditLog:
    log = AuditLog(folder / "audit.jsonl", today=lambda: DAY)
    if lines:
        log.extend([LogRecord(event=Event.PACKET_OPENED, packet=f"{number:032x}") for number in range(lines - 1)])
    return log


def by_hand(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", BY_HAND, "check", path], capture_output=True, text=True, check=False)


def test_a_reviewer_needs_jq_and_b2sum_only(tmp_path: Path) -> None:
    head = make_log(tmp_path, lines=12).head()
    path = tmp_path / "audit.jsonl"
    assert by_hand(path).stdout == f"{head.seq} {head.hash}\n"
    path.write_bytes(path.read_bytes().replace(b"%032x" % 4, b"%032x" % 99))
    broken = by_hand(path)
    assert broken.returncode == 1
    assert broken.stdout == "line 7 is not continued\n"  # number 4 stands in line 6
    assert [fault.line for fault in make_log(tmp_path).check().faults] == [7]


def test_a_log_begins_with_saying_so_and_is_private(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    assert log.head() == EMPTY
    assert log.lines_after(0) == b""
    assert not (tmp_path / "audit.jsonl").exists()
    log.append(Event.SUBMISSION_SEALED, packet="ab" * 16, lane="clear")
    events = [parse_line(line).record.event for line in split_lines((tmp_path / "audit.jsonl").read_bytes())]
    assert events == [Event.LOG_STARTED, Event.SUBMISSION_SEALED]
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_lines_after_a_number(tmp_path: Path) -> None:
    log = make_log(tmp_path, lines=9)
    whole = (tmp_path / "audit.jsonl").read_bytes()
    assert log.lines_after(0) == whole
    for seq in range(10):
        assert split_lines(log.lines_after(seq)) == split_lines(whole)[seq:]
    assert split_lines(log.lines_after(3, size_max=500)) == split_lines(whole)[3:5]


def test_what_a_crash_left_in_the_log_is_not_logged_again(tmp_path: Path) -> None:
    """Only what stands after the given line counts: the same may have been logged before, and is news then."""
    log = make_log(tmp_path, lines=3)
    records = [LogRecord(event=Event.PACKET_OPENED, packet=f"{number:032x}") for number in range(4)]
    log.extend(records[3:])
    since = log.head().seq
    log.extend(records[:2])  # and the crash
    for _ in range(2):
        log.extend_once(records, after=since)
        logged = [parse_line(line).record for line in split_lines(log.lines_after(since))]
        assert logged == records
    assert log.check().faults == ()


APPEND = """
import sys
from datetime import date
from pathlib import Path
from audit.events import Event
from audit.log import AuditLog

log = AuditLog(Path(sys.argv[1]), today=lambda: date(2026, 11, 21))
print("ready", flush=True)
sys.stdin.readline()
for number in range(300):
    log.append(Event.PACKET_OPENED, packet=f"{sys.argv[2]}{number:031x}")
"""


def test_two_processes_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", APPEND, path, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # both begin at once: without the lock their lines are forked
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=WATCHDOG)
    assert [writer.returncode for writer in writers] == [0, 0]
    report = make_log(tmp_path).check()
    assert (report.head.seq, report.faults) == (601, ())
    packets = [parse_line(line).record.packet or "" for line in split_lines(path.read_bytes())[1:]]
    assert sorted(packets) == sorted(f"{name}{number:031x}" for name in "ab" for number in range(300))


@pytest.mark.parametrize("torn", [b"{", b'{"v":1,"seq":4,"day"', b"\0" * 200, b"x" * 4_000, b"\0" * 1_000_000])
def test_a_torn_last_line_is_moved_aside_and_told(tmp_path: Path, torn: bytes) -> None:
    log = make_log(tmp_path, lines=3)
    head = log.head()
    path = tmp_path / "audit.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert log.head() == head
    assert log.lines_after(0) == whole
    log.append(Event.GATEWAY_STARTED)
    assert path.read_bytes().startswith(whole + b"{")
    logged = [parse_line(line).record for line in split_lines(path.read_bytes())[3:]]
    assert [record.event for record in logged] == [Event.LOG_RECOVERED, Event.GATEWAY_STARTED]
    assert logged[0].digest == hashlib.sha256(torn).hexdigest()
    aside = tmp_path / f"audit.torn-4-{logged[0].digest[:8]}"
    assert aside.read_bytes() == torn
    assert aside.stat().st_mode & 0o777 == 0o600
    assert log.check().faults == ()
    log.append(Event.GATEWAY_STOPPED)  # logged once
    assert path.read_bytes().count(b"log-recovered") == 1


def test_what_was_moved_aside_is_told_of_after_a_crash_too(tmp_path: Path) -> None:
    """The crash came between moving the torn bytes and the line that logs it, and left a new torn piece."""
    log = make_log(tmp_path, lines=3)
    path = tmp_path / "audit.jsonl"
    (tmp_path / "audit.torn").write_bytes(b"first")
    path.write_bytes(path.read_bytes() + b"second")
    log.append(Event.GATEWAY_STARTED)
    assert [hashlib.sha256(aside.read_bytes()).hexdigest()[:8] for aside in tmp_path.glob("audit.torn*")] == [
        hashlib.sha256(b"firstsecond").hexdigest()[:8]
    ]
    assert parse_line(split_lines(path.read_bytes())[3]).record.event is Event.LOG_RECOVERED


def test_a_log_torn_in_its_first_line_begins_again(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_bytes(b'{"v":1,')
    make_log(tmp_path).append(Event.GATEWAY_STARTED)
    report = make_log(tmp_path).check()
    assert (report.head.seq, report.faults) == (3, ())


@pytest.mark.parametrize("content", [None, b"", b"\0" * 300, b'{"v":1,'])
def test_a_log_that_was_begun_is_never_begun_again(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, today=lambda: DAY, lost="see to it")
    if content is not None:
        path.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    for act in (partial(log.append, Event.GATEWAY_STARTED), log.head):
        with pytest.raises(LogDamagedError, match="lost or emptied: see to it"):
            act()
    assert sorted(tmp_path.iterdir()) == before
    assert content is None or path.read_bytes() == content
    assert log.lines_after(0) == b""


@pytest.mark.parametrize("end", [b"{}\n", b"\n", b"x" * 4000 + b"\n", b"x\n" * 4000])
def test_a_changed_end_is_not_continued(tmp_path: Path, end: bytes) -> None:
    make_log(tmp_path, lines=3)
    path = tmp_path / "audit.jsonl"
    path.write_bytes(path.read_bytes() + end)
    before = path.read_bytes()
    with pytest.raises(LogDamagedError):
        make_log(tmp_path).append(Event.GATEWAY_STARTED)
    assert path.read_bytes() == before


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    make_log(tmp_path, lines=3)
    path = tmp_path / "audit.jsonl"
    before = path.read_bytes()
    limit = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 100},) * 2)\nlog = "
    )
    script = APPEND.replace("log = ", limit)
    failed = subprocess.run(
        [sys.executable, "-c", script, path, "a"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert "File too large" in failed.stderr
    assert path.read_bytes() == before


def test_a_log_that_was_moved_away_while_we_waited_is_not_written(tmp_path: Path) -> None:
    """Rotation renames the file under its lock; whoever waited for that lock must take the new file."""
    import fcntl

    log = make_log(tmp_path, lines=3)
    path = tmp_path / "audit.jsonl"
    fd = os.open(path, os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    command: list[str | Path] = [sys.executable, "-c", APPEND.replace("300", "1"), path, "a"]
    with ended(subprocess.Popen(command, stdin=subprocess.DEVNULL)) as waiting:
        wait_until(lambda: waits_for_lock(waiting.pid))
        path.rename(tmp_path / "audit.1.jsonl")
        os.close(fd)
        assert waiting.wait(timeout=WATCHDOG) == 0
    assert len(split_lines((tmp_path / "audit.1.jsonl").read_bytes())) == 3
    assert log.head().seq == 2  # log-started and its line, in the new file


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        make_log(tmp_path).append(Event.GATEWAY_STARTED)
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_another_stations_lines_are_taken_as_they_are_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "low").mkdir()
    low, copy = make_log(tmp_path / "low", lines=6), make_log(tmp_path)
    text = low.lines_after(0)
    two = b"".join(line + b"\n" for line in split_lines(text)[:2])
    assert copy.adopt(two).seq == 2
    for wrong in (
        two,
        low.lines_after(3),
        low.lines_after(2)[:-1],
        low.lines_after(2).replace(b"%032x" % 3, b"f" * 32),
    ):
        with pytest.raises(AuditError):
            copy.adopt(wrong)
        assert (tmp_path / "audit.jsonl").read_bytes() == two
    (tmp_path / "audit.jsonl").write_bytes(two + low.lines_after(2)[:100])  # torn by a crash of the desk
    assert copy.adopt(low.lines_after(2)) == low.head()
    assert (tmp_path / "audit.jsonl").read_bytes() == text


def test_a_full_disk_is_named_by_the_folder_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", today=lambda: date(2026, 11, 30))
    log.append(Event.LOG_LOST, digest="ab" * 32)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        log.append(Event.LOG_LOST, digest="ab" * 32)
    assert raised.value.filename == str(tmp_path)
