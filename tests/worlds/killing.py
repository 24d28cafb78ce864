"""Ends a piece of work by SIGKILL between two of its system calls: in a forked child, watched through ptrace(2).

Nothing of ours is patched for it. SQLite's calls, buffered writes and the interpreter's own count like any other; the
kernel closes files and frees locks as it does when a process dies, and no `finally` runs. A seccomp filter stops the
child at the calls that change a disk only: between two of them every moment is like every other.
"""

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Callable
from typing import Final

_TRACEME, _CONT, _SETOPTIONS = 0, 7, 0x4200  # linux/ptrace.h
_OPTIONS: Final = 0x00100000 | 0x80  # PTRACE_O_EXITKILL: no stopped child outlives us; PTRACE_O_TRACESECCOMP
_SECCOMP_STOP: Final = signal.SIGTRAP | 7 << 8  # PTRACE_EVENT_SECCOMP
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2  # prctl(2)
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000  # linux/seccomp.h
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # linux/bpf_common.h: LD|W|ABS, JMP|JEQ, JMP|JSET, RET

# write pwrite64 writev fsync fdatasync truncate ftruncate rename mkdir rmdir link unlink mkdirat unlinkat renameat
# linkat utimensat renameat2; and openat, when it may create.
_CHANGING: Final[dict[str, tuple[int, ...]]] = {
    "x86_64": (1, 18, 20, 74, 75, 76, 77, 82, 83, 84, 86, 87, 258, 263, 264, 265, 280, 316),
    "aarch64": (64, 68, 66, 82, 83, 45, 46, 34, 35, 38, 37, 88, 276),
}
_OPENAT: Final[dict[str, int]] = {"x86_64": 257, "aarch64": 56}
_FAILED: Final = 1

_libc = ctypes.CDLL(None, use_errno=True)
for _call in (_libc.ptrace, _libc.prctl):
    _call.argtypes = [ctypes.c_long] * (4 if _call is _libc.ptrace else 5)
    _call.restype = ctypes.c_long


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def killed(work: Callable[[], object], *, at: int) -> bool:
    """Run `work` in a child and kill it before its changing call number `at` (from 1); False when it had ended.

    A failure of `work` counts as its end: what it left is as good as what a killed one left.
    """
    child = os.fork()
    if child == 0:
        _be_traced(work)
    os.waitpid(child, 0)
    _demand(_libc.ptrace(_SETOPTIONS, child, 0, _OPTIONS))
    left, passed_on = at, 0
    while True:
        _demand(_libc.ptrace(_CONT, child, 0, passed_on))
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return False
        if status >> 8 != _SECCOMP_STOP:
            passed_on = os.WSTOPSIG(status)  # a signal that the child has to get
            continue
        passed_on = 0
        left -= 1
        if left == 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True


def _be_traced(work: Callable[[], object]) -> None:
    try:
        _demand(_libc.ptrace(_TRACEME, 0, 0, 0))
        os.kill(os.getpid(), signal.SIGSTOP)
        _stop_at_changes()
        work()
    except BaseException:  # noqa: BLE001 - the child has nobody to tell; its parent reads the disk
        os._exit(_FAILED)
    os._exit(0)


def _stop_at_changes() -> None:
    machine = platform.machine()
    changing = _CHANGING[machine]
    code = [(_LOAD, 0, 0, 0)]  # the call's number
    count = len(changing)
    # Each finds its way to the last line, which stops; the two before it are for openat, and for all others.
    code += [(_EQUAL, count - place + 3, 0, number) for place, number in enumerate(changing)]
    code += [(_EQUAL, 0, 2, _OPENAT[machine]), (_LOAD, 0, 0, 32), (_ANY_BIT, 1, 0, os.O_CREAT)]
    code += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _TRACE)]
    packed = b"".join(struct.pack("=HBBI", *line) for line in code)
    program = _Program(len(code), packed)
    _demand(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    _demand(_libc.prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(program), 0, 0))


def _demand(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
