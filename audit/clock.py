"""A machine's clock, compared with its own log: what a wrong clock may not decide, and what goes on (ADR 0056).

The day of a log's last line has passed, so a clock that shows an earlier one is wrong. Nothing is signed and nothing
expires by such a clock until somebody puts it right, or says that it is right and the log's day was not; the log
records that. A gateway receives meanwhile, dating what comes by the log's last day.

Only a machine's own log counts. Days that others state, such as those of gateways at a desk, never do.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

from audit import utc_day
from audit.errors import AuditError, LogDamagedError
from audit.events import Event
from audit.log import AuditLog

EARLIEST: Final = date(2025, 1, 1)  # UTC; a machine whose log has no line yet and whose clock is before this is wrong
READ_EVERY: Final = 10.0  # seconds between two readings of the log: a spool asks once for each packet
FAR: Final = 1  # days by which two machines' clocks may differ: each is right somewhere around midnight
ACCEPT_CLOCK: Final = "--accept-clock"
_EPOCH: Final = date(1970, 1, 1)


class ClockError(AuditError):
    """The clock is behind this machine's own log; nothing was signed, and nothing deleted for its age."""


class Clock:
    """The UTC day of one machine.

    Args:
        log: Its own log, which need not exist yet.
        today: What the machine's clock says.
    """

    def __init__(self, log: AuditLog, *, today: Callable[[], date] | None = None) -> None:
        self._log, self._shown = log, today or utc_day.utc_today
        self._read: tuple[float, date] | None = None

    def today(self) -> date:
        """Return the day, which is never before that of the log's last line."""
        return max(self._shown(), self._known())

    def now(self) -> float:
        """Return the time in seconds since the epoch, which is never before the log's last day began."""
        known = self._known()
        return max(utc_day.now(), datetime(known.year, known.month, known.day, tzinfo=UTC).timestamp())

    def is_behind(self) -> bool:
        """Return whether the clock shows a day before that of the log's last line."""
        return self._shown() < self._known()

    def demand(self) -> None:
        """Refuse to go on where the clock is behind: the caller is about to sign, or to delete what is too old.

        Raises:
            ClockError: One sentence with both days.
            LogDamagedError: The log's last line cannot be read.
        """
        shown, known = self._shown(), self._log.last_day()
        if known is None and shown < EARLIEST:
            raise ClockError(
                f"this machine's clock says {shown}, which cannot be: set it. If it is right, repeat the command with "
                f"{ACCEPT_CLOCK}"
            )
        if known is not None and shown < known:
            raise ClockError(
                f"this machine's clock says {shown}, but its log has a line of {known}: set the clock; nothing was "
                f"signed or deleted. If the clock is right and that line is not, repeat the command with "
                f"{ACCEPT_CLOCK}, which the log records"
            )

    def accept(self) -> None:
        """Go on with a clock that is behind, as a person decided; the log records that, with the day of this clock."""
        known = self._log.last_day()
        if known is not None and self._shown() < known:
            self._log.append(Event.CLOCK_ACCEPTED)
            self._read = None

    def _known(self) -> date:
        now = time.monotonic()
        if self._read is None or now - self._read[0] >= READ_EVERY:
            self._read = now, self._read_day()
        return self._read[1]

    def _read_day(self) -> date:
        try:
            return self._log.last_day() or _EPOCH
        except (LogDamagedError, OSError):
            # Whoever only asks for the day goes on: a source is not shut out for this. `demand` refuses.
            return self._read[1] if self._read is not None else _EPOCH


def is_far_ahead(stated: date, today: date) -> bool:
    """Return whether a day that another machine states is more than FAR days after ours: its clock or ours is wrong."""
    return (stated - today).days > FAR
