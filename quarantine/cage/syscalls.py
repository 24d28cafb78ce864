"""System calls that Python 3.11 has no name for. Every one of them raises OSError when the kernel refuses."""

import contextlib
import ctypes
import os
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # prctl(2)
PR_GET_DUMPABLE: Final = 3
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38
PR_GET_NO_NEW_PRIVS: Final = 39

CLONE_NEWNS: Final = 0x00020000  # unshare(2)
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

MS_RDONLY: Final = 0x1  # mount(2)
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000

_M_TRIM_THRESHOLD: Final = -1  # mallopt(3)
_M_MMAP_THRESHOLD: Final = -3
_CLOSE_RANGE: Final = 436  # the same on every architecture, as all calls since 424 are
_CAPABILITY_VERSION: Final = 0x20080522  # _LINUX_CAPABILITY_VERSION_3; capset(2)
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def syscall(number: int, *arguments: int) -> int:
    """Call the kernel by number; pointers are handed in as addresses."""
    # Without a type, ctypes would cut a Python int to 32 bits.
    return _checked(_LIBC.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, arguments)))


def prctl(option: int, value: int = 0) -> int:
    """Set or read one attribute of this process."""
    return _checked(_LIBC.prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3))


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for new ones."""
    _checked(_LIBC.unshare(flags))


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Mount, or change how something is mounted."""
    texts = [None if text is None else text.encode() for text in (source, target, kind, options)]
    _checked(_LIBC.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]))


def close_from(first: int) -> None:
    """Close every descriptor from `first` on."""
    syscall(_CLOSE_RANGE, first, 0xFFFFFFFF, 0)


def drop_capabilities() -> None:
    """Give up every capability; with no_new_privs not even root's exec brings one back."""
    _checked(_LIBC.capset(_capability_header(), (ctypes.c_uint32 * 6)()))


def has_capabilities() -> bool:
    """Return whether this process has any capability, in effect or permitted."""
    sets = (ctypes.c_uint32 * 6)()
    _checked(_LIBC.capget(_capability_header(), sets))
    return any(sets)


def keep_freed_memory() -> None:
    """Let malloc keep what is freed, for this process and its children; glibc only, elsewhere without effect.

    A short life needs no thrift: a worker that reads a large file in pieces would else give each piece back to the
    kernel and fault it in again (half of its CPU time, for 250 MiB of text).
    """
    with contextlib.suppress(AttributeError):
        _LIBC.mallopt(_M_TRIM_THRESHOLD, 2**30)
        _LIBC.mallopt(_M_MMAP_THRESHOLD, 2**25)  # the most that mallopt(3) takes


def _capability_header() -> "ctypes.Array[ctypes.c_uint32]":
    return (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)


def _checked(answer: int) -> int:
    if answer == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer
