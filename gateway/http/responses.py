"""Every response that leaves the gateway: our pages, with the headers that protect their reader, and nothing else.

aiohttp's own answers (to requests that cannot even be parsed) are replaced too: they name the software, echo
bytes of the request, and log the visitor's address.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.web_protocol import RequestHandler

from gateway.problems import STATUS, Problem

UNPARSED: Final = (Problem.MALFORMED, Problem.ADDRESS_TOO_LONG, Problem.HEADERS_TOO_LONG, Problem.FAULT)
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": (
        "camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# For what is asked for and holds nothing of anybody: a browser's history may keep it, with what is typed in it until
# it is sent. With `no-store` Firefox and Tor Browser would drop that on the way to a page of help and back (ADR 0046).
KEPT: Final = "private, no-cache"
# A style sheet without any style, which only the pages have that answer what was sent: it makes browsers drop the
# pages that their history keeps. On the answer itself it would come too soon: the form is kept when it is left.
FORGET_PATH: Final = "/sent.css"
_FORGET: Final = '"cache"'
# A page that uses the script may run that one file, and the script may send the form; no other page may either.
SCRIPT_TAG: Final = '<script src="/enveis.js" defer></script>'
_SCRIPT_POLICY: Final = f"{HEADERS['Content-Security-Policy']}; script-src 'self'; connect-src 'self'"
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
KEEPALIVE: Final = 15.0  # seconds; also the only deadline for a request's head (aiohttp >= 3.14.4)
LINE_MAX: Final = 8 * 1024  # bytes of a request's first line
FIELD_MAX: Final = 16 * 1024  # bytes of one header; not LINE_MAX, for by this number aiohttp says which was too long
HEADERS_MAX: Final = 64  # a browser sends some 20
HEAD_MAX: Final = 32 * 1024  # bytes of all headers; each may be long, and a connection keeps them while it is open
READ_SIZE: Final = 256 * 1024  # bytes buffered for each upload before its sender is slowed
PADDED_MIN: Final = 64 * 1024  # bytes of a padded page; the page of a case without replies is far smaller
_OPENING: Final = "<!--"
_CLOSING: Final = "-->\n"
_END: Final = "</body>"


class Page(web.Response):
    """One answer. Says neither which software made it nor what time it is here."""

    def __init__(self, text: str, *, status: int = 200, content_type: str = "text/html", close: bool = False) -> None:
        super().__init__(text=text, status=status, content_type=content_type, charset="utf-8", headers=HEADERS)
        if SCRIPT_TAG in text and content_type == "text/html":
            self.headers["Content-Security-Policy"] = _SCRIPT_POLICY
        if close:
            self.force_close()
        if status == 503:
            self.headers["Retry-After"] = "600"

    def keep(self) -> "Page":
        """Let the browser's history keep this page, which holds nothing of anybody; return it."""
        self.headers["Cache-Control"] = KEPT
        return self

    @classmethod
    def forgetting(cls) -> "Page":
        """Return what FORGET_PATH answers."""
        answer = cls("", content_type="text/css")
        answer.headers["Clear-Site-Data"] = _FORGET
        return answer

    def also_at(self, onion_address: str) -> None:
        """Tell Tor Browser where else this page is, when it is a page."""
        if onion_address and self.content_type == "text/html":
            self.headers["Onion-Location"] = onion_address

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        # A clock that is off by a second tells one onion service from another.
        for name in ("Server", "Date"):
            self.headers.popall(name, None)


def silent_logger() -> logging.Logger:
    """Return a logger that drops everything: aiohttp's messages contain addresses and parts of requests."""
    logger = logging.getLogger("enveis.silent")
    logger.handlers = [logging.NullHandler()]
    logger.propagate = False
    logger.disabled = True
    return logger


class QuietServer(web.Server):
    """aiohttp's server with our answer to what cannot be parsed."""

    def __init__(self, handler: Handler, unparsed: Mapping[Problem, str]) -> None:
        super().__init__(
            handler,
            keepalive_timeout=KEEPALIVE,
            lingering_time=0,
            access_log=None,
            logger=silent_logger(),
            auto_decompress=False,
            read_bufsize=READ_SIZE,
            max_line_size=LINE_MAX,
            max_field_size=FIELD_MAX,
            max_headers=HEADERS_MAX,
        )
        self._unparsed = unparsed

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return _QuietProtocol(self, self._unparsed, loop=asyncio.get_running_loop(), **self._kwargs)


class _QuietProtocol(RequestHandler):
    __slots__ = ("_unparsed",)

    def __init__(self, manager: web.Server, unparsed: Mapping[Problem, str], **kwargs: object) -> None:
        super().__init__(manager, **kwargs)  # type: ignore[arg-type]  # the server's own keyword arguments
        self._unparsed = unparsed

    def eof_received(self) -> bool:  # type: ignore[override]  # aiohttp's returns None: that closes the connection
        """Let a client that closed its sending half have the answer, when all of its request is here."""
        if self._waiter is not None and not self._messages:
            return False
        self.close()  # after the answer
        # Only then is a request that came in the same moment the one that is being answered.
        self._loop.call_soon(self._end_unless_whole)
        return True

    def _end_unless_whole(self) -> None:
        request = self._current_request
        if request is not None and not request.content.is_eof() and self.transport is not None:
            self.transport.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer with our page; nothing of `exc` or `message` is shown or logged."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was sent already")
        problem = _unparsed(exc) if 400 <= status < 500 else Problem.FAULT
        return Page(self._unparsed[problem], status=STATUS[problem], close=True)


def _unparsed(fault: BaseException | None) -> Problem:
    """Return what is wrong with a request that could not be parsed."""
    match fault:
        case LineTooLong(args=(_, limit, *_)):
            return Problem.ADDRESS_TOO_LONG if limit == LINE_MAX else Problem.HEADERS_TOO_LONG
        case BadHttpMessage(message="Too many headers received"):  # aiohttp has no other sign of it
            return Problem.HEADERS_TOO_LONG
        case _:
            return Problem.MALFORMED


def has_long_head(request: web.BaseRequest) -> bool:
    """Return whether the headers of a request have more than HEAD_MAX bytes, which aiohttp has no limit for."""
    return sum(len(name) + len(value) for name, value in request.raw_headers) > HEAD_MAX


def padded(page: str) -> str:
    """Return an HTML page of PADDED_MIN bytes in UTF-8, or of a power of two above that.

    Without this, the size of a source's page would tell whoever watches the line how many replies there are and how
    long they are. A comment fills the page: there is no compression.
    """
    head, end, tail = page.rpartition(_END)
    if not end:
        raise ValueError("only a whole page can be padded")
    size = len(page.encode()) + len(_OPENING) + len(_CLOSING)
    target = PADDED_MIN
    while target < size:
        target *= 2
    return f"{head}{_OPENING}{' ' * (target - size)}{_CLOSING}{end}{tail}"
