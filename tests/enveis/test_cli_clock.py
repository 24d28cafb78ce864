"""What the commands do where a machine's clock is wrong: what signs or deletes refuses, what receives goes on.

Invariant K9.
"""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from enveis.main import main
from tests.worlds.two_homes import TwoHomes

LONG_AGO = date(2001, 1, 1)


class Clocks:
    """Sets the clock of what runs next."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def set(self, day: date) -> None:
        seconds = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
        self._patch.setattr("audit.utc_day.now", lambda: seconds)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


@pytest.fixture
def homes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> TwoHomes:
    return TwoHomes(tmp_path, capsys, "--classic")


def days(home: Path) -> list[str]:
    return [json.loads(line)["day"] for line in (home / "audit.jsonl").read_text().splitlines()]


def files(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_every_command_that_signs_or_deletes_by_the_clock_refuses(homes: TwoHomes, clocks: Clocks) -> None:
    h, packet = homes, homes.put()
    h.export()
    (h.root / "bundles").mkdir()
    h.call("desk", "bundle", h.gateway, "--to", h.root / "bundles", "--yes", home=h.high)
    (bundle,) = (h.root / "bundles").iterdir()
    h.call("desk", "head", h.gateway, "--to", h.root / "head.json", home=h.high)
    h.take()
    for folder in ("more", "again"):
        (h.root / folder).mkdir()
    at_gateway = [
        ("transfer", "export", h.root / "more", "--own-disk"),
        ("transfer", "send"),
        ("transfer", "discard"),
        ("gateway", "accept-bundle", bundle, "--yes"),
        ("gateway", "rekey", h.root / "head.json", "--yes"),
    ]
    at_desk = [
        ("transfer", "import", h.stick),
        ("desk", "pair", h.low / "gateway.pairing", "--yes"),
        ("desk", "bundle", h.gateway, "--to", h.root / "again", "--yes"),
        ("desk", "head", h.gateway, "--to", h.root / "other-head.json"),
        ("desk", "recipients", "--new"),
        ("desk", "recipients", "--sign"),
        ("desk", "rekey", "--yes"),
        ("desk", "reply", packet, "--text-file", h.root / "text"),
        ("desk", "grant", packet, "--files-max", "3", "--file-max", "1M", "--days", "3"),
        ("desk", "challenge", packet, "--verifier", "a", "--purpose", "b", "--to", h.root / "challenge"),
    ]
    (h.root / "text").write_text("an answer")
    (h.low / "link.toml").write_text('to = "127.0.0.1:9"\n')
    clocks.set(LONG_AGO)
    before = files(h.root)
    for home, calls in ((h.low, at_gateway), (h.high, at_desk)):
        for call in calls:
            said = h.say(*call, home=home, status=1)
            assert said.startswith(f"enveis: this machine's clock says {LONG_AGO}, but its log has a line of 20"), call
    changed = {path for path, content in files(h.root).items() if before.get(path) != content}
    assert {path for path in changed if path.suffix not in {".lock", ".sqlite-shm", ".sqlite-wal"}} == set()


def test_a_home_is_not_made_by_a_clock_that_cannot_be(
    tmp_path: Path, clocks: Clocks, capsys: pytest.CaptureFixture[str]
) -> None:
    clocks.set(date(2000, 1, 1))
    desk, gateway = ["desk", "init", "--classic", "--home", str(tmp_path / "high")], tmp_path / "low"
    assert main(desk) == 1
    assert "clock says 2000-01-01, which cannot be: set it" in capsys.readouterr().err
    assert not (tmp_path / "high").exists()
    assert main([*desk, "--accept-clock"]) == 0
    keys = ["--recipients", str(tmp_path / "high/recipients.txt"), "--desk-key", str(tmp_path / "high/desk.pub")]
    assert main(["gateway", "init", "--home", str(gateway), *keys]) == 1
    assert "which cannot be" in capsys.readouterr().err
    assert not gateway.exists()


def test_what_does_not_hang_on_the_clock_goes_on(homes: TwoHomes, clocks: Clocks) -> None:
    h, packet = homes, homes.put()
    h.export()
    imported = h.take()
    last = days(h.low)[-1]
    clocks.set(LONG_AGO)
    # Words delete what they cover, and no clock has a part in that. Reading and status are for whoever looks into it.
    h.acknowledge(imported)
    assert [row["packet"] for row in h.call("desk", "inbox", home=h.high)] == [packet]
    h.call("desk", "open", packet, home=h.high)
    assert days(h.low)[-1] == last
    assert days(h.high) == sorted(days(h.high))
    status = h.call("transfer", "status", home=h.low, status=3)
    assert status["clock_behind"] is True
    assert "ALARM: this machine's clock is before the last day of its log" in h.say(
        "transfer", "status", home=h.low, status=3
    )


def test_a_person_may_insist_and_the_log_records_it(homes: TwoHomes, clocks: Clocks) -> None:
    h = homes
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    clocks.set(yesterday)
    h.put()
    h.say("transfer", "export", h.stick, "--own-disk", home=h.low, status=1)
    h.say("transfer", "export", h.stick, "--own-disk", "--accept-clock", home=h.low)
    assert "clock-accepted" in h.events(h.low)
    assert days(h.low)[-1] == yesterday.isoformat()
    h.say("transfer", "import", h.stick, home=h.high, status=1)
    h.say("transfer", "import", h.stick, "--accept-clock", home=h.high)
    # Once is enough: the log goes on from the day that was accepted.
    (h.root / "bundles").mkdir()
    h.say("desk", "bundle", h.gateway, "--to", h.root / "bundles", "--yes", home=h.high)
    assert h.events(h.high).count("clock-accepted") == 1


def test_a_desk_in_the_year_2000_makes_no_bundle_that_has_expired_at_birth(homes: TwoHomes, clocks: Clocks) -> None:
    h = homes
    (h.root / "bundles").mkdir()
    clocks.set(date(2000, 1, 1))
    h.say("desk", "bundle", h.gateway, "--to", h.root / "bundles", "--yes", home=h.high, status=1)
    assert list((h.root / "bundles").iterdir()) == []


def test_one_gateway_ahead_stops_no_desk(homes: TwoHomes, clocks: Clocks) -> None:
    h = homes
    clocks.set(datetime.now(UTC).date() + timedelta(days=900))
    h.put()
    h.export()
    clocks.set(datetime.now(UTC).date())
    imported = h.take()
    assert imported["batches"][0]["arrived"]
    (h.root / "bundles").mkdir()
    h.say("desk", "bundle", h.gateway, "--to", h.root / "bundles", "--yes", home=h.high)
    assert max(days(h.high)) == datetime.now(UTC).date().isoformat()
