"""The receiver's three processes, each from start to end, and the process that keeps them running."""

import contextlib
import resource
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.operational_log import LogEvent, log
from disk.lock import BusyError, exclusive
from transfer.diode.receiver.open_objects import OpenShelf
from transfer.diode.receiver.shelf import Shelf

if TYPE_CHECKING:
    from keys.signing import VerifyKey
    from transfer.batch.batch import GatewayId
    from transfer.diode.receiver.commit_process import Committed

MIB: Final = 1024 * 1024
REST: Final = 0.02  # seconds between two scans of the decode process
COMMIT_REST: Final = 0.05
RESTART_FIRST: Final = 0.2  # seconds until a process that died is restarted; doubled each time it dies young
RESTART_LAST: Final = 5.0
GROWN: Final = 10.0  # seconds after which a process no longer counts as young
END_SECONDS: Final = 10.0  # for a process to end by itself


class Role(StrEnum):
    """The one task of a process of the receiver."""

    NETWORK = "network"
    DECODE = "decode"
    COMMIT = "commit"


# Bytes of address space. The maps of open objects count: two bytes for each symbol, 1/700 of the object at 1,392.
MEMORY: Final[Mapping[Role, int]] = {
    Role.NETWORK: 768 * MIB,
    Role.DECODE: 768 * MIB,
    Role.COMMIT: 768 * MIB,
}


def lock_of(shelf: Shelf, role: Role) -> Path:
    """Return the path of the lock that the process of this role holds while it runs."""
    return shelf.root / f".{role}.lock"


@contextmanager
def taken(shelf: Shelf, role: Role) -> Iterator[None]:
    """Hold a role of this shelf exclusively, within its memory limit.

    Raises:
        BusyError: Another process holds the role.
    """
    shelf.prepare()
    limit = MEMORY[role]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        with exclusive(lock_of(shelf, role)):
            yield
    except BusyError:
        raise BusyError(f"the {role} process of another receiver already works on {shelf.root}") from None


def run_decode(shelf: Shelf, should_continue: Callable[[], bool]) -> None:
    """Decode READY blocks until `should_continue` returns false."""
    from transfer.diode.coder import keep_memory
    from transfer.diode.receiver.decode_process import decode_ready

    keep_memory()
    objects = OpenShelf(shelf)
    full_disk = _FullDiskLog(objects)
    while should_continue():
        attempts = decode_ready(objects)
        full_disk.check()
        if not attempts:
            time.sleep(REST)


def run_commit(
    shelf: Shelf,
    trusted: "Mapping[GatewayId, VerifyKey]",
    should_continue: Callable[[], bool],
    on_committed: "Callable[[Committed], None]",
) -> None:
    """Commit whole objects until `should_continue` returns false."""
    from transfer.diode.receiver.commit_process import commit_whole
    from transfer.diode.receiver.part_copies import Copies

    objects, copies = OpenShelf(shelf), Copies()
    full_disk = _FullDiskLog(objects)
    while should_continue():
        for done in commit_whole(objects, trusted, copies):
            on_committed(done)
        full_disk.check()
        time.sleep(COMMIT_REST)


class _FullDiskLog:
    """Logs once when an object waits for disk space, and again only after there was space."""

    def __init__(self, objects: OpenShelf) -> None:
        self._objects, self._is_logged = objects, False

    def check(self) -> None:
        is_waiting = self._objects.is_waiting_for_space()
        if is_waiting and not self._is_logged:
            log(LogEvent.DISK_FULL)
        self._is_logged = is_waiting


class _Child:
    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._wait = RESTART_FIRST
        self._died: float | None = None  # when that was noticed
        self.start()

    def start(self) -> None:
        self._started = time.monotonic()
        # Ctrl-C goes to a terminal's whole group: we end this one ourselves, and a start that it interrupts is quiet.
        self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)

    def check(self) -> int | None:
        """Restart the process if it died and it is time to; return the exit status when it was restarted."""
        status = self.process.poll()
        if status is None:
            return None
        now = time.monotonic()
        if now - self._started > GROWN:
            self._wait = RESTART_FIRST
        if self._died is None:
            self._died = now
        # Never at once: where the whole group was told to stop, that it reached us too is noticed a moment later.
        if now - self._started < self._wait or now - self._died < RESTART_FIRST:
            return None
        self._died = None
        self._wait = min(2 * self._wait, RESTART_LAST)
        self.start()
        return status


def keep_running(commands: Mapping[Role, Sequence[str]], should_continue: Callable[[], bool]) -> None:
    """Run one process for each role, restart what dies, and end all of them at the end."""
    children = {role: _Child(command) for role, command in commands.items()}
    try:
        while should_continue():
            for role, child in children.items():
                status = child.check()
                if status is not None:
                    log(LogEvent.PROCESS_RESTARTED, role=str(role), status=status)
            time.sleep(REST)
    finally:
        for child in children.values():
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()
        for child in children.values():
            try:
                child.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
