"""Many datagrams in one system call: recvmmsg(2), which Python does not offer. Owns its buffers."""

import ctypes
import errno
import os
import socket
from typing import Final

_MSG_WAITFORONE: Final = 0x10000  # recvmmsg(2): return what is there after the first
_NO_ADDRESS: Final = None


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("iov", ctypes.POINTER(_IoVec)),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("header", _MsgHdr), ("length", ctypes.c_uint))


_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class DatagramReceiver:
    """Receives up to `most` datagrams at once, of up to `size` bytes each.

    The kernel gets one byte more for each, so that a datagram that is too long shows by its length.
    """

    def __init__(self, listening: socket.socket, *, most: int, size: int) -> None:
        self._socket = listening
        self._most = most
        self._buffer = bytearray(most * (size + 1))
        view = memoryview(self._buffer)
        self._slots = [view[index * (size + 1) : (index + 1) * (size + 1)] for index in range(most)]
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
        self._iovecs = (_IoVec * most)()
        self._messages = (_MMsgHdr * most)()
        for index in range(most):
            self._iovecs[index] = _IoVec(start + index * (size + 1), size + 1)
            self._messages[index].header.iov = ctypes.pointer(self._iovecs[index])
            self._messages[index].header.iov_length = 1
        # Reading each length through ctypes would cost more than parsing a header.
        step = ctypes.sizeof(_MMsgHdr) // ctypes.sizeof(ctypes.c_uint)
        offset = _MMsgHdr.length.offset // ctypes.sizeof(ctypes.c_uint)
        self._lengths = memoryview(self._messages).cast("B").cast("I")[offset::step]

    def receive(self) -> list[memoryview]:
        """Return the datagrams that have arrived, at least one, or [] when the socket's timeout has passed.

        The views are valid until the next call.

        Raises:
            OSError: The socket failed.
        """
        count = _LIBC.recvmmsg(self._socket.fileno(), self._messages, self._most, _MSG_WAITFORONE, _NO_ADDRESS)
        if count < 0:
            number = ctypes.get_errno()
            if number in {errno.EAGAIN, errno.EINTR}:
                return []
            raise OSError(number, os.strerror(number))
        slots, lengths = self._slots, self._lengths
        return [slots[index][: lengths[index]] for index in range(count)]
