"""Waits for states, never for a time; and ends what a test started, however the test ended.

A wait that has a limit of its own fails on a machine that is busy. Here the limit only catches what never comes.
"""

import asyncio
import contextlib
import gc
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import AnyStr, Final

# Only what never comes takes that long: with thirteen programs on two cores, what takes 2 seconds alone took 40.
WATCHDOG: Final = 300.0  # seconds
_EVERY: Final = 0.02  # seconds between two looks at a state


def wait_until(condition: Callable[[], object], told: Callable[[], str] = str, *, seconds: float = WATCHDOG) -> None:
    """Wait until `condition` is true; fail with the log that `told` returns if that never comes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} seconds: {told()}"
        time.sleep(_EVERY)


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop work until `condition` is true."""
    end = time.monotonic() + WATCHDOG
    while not condition():
        assert time.monotonic() < end, f"not within {WATCHDOG} seconds"
        await asyncio.sleep(_EVERY)


@contextlib.contextmanager
def ended(process: "subprocess.Popen[AnyStr]") -> Iterator["subprocess.Popen[AnyStr]"]:
    """End `process` with the `with` block: what a failed test leaves running would fail another test."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def catches(pid: int, number: signal.Signals) -> bool:
    """Return whether a process has a handler of its own for a signal."""
    found = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def waits_for_lock(pid: int) -> bool:
    """Return whether a process sleeps in flock(2), as /proc/locks lists it."""
    return any(re.search(rf"-> FLOCK +\w+ +\w+ +{pid} ", line) for line in Path("/proc/locks").read_text().splitlines())


def reads_stdin(pid: int) -> bool:
    """Return whether a process sleeps in a call whose first argument is its standard input, such as read(2)."""
    # Number of the call, then its arguments in hexadecimal; or `running`.
    return Path(f"/proc/{pid}/syscall").read_text().split()[1:2] == ["0x0"]


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def descriptors_before() -> int:
    """Return the same for a later comparison: what other tests left to the garbage collector is closed first."""
    gc.collect()
    return descriptors()
