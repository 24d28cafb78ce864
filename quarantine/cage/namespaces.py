"""Namespaces: no network, no other process, no file tree to begin with. Extra, as some kernels forbid them to us."""

import os

from quarantine.cage import syscalls

_BARE = syscalls.MS_RDONLY | syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC


def leave_everything() -> bool:
    """Move this process to an empty file tree without a network, and its children to a process tree of their own.

    A child of this process is process 1 there: when it ends, the kernel kills all that came from it. No user is
    mapped: whatever user this was outside, inside it is nobody. Single-threaded callers only.

    Returns:
        False, with nothing changed, where the kernel does not let us.

    Raises:
        OSError: The kernel gave the namespaces, but no empty file tree; the process must not continue.
    """
    flags = syscalls.CLONE_NEWNET | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNS
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER | flags)
    except OSError:
        return False
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("none", "/proc", "tmpfs", _BARE, "size=4k,nr_inodes=2,mode=555")
    os.chroot("/proc")
    os.chdir("/")
    return True


def leave_network() -> bool:
    """Move this process to namespaces without a network and without shared memory of others; false if it may not."""
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWIPC)
    except OSError:
        return False
    return True
