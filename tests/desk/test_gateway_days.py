"""A gateway may state any day: the desk names one that is far ahead, and lets it decide nothing.

Invariant D7.
"""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders.requests import a_deletion
from tests.worlds.two_homes import TwoHomes
from tests.worlds.way_back import Source, WayBackMachines

TODAY = datetime.now(UTC).date()
AHEAD = TODAY + timedelta(days=300)


@pytest.fixture
def m(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> WayBackMachines:
    return WayBackMachines(tmp_path, capsys, monkeypatch)


def set_clocks(patch: pytest.MonkeyPatch, day: date) -> None:
    seconds = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    patch.setattr("audit.utc_day.now", lambda: seconds)


def test_a_packet_that_is_dated_ahead_is_named(m: WayBackMachines) -> None:
    packet = m.send(Source(), received=AHEAD, promised=AHEAD + timedelta(days=30))
    other = m.send(Source(), received=TODAY + timedelta(days=1), promised=TODAY + timedelta(days=30))
    said = m.desk("open", packet)
    assert (
        f"It says that it was received on {AHEAD}, but arrived here on {TODAY}: the gateway's clock was ahead" in said
    )
    assert "clock was ahead" not in m.desk("open", other)
    assert m.desk("inbox").count("by a clock that was ahead: does not count") == 1
    rows = {row["packet"]: row["promised"] for row in m.call("desk", "inbox", "--home", m.high)}
    assert rows[packet] == str(AHEAD + timedelta(days=30))


def test_a_batch_that_is_dated_ahead_is_named_by_import_and_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    h = TwoHomes(tmp_path, capsys, "--classic")
    for number, days in enumerate((0, 1, 2), start=1):
        h.put()
        stick = tmp_path / f"stick-{number}"
        stick.mkdir()
        set_clocks(monkeypatch, TODAY + timedelta(days=days))
        h.call("transfer", "export", stick, "--own-disk", home=h.low)
        set_clocks(monkeypatch, TODAY)
        (batch,) = h.call("transfer", "import", stick, home=h.high)["batches"]
        assert len(batch["arrived"]) == 1
        assert (batch["day"], batch["clock_ahead"]) == (str(TODAY + timedelta(days=days)), days == 2)
        said = h.say("transfer", "import", stick, home=h.high)
        assert ("that gateway's clock is ahead" in said) is (days == 2)
    (gateway,) = h.call("transfer", "status", home=h.high)["gateways"]
    assert gateway["clock_ahead"] == [{"batch": 3, "stated": str(TODAY + timedelta(days=2)), "came": str(TODAY)}]
    assert "its days do not count here" in h.say("transfer", "status", home=h.high)
    # And the desk goes on, by its own clock.
    h.say("desk", "bundle", h.gateway, "--to", h.card, "--yes", home=h.high)


def test_the_day_of_arrival_is_the_ledgers_whatever_copied_the_files(m: WayBackMachines) -> None:
    packet = m.send(Source())
    os.utime(m.high / "inbox" / f"{packet}.age", (0, 0))
    assert m.call("desk", "inbox", "--home", m.high)[0]["arrived"] == str(TODAY)


def test_a_request_that_is_dated_ahead_deletes_no_reply_that_went_up_after_it_came(
    m: WayBackMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source()
    packet = m.send(source)
    m.desk("reply", packet, typed="An answer")
    m.accept(m.bundle())
    m.ask(a_deletion(m.gateway, source.public.lookup, source.seed, received=AHEAD))
    m.desk("inbox", "--sort")
    m.accept(m.bundle())
    assert m.read(source) == [], "what had gone up when it came"
    set_clocks(monkeypatch, TODAY + timedelta(days=2))
    m.desk("reply", packet, "--yes", typed="Another answer")
    m.bundle()
    set_clocks(monkeypatch, TODAY + timedelta(days=3))
    m.accept(m.bundle())
    assert [reply.text for reply in m.read(source)] == ["Another answer"]
