"""Launches a foreign program, such as an unpacker, in a cage of its own.

    python -I -S -B confine.py CPU_SECONDS MEMORY_BYTES READABLE PROGRAM [ARGUMENT...]

The program may read its libraries, the folders and files in READABLE (joined by colons, or empty), and whatever
descriptors it inherits; of all programs it may start itself only, and no process. There is no network, and no process
that it could signal or trace (landlock.py, seccomp.py). A fresh interpreter does this after exec: `preexec_fn` is not
safe in a program with threads. It imports little of the standard library, so that it is up in a few milliseconds.
"""

import os
import sys
from typing import Final

if __name__ == "__main__":
    # Neither site nor the script's folder are on the path of an isolated interpreter: only what we name.
    sys.path.append(__file__.rpartition("/quarantine/")[0])

from quarantine.cage import landlock, namespaces, rlimits, seccomp, syscalls

LAUNCH_FAILED: Final = 125  # exit code; no program that we start ends with it
_LOADERS: Final = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
_LIBRARIES: Final = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
    "/usr/share/GNUstep", "/usr/share/zoneinfo", "/etc/localtime",
    "/proc/self/cmdline",  # where GNUstep finds the program's own name
)  # fmt: skip


def confine(program: str, readable: list[str], *, cpu_seconds: int, memory_bytes: int) -> None:
    """Give up all that `program` does not need, for good.

    Raises:
        OSError: The kernel refused; the process must end then.
    """
    namespaces.leave_network()
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.drop_capabilities()
    executable = [(path, landlock.EXECUTE | landlock.READ_FILE) for path in (program, *_LOADERS)]
    rest = [(path, landlock.READ_FILE | landlock.READ_DIR) for path in (*_LIBRARIES, *readable)]
    landlock.restrict([*executable, *rest], abi=landlock.landlock_abi())
    rlimits.limit_process(cpu_seconds=cpu_seconds, memory_bytes=memory_bytes)
    seccomp.install(seccomp.foreign_filter(os.getpid()))


def main(arguments: list[str]) -> None:
    """Confine this process and become the program that is named; where that fails, end with LAUNCH_FAILED."""
    cpu_seconds, memory_bytes, readable, *command = arguments
    try:
        folders = [path for path in readable.split(":") if path]
        confine(command[0], folders, cpu_seconds=int(cpu_seconds), memory_bytes=int(memory_bytes))
        os.execve(command[0], command, {})  # noqa: S606 - no shell, and the program is ours to name
    except OSError:
        sys.exit(LAUNCH_FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
