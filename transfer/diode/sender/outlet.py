"""The sender's only socket: sends datagrams at a fixed rate, many in one call where the kernel supports that.

Nothing is ever received: a filter in the kernel drops whatever reaches the socket, and no code reads from it.
"""

import ctypes
import errno
import socket
import struct
from typing import Final

from transfer.diode.errors import LinkError
from transfer.diode.sender.token_bucket import BUCKET_SECONDS, TokenBucket
from transfer.diode.wire.datagram import DatagramKind, DatagramWriter

UDP_SEGMENT: Final = 103  # udp(7): one call, many datagrams of one size
CALL_MAX: Final = 65_000  # bytes handed over in one call; UDP's own limit is 65,507
SEND_BUFFER: Final = 1024 * 1024  # bytes

_SO_ATTACH_FILTER: Final = 26  # socket(7)
_IP_MTU_DISCOVER: Final = 10
_IPV6_MTU_DISCOVER: Final = 23
_PMTUDISC_DO: Final = 2  # never fragment a datagram
_BPF_RETURN_ZERO: Final = struct.pack("=HBBI", 0x06, 0, 0, 0)  # "keep 0 bytes", for every datagram
_AWAY: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENOBUFS, errno.EPERM})
_NO_SEGMENTS: Final = frozenset({errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOPROTOOPT})


def open_outlet(address: tuple[str, int]) -> socket.socket:
    """Return a UDP socket that only sends."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    outlet = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    program = ctypes.create_string_buffer(_BPF_RETURN_ZERO, len(_BPF_RETURN_ZERO))
    outlet.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))
    outlet.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if family == socket.AF_INET:
        outlet.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DO)
    else:
        outlet.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_DO)
    return outlet


class Outlet:
    """Sends datagrams to one address at the rate of `bucket`. `unsent` counts those that the machine could not send."""

    def __init__(
        self, outlet: socket.socket, address: tuple[str, int], writer: DatagramWriter, bucket: TokenBucket, rate: int
    ) -> None:
        self._socket = outlet
        self._address = address
        self._writer = writer
        self._bucket = bucket
        # As many as the bucket holds, so that the rate of a slow link stays even; never more than one call takes.
        self._most = max(1, min(int(rate * BUCKET_SECONDS), CALL_MAX) // writer.size)
        self._buffer = memoryview(bytearray(self._most * writer.size))
        self._slots = [self._buffer[at * writer.size : (at + 1) * writer.size] for at in range(self._most)]
        self._filled = 0
        self._segments = self._most > 1 and self._ask_for_segments()
        self.unsent = 0
        self.bytes_sent = 0

    def put(
        self,
        kind: DatagramKind,
        payload: bytes | memoryview = b"",
        *,
        number: int,
        tag: bytes,
        block: int = 0,
        esi: int = 0,
    ) -> None:
        """Send one datagram, or keep it for the next system call."""
        self._writer.write(self._slots[self._filled], kind, payload, number=number, tag=tag, block=block, esi=esi)
        self._filled += 1
        if self._filled == self._most:
            self.flush()

    def put_symbols(self, content: memoryview, *, number: int, tag: bytes, block: int, first: int) -> None:
        """Send consecutive symbols of one block, or keep the last of them for the next system call."""
        symbol, done = self._writer.symbol, 0
        count = len(content) // symbol
        while done < count:
            taken = min(count - done, self._most - self._filled)
            slots = self._slots[self._filled : self._filled + taken]
            piece = content[done * symbol : (done + taken) * symbol]
            self._writer.write_symbols(slots, piece, number=number, tag=tag, block=block, first=first + done)
            self._filled += taken
            done += taken
            if self._filled == self._most:
                self.flush()

    def pad(self) -> None:
        """Send what is kept, filled up with padding datagrams."""
        while self._filled < self._most:
            self._writer.write(self._slots[self._filled], DatagramKind.PADDING)
            self._filled += 1
        self.flush()

    def flush(self) -> None:
        """Send what is kept, when the bucket allows it.

        Raises:
            LinkError: A datagram is too large for the interface.
            OSError: The socket failed for good.
        """
        count, self._filled = self._filled, 0
        if not count:
            return
        size = count * self._writer.size
        self._bucket.wait(size)
        self.bytes_sent += size
        if self._segments and count > 1:
            try:
                self._send(self._buffer[:size], count)
            except OSError as error:
                if error.errno not in _NO_SEGMENTS:
                    raise
                # This interface does not segment: from now on one call for each datagram.
                self._segments = False
                self._socket.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 0)
            else:
                return
        for slot in self._slots[:count]:
            self._send(slot, 1)

    def _ask_for_segments(self) -> bool:
        try:
            self._socket.setsockopt(socket.SOL_UDP, UDP_SEGMENT, self._writer.size)
        except OSError:
            return False
        return True

    def _send(self, content: memoryview, count: int) -> None:
        try:
            self._socket.sendto(content, self._address)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                raise LinkError("'mtu' in link.toml is larger than this machine's interface allows") from None
            if error.errno not in _AWAY:
                raise
            self.unsent += (
                count  # a cable that is out will be plugged in again; no report of the loss could reach us anyway
            )
