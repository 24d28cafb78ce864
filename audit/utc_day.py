"""Which day it is, as every log, ledger and batch writes it: the UTC day and nothing finer."""

from datetime import UTC, date, datetime


def utc_today() -> date:
    """Return today's date in UTC."""
    return datetime.now(UTC).date()
