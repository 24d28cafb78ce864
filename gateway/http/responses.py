"""Every response that leaves the gateway: our pages, with the headers that protect their reader, and nothing else."""

import logging
from typing import Final

from aiohttp import web

from gateway.problems import Problem

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
