"""seccomp: which system calls a process may still make. Two filters, each a short BPF program. seccomp(2).

* The worker's is an **allow list**: compute, read, answer on one descriptor, end. Everything else kills the process,
  and so does any other architecture's call table (32-bit, x32).
* A foreign program's (unar) is a **deny list**: what no unpacker needs is refused. Its files, Landlock keeps.

Plain numbers and no library: a reviewer has to trust the kernel's seccomp and the two tables below.
"""

import ctypes
import functools
import os
import struct
from collections.abc import Iterable
from typing import Final

from quarantine.cage import syscalls

ANSWER_FD: Final = 1  # the only descriptor that the worker may write to

# x86-64 (arch/x86/entry/syscalls/syscall_64.tbl), aarch64 (include/uapi/asm-generic/unistd.h); -1: does not exist.
_WORKER: Final = {
    "read": (0, 63), "pread64": (17, 67), "lseek": (8, 62), "fstat": (5, 80), "close": (3, 57),
    "brk": (12, 214), "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233),
    "futex": (202, 98), "sched_yield": (24, 124), "getrandom": (318, 278),
    "clock_gettime": (228, 113), "gettimeofday": (96, 169),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "restart_syscall": (219, 128),
    "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
_WRITE: Final = (1, 64)
_MAPPING: Final = {"mmap": (9, 222), "mprotect": (10, 226)}
# Python asks these by the way (fstat is newfstatat in glibc, isatty is ioctl) and lives with a refusal.
_WORKER_REFUSED: Final = {"newfstatat": (262, 79), "ioctl": (16, 29)}

_FOREIGN_REFUSED: Final = {
    # Network: no socket, so nothing to connect.
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    # Other processes. kill: the program has no process to signal.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "fork": (57, -1), "vfork": (58, -1), "execveat": (322, 281), "memfd_create": (319, 279),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    # The machine, and the parts of the kernel that most holes were found in.
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "syslog": (103, 116),
    "personality": (135, 92), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "iopl": (172, -1), "ioperm": (173, -1), "modify_ldt": (154, -1),
}  # fmt: skip
_CLONE: Final = (56, 220)
_CLONE3: Final = (435, 435)
_TGKILL: Final = (234, 131)

# Which column of the tables, and the architecture that the kernel names in each call; linux/audit.h.
_MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32: Final = 0x40000000  # bit of x86-64's second call table
_PROT_EXEC: Final = 0x4
_CLONE_THREAD: Final = 0x00010000

_KILL: Final = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_EPERM: Final = _ERRNO | 1
_ENOSYS: Final = _ERRNO | 38

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER: Final = 1

Instruction = tuple[int, int, int, int]  # code, how far to jump if true, if false, constant


def is_known_machine() -> bool:
    """Return whether there are filters for this machine's call table."""
    return os.uname().machine in _MACHINES


@functools.cache
def worker_filter() -> bytes:
    """Return the program of the worker's allow list."""
    column, head = _head()
    program = [*head, *_each(_WORKER.values(), column, _ALLOW), *_each(_WORKER_REFUSED.values(), column, _EPERM)]
    program += _if_argument(_WRITE[column], 0, (_EQUAL, ANSWER_FD), met=_ALLOW, otherwise=_KILL)
    for number in _MAPPING.values():
        program += _if_argument(number[column], 2, (_ANY_BIT, _PROT_EXEC), met=_KILL, otherwise=_ALLOW)
    return _assemble([*program, (_RETURN, 0, 0, _KILL)])


def foreign_filter(pid: int) -> bytes:
    """Return the program of the deny list for a foreign program that will run as process `pid`."""
    column, head = _head()
    program = [*head, *_each(_FOREIGN_REFUSED.values(), column, _EPERM)]
    # Threads, but no processes. clone3 hides its flags from a filter; without it glibc takes clone.
    program += _if_argument(_CLONE[column], 0, (_ANY_BIT, _CLONE_THREAD), met=_ALLOW, otherwise=_EPERM)
    program += _each([_CLONE3], column, _ENOSYS)
    # abort() signals its own thread.
    program += _if_argument(_TGKILL[column], 0, (_EQUAL, pid), met=_ALLOW, otherwise=_EPERM)
    return _assemble([*program, (_RETURN, 0, 0, _ALLOW)])


def install(program: bytes) -> None:
    """Put this process under `program` for ever; no_new_privs must be set.

    Raises:
        OSError: The kernel refused; the process must not continue.
    """
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a count, six bytes of padding, a pointer.
    fprog = ctypes.create_string_buffer(struct.pack("@HxxxxxxQ", len(program) // 8, ctypes.addressof(instructions)))
    syscalls.syscall(_SECCOMP[os.uname().machine], _SET_MODE_FILTER, 0, ctypes.addressof(fprog))


def _head() -> tuple[int, list[Instruction]]:
    """Return the column of this machine, and what refuses every call table but its own."""
    if not is_known_machine():
        raise OSError("there is no seccomp filter for this kind of machine")
    column, architecture = _MACHINES[os.uname().machine]
    return column, [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]


def _each(calls: Iterable[tuple[int, int]], column: int, action: int) -> list[Instruction]:
    numbers = [call[column] for call in calls if call[column] >= 0]
    return [step for number in numbers for step in ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, action))]


def _if_argument(number: int, index: int, test: tuple[int, int], *, met: int, otherwise: int) -> list[Instruction]:
    """For one call: judge the low 32 bits of an argument, which are all that the kernel reads of these."""
    jump, constant = test
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * index),
        (jump, 0, 1, constant),
        (_RETURN, 0, 0, met),
        (_RETURN, 0, 0, otherwise),
    ]


def _assemble(program: list[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
