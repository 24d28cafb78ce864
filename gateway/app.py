"""The gateway's two doors: `GET /` shows the form, `POST /submit` takes it. Wires requests to submissions and pages."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

from aiohttp import HttpVersion11, web

from gateway.answers import Page, QuietServer
from gateway.languages import Asked, read_address
from gateway.log import LogEvent, log
from gateway.outcome import Problem, SubmissionError
from gateway.pages import Pages
from gateway.rendering import SCRIPT, STYLE, static
from gateway.submission import Station, receive
from gateway.transport import Drain, check_head

SUBMIT: Final = "/submit"
BACKLOG: Final = 512  # connections that the kernel holds for us
FINISH: Final = 600.0  # seconds that uploads under way have to end when the gateway is asked to stop
CUT_OFF: Final = 5.0  # seconds that connections have after that
ANSWER_SECONDS: Final = 60.0  # for a visitor to take a page, ...
ANSWER_RATE: Final = 16 * 1024  # ... and what it takes at so many characters a second: Tor is slow
LONG_PAGE: Final = 256 * 1024  # characters; only what was typed makes a page so long, 15 MB at most
LONG_PAGES: Final = 8  # being taken at one time: each holds its memory until then
_CONTINUED: Final = "continued"  # in a request that was told to send its body


class Gateway:
    """Answers requests for one station."""

    def __init__(self, station: Station, pages: Pages) -> None:
        self._station = station
        self._pages = pages
        self._drain = Drain()
        self._under_way = 0
        self._long_pages = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; never raises but for a visitor who went away."""
        asked = read_address(request.path, request.headers.get("Accept-Language", ""), self._pages.languages)
        pages = self._pages.speaking(asked.language)
        # A stop waits for submissions; who does not take the empty form delays nobody.
        with self._counted() if asked.path == SUBMIT else contextlib.nullcontext():
            outcome = await self._outcome(request, asked, pages)
            if isinstance(outcome, Page):
                outcome.also_at(pages.onion_address(asked.path))
                await _send(request, outcome)
                return outcome
        # Not counted: nothing was received that a stop has to wait for.
        return await self._refuse(request, outcome, pages)

    async def until_idle(self) -> None:
        """Wait until no request is under way."""
        await self._idle.wait()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _outcome(self, request: web.BaseRequest, asked: Asked, pages: Pages) -> Page | SubmissionError:
        try:
            return await self._route(request, asked, pages)
        except SubmissionError as error:
            return error
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the border around one whole request: a page, never a traceback
            log(LogEvent.FAULT, fault=error)
            return SubmissionError(Problem.FAULT)

    async def _route(self, request: web.BaseRequest, asked: Asked, pages: Pages) -> Page:
        if asked.path == SUBMIT:
            return await self._submit(request, pages)
        if request.method not in ("GET", "HEAD"):
            raise SubmissionError(Problem.METHOD)
        match asked.path:
            case "/":
                return Page(pages.form())
            case "/how":
                return Page(pages.how())
            case "/privacy":
                return Page(pages.privacy())
            case "/style.css":
                return Page(static(STYLE), content_type="text/css")
            case "/enveis.js" if pages.site.script:
                return Page(static(SCRIPT), content_type="text/javascript")
            case _:
                raise SubmissionError(Problem.NOT_FOUND)

    async def _submit(self, request: web.BaseRequest, pages: Pages) -> Page:
        if request.method != "POST":
            raise SubmissionError(Problem.METHOD)
        body = check_head(request, body_max=self._station.limits.body_max)
        if _waits(request):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
            request[_CONTINUED] = True
        received = await receive(self._station, request.content, body, page_language=pages.language)
        return Page(pages.receipt(received))

    async def _refuse(self, request: web.BaseRequest, error: SubmissionError, pages: Pages) -> web.StreamResponse:
        text = pages.problem(error)
        is_long = len(text) > LONG_PAGE
        if is_long and self._long_pages >= LONG_PAGES:
            text = pages.problem(SubmissionError(error.problem, refused=error.refused))
            is_long = False
        page = Page(text, status=error.status, close=True)
        self._long_pages += is_long
        try:
            # The page goes out first: a browser that still sends can read it meanwhile.
            await _send(request, page)
            if not request.content.at_eof() and not (_waits(request) and _CONTINUED not in request):
                await self._drain.run(request.content)
        finally:
            self._long_pages -= is_long
        return page


def _waits(request: web.BaseRequest) -> bool:
    """Whether the client sends its body only after it was told to (RFC 9110, 10.1.1)."""
    return request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue"


async def _send(request: web.BaseRequest, page: Page) -> None:
    """Send a page whole. Who does not take it in time is cut off: what waits for them takes memory and delays a stop.

    Raises:
        ConnectionError: The visitor went away, or was cut off.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS + len(page.text or "") / ANSWER_RATE):
            await page.prepare(request)
            await page.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError from None


class Listener:
    """A gateway that listens. `stop` lets uploads under way come to their end."""

    def __init__(self, gateway: Gateway, pages: Pages) -> None:
        self._gateway = gateway
        malformed = pages.problem(SubmissionError(Problem.MALFORMED))
        self._runner = web.ServerRunner(QuietServer(gateway.handle, malformed), shutdown_timeout=CUT_OFF)
        self._site: web.BaseSite | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port, which is the kernel's choice for 0.

        Raises:
            OSError: The address cannot be listened on.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Several gateway processes may share a port (architecture, section 11).
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind((host, port))
            await self._runner.setup()
            self._site = web.SockSite(self._runner, listening, backlog=BACKLOG)
            await self._site.start()
        except BaseException:
            listening.close()
            raise
        return int(listening.getsockname()[1])

    async def stop(self, *, finish: float = FINISH) -> None:
        """Take no new connection, wait for what is under way (`finish` seconds at most), then end."""
        site, self._site = self._site, None
        if site is not None:
            # runner.cleanup() alone would throw away the bodies of uploads under way.
            await site.stop()
        try:
            async with asyncio.timeout(finish):
                await self._gateway.until_idle()
        except TimeoutError:
            pass
        await self._runner.cleanup()
