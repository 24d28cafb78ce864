"""`desk open` twice, `desk close`, and what is closed by time, as a person sees it. Invariant D9."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desk.arrival.opened_copies import OPENED_AT, reading_packets
from desk.home import DeskHome
from tests.worlds.way_back import Source, WayBackMachines


@pytest.fixture
def m(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> WayBackMachines:
    return WayBackMachines(tmp_path, capsys, monkeypatch)


@pytest.fixture(scope="module")
def source() -> Source:
    return Source()


def opened(m: WayBackMachines) -> list[str]:
    return sorted(path.name for path in (m.high / "opened").iterdir())


def age(m: WayBackMachines, packet: str, hours: int) -> None:
    since = datetime.now(UTC) - timedelta(hours=hours)
    (m.high / "opened" / packet / OPENED_AT).write_text(since.isoformat())


def test_a_second_open_shows_it_again(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    first = m.desk("open", packet[:8])
    assert "Written to" in first
    assert f"To close it now: enveis desk close {packet[:8]}" in first
    again = m.desk("open", packet[:8])
    assert "hello" in again
    assert f"It was open already, in {m.high / 'opened' / packet}." in again
    answer = m.call("desk", "open", packet, "--home", m.high)
    assert (answer["again"], answer["changed"], answer["message"]["text"]) == (True, [], "hello")
    assert opened(m) == [packet]
    log = (m.high / "audit.jsonl").read_text()
    assert log.count('"packet-opened"') == 3, "each time it was shown"


def test_with_a_folder_of_ones_own_it_is_shown_again_too_and_never_closed(m: WayBackMachines, source: Source) -> None:
    packet, other = m.send(source), m.send(Source())
    to = m.root / "elsewhere"
    said = m.desk("open", packet, "--to", to)
    assert "It stays open" not in said
    assert "It was open already" in m.desk("open", packet, "--to", to)
    assert "is not empty; nothing was changed" in m.desk("open", other, "--to", to, status=1)
    (m.root / "full").mkdir()
    (m.root / "full" / "mine").write_text("")
    assert "is not empty; nothing was changed" in m.desk("open", packet, "--to", m.root / "full", status=1)
    said = m.desk("close", "--all")
    assert "Nothing was open." in said
    assert (to / "message.json").exists()


def test_the_inbox_shows_what_is_open_and_since_when(m: WayBackMachines, source: Source) -> None:
    packet, sealed = m.send(source), m.send(Source())
    m.desk("open", packet)
    rows = {row["packet"]: row["open since"] for row in m.call("desk", "inbox", "--home", m.high)}
    assert rows[sealed] is None
    assert datetime.now(UTC) - datetime.fromisoformat(rows[packet]) < timedelta(hours=1)
    assert f"{datetime.fromisoformat(rows[packet]):%Y-%m-%d %H:%M} UTC" in m.desk("inbox")
    m.desk("close", packet[:6])
    assert {row["open since"] for row in m.call("desk", "inbox", "--home", m.high)} == {None}


def test_what_is_open_of_a_packet_that_was_moved_away_is_named_and_closed(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    m.desk("open", packet)
    (m.high / "inbox" / f"{packet}.age").unlink()
    assert f"Packet {packet} is not in the inbox any more" in m.desk("inbox")
    assert f"Closed: {packet}" in m.desk("close", packet[:4])
    assert opened(m) == []


def test_close_takes_ids_or_all_and_says_what_it_cannot_do(m: WayBackMachines, source: Source) -> None:
    packets = [m.send(source), m.send(Source()), m.send(Source())]
    for packet in packets[:2]:
        m.desk("open", packet)
    assert "--all" in m.desk("close", status=2)
    assert "--all" in m.desk("close", packets[0], "--all", status=2)
    said = m.desk("close", packets[0], packets[2], status=1)
    assert "is not open here" in said
    assert opened(m) == sorted(packets[:2]), "all of them, or none"
    with reading_packets(DeskHome(m.high)):
        assert "nothing was closed" in m.desk("close", "--all", status=1)
    said = m.desk("close", packets[0])
    assert "only encryption of the whole disk" in said
    assert opened(m) == [packets[1]]
    assert m.call("desk", "close", "--all", "--home", m.high) == {"closed": [packets[1]]}
    assert m.call("desk", "close", "--all", "--home", m.high) == {"closed": []}
    log = (m.high / "audit.jsonl").read_text()
    assert log.count('"packet-closed"') == 2
    assert "hello" in m.desk("open", packets[0]), "it is sealed, not lost"


def test_the_next_command_of_the_desk_closes_what_was_open_for_too_long(m: WayBackMachines, source: Source) -> None:
    packet, fresh = m.send(source), m.send(Source())
    for one in (packet, fresh):
        m.desk("open", one)
    age(m, packet, 12)
    age(m, fresh, 11)
    said = m.desk("gateways")
    assert f"Closed: {packet} was open for 12 hours or longer (close_after_hours in desk.toml)." in said
    assert opened(m) == [fresh]
    toml = m.high / "desk.toml"
    toml.write_text(toml.read_text().replace("close_after_hours = 12", "close_after_hours = 2"))
    assert f"Closed: {fresh} was open for 2 hours" in m.desk("open", fresh)
    assert opened(m) == [fresh], "closed, and opened again"


def test_what_stands_in_the_way_of_closing_is_told_and_stops_nothing(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    m.desk("open", packet)
    age(m, packet, 20)
    toml = m.high / "desk.toml"
    text = toml.read_text()
    toml.write_text(text + "x = 1\n")
    said = m.desk("inbox")
    assert "could not be closed" in said
    assert "unknown key 'x'" in said
    toml.write_text(text)
    with reading_packets(DeskHome(m.high)):
        assert packet[:8] in m.desk("inbox")
    assert opened(m) == [packet]
    assert "Closed" in m.desk("inbox")
