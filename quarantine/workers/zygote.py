"""The zygote: a warm interpreter that never held a key and forks caged workers, each for one file.

    python -I -B -m quarantine.workers.zygote SOCKET CAGE [pictures]

Single-threaded, as fork in a threaded process is not safe. It loads all that a check may need, ties its own hands, and
then passes requests (protocol.py) to workers that wait (spares.py) until the broker closes the socket. It reads no byte
of any file.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Final

from quarantine.cage import syscalls
from quarantine.cage.layers import Cage, Layer, tie_zygote
from quarantine.cage.namespaces import leave_everything
from quarantine.errors import CageError
from quarantine.workers.protocol import (
    DESCRIPTORS,
    PICTURES,
    REQUEST_MAX,
    End,
    Hello,
    encode_end,
    encode_hello,
    parse_cage,
)
from quarantine.workers.spares import SPARES, Spares
from quarantine.workers.warmup import load_everything

_KILLED_FIRST: Final = "1000"  # oom_score_adj: where memory ends, a worker ends before anything else


def main(arguments: list[str]) -> None:
    """Become the zygote on the socket that is inherited."""
    cage = parse_cage(arguments[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the broker ends us
    channel = socket.socket(fileno=int(arguments[0]))
    syscalls.keep_freed_memory()
    load_everything(pictures=PICTURES in arguments[2:])
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123
        score.write(_KILLED_FIRST)
    try:
        _check_threads()
        namespaces = cage.has(Layer.NAMESPACES) and leave_everything()
        if namespaces:
            _become_first_process(channel)
        tie_zygote(cage)
    except (OSError, CageError) as error:
        channel.send(encode_hello(Hello(0, namespaces=False, fault=str(error))))
        sys.exit(1)
    # What is loaded by now is never collected, so that workers do not copy its pages.
    gc.collect()
    gc.freeze()
    channel.send(encode_hello(Hello(cage.abi, namespaces)))
    Zygote(channel, cage).run()


def _check_threads() -> None:
    # A fork copies only the thread that forks; what the others held stays locked for ever.
    if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208 - pathlib is no shorter here
        raise CageError("the zygote has more than one thread")


def _become_first_process(channel: socket.socket) -> None:
    """Continue in a child, which is process 1 of the new namespace; this process waits for its end."""
    child = os.fork()
    if child == 0:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    channel.close()
    # The broker's SIGTERM: process 1 of a namespace takes nothing less than SIGKILL.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


@dataclass(frozen=True, slots=True)
class _Living:
    """A worker that has not ended."""

    pid: int
    end: int  # descriptor (pidfd) that is readable when it has ended
    status: socket.socket


class Zygote:
    """Passes requests to workers and reports their ends."""

    def __init__(self, channel: socket.socket, cage: Cage) -> None:
        self._channel = channel
        self._spares = Spares(cage)
        self._living: dict[int, _Living] = {}  # by both of a worker's descriptors
        self._poll = select.poll()
        self._poll.register(channel, select.POLLIN)

    def run(self) -> None:
        """Serve until the broker is gone, and leave no worker behind."""
        while True:
            # While a worker runs, a fork would delay it: both touch the same pages' locks.
            least = 1 if self._living else SPARES
            while not (ready := self._poll.poll(0)) and self._spares.refill(least):
                pass
            for descriptor, _ in ready or self._poll.poll():
                worker = self._living.get(descriptor)
                if worker is not None:
                    # Either it has ended, or the broker does not want it any more.
                    self._bury(worker)
                elif descriptor == self._channel.fileno() and not self._serve():
                    for left in set(self._living.values()):
                        self._bury(left)
                    self._spares.close()
                    return

    def _serve(self) -> bool:
        """Have one request done; false when there will be no more."""
        packet, descriptors, _, _ = socket.recv_fds(self._channel, REQUEST_MAX, DESCRIPTORS)
        if not packet:
            return False
        status = socket.socket(fileno=descriptors.pop())
        try:
            pid = self._spares.assign(packet, descriptors)
            worker = _Living(pid, os.pidfd_open(pid), status)
        except OSError:
            status.close()  # without a status: the broker knows what that means
            return True
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        for end in (worker.end, status.fileno()):
            self._living[end] = worker
            self._poll.register(end, select.POLLIN)
        return True

    def _bury(self, worker: _Living) -> None:
        for descriptor in (worker.end, worker.status.fileno()):
            self._poll.unregister(descriptor)
            del self._living[descriptor]
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)  # a worker that has ended keeps its status
        _, status, usage = os.wait4(worker.pid, 0)
        end = End(status, memory=usage.ru_maxrss * 1024, cpu=usage.ru_utime + usage.ru_stime)
        with contextlib.suppress(OSError), worker.status:
            worker.status.send(encode_end(end), socket.MSG_DONTWAIT)
        os.close(worker.end)


if __name__ == "__main__":
    main(sys.argv[1:])
