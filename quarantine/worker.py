"""What a worker does, from its fork to its end: ties its hands, reads one file, writes one answer.

It runs in a child of the zygote and never returns. Whatever happens to it, the broker reads an answer of the closed
form and the wait status 0, or concludes nothing.
"""

import io
import json
import os
import signal
from typing import Final, Never

from quarantine import kernel
from quarantine.attacks import try_attack
from quarantine.cage import ANSWER_FD, FILE_FD, Cage, tie_worker
from quarantine.examination import encode_examination
from quarantine.examine import examine_bytes
from quarantine.expanding import expand
from quarantine.requests import Request

FAILED: Final = 1  # exit code


def work(request: Request, cage: Cage, descriptors: tuple[int, int], zygote: int) -> Never:
    """Do what is asked with `descriptors` (the file, the answer's pipe) and end this process.

    Args:
        request: The work.
        cage: The zygote's.
        descriptors: The file and the pipe, under any numbers.
        zygote: Process number of the zygote, whose end is ours.
    """
    status = FAILED
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != zygote:
            os._exit(FAILED)  # it died before this was asked for
        _place(*descriptors)
        tie_worker(cage, cpu_seconds=request.cpu_seconds, memory_bytes=request.budgets.worker_memory)
        _answer(request)
        status = 0
    except BaseException:  # noqa: BLE001, S110 - this process lives for this file only; the status says it
        pass
    # No clean-up of Python's: it could run a hostile object's code, and takes time.
    os._exit(status)


def _place(file: int, answer: int) -> None:
    # The zygote has 0, 1 and 2 open, so neither number that comes is one of the two, and neither overwrites the other.
    os.dup2(file, FILE_FD)
    os.dup2(answer, ANSWER_FD)
    os.close(file)
    os.close(answer)


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
