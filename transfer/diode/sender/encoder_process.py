"""The encoder: a process of its own that computes repair symbols, because the coder holds the interpreter's lock.

Blocks and repair symbols lie in memory that it shares with the sender; requests and answers go over a pair of
sockets. It runs as `python -m transfer.diode.sender.encoder_process MEMORY SOCKET SLOT-SIZE BLOCK-SIZE`; the first two
are file descriptors.
"""

import mmap
import os
import socket
import struct
import subprocess
import sys
from collections import deque
from typing import Final

from transfer.diode.errors import LinkError

REQUEST: Final = struct.Struct("=IIIII")  # slot, bytes of a symbol, source symbols, repair symbols to skip, to make
ANSWER: Final = struct.Struct("=I")  # slot
SLOTS: Final = 4  # blocks in progress at the same time
DEATHS_MAX: Final = 3  # in a row


class Encoder:
    """The sender's end. As a context: ends the process.

    Args:
        block: Bytes of a block at most.
        repair: Bytes of a block's repair symbols at most.
    """

    def __init__(self, *, block: int, repair: int) -> None:
        self._block = block
        self._slot = block + repair
        self._memory = os.memfd_create("enveis-encoder")
        os.ftruncate(self._memory, SLOTS * self._slot)
        self._map = mmap.mmap(self._memory, SLOTS * self._slot)
        self._view = memoryview(self._map)
        self._pending: deque[bytes] = deque()
        self._deaths = 0
        self._start()

    def __enter__(self) -> "Encoder":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        self._view.release()
        os.close(self._memory)

    def block(self, slot: int) -> memoryview:
        """Return the memory for the block of a slot."""
        return self._view[slot * self._slot : slot * self._slot + self._block]

    def repair(self, slot: int) -> memoryview:
        """Return the memory of a slot's repair symbols, one after the other; valid after `wait` returned the slot."""
        return self._view[slot * self._slot + self._block : (slot + 1) * self._slot]

    def submit(self, slot: int, *, symbol: int, count: int, first: int, repairs: int) -> None:
        """Request the repair symbols of the block in `slot`, which must not change before `wait` returns the slot."""
        request = REQUEST.pack(slot, symbol, count, first, repairs)
        self._pending.append(request)
        try:
            self._socket.send(request)
        except OSError:
            self._revive()

    def is_ready(self) -> bool:
        """Return whether `wait` would return at once."""
        try:
            return bool(self._socket.recv(ANSWER.size, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False
        except OSError:
            return True  # dead: wait() restarts it

    def wait(self) -> int:
        """Return the next slot whose repair symbols are ready, in the order of the requests.

        Raises:
            LinkError: The process died several times in a row.
        """
        while True:
            try:
                answer = self._socket.recv(ANSWER.size)
            except OSError:
                answer = b""
            if answer:
                self._pending.popleft()
                self._deaths = 0
                return int(ANSWER.unpack(answer)[0])
            self._revive()

    def _start(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            numbers = [str(self._memory), str(theirs.fileno())]
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "transfer.diode.sender.encoder_process",
                    *numbers,
                    str(self._slot),
                    str(self._block),
                ],
                pass_fds=(self._memory, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                # Ctrl-C reaches a terminal's whole group; this process must end only when the sender closes its socket.
                start_new_session=True,
            )

    def _revive(self) -> None:
        self._deaths += 1
        self._socket.close()
        self._process.kill()
        self._process.wait()
        if self._deaths > DEATHS_MAX:
            raise LinkError("the encoder process keeps ending on this machine; is it out of memory?")
        self._start()
        for request in self._pending:
            self._socket.send(request)


def answer_requests(memory: int, answers: socket.socket, *, slot_size: int, block_size: int) -> None:
    """Answer requests until the other end closes."""
    from transfer.diode.coder import encode_repair, keep_memory

    keep_memory()
    with mmap.mmap(memory, SLOTS * slot_size) as shared:
        while request := answers.recv(REQUEST.size):
            slot, symbol, count, first, repairs = REQUEST.unpack(request)
            start = slot * slot_size
            made = encode_repair(shared[start : start + count * symbol], symbol=symbol, first=first, count=repairs)
            at = start + block_size
            shared[at : at + repairs * symbol] = b"".join(made)
            answers.send(ANSWER.pack(slot))


if __name__ == "__main__":
    _memory, _socket, _slot_size, _block_size = map(int, sys.argv[1:])
    with socket.socket(fileno=_socket) as _answers:
        answer_requests(_memory, _answers, slot_size=_slot_size, block_size=_block_size)
