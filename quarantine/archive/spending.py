"""What one worker has spent of the budgets of a ZIP and all that is nested in it."""

import time
from typing import Final

from quarantine.budgets import MIB, Budgets
from quarantine.errors import OverBudgetError

NESTED_MAX: Final = 96 * MIB  # bytes of members that lie unpacked in the worker's memory, all together
CPU_SHARE: Final = (
    0.8  # of the worker's CPU seconds: a worker that the kernel ends gives no reason, one that we end does
)
# Of the same, within which members are checked like files here; all later ones get a worker of their own. Five
# seconds may go into one PDF.
CHECKS_SHARE: Final = 0.25


class Expenses:
    """Counts real bytes, never claims."""

    def __init__(self, budgets: Budgets, file_size: int) -> None:
        self._budgets = budgets
        self._bytes_max = min(budgets.unpacked_bytes, max(budgets.ratio_free, budgets.ratio * file_size))
        began = time.process_time()
        self._cpu_end = began + CPU_SHARE * budgets.worker_cpu
        self._checks_end = began + CHECKS_SHARE * budgets.worker_cpu
        self._in_memory = 0
        self.members = 0
        self.bytes = 0

    @property
    def members_left(self) -> int:
        """Members that may still be counted."""
        return self._budgets.members - self.members

    def go_down(self, depth: int) -> None:
        """Enter an archive at this depth, from 1; as all others, raises OverBudgetError when it is too much."""
        if depth > self._budgets.depth:
            raise OverBudgetError

    def check_time(self) -> None:
        """Raise OverBudgetError when the worker's share of CPU seconds is spent."""
        if time.process_time() > self._cpu_end:
            raise OverBudgetError

    def has_time_for_a_check(self) -> bool:
        """Return whether a member may still be checked like a file by this worker."""
        return time.process_time() <= self._checks_end

    def count_member(self) -> None:
        """Count one more member."""
        self.members += 1
        self.check_time()
        if self.members > self._budgets.members:
            raise OverBudgetError

    def unpack(self, size: int, *, of_member: int) -> None:
        """Unpack `size` more bytes of a member that has `of_member` with them."""
        self.bytes += size
        if (
            self.bytes > self._bytes_max
            or of_member > self._budgets.member_bytes
            or time.process_time() > self._cpu_end
        ):
            raise OverBudgetError

    def fits_in_memory(self, size: int) -> bool:
        """Return whether so many bytes more may be kept."""
        return self._in_memory + size <= NESTED_MAX

    def keep(self, size: int) -> None:
        """Keep so many bytes in memory; give them back as a negative number."""
        self._in_memory += size
        if self._in_memory > NESTED_MAX:
            raise OverBudgetError
