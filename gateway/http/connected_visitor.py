"""A visitor's connection: what it says of whoever is at the other end.

A client that has sent all may close its sending half and wait for the answer. The same packet of the network comes
from one that went away, until something is sent there; only a reset is certain.
"""

import socket
from typing import Final

from aiohttp import web

from gateway.http.connections import line_of

_CLOSED: Final = 7  # TCP_CLOSE of the kernel's tcp_states.h: reset, or closed on both sides
_HALF_CLOSED: Final = 8  # TCP_CLOSE_WAIT


class ConnectedVisitor:
    """The visitor of one request: `gateway.submission.visitor.Visitor`."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request

    def is_reset(self) -> bool:
        """Return whether the connection was reset: whatever is sent, nobody sees it."""
        return self._state() == _CLOSED

    def has_left(self) -> bool:
        """Return whether the visitor may be gone: at least, nothing more comes from there."""
        return self._state() in (_CLOSED, _HALF_CLOSED)

    def holds_place(self, *, is_held: bool) -> None:
        """Keep the connection from being cut off for another as long as its upload has a place."""
        line_of(self._request).has_place = is_held

    def _state(self) -> int:
        # The event loop does not see a reset after the end of what was sent. The kernel does.
        transport = self._request.transport
        if transport is None or transport.is_closing():
            return _CLOSED
        connection: socket.socket = transport.get_extra_info("socket")
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
