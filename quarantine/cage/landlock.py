"""Landlock: this process and its children lose every file that is not named here, for ever. landlock(7).

The rule sets of newer kernels forbid more (ABI 4: TCP; 6: signals and abstract sockets to the outside), so the best
that the kernel knows is taken. What ABI 2 (Linux 5.19; Debian 12 has 6.1) does not cover, seccomp refuses as well.
"""

import ctypes
import functools
import os
from collections.abc import Iterable
from typing import Final

from quarantine.cage import syscalls

READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
EXECUTE: Final = 1 << 0
ABI_NEEDED: Final = 2

_CREATE_RULESET: Final = 444  # system calls; the same on every architecture
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1
# Bits of handled_access_fs up to each ABI: 13 of ABI 1, then REFER, TRUNCATE, IOCTL_DEV.
_FILE_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP: Final = 0b11  # bind and connect; ABI 4
_SCOPES: Final = 0b11  # abstract sockets and signals; ABI 6
_OF_FILES: Final = EXECUTE | READ_FILE  # what may be allowed of a file; the rest is for folders


class _RulesetAttr(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


@functools.cache
def landlock_abi() -> int:
    """Return the kernel's Landlock ABI; 0 where the kernel has no Landlock."""
    try:
        return syscalls.syscall(_CREATE_RULESET, 0, 0, _VERSION_FLAG)
    except OSError:
        return 0


def restrict(allowed: Iterable[tuple[str, int]] = (), *, abi: int) -> None:
    """Refuse everything that this ABI can refuse, but for the rights given beneath each path of `allowed`.

    A path that does not exist is left out. no_new_privs must be set.

    Raises:
        OSError: The kernel refused or has no Landlock; the process must not continue.
    """
    if abi < ABI_NEEDED:
        raise OSError(f"Landlock is needed, of ABI {ABI_NEEDED} or later")
    attr = _RulesetAttr((1 << _FILE_BITS[min(abi, 5)]) - 1, _TCP if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = syscalls.syscall(_CREATE_RULESET, ctypes.addressof(attr), size, 0)
    try:
        for path, rights in allowed:
            _allow(ruleset, path, rights)
        syscalls.syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - pathlib takes milliseconds to load
            rights &= _OF_FILES
        attr = _PathBeneathAttr(rights, parent)
        syscalls.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.addressof(attr), 0)
    finally:
        os.close(parent)
