"""Locks between processes: one holds it or none, and its end releases it, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from disk.lock import BusyError, exclusive, is_held, lock, shared, try_lock

HOLD = """
import sys
from pathlib import Path
from disk.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock file until its input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@contextmanager
def opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        yield fd
    finally:
        os.close(fd)


def test_another_process_keeps_everybody_out_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    assert not path.exists()
    with other_process(path) as process, opened(path) as fd:
        assert is_held(path)
        assert not try_lock(fd)
        with pytest.raises(BusyError, match="another transfer"), exclusive(path):
            pytest.fail("two held the lock")
        with pytest.raises(BusyError, match="wait a moment"), shared(path, busy="wait a moment"):
            pytest.fail("one shared a lock that another held alone")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not is_held(path)
        assert try_lock(fd)
    with exclusive(path):
        assert is_held(path)
    assert not is_held(path)
    assert path.stat().st_mode & 0o077 == 0


def test_those_who_share_it_keep_out_only_who_wants_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with shared(path, busy=""), shared(path, busy=""):
        assert not is_held(path)  # is_held shares it too
        with pytest.raises(BusyError, match="in use"), exclusive(path, busy="in use"):
            pytest.fail("one held alone what others shared")


def test_a_descriptor_holds_its_lock_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with opened(path) as second:
        with opened(path) as first:
            lock(first)
            assert not try_lock(second)
        assert try_lock(second)


def test_no_lock_is_followed_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), exclusive(tmp_path / "link"):
        pytest.fail("a link was followed")
    assert not (tmp_path / "elsewhere").exists()
