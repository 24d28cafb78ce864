"""What a worker may spend on a ZIP: each limit at its last allowed value, and one beyond."""

from collections.abc import Callable

import pytest

from quarantine.archive.spending import NESTED_MAX, Expenses
from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError

BUDGETS = Budgets(
    depth=2, members=3, member_bytes=100, unpacked_bytes=250, ratio=10, ratio_free=120, worker_cpu=10, pdf_walk_cpu=1
)


class Clock:
    """CPU seconds that the test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("quarantine.archive.spending.time.process_time", clock)
    return clock


def refuses(spend: Callable[[], object]) -> bool:
    try:
        spend()
    except OverBudgetError:
        return True
    return False


def test_depth() -> None:
    spent = Expenses(BUDGETS, 100)
    assert not refuses(lambda: spent.go_down(2))
    assert refuses(lambda: spent.go_down(3))


def test_members() -> None:
    spent = Expenses(BUDGETS, 100)
    assert [refuses(spent.count_member) for _ in range(4)] == [False, False, False, True]
    assert Expenses(BUDGETS, 1).members_left == 3
    assert spent.members_left == -1


@pytest.mark.parametrize(("file_size", "most"), [(1, 120), (20, 200), (100, 250)])
def test_bytes_of_all_members_by_budget_and_ratio(file_size: int, most: int) -> None:
    spent = Expenses(BUDGETS, file_size)
    assert not refuses(lambda: spent.unpack(most, of_member=1))
    assert refuses(lambda: spent.unpack(1, of_member=1))
    assert spent.bytes == most + 1


def test_bytes_of_one_member() -> None:
    spent = Expenses(BUDGETS, 100)
    assert not refuses(lambda: spent.unpack(1, of_member=100))
    assert refuses(lambda: spent.unpack(1, of_member=101))


def test_cpu_seconds(clock: Clock) -> None:
    spent = Expenses(BUDGETS, 100)
    ways: list[Callable[[], object]] = [spent.check_time, spent.count_member, lambda: spent.unpack(1, of_member=1)]
    clock.now = 1000.0 + 2.5
    assert spent.has_time_for_a_check()
    clock.now += 0.01
    assert not spent.has_time_for_a_check()
    clock.now = 1000.0 + 8
    assert [refuses(way) for way in ways] == [False, False, False]
    clock.now += 0.01
    assert [refuses(way) for way in ways] == [True, True, True]


def test_memory_of_nested_archives() -> None:
    spent = Expenses(BUDGETS, 100)
    spent.keep(NESTED_MAX - 5)
    assert spent.fits_in_memory(5)
    assert not spent.fits_in_memory(6)
    assert not refuses(lambda: spent.keep(5))
    assert refuses(lambda: spent.keep(1))
    spent.keep(-NESTED_MAX)
    assert spent.fits_in_memory(NESTED_MAX - 1)
