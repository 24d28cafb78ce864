"""What a worker does, from its fork to its end: ties its hands, waits for one file, reads it, writes one answer.

It runs in a child of the zygote and never returns. Whatever happens to it, the broker reads an answer of the closed
form and the wait status 0, or concludes nothing.
"""

import contextlib
import io
import json
import os
import signal
import socket
from typing import Final, Never

from quarantine.budgets import Budgets
from quarantine.cage import seccomp, syscalls
from quarantine.cage.attacks import try_attack
from quarantine.cage.layers import ANSWER_FD, CHANNEL_FD, FILE_FD, Cage, tie_spare, tie_worker
from quarantine.check_of_type import examine_bytes
from quarantine.examination import encode_examination
from quarantine.file_types import FileType
from quarantine.workers.protocol import REQUEST_MAX, WORKERS_DESCRIPTORS, Request, encode_request, parse_request
from quarantine.workers.warmup import warm_up
from quarantine.zip.expand import expand

FAILED: Final = 1  # exit code
_REHEARSED: Final = encode_request(Request(1, Budgets(), file_type=FileType.TXT))


def work(channel: socket.socket, cage: Cage, zygote: int) -> Never:
    """Wait for one request on `channel` (protocol.py), do what it asks, and end this process.

    Args:
        channel: Where the request comes; its other end is the zygote's.
        cage: The zygote's.
        zygote: Process number of the zygote, whose end is ours.
    """
    status = FAILED
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != zygote:
            os._exit(FAILED)  # it died before this was asked for
        request = _wait(channel, cage)
        tie_worker(cage, cpu_seconds=request.cpu_seconds, memory_bytes=request.budgets.worker_memory)
        _answer(request)
        status = 0
    except BaseException:  # noqa: BLE001, S110 - this process lives for this file only; the status shows the failure
        pass
    # No clean-up of Python's: it could run a hostile object's code, and takes time.
    os._exit(status)


def _wait(channel: socket.socket, cage: Cage) -> Request:
    """Give up what can be given up before there is a file, and wait for it; it lies at FILE_FD then."""
    os.dup2(channel.fileno(), CHANNEL_FD)
    tie_spare(cage)
    _rehearse()
    with socket.socket(fileno=CHANNEL_FD) as waiting:
        packet, (file, answer), _, _ = socket.recv_fds(waiting, REQUEST_MAX, WORKERS_DESCRIPTORS)
        # 0, 1 and 2 are open, so neither number that came is one of the two, and neither overwrites the other.
        os.dup2(file, FILE_FD)
        os.dup2(answer, ANSWER_FD)
        os.close(file)
        os.close(answer)
    return parse_request(packet)


def _rehearse() -> None:
    """Do once what will be done, so that the memory which that takes is this process's own already."""
    parse_request(_REHEARSED)
    with contextlib.suppress(OSError):
        seccomp.install(b"")  # no program at all: the kernel refuses it
    warm_up()


def _answer(request: Request) -> None:
    if request.attack is not None:
        _write(json.dumps(try_attack(request.attack, request.target)).encode())
        return
    with io.BufferedReader(io.FileIO(FILE_FD, closefd=False)) as stream:
        if request.place is not None:
            for piece in expand(stream, request.place, request.budgets):
                _write(piece)
        elif request.file_type is not None:
            _write(encode_examination(examine_bytes(stream, request.file_type, request.budgets)))


def _write(answer: bytes) -> None:
    view = memoryview(answer)
    while view:
        view = view[os.write(ANSWER_FD, view) :]
