"""The gateway's doors: pages that are requested, and what is posted. Each request is routed to an action and a page."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aiohttp import HttpVersion11, web

from audit.operational_log import LogEvent, log
from gateway.http.connected_visitor import ConnectedVisitor
from gateway.http.connections import QuietServer, has_long_head, line_of
from gateway.http.port import BACKLOG, OpenPort, open_port
from gateway.http.posts import (
    ADD,
    FORM,
    POSTS,
    RETURN,
    SUBMIT,
    WORDS,
    body_max,
    is_ours,
    post,
    typed_max,
)
from gateway.http.refusals import refused, refused_shortly, sized
from gateway.http.responses import UNPARSED, Page, padded
from gateway.languages import Asked, read_address
from gateway.pages import receipt_pages
from gateway.pages.pages import Pages
from gateway.pages.rendering import SCRIPT, STYLE, TABLE, static
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Drain, check_head
from gateway.station import Station
from gateway.views import ReturnView

FINISH: Final = 600.0  # seconds that uploads under way have to end when the gateway is asked to stop
CUT_OFF: Final = 5.0  # seconds that connections have after that
ANSWER_SECONDS: Final = 60.0  # for a visitor to take a page, ...
ANSWER_RATE: Final = 16 * 1024  # ... and what it takes at so many bytes a second: Tor is slow
LONG_PAGE: Final = 256 * 1024  # bytes; only what was typed makes a page so long, 7 MB at most with default limits
LONG_TEXT: Final = 32 * 1024  # bytes of what was typed that may make a long page: a quote takes five in it
REFUSALS: Final = 32  # that wait to be made, each with what was typed; for one more it is not given back
LONG_PAGES: Final = 8  # being read by visitors at one time: each takes memory until then
_FILES: Final = {
    "/style.css": (STYLE, "text/css"),
    "/enveis.js": (SCRIPT, "text/javascript"),
    "/cases.csv": (TABLE, "text/csv"),
}
_EXPLAINING: Final = {
    "/how": Pages.how,
    "/privacy": Pages.privacy,
    "/law": Pages.law,
    "/accessibility": Pages.accessibility,
}
_CONTINUED: Final = "continued"  # in a request that was told to send its body


class Gateway:
    """Answers requests for one station."""

    def __init__(self, station: Station, pages: Pages) -> None:
        self._station = station
        self._pages = pages
        self._drain = Drain()
        self._under_way = 0
        self._long_pages = 0
        self._refusing = 0
        self._making = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; never raises but for a visitor who went away."""
        asked = read_address(request.path, request.headers.get("Accept-Language", ""), self._pages.languages)
        pages = self._pages.speaking(asked.language, files_off=not self._station.valve.takes_files)
        # A stop waits for what is posted; a visitor who does not read an empty form delays nobody.
        with self._counted() if asked.path in POSTS else contextlib.nullcontext():
            outcome = await self._outcome(request, asked, pages)
            if isinstance(outcome, Page):
                with self._held_in_memory(outcome) as may_be:
                    # A receipt is shown once, and what it is for was received: it is sent, whatever memory it takes.
                    is_receipt = asked.path in (SUBMIT, ADD)
                    if may_be or is_receipt:
                        await _send(request, outcome, always=is_receipt)
                        return outcome
                outcome = SubmissionError(Problem.BUSY)
        # Not counted: nothing was received that a stop has to wait for.
        return await self._refuse(request, asked, outcome, pages)

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
            return error.without_frames()
        except ConnectionError as error:
            # The request remembers this one, whose frames would remember the request: a circle again.
            error.__traceback__ = None
            raise ConnectionResetError from None
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the border around one whole request: a page, never a traceback
            log(LogEvent.FAULT, fault=error)
            return SubmissionError(Problem.FAULT)

    async def _route(self, request: web.BaseRequest, asked: Asked, pages: Pages) -> Page:
        if has_long_head(request):
            raise SubmissionError(Problem.HEADERS_TOO_LONG)
        if asked.path in POSTS and request.method == "POST":
            return await self._post(request, asked, pages)
        if request.method not in ("GET", "HEAD"):
            raise SubmissionError(Problem.METHOD)
        if asked.path in POSTS - {RETURN, FORM, WORDS}:
            # Where a browser goes that asks again for an answer: an error would leave its source in the dark.
            return Page(sized(asked.path, receipt_pages.shown_once(pages, is_first=asked.path == SUBMIT)))
        page = _got(asked.path, pages)
        # Never on what answers a form: Tor Browser goes there at once, and a receipt would be gone.
        page.also_at(pages.onion_address(asked.path))
        return page

    async def _post(self, request: web.BaseRequest, asked: Asked, pages: Pages) -> Page:
        if not is_ours(request):
            raise SubmissionError(Problem.CROSS_SITE)
        most, typed = body_max(self._station, asked.path), typed_max(self._station, asked.path)
        body = check_head(request, body_max=most, typed_max=typed)
        if _waits(request):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
            request[_CONTINUED] = True
        text, status = await post(
            self._station, pages, asked.path, request.content, body, visitor=ConnectedVisitor(request)
        )
        return Page(sized(asked.path, text), status=status)

    async def _refuse(
        self, request: web.BaseRequest, asked: Asked, error: SubmissionError, pages: Pages
    ) -> web.StreamResponse:
        page = await self._refused(asked.path, error, pages)
        with self._held_in_memory(page) as may_be:
            if not may_be:
                page = refused_shortly(asked.path, error, pages)
            # It is in the page, or nowhere: however long that takes to be read.
            error.fields.forget()
            # The page goes out first: a browser that still sends can read it meanwhile.
            await _send(request, page)
            if not request.content.at_eof() and not (_waits(request) and _CONTINUED not in request):
                await self._drain.run(request.content)
        return page

    async def _refused(self, path: str, error: SubmissionError, pages: Pages) -> Page:
        """Make the page for what was not done: one at a time, so that a flood of them delays no submission."""
        is_busy = error.problem is Problem.BUSY and not error.fields.values
        is_too_long = error.fields.size > LONG_TEXT and self._long_pages >= LONG_PAGES
        if self._refusing >= REFUSALS or is_busy or is_too_long:
            return refused_shortly(path, error, pages)
        self._refusing += 1
        try:
            async with self._making:
                return refused(path, error, pages, self._station)
        finally:
            self._refusing -= 1

    @contextlib.contextmanager
    def _held_in_memory(self, page: Page) -> Iterator[bool]:
        """Count a long page while its visitor reads it; yields whether there may be one more."""
        is_long = _size(page) > LONG_PAGE
        if is_long and self._long_pages >= LONG_PAGES:
            yield False
            return
        self._long_pages += is_long
        try:
            yield True
        finally:
            self._long_pages -= is_long


def _got(path: str, pages: Pages) -> Page:
    if path in _FILES and (path != "/enveis.js" or pages.site.script):
        name, content_type = _FILES[path]
        return Page(static(name), content_type=content_type)
    match path:
        case "/" | "/form":
            return Page(pages.form()).keep()
        case "/empty":
            return Page(pages.form(empties=True)).keep()
        case "/return" | "/words":
            return Page(padded(pages.return_form(ReturnView()))).keep()
        case "/sent.css":
            return Page.forgetting()
        case "/how" | "/privacy" | "/law" | "/accessibility":
            # Nothing is typed on it: whoever only reads needs no copy of it on a disk.
            return Page(_EXPLAINING[path](pages))
        case _:
            raise SubmissionError(Problem.NOT_FOUND)


def _waits(request: web.BaseRequest) -> bool:
    """Return whether the client sends its body only after it was told to (RFC 9110, 10.1.1)."""
    return request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue"


async def _send(request: web.BaseRequest, page: Page, *, always: bool = False) -> None:
    """Send a whole page. A visitor who does not read it in time is cut off: the page takes memory and delays a stop.

    So is one for whose page there is no memory, unless it has to be sent `always`.

    Raises:
        ConnectionError: The visitor went away, or was cut off.
    """
    size = _size(page)
    try:
        async with asyncio.timeout(ANSWER_SECONDS + size / ANSWER_RATE):
            # Long ones are counted by themselves: there are only so many.
            with line_of(request).answering(size if size <= LONG_PAGE else 0) as has_room:
                if has_room or always:
                    await page.prepare(request)
                    await page.write_eof()
                    return
    except TimeoutError:
        pass
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError


def _size(page: Page) -> int:
    return len(page.body) if isinstance(page.body, bytes) else 0


class Listener:
    """A gateway that listens. `stop` lets uploads under way come to their end."""

    def __init__(self, gateway: Gateway, pages: Pages) -> None:
        self._gateway = gateway
        unparsed = {problem: pages.problem(SubmissionError(problem)) for problem in UNPARSED}
        self._runner = web.ServerRunner(QuietServer(gateway.handle, unparsed), shutdown_timeout=CUT_OFF)
        self._site: web.BaseSite | None = None
        self._port: OpenPort | None = None

    async def start(self, host: str, port: int, *, locks: Path | None = None) -> int:
        """Listen; return the port, which is the kernel's choice for 0. `locks`: see `open_port`.

        Raises:
            GatewayError: Another program listens there.
            OSError: The address cannot be listened on.
        """
        # In a thread: another process that starts just now is waited for.
        opened = await asyncio.to_thread(open_port, host, port, locks=locks)
        try:
            await self._runner.setup()
            # One connection in each turn: asyncio tries as many as its backlog, also where no descriptor is left.
            self._site = web.SockSite(self._runner, opened.listening, backlog=1)
            await self._site.start()
            opened.listening.listen(BACKLOG)
        except BaseException:
            opened.leave()
            opened.listening.close()
            raise
        self._port = opened
        return opened.number

    async def stop(self, *, finish: float = FINISH) -> None:
        """Take no new connection, wait for what is under way (`finish` seconds at most), then end."""
        site, self._site = self._site, None
        if site is not None:
            if self._port is not None:
                self._port.leave()
            # runner.cleanup() alone would throw away the bodies of uploads under way.
            await site.stop()
        try:
            async with asyncio.timeout(finish):
                await self._gateway.until_idle()
        except TimeoutError:
            pass
        await self._runner.cleanup()
