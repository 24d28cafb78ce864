"""The cage: everything that a process which reads a stranger's bytes gives up, layer by layer.

| layer | what is gone | when |
| --- | --- | --- |
| descriptors | every descriptor but the file (0, sealed) and the pipe of the answer (1) | each worker, twice |
| rlimits | CPU seconds, address space, a third descriptor, bytes of any file, processes, core files | each worker |
| privileges | no new privileges, no capability, no core, no tracer | zygote |
| namespaces | network, IPC, other processes; an empty folder is root | zygote, where the kernel lets it |
| Landlock | every file; with newer ABIs TCP, signals and abstract sockets too | zygote, again each spare |
| seccomp | every system call but some twenty | each worker |

A spare is a worker that waits for its file (spares.py); it has all layers before it reads a byte of it.

Most attacks meet several of these; the tests switch layers off to see that each one stops its attacks alone. Landlock
and seccomp are required, and so are the layers that every kernel has; namespaces are extra, as some distributions
forbid them.
"""

import fcntl
import os
import resource
import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from quarantine.cage import landlock, rlimits, seccomp, syscalls
from quarantine.memfd import SEALS

FILE_FD: Final = 0
ANSWER_FD: Final = seccomp.ANSWER_FD
CHANNEL_FD: Final = 2  # where a spare waits for its request
OUT_OF_CPU: Final = signal.SIGXCPU  # what ends a worker that reached its CPU seconds


class Layer(StrEnum):
    """What can be left out: where the operator accepts that it is missing, and in tests."""

    DESCRIPTORS = "descriptors"
    RLIMITS = "rlimits"
    PRIVILEGES = "privileges"
    NAMESPACES = "namespaces"
    LANDLOCK = "landlock"
    SECCOMP = "seccomp"
    SEALS = "seals"  # only files with every seal are read


REQUIRED: Final = (Layer.LANDLOCK, Layer.SECCOMP)  # layers that a kernel may not have


@dataclass(frozen=True, slots=True)
class Cage:
    """How a zygote cages itself and its workers. `Cage()` is all of it; `without` names what is missing."""

    without: frozenset[Layer] = frozenset()
    landlock_abi: int | None = None  # at most this one, as on an older kernel; None: the kernel's best

    @property
    def abi(self) -> int:
        """The Landlock ABI in use."""
        found = landlock.landlock_abi()
        return found if self.landlock_abi is None else min(found, self.landlock_abi)

    def has(self, layer: Layer) -> bool:
        """Return whether this layer is put on."""
        return layer not in self.without


def missing_layers() -> tuple[Layer, ...]:
    """Return which of the required layers this kernel does not have."""
    missing = []
    if landlock.landlock_abi() < landlock.ABI_NEEDED:
        missing.append(Layer.LANDLOCK)
    # Reading the mode shows whether seccomp is built in; whether filters are, the zygote finds out.
    if not seccomp.is_known_machine() or not os.path.exists("/proc/sys/kernel/seccomp"):  # noqa: PTH110
        missing.append(Layer.SECCOMP)
    return tuple(missing)


def tie_zygote(cage: Cage) -> None:
    """Give up what neither the zygote nor a worker will need. All modules are loaded by now.

    Raises:
        OSError: The kernel refused; the process must not continue.
    """
    _drop_privileges(cage)
    if cage.has(Layer.LANDLOCK):
        landlock.restrict(abi=cage.abi)
    if cage.has(Layer.SECCOMP):
        seccomp.worker_filter()  # made once, for all workers to come


def tie_spare(cage: Cage) -> None:
    """Give up what a worker does not need even to wait for its file: all but CHANNEL_FD and what lies below.

    Raises:
        OSError: The kernel refused; the process must not continue.
    """
    if cage.has(Layer.DESCRIPTORS):
        syscalls.close_from(CHANNEL_FD + 1)
    if cage.has(Layer.LANDLOCK):
        # Once more, so that signals cannot even reach the zygote and other workers (ABI 6).
        landlock.restrict(abi=cage.abi)


def tie_worker(cage: Cage, *, cpu_seconds: int, memory_bytes: int) -> None:
    """Give up the rest, for good, after `tie_spare`. FILE_FD and ANSWER_FD are in place; no byte was read.

    Raises:
        OSError: The kernel refused; the process must not continue.
    """
    if cage.has(Layer.DESCRIPTORS):
        syscalls.close_from(ANSWER_FD + 1)
    if cage.has(Layer.SEALS) and fcntl.fcntl(FILE_FD, fcntl.F_GET_SEALS) & SEALS != SEALS:
        raise OSError("a file without all seals")
    program = seccomp.worker_filter() if cage.has(Layer.SECCOMP) else None
    if cage.has(Layer.RLIMITS):
        rlimits.limit_process(cpu_seconds=cpu_seconds, memory_bytes=memory_bytes)
        # Whatever would open a third descriptor fails.
        rlimits.set_limit(resource.RLIMIT_NOFILE, ANSWER_FD + 1)
    if program is not None:
        seccomp.install(program)


def _drop_privileges(cage: Cage) -> None:
    # The kernel demands it before the other two.
    if any(map(cage.has, (Layer.PRIVILEGES, Layer.LANDLOCK, Layer.SECCOMP))):
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    if cage.has(Layer.PRIVILEGES):
        syscalls.drop_capabilities()
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
