"""What a hostile file would try if it took over its worker; run inside the cage to see that it fails.

Each attack does the real thing and is harmless where it succeeds. It returns, or the kernel refuses (OSError), or the
worker is killed.
"""

import ctypes
import mmap
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from quarantine.cage import syscalls
from quarantine.cage.layers import ANSWER_FD, FILE_FD, Layer

REACHED: Final = "reached"
REFUSED: Final = "refused"
# Numbers of system calls, looked up here: asking for the machine would be one more call.
_PTRACE, _MMAP = {"x86_64": (101, 9), "aarch64": (117, 222)}.get(os.uname().machine, (-1, -1))
_PTRACE_SEIZE: Final = 0x4206  # attaches without stopping; ptrace(2)
_READ_AND_WRITE: Final = mmap.PROT_READ | mmap.PROT_WRITE
_DESCRIPTORS_TRIED: Final = 256


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack, and the layers each of which stops it alone (the tests leave out the others)."""

    sentence: str  # what it would do, for a person
    run: Callable[[str], object]
    stopped_by: frozenset[Layer]
    landlock_from: int | None = None  # the ABI from which Landlock stops it too
    not_for_root: frozenset[Layer] = frozenset()  # layers that stop it too, unless it runs as root
    only_for_root: bool = False  # others cannot do it anyway


class HeldError(OSError):
    """What was attempted had no effect."""


def try_attack(name: str, target: str) -> str:
    """Run an attack on this process's own cage; return REACHED or REFUSED, unless the kernel kills us first."""
    try:
        ATTACKS[name].run(target)
    except (OSError, MemoryError):
        return REFUSED
    return REACHED


def _open(target: str) -> None:
    os.close(os.open(target, os.O_RDONLY))


def _create(target: str) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _connect_tcp(target: str) -> None:
    with socket.socket() as connection:
        connection.settimeout(2)
        connection.connect(("127.0.0.1", int(target)))


def _send_udp(target: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", int(target)))


def _connect_unix(target: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(target)


def _connect_abstract(target: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + target)


def _fork(_: str) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _exec(target: str) -> None:
    os.execve(target, [target, "-c", f"echo '\"{REACHED}\"'"], {})  # noqa: S606 - the attack itself


def _signal(target: str) -> None:
    os.kill(int(target), 0)


def _signal_zygote(_: str) -> None:
    os.kill(os.getppid(), 0)


def _ptrace(_: str) -> None:
    syscalls.syscall(_PTRACE, _PTRACE_SEIZE, os.getppid(), 0, 0)


def _write_file(_: str) -> None:
    os.pwrite(FILE_FD, b"!", 0)


def _reopen_file(_: str) -> None:
    reopened = os.open(f"/proc/self/fd/{FILE_FD}", os.O_RDWR)
    os.pwrite(reopened, b"!", 0)


def _map_file(_: str) -> None:
    # By hand: Python's mmap would copy the descriptor first, and die of that.
    address = syscalls.syscall(_MMAP, 0, 4096, _READ_AND_WRITE, mmap.MAP_SHARED, FILE_FD, 0)
    ctypes.c_char.from_address(address).value = b"!"


def _map_code(_: str) -> None:
    mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_EXEC).close()


def _find_descriptors(_: str) -> None:
    for descriptor in range(ANSWER_FD + 1, _DESCRIPTORS_TRIED):
        try:
            os.lseek(descriptor, 0, os.SEEK_CUR)
        except OSError as error:
            if error.errno == 9:  # EBADF: there is none
                continue
        return
    raise HeldError("no other descriptor")


def _allocate(target: str) -> None:
    bytes(int(target))


def _raise_priority(_: str) -> None:
    os.nice(-1)


def _gain_privileges(_: str) -> None:
    if syscalls.prctl(syscalls.PR_GET_NO_NEW_PRIVS) == 1:
        raise HeldError("no_new_privs is set")


def _be_dumped(_: str) -> None:
    if syscalls.prctl(syscalls.PR_GET_DUMPABLE) == 0:
        raise HeldError("this process is not dumpable")


def _list_capabilities(_: str) -> None:
    if not syscalls.has_capabilities():
        raise HeldError("no capability is left")


S, L, N, R = Layer.SECCOMP, Layer.LANDLOCK, Layer.NAMESPACES, Layer.RLIMITS
P = Layer.PRIVILEGES

ATTACKS: Final[dict[str, Attack]] = {
    "open": Attack("open a file", _open, frozenset({S, L, N, R})),
    "create": Attack("create a file", _create, frozenset({S, L, N, R})),
    "connect-tcp": Attack("connect by TCP", _connect_tcp, frozenset({S, N, R}), landlock_from=4),
    "send-udp": Attack("send by UDP", _send_udp, frozenset({S, N, R})),
    "connect-unix": Attack("connect to a socket in a folder, as clamd's", _connect_unix, frozenset({S, N, R})),
    "connect-abstract": Attack(
        "connect to an abstract socket", _connect_abstract, frozenset({S, N, R}), landlock_from=6
    ),
    "fork": Attack("start a process", _fork, frozenset({S}), not_for_root=frozenset({R})),
    "exec": Attack("run a program", _exec, frozenset({S, L, N, R})),
    "signal": Attack("signal the gateway", _signal, frozenset({S, N}), landlock_from=6),
    "signal-zygote": Attack("signal the zygote", _signal_zygote, frozenset({S}), landlock_from=6),
    "ptrace": Attack("trace the zygote", _ptrace, frozenset({S, L, P})),
    "write-file": Attack("write to the file", _write_file, frozenset({S, R, Layer.SEALS})),
    "reopen-file": Attack("open the file again for writing", _reopen_file, frozenset({S, N, R, Layer.SEALS})),
    "map-file": Attack("map the file for writing", _map_file, frozenset({Layer.SEALS})),
    "map-code": Attack("make memory executable", _map_code, frozenset({S})),
    "descriptors": Attack("use another descriptor", _find_descriptors, frozenset({Layer.DESCRIPTORS})),
    "allocate": Attack("take more memory than allowed", _allocate, frozenset({R})),
    "raise-priority": Attack("raise its priority", _raise_priority, frozenset({S, P, N}), only_for_root=True),
    "gain-privileges": Attack("gain privileges by exec", _gain_privileges, frozenset({S, L, P})),
    "be-dumped": Attack("leave a core or be traced", _be_dumped, frozenset({S, P})),
    "capabilities": Attack("keep a capability", _list_capabilities, frozenset({S, P})),
}
