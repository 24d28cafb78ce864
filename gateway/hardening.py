"""What a process that sees plaintext gives up at start: core files, being read by others, careless file modes."""

import os
import resource
from pathlib import Path

from quarantine.cage.syscalls import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, prctl


def harden_process() -> None:
    """Forbid core files and ptrace by siblings, gaining privileges, and files that others can read.

    Raises:
        OSError: The kernel refused. The process must not continue.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def swap_is_active(swaps: Path = Path("/proc/swaps")) -> bool:
    """Return whether this machine may write memory to a disk: keys and files under inspection are in memory."""
    try:
        return len(swaps.read_text("ascii").splitlines()) > 1
    except OSError:
        return True


def allow_descriptors() -> None:
    """Take all the descriptors that the system grants: each connection is one, idle ones of strangers too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
