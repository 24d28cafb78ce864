"""Whether the virus scanner answers: asked at times of its own, logged once for each outage, and known to every file.

A scanner that is stopped or frozen would otherwise be noticed by each file for itself, which waits for its whole budget
first. Here one question every few seconds finds out, whoever sends or not; until the scanner answers again and detects
its canaries, files are undecided at once, and held.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from audit.operational_log import LogEvent, log
from gateway.errors import GatewayError
from quarantine.errors import ScannerUnfitError, UndecidableError
from quarantine.findings import Finding
from quarantine.scanner.canaries import check_scanner
from quarantine.scanner.clamd import Scanner
from quarantine.verdict import Reason

CANARY_SECONDS: Final = 60.0  # for all canaries together, at start
ASK_EVERY: Final = 15.0  # seconds between two questions while it answers, ...
ASK_AGAIN: Final = 2.0  # ... and while it does not
ANSWER_SECONDS: Final = 10.0  # for one answer: a scanner at work on large archives is slow
SILENT_AFTER: Final = 60.0  # seconds without an answer that are an outage: a restart for new signatures is none


class AnsweringScanner(Scanner, Protocol):
    """A scanner that can be asked whether it runs."""

    def is_answering(self, *, timeout: float) -> bool:
        """Return whether it answers within `timeout` seconds."""


class ScannerWatch:
    """Stands before a scanner: passes files on while it is known to work. `begin` first, then `watch`.

    Args:
        scanner: The real one.
        now: Seconds that only rise.
    """

    def __init__(self, scanner: AnsweringScanner, *, now: Callable[[], float] = time.monotonic) -> None:
        self._scanner, self._now = scanner, now
        self._works = False
        self._answered = now()

    @property
    def works(self) -> bool:
        """Return whether files are scanned at the moment."""
        return self._works

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        """See Scanner.scan; while the scanner is known not to work, nothing is waited for."""
        if not self._works:
            raise UndecidableError(Reason.SCANNER_UNAVAILABLE)
        return self._scanner.scan(fd, deadline=deadline)

    def begin(self) -> None:
        """Try the scanner at start. Blocks.

        Raises:
            GatewayError: It runs and is wrong: everything would be called clear.
        """
        try:
            check_scanner(self._scanner, deadline=time.monotonic() + CANARY_SECONDS)
        except ScannerUnfitError as error:
            if self._scanner.is_answering(timeout=ANSWER_SECONDS):
                raise GatewayError(str(error)) from None
            # It does not run: sources can send all the same, and what they send is held.
            log(LogEvent.SCANNER_UNFIT)
        else:
            self._answered, self._works = self._now(), True
            log(LogEvent.SCANNER_FIT)

    async def watch(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await asyncio.sleep(ASK_EVERY if self._works else ASK_AGAIN)
            await asyncio.to_thread(self.ask)

    def ask(self) -> None:
        """Ask once whether it answers, and log when that has changed for good. Blocks."""
        answers = self._scanner.is_answering(timeout=ANSWER_SECONDS)
        if answers:
            self._answered = self._now()
            self._works = self._works or self._is_back()
        elif self._works and self._now() - self._answered >= SILENT_AFTER:
            self._works = False
            log(LogEvent.SCANNER_UNFIT)

    def _is_back(self) -> bool:
        """Return whether a scanner that answers again detects its canaries: it may be another one by now."""
        try:
            check_scanner(self._scanner, deadline=time.monotonic() + SILENT_AFTER)
        except ScannerUnfitError:
            return False
        log(LogEvent.SCANNER_FIT)
        return True
