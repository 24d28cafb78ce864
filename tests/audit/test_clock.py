"""A machine's clock against its own log: days never go back, and what signs or deletes by them refuses.

Invariants A7 and K9.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from audit.chain import Event, check_chain, parse_line
from audit.clock import EARLIEST, READ_EVERY, Clock, ClockError, is_far_ahead
from audit.errors import LogDamagedError
from audit.log import AuditLog

DAY = date(2026, 11, 30)


class Machine:
    """A log, and a clock that a test sets."""

    def __init__(self, folder: Path) -> None:
        self.shown = DAY
        self.path = folder / "audit.jsonl"
        self.log = AuditLog(self.path, today=lambda: self.shown)

    @property
    def clock(self) -> Clock:
        return Clock(self.log, today=lambda: self.shown)

    def days(self) -> list[date]:
        return [parse_line(line).day for line in self.log.lines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_days_of_a_log_never_go_back(machine: Machine) -> None:
    days = [DAY, DAY - timedelta(days=1), date(2001, 1, 1), DAY + timedelta(days=1), DAY]
    for machine.shown in days:
        machine.log.append(Event.GATEWAY_STARTED)
    later = DAY + timedelta(days=1)
    assert machine.days() == [DAY, DAY, DAY, DAY, later, later]  # its first line is of the log itself
    machine.log.rotate()
    machine.shown = date(2001, 1, 1)
    machine.log.append(Event.GATEWAY_STARTED)  # after a closed file too
    assert machine.days()[-1] == later
    assert not check_chain(machine.log.lines()).faults


def test_a_clock_behind_the_log_signs_nothing_until_it_is_accepted(machine: Machine) -> None:
    machine.log.append(Event.KEYS_CREATED, digest="ab" * 32)
    machine.clock.demand()
    machine.shown = DAY - timedelta(days=1)
    clock = machine.clock
    assert clock.is_behind()
    assert clock.today() == DAY
    with pytest.raises(ClockError) as refused:
        clock.demand()
    assert str(refused.value) == (
        "this machine's clock says 2026-11-29, but its log has a line of 2026-11-30: set the clock; nothing was signed "
        "or deleted. If the clock is right and that line is not, repeat the command with --accept-clock, which the log "
        "records"
    )
    clock.accept()
    clock.demand()
    assert clock.today() == machine.shown
    last = parse_line(list(machine.log.lines())[-1])
    assert (last.record.event, last.day) == (Event.CLOCK_ACCEPTED, machine.shown)
    # Where there is nothing to accept, nothing is logged.
    before = machine.log.head()
    clock.accept()
    assert machine.log.head() == before


def test_a_machine_without_a_log_has_a_clock_that_can_be(machine: Machine) -> None:
    for machine.shown in (date(1970, 1, 1), date(2000, 1, 1), EARLIEST - timedelta(days=1)):
        with pytest.raises(ClockError, match=f"clock says {machine.shown}, which cannot be: set it"):
            machine.clock.demand()
    machine.shown = EARLIEST
    machine.clock.demand()
    machine.shown = date(2000, 1, 1)
    machine.clock.accept()  # a person insists: nothing is there that could contradict, or be written to
    assert not machine.path.exists()


def test_the_time_of_ticks_never_goes_behind_the_log(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.log.append(Event.GATEWAY_STARTED)
    midnight = datetime(2026, 11, 30, tzinfo=UTC).timestamp()
    monkeypatch.setattr("audit.utc_day.now", lambda: midnight - 1)
    assert machine.clock.now() == midnight
    monkeypatch.setattr("audit.utc_day.now", lambda: midnight + 7)
    assert machine.clock.now() == midnight + 7


def test_who_only_asks_for_the_day_goes_on_with_what_is_known(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.log.append(Event.GATEWAY_STARTED)
    machine.shown = date(2001, 1, 1)
    clock = machine.clock
    assert clock.today() == DAY
    machine.path.write_bytes(machine.path.read_bytes() + b"nonsense\n")
    seconds = iter([READ_EVERY * 10.0**9, READ_EVERY * 10.0**10])
    monkeypatch.setattr("audit.clock.time.monotonic", lambda: next(seconds))
    assert clock.today() == DAY
    with pytest.raises(LogDamagedError):
        clock.demand()
    assert machine.clock.today() == machine.shown  # nothing is known: its own clock is all there is


def test_how_far_two_clocks_may_be_apart() -> None:
    assert not is_far_ahead(DAY, DAY)
    assert not is_far_ahead(DAY + timedelta(days=1), DAY)
    assert is_far_ahead(DAY + timedelta(days=2), DAY)
    assert not is_far_ahead(date(2001, 1, 1), DAY)
