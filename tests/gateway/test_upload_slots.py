"""Who gets a slot when there are too few, and who gives way.

Invariant G13.
"""

import pytest

from gateway.reading.upload_slots import GRACE, SMALL_MAX, SMALL_SHARE, NoSlotError, SlotHeld, UploadSlots

LARGE = SMALL_MAX + 1


class _House:
    """UploadSlots under a clock that is moved by hand; remembers who was asked to give way."""

    def __init__(self, count: int) -> None:
        self.now = 1000.0
        self.asked: list[str] = []
        self.slots = UploadSlots(count, now=lambda: self.now)

    def take(self, name: str, length: int = LARGE, *, received: int = 0) -> SlotHeld:
        held = self.slots.take(length, lambda: self.asked.append(name))
        held.slot.received = received
        return held


def test_the_slowest_large_upload_gives_way_and_its_place_is_free() -> None:
    house = _House(3)
    for name, received in (("fast", 900_000), ("slow", 10), ("middle", 5000)):
        house.take(name, received=received)
    house.now += GRACE
    house.take("new")
    assert house.asked == ["slow"]
    assert len(house.slots) == 3


def test_rate_and_not_bytes_decides_who_is_slow() -> None:
    house = _House(2)
    house.take("old and slow", received=40_000)
    house.now += 1000
    house.take("young and fast", received=30_000)
    house.now += GRACE
    house.take("new")
    assert house.asked == ["old and slow"]


def test_within_its_grace_nobody_gives_way_to_files() -> None:
    house = _House(1)
    house.take("first")
    house.now += GRACE - 0.1
    with pytest.raises(NoSlotError):
        house.take("new")
    assert house.asked == []
    assert len(house.slots) == 1


def test_to_text_a_large_upload_gives_way_at_once() -> None:
    house = _House(1)
    house.take("files")
    house.take("text", SMALL_MAX)
    assert house.asked == ["files"]


def test_text_is_let_in_beyond_all_places_and_never_gives_way_to_files() -> None:
    house = _House(2)
    for number in range(2 * (1 + SMALL_SHARE)):
        house.take(f"text {number}", SMALL_MAX)
    house.now += 10 * GRACE
    with pytest.raises(NoSlotError):
        house.take("files")
    assert house.asked == []


def test_memory_ends_somewhere() -> None:
    house = _House(2)
    for number in range(2 * (1 + SMALL_SHARE)):
        house.take(f"text {number}", 10)
    with pytest.raises(NoSlotError):
        house.take("one more", 10)


def test_slow_text_does_not_keep_other_text_out() -> None:
    # Five hundred connections that send a byte now and then are cheap for whoever wants to silence others.
    house = _House(1)
    for number in range(1 + SMALL_SHARE):
        house.take(f"trickle {number}", 1000, received=100 - number)
    house.now += GRACE
    house.take("text", 10)
    assert house.asked == [f"trickle {SMALL_SHARE}"]
    assert len(house.slots) == 1 + SMALL_SHARE


@pytest.mark.parametrize("newcomer", [10, LARGE])
def test_what_has_arrived_whole_never_gives_way(newcomer: int) -> None:
    house = _House(1)
    house.take("whole", received=LARGE)
    for _ in range(SMALL_SHARE):
        house.take("whole text", 10, received=10)
    house.now += 10 * GRACE
    with pytest.raises(NoSlotError):
        house.take("new", newcomer)
    assert house.asked == []


def test_a_place_is_given_back_once() -> None:
    house = _House(1)
    with house.take("first") as first:
        assert len(house.slots) == 1
    assert len(house.slots) == 0
    with house.take("second"):
        house.slots.leave(first.slot)
        assert len(house.slots) == 1


def test_who_gave_way_does_not_give_back_another_s_place() -> None:
    house = _House(1)
    first = house.take("first")
    house.now += GRACE
    house.take("second")
    first.__exit__(None, None, None)
    assert len(house.slots) == 1


def test_a_place_is_given_back_after_an_error() -> None:
    house = _House(1)
    with pytest.raises(ZeroDivisionError), house.take("first"):
        raise ZeroDivisionError
    assert len(house.slots) == 0
