"""A line between a browser and a gateway that does with posted forms what a test wants: holds, loses or cuts them."""

import contextlib
import re
import socket
import struct
import threading
from enum import Enum, auto
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from tests.worlds.waiting import WATCHDOG

_HEAD_END: Final = b"\r\n\r\n"
_FOREIGN: Final = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\n"
    b"<h1>Bad Gateway</h1>"
)


class Line(Enum):
    """What happens to a posted form."""

    THROUGH = auto()
    HELD = auto()  # all of it is taken, and passed on when the test says so
    LOST_ANSWER = auto()  # all of it is taken and passed on, and the connection ends without an answer
    CUT = auto()  # the connection breaks when the test says so, and the body is never read to its end
    FOREIGN = auto()  # a server in between answers with a page of its own


class LineBetween:
    """Start with `with`; `origin` is what the browser asks. Pages that are only read always go through."""

    def __init__(self, gateway: str) -> None:
        self._gateway = ("127.0.0.1", urlsplit(gateway).port or 0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.line = Line.THROUGH
        self.taken = threading.Event()  # a whole form is here
        self.go_on = threading.Event()  # for a form that is held
        self._accepting = threading.Thread(target=self._accept)
        self._talking: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_on.set()
        # Only this wakes an accept() that waits.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in (self._accepting, *self._talking):
            thread.join(WATCHDOG)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._listening.accept()
                thread = threading.Thread(target=self._talk, args=(browser,))
                self._talking.append(thread)
                thread.start()

    def _talk(self, browser: socket.socket) -> None:
        browser.settimeout(WATCHDOG)
        with browser, contextlib.suppress(OSError):
            head, body = _read_head(browser)
            if not head.startswith(b"POST"):
                self._pass_on(head, browser)
                return
            if self.line is Line.CUT:
                self.go_on.wait(WATCHDOG)
                # A reset, as when a phone loses its network: what was sent is dropped unread.
                browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])  # type: ignore[index]
            while len(body) < length:
                body += browser.recv(65536)
            self.taken.set()
            if self.line is Line.FOREIGN:
                browser.sendall(_FOREIGN)
                return
            if self.line is Line.HELD:
                self.go_on.wait(WATCHDOG)
            self._pass_on(head + body, None if self.line is Line.LOST_ANSWER else browser)

    def _pass_on(self, request: bytes, browser: socket.socket | None) -> None:
        # One request on each connection, so that the end of the answer is the end of the connection.
        request = re.sub(rb"\r\nconnection: [^\r]*", b"", request, count=1, flags=re.I)
        request = request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        with socket.create_connection(self._gateway, timeout=WATCHDOG) as gateway:
            gateway.sendall(request)
            while piece := gateway.recv(65536):
                if browser is not None:
                    browser.sendall(piece)


def _read_head(browser: socket.socket) -> tuple[bytes, bytes]:
    read = b""
    while _HEAD_END not in read:
        piece = browser.recv(65536)
        if not piece:
            raise ConnectionError
        read += piece
    head, end, body = read.partition(_HEAD_END)
    return head + end, body
