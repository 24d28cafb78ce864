"""What the broker lets be unpacked of one file: one allowance for all archives inside it."""

import pytest

from quarantine.archive.allowance import Allowance
from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError
from quarantine.examination import ArchiveMember


def test_archives_inside_archives_share_one_allowance() -> None:
    budgets = Budgets(members=3, unpacked_bytes=100, member_bytes=60, ratio=2, ratio_free=80, depth=2)
    for members, depth in (
        ((ArchiveMember(1, crc32=0),) * 4, 1),
        ((ArchiveMember(61, crc32=0),), 1),
        ((ArchiveMember(50, crc32=0),) * 2, 1),  # 100 of 80, as the file has 10 bytes
        ((ArchiveMember(1, crc32=0),), 3),
    ):
        with pytest.raises(OverBudgetError):
            Allowance(budgets, 10).spend(members, depth=depth)
    shared = Allowance(budgets, 50)
    shared.spend((ArchiveMember(50, crc32=0),) * 2, depth=1)
    with pytest.raises(OverBudgetError):
        shared.spend((ArchiveMember(1, crc32=0),), depth=2)


def test_memory_is_given_back() -> None:
    allowance = Allowance(Budgets(resident_bytes=10), 0)
    allowance.occupy(6)
    with pytest.raises(OverBudgetError):
        allowance.occupy(6)
    allowance.vacate(6)
    allowance.occupy(10)
