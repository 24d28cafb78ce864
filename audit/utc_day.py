"""Which day it is, as every log, ledger and batch writes it: the UTC day and nothing finer."""

from datetime import UTC, date, datetime
from time import time as now

__all__ = ["now", "utc_today"]


def utc_today() -> date:
    """Return today's date in UTC, as this machine's clock has it."""
    return datetime.fromtimestamp(now(), UTC).date()
