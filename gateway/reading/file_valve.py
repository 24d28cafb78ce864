"""The valve for files: under a flood they are switched off for everybody, and text never is. Knows no address."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from audit.operational_log import LogEvent, log

LOOK: Final = 1.0  # seconds between two readings


class Valve:
    """Shut when it was crowded for `seconds` without a break, open again when it was calm for as long.

    Args:
        is_crowded: Returns at any moment, from any thread, whether uploads or packets take up more than they should.
    """

    def __init__(
        self, is_crowded: Callable[[], bool], *, seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_crowded = is_crowded
        self._seconds = seconds
        self._now = now
        self._is_shut = False
        self._since: float | None = None  # when it began to be otherwise than the valve is

    @property
    def takes_files(self) -> bool:
        """Return whether files are accepted at the moment."""
        return not self._is_shut

    def look(self) -> None:
        """Read once how crowded it is; to be called often."""
        self._note(is_crowded=self._is_crowded())

    async def watch(self) -> None:
        """Read every LOOK seconds how crowded it is, until cancelled."""
        while True:
            try:
                # In a thread: a spool of many packets takes a while to be counted.
                self._note(is_crowded=await asyncio.to_thread(self._is_crowded))
            except OSError as fault:  # of the spool's disk: as crowded as it was
                log(LogEvent.FAULT, fault=fault)
            await asyncio.sleep(LOOK)

    def _note(self, *, is_crowded: bool) -> None:
        if is_crowded == self._is_shut:
            self._since = None
            return
        now = self._now()
        if self._since is None:
            self._since = now
        if now - self._since >= self._seconds:
            self._is_shut, self._since = not self._is_shut, None
            log(LogEvent.VALVE_SHUT if self._is_shut else LogEvent.VALVE_OPEN)
