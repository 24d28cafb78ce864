"""Every command that takes an id takes its beginning, and every list shows enough of one; programs get the whole."""

import re
from argparse import ArgumentParser
from pathlib import Path

import pytest

from enveis.stations import STATIONS, load_commands
from tests.worlds.two_homes import TwoHomes
from transfer.names import PacketId

ALIKE = [PacketId("abcd0000" + "1" * 24), PacketId("abcd0000" + "2" * 24)]


@pytest.fixture
def homes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> TwoHomes:
    """Two packets arrived whose ids have their first eight digits in common, and one that is like neither."""
    homes = TwoHomes(tmp_path, capsys, "--classic")
    for packet in (*ALIKE, PacketId("ffff" * 8)):
        monkeypatch.setattr("tests.worlds.two_homes.new_packet_id", lambda packet=packet: packet)
        homes.put()
    homes.export()
    homes.take()
    return homes


def test_lists_show_what_suffices_and_programs_get_all_of_it(homes: TwoHomes) -> None:
    said = homes.say("desk", "inbox", home=homes.high)
    assert "abcd00001  " in said
    assert "abcd00002  " in said
    assert "ffffffff  " in said
    assert ALIKE[0] not in said
    assert f"  {homes.gateway[:8]}  " in said
    rows = homes.call("desk", "inbox", home=homes.high)
    assert {row["packet"] for row in rows} == {*ALIKE, "ffff" * 8}
    assert {row["gateway"] for row in rows} == {homes.gateway}
    homes.say("desk", "open", "abcd00001", home=homes.high)
    said = homes.say("audit", "show", "--event", "packet-opened", home=homes.high)
    assert "packet=abcd00001\n" in said
    (row,) = homes.call("audit", "show", "--event", "packet-opened", home=homes.high)
    assert row["details"] == {"packet": ALIKE[0]}
    said = homes.say("desk", "gateways", home=homes.high)
    assert homes.gateway[:8] in said
    assert homes.gateway not in said
    assert homes.call("desk", "gateways", home=homes.high)[0]["gateway"] == homes.gateway
    assert homes.gateway not in homes.say("transfer", "status", home=homes.high)


def test_what_is_ambiguous_is_one_sentence_that_lists_which(homes: TwoHomes) -> None:
    text = homes.root / "text"
    text.write_text("a reply")
    for command in (
        ["desk", "open"],
        ["desk", "close"],
        ["desk", "erase", "--yes"],
        ["desk", "reply", "--text-file", text],
        ["desk", "grant", "--files-max", "1", "--file-max", "1M", "--days", "1"],
        ["desk", "challenge", "--verifier", "me", "--purpose", "this", "--to", homes.root / "challenge"],
    ):
        if "close" in command:
            for packet in ALIKE:
                homes.say("desk", "open", packet, home=homes.high)
        said = homes.say(*command, "ABCD", home=homes.high, status=1)
        assert said == "enveis: 2 ids begin with abcd: abcd00001, abcd00002; type more digits\n"
        assert "at least the first 4 digits" in homes.say(*command, "abc", home=homes.high, status=1)
    homes.say("desk", "close", "abcd00002", home=homes.high)
    assert [path.name for path in (homes.high / "opened").iterdir()] == [ALIKE[0]]


def test_the_beginning_of_a_gateways_id_is_enough_for_a_bundle_too(homes: TwoHomes) -> None:
    made = homes.call("desk", "bundle", homes.gateway[:4], "--to", homes.card, "--yes", home=homes.high)
    assert homes.gateway in made["file"]
    wrong = "0000" if not homes.gateway.startswith("0000") else "1111"
    for arguments in ([wrong], [homes.gateway[:4], "--also", wrong]):
        said = homes.say("desk", "bundle", *arguments, "--to", homes.card, "--yes", home=homes.high, status=1)
        assert "there is no such gateway here" in said
        assert said.count("\n") == 1


def test_packets_that_wait_too_long_and_missing_ones_are_named_by_their_beginning(homes: TwoHomes) -> None:
    said = homes.say("transfer", "discard", home=homes.low)
    assert "abcd00001  " in said
    assert ALIKE[0] not in said
    assert {row["packet"] for row in homes.call("transfer", "discard", home=homes.low)} == {*ALIKE, "ffff" * 8}
    said = homes.say("transfer", "discard", "abcd", "--sentence", "x", home=homes.low, status=1)
    assert said == "enveis: 2 ids begin with abcd: abcd00001, abcd00002; type more digits\n"
    answer = homes.take()
    words = answer["batches"][0]["words"].split()
    said = homes.say("transfer", "acknowledge", *words, "--missing", "abcd", home=homes.low, status=1)
    assert "2 ids begin with abcd: abcd00001, abcd00002; type more digits; nothing was deleted" in said


def test_no_command_asks_for_a_whole_id() -> None:
    """Whoever adds a command that takes an id says in its help that its beginning is enough."""
    found = []
    for station in STATIONS:
        for command in load_commands(station):
            parser = ArgumentParser(add_help=False)
            command.arguments(parser)
            found += [one.help or "" for one in parser._actions if one.metavar in ("PACKET", "GATEWAY", "ID")]
    assert len(found) >= 12
    assert [text for text in found if not re.search("first .*digits", text)] == []
