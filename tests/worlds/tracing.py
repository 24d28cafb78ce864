"""Watches what happens: which files programs write to, through strace, and which functions are called here."""

import contextlib
import gc
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tests.worlds.waiting import WATCHDOG

# Every call that can carry bytes into a file, and the ones that could map a file for writing.
CALLS = (
    "write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,tee,vmsplice,copy_file_range,mmap"
)
_WRITE = re.compile(
    r"^\s*\d+\s+(?:write|pwrite64|writev|pwritev2?|sendto|send(?:m)?msg)\((\d+)<([^>]*)>(?:\(deleted\))?, ?(.*)$"
)
_MOVE = re.compile(r"^\s*\d+\s+(?:sendfile|splice|tee|copy_file_range)\((.*)$")
_MAP = re.compile(r"^\s*\d+\s+mmap\(.*PROT_WRITE.*MAP_SHARED, \d+<([^>]*)>")
_PATH = re.compile(r"<(/[^>]*)>")
STRACE = ["strace", "-f", "-y", "-s", "4000000", "-e", f"trace={CALLS}"]


@dataclass(frozen=True)
class Trace:
    """What strace wrote down."""

    lines: tuple[str, ...]

    def writes_of(self, marker: str) -> list[str]:
        """Return the targets of all writes that carried `marker`: paths, sockets, pipes."""
        found = []
        for line in self.lines:
            match = _WRITE.match(line)
            if match and marker in match[3]:
                found.append(match[2])
        return found

    def unseen_targets(self) -> list[str]:
        """Return files that were written to by calls which show no bytes: mapped, spliced, copied in the kernel."""
        found = []
        for line in self.lines:
            if match := _MAP.match(line):
                found.append(match[1])
            elif match := _MOVE.match(line):
                found += _PATH.findall(match[1])
        return found


def read_trace(path: Path) -> Trace:
    """Read strace's output."""
    return Trace(tuple(path.read_text(errors="replace").splitlines()))


@contextlib.contextmanager
def attached(pid: int, output: Path, *options: str) -> Iterator[None]:
    """Trace a running process, its threads and its children while the `with` block lasts."""
    strace = subprocess.Popen([*STRACE, *options, "-o", str(output), "-p", str(pid)], stderr=subprocess.PIPE)
    assert strace.stderr is not None
    assert b"attached" in strace.stderr.readline()
    try:
        yield
        time.sleep(0.2)
    finally:
        strace.terminate()
        strace.communicate(timeout=WATCHDOG)


def on_disk(targets: Iterable[str]) -> list[str]:
    """Return those of the targets of writes that are files on a disk."""
    targets = list(targets)
    found = {target for target in set(targets) if is_on_disk(target)}
    return [target for target in targets if target in found]


def is_on_disk(target: str) -> bool:
    """Answer whether a write's target is a file on a disk, not a pipe, a socket, or memory."""
    path = Path(target)
    if not path.is_absolute() or str(path).startswith(("/memfd:", "/dev/null", "/dev/pts/", "/proc/")):
        return False
    while not path.exists():
        path = path.parent
    mount = subprocess.run(
        ["stat", "-f", "-c", "%T", str(path)], capture_output=True, text=True, check=True
    ).stdout.strip()
    return mount not in ("tmpfs", "ramfs")


@contextlib.contextmanager
def recorded(ours: tuple[str, ...], with_libraries: tuple[str, ...]) -> Iterator[list[str]]:
    """Write down, in order, each function of the modules `ours` that is called, and what `with_libraries` call in C."""
    called: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        if event == "call" and module.startswith(ours):
            called.append(f"{module}.{frame.f_code.co_qualname}")
        elif event == "c_call" and module.startswith(with_libraries):
            called.append(f"{module} -> {getattr(argument, '__qualname__', argument)}")

    # What an earlier test left may end at any moment, with functions of ours.
    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)
        gc.enable()
