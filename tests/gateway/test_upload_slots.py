"""Who gets a place for a large upload when there are too few, and who loses one.

Invariants G13 and G33.
"""

from unittest import mock

import pytest

from gateway.reading.upload_slots import IDLE, NoSlotError, SlotHeld, UploadSlot, UploadSlots

RATE = 1000  # bytes per second
LENGTH = 10**9


class _House:
    """UploadSlots under a clock that is moved by hand; remembers who was asked to give way."""

    def __init__(self, count: int) -> None:
        self.now = 1000.0
        self.asked: list[str] = []
        self.slots = UploadSlots(count, min_rate=RATE, now=lambda: self.now)
        self.inside: dict[str, UploadSlot] = {}

    def take(self, name: str, *, received: int = 0, length: int = LENGTH) -> SlotHeld:
        slot = UploadSlot(length, self.now, lambda: self.asked.append(name), received, self.now)
        held = self.slots.take(slot)
        self.inside[name] = slot
        return held

    def wait(self, seconds: float, **rates: float) -> None:
        """Let time pass, in which those that are named send at so many bytes per second."""
        self.now += seconds
        for name, rate in rates.items():
            self.inside[name].received += int(rate * seconds)
            self.inside[name].last = self.now


def test_who_keeps_the_rate_keeps_the_place() -> None:
    house = _House(2)
    house.take("exactly")
    house.take("faster")
    for _ in range(600):
        house.wait(1, exactly=RATE, faster=10 * RATE)
        with pytest.raises(NoSlotError):
            house.take("new")
    assert house.asked == []


def test_who_sends_nothing_for_a_while_may_lose_it() -> None:
    house = _House(2)
    house.take("sends")
    house.take("stopped", received=10**6)
    house.wait(IDLE - 0.1, sends=RATE)
    with pytest.raises(NoSlotError):
        house.take("new")
    house.wait(0.1, sends=RATE)
    house.take("new")
    assert house.asked == ["stopped"]
    assert len(house.slots) == 2


def test_who_falls_below_the_rate_may_lose_it() -> None:
    house = _House(2)
    house.take("keeps")
    house.take("slower")
    for _ in range(int(2 * IDLE)):
        house.wait(1, keeps=RATE, slower=RATE * 0.4)
    house.take("new")
    assert house.asked == ["slower"]


def test_nobody_can_arrange_whose_place_is_lost() -> None:
    house = _House(3)
    for name in ("first", "second", "third"):
        house.take(name)
    house.wait(IDLE)
    with mock.patch("gateway.reading.upload_slots.secrets.choice", return_value=house.inside["second"]) as chosen:
        house.take("new")
    (candidates,) = chosen.call_args.args
    assert set(candidates) == {house.inside[name] for name in ("first", "second", "third")}
    assert house.asked == ["second"]


def test_what_has_arrived_whole_never_gives_way() -> None:
    house = _House(1)
    house.take("whole", received=LENGTH)
    house.wait(100 * IDLE)
    with pytest.raises(NoSlotError):
        house.take("new")
    assert house.asked == []


def test_crowding_is_the_share_of_places_that_are_taken() -> None:
    house = _House(4)
    assert house.slots.crowding == 0
    with house.take("one"), house.take("two"):
        assert house.slots.crowding == 0.5
    assert house.slots.crowding == 0


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
    house.wait(IDLE)
    house.take("second")
    first.__exit__(None, None, None)
    assert len(house.slots) == 1


def test_a_place_is_given_back_after_an_error() -> None:
    house = _House(1)
    with pytest.raises(ZeroDivisionError), house.take("first"):
        raise ZeroDivisionError
    assert len(house.slots) == 0
