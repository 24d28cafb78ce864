"""The gateway's only log: operational events on standard error, as JSON lines through structlog.

An event is one of a closed list, with a number or the place in our own code; there is no field into which a
stranger's text, name, address or exact time could slip.
"""

import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog


class LogEvent(StrEnum):
    """What the gateway says to its operator."""

    LISTENING = "listening"
    LEFTOVERS_REMOVED = "leftovers-removed"
    CAGE_HOLDS = "cage-holds"
    CAGE_BROKEN = "cage-broken"
    SCANNER_FIT = "scanner-fit"
    SCANNER_UNFIT = "scanner-unfit"
    INSPECTION_OFF = "inspection-off"
    SWAP_ACTIVE = "swap-active"  # what is in memory may reach a disk: swapoff, or swap with a fresh key
    METRICS_UNAVAILABLE = "metrics-unavailable"  # the socket or the ledger; tried again at the next tick
    VALVE_SHUT = "valve-shut"  # files are not taken; text is
    VALVE_OPEN = "valve-open"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAULT = "fault"


_log: Final = structlog.wrap_logger(
    structlog.WriteLogger(sys.stderr),
    processors=[structlog.processors.EventRenamer("event"), structlog.processors.JSONRenderer()],
    wrapper_class=structlog.BoundLogger,
    cache_logger_on_first_use=True,
)


def log(event: LogEvent, *, count: int = 0, fault: BaseException | None = None) -> None:
    """Write one event. Of a fault only its type and the line of code are told: its message may quote what was sent."""
    fields: dict[str, object] = {"count": count} if count else {}
    if fault is not None:
        fields["type"] = type(fault).__name__
        frames = traceback.extract_tb(fault.__traceback__)
        fields["at"] = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    _log.info(event.value, **fields)
