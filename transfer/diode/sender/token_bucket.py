"""A token bucket that never catches up: after a stall the rate is the same as before, never higher."""

from collections.abc import Callable
from typing import Final

BUCKET_SECONDS: Final = 0.002  # what the bucket holds: sleep is no more precise than this


class TokenBucket:
    """Holds back bytes so that no more than `rate` of them leave in a second.

    Args:
        rate: Bytes per second.
        now: A monotonic clock, in seconds.
        sleep: Sleeps for a number of seconds.
    """

    def __init__(self, rate: int, *, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._rate = rate
        self._now = now
        self._sleep = sleep
        self._due = now()

    def wait(self, size: int) -> None:
        """Return when `size` bytes may leave."""
        now = self._now()
        # A receiver that has just recovered must not be flooded with all that was held up meanwhile.
        self._due = max(self._due, now - BUCKET_SECONDS)
        if self._due > now:
            self._sleep(self._due - now)
        self._due += size / self._rate
