"""Ties the hands of the process that runs it: for the worker, and as a launcher for a foreign program.

    python -I -S -B confine.py CPU_SECONDS MEMORY_BYTES PROGRAM [ARGUMENT...]

Imports nothing but a little of the standard library, so that it is up in a few milliseconds. A fresh
interpreter does this after exec: `preexec_fn` is not safe in a program with threads. Landlock, seccomp and
namespaces will stand here too.
"""

import ctypes
import os
import resource
import sys
from typing import Final

LAUNCH_FAILED: Final = 125  # exit code; no program that we start ends with it

_PR_SET_DUMPABLE: Final = 4  # prctl(2)
_PR_SET_NO_NEW_PRIVS: Final = 38


def confine(*, cpu_seconds: int, memory_bytes: int) -> None:
    """Limit this process and all that it becomes; there is no way back.

    No file can grow (a pipe can be written), no core is dumped, no process is forked (which the kernel does
    not hold root to), no privilege is gained.

    Raises:
        OSError: The kernel refused; the process must end then.
    """
    for kind, limit in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        # Never above what we were given: only root may raise a hard limit.
        hard = resource.getrlimit(kind)[1]
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (most, most))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_DUMPABLE, 0)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl failed")


def main(arguments: list[str]) -> None:
    """Confine this process and become the program that is named; where that fails, end with LAUNCH_FAILED."""
    cpu_seconds, memory_bytes, *command = arguments
    try:
        confine(cpu_seconds=int(cpu_seconds), memory_bytes=int(memory_bytes))
        os.execve(command[0], command, {})  # noqa: S606 - no shell, and the program is ours to name
    except OSError:
        sys.exit(LAUNCH_FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
