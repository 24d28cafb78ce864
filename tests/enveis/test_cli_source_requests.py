"""A request to withdraw or to delete reaches whoever lists, opens, answers or erases the packet that it is about.

Invariants D4, D5.
"""

import contextlib
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.arrival.case_links import CaseLinks
from desk.arrival.opened_copies import reading_packets
from desk.arrival.opening import OpenedFile, OpenPacket
from desk.arrival.sorting import unsorted_packets
from desk.home import DeskHome
from disk.lock import exclusive
from gateway.home.home import GatewayHome
from keys.age.small import seal_bytes
from keys.identity import generate_identity
from tests.worlds.way_back import KIND, Source, WayBackMachines
from transfer.names import PacketId
from transfer.packet.manifest import PacketPurpose
from transfer.packet.request import Asks, encode_request


@pytest.fixture
def m(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> WayBackMachines:
    return WayBackMachines(tmp_path, capsys, monkeypatch)


@pytest.fixture(scope="module")
def source() -> Source:
    return Source()


def _withdraw(m: WayBackMachines, source: Source, packet: PacketId, *, token: str = "") -> PacketId:
    return m.ask(m.withdrawal(packet, token or source.token))


def test_a_withdrawal_that_nobody_opened_reaches_who_opens_the_packet(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    _withdraw(m, source, packet)
    said = m.desk("open", packet)
    today = datetime.now(UTC).date().isoformat()
    assert f"WITHDRAWN: on {today} the source took packet {packet} back" in said
    assert said.index("hello") < said.index("WITHDRAWN"), "last, where it is seen"


def test_who_would_reply_is_asked_and_nothing_is_sealed_without_an_answer(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    asking = _withdraw(m, source, packet)
    said = m.desk("reply", packet, typed="An answer", status=2)
    assert "WITHDRAWN" in said
    assert "no terminal to ask on" in said
    m.accept(m.bundle())
    assert m.read(source) == []
    assert "is sealed" in m.desk("reply", packet, "--yes", typed="An answer")
    requests = m.call("desk", "open", packet, "--home", m.high)["requests"]
    assert [(one["asks"], one["about"], one["packet"], one["proven"]) for one in requests] == [
        ("withdraw", packet, asking, True)
    ]


def test_a_withdrawn_addition_reaches_who_replies_to_the_case(m: WayBackMachines, source: Source) -> None:
    first = m.send(source)
    added = m.send(source, PacketPurpose.ADDITION, seed=source.seed, withdrawal=source.token)
    _withdraw(m, source, added)
    assert f"took packet {added} back" in m.desk("reply", first, typed="An answer", status=2)


def test_a_request_to_delete_replies_is_told_and_asked_about(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    assert "is sealed" in m.desk("reply", packet, typed="An answer")
    m.ask(m.deletion(source))
    said = m.desk("reply", packet, typed="Another answer", status=2)
    assert f"asked that the replies to the case of packet {packet} be deleted" in said


def test_what_nobody_proves_is_told_and_stops_nobody(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    _withdraw(m, source, packet, token="00" * 32)
    m.ask(m.deletion(source, seed=bytes(32)))
    said = m.desk("reply", packet, typed="An answer")
    assert "its token does not match the packet that it names: anybody may have sent it" in said
    assert "it is not signed with the key of that case: anybody may have sent it" in said
    assert "is sealed" in said


def test_the_inbox_lists_what_is_withdrawn_once_it_was_sorted(m: WayBackMachines, source: Source) -> None:
    packet, other = m.send(source), m.send(Source())
    asking = _withdraw(m, source, packet)
    assert "3 packets not read yet" in m.desk("inbox")
    assert {row["withdrawn"] for row in m.call("desk", "inbox", "--home", m.high)} == {None}
    rows = {row["packet"]: row for row in m.call("desk", "inbox", "--sort", "--home", m.high)}
    assert {name: (row["purpose"], row["withdrawn"]) for name, row in rows.items()} == {
        packet: ("first", "proven"), other: ("first", None), asking: ("requests", None),
    }  # fmt: skip
    assert "not read yet" not in m.desk("inbox")
    _withdraw(m, source, other, token="00" * 32)
    rows = {row["packet"]: row for row in m.call("desk", "inbox", "--sort", "--home", m.high)}
    assert (rows[packet]["withdrawn"], rows[other]["withdrawn"]) == ("proven", "claimed")


def test_a_forged_withdrawal_hides_no_proven_one(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    _withdraw(m, source, packet)
    _withdraw(m, source, packet, token="00" * 32)
    rows = {row["packet"]: row for row in m.call("desk", "inbox", "--sort", "--home", m.high)}
    assert rows[packet]["withdrawn"] == "proven"


def test_sorting_is_logged_shows_no_text_and_passes_over_what_is_damaged(m: WayBackMachines, source: Source) -> None:
    damaged, packet = m.send(source, text="a damaged secret"), m.send(source, text="a secret")
    path = DeskHome(m.high).packet(damaged)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    said = m.desk("inbox", "--sort")
    assert "secret" not in said
    assert f"Packet {damaged} cannot be read" in said
    assert unsorted_packets(DeskHome(m.high)) == (damaged,)
    log = (m.high / "audit.jsonl").read_text()
    assert f'"event":"packet-sorted","packet":"{packet}"' in log
    assert damaged not in log


def test_what_vanished_since_it_was_listed_stops_nobody(
    m: WayBackMachines, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    vanishing, packet = m.send(Source()), m.send(source)
    home = DeskHome(m.high)
    listed = unsorted_packets(home)

    def vanished(_: DeskHome) -> tuple[PacketId, ...]:
        home.packet(vanishing).unlink(missing_ok=True)
        return listed

    monkeypatch.setattr("desk.arrival.sorting.unsorted_packets", vanished)
    said = m.desk("open", packet)
    assert "hello" in said
    assert "cannot be read" not in said
    assert vanishing not in (m.high / "audit.jsonl").read_text()


def test_an_erased_packet_is_gone_and_its_batch_does_not_bring_it_back(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source, text="a text to be forgotten")
    m.desk("open", packet)
    folder = m.high / "opened" / packet
    assert folder.is_dir()
    killed = folder.with_name(f".{packet}.a1b2c3")  # as a killed `desk open` leaves it
    shutil.copytree(folder, killed)
    assert "no terminal to ask on" in m.desk("erase", packet, status=2)
    assert folder.is_dir()
    said = m.desk("erase", packet, "--yes")
    assert "Nothing that was read here proves" in said
    assert f"Packet {packet} is erased here" in said
    assert not folder.exists()
    assert not killed.exists()
    assert not DeskHome(m.high).packet(packet).exists()
    assert "was erased here" in m.desk("open", packet, status=1)
    again = m.call("transfer", "import", m.root / f"stick-{packet}", "--home", m.high)
    assert again["batches"][0]["duplicates"] == [packet]
    assert m.call("desk", "inbox", "--home", m.high) == []
    assert f'"event":"packet-erased","packet":"{packet}"' in (m.high / "audit.jsonl").read_text()


def test_nothing_is_erased_without_a_line_in_the_log(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    log = m.high / "audit.jsonl"
    log.write_bytes(log.read_bytes() + b"{}\n")
    assert "audit recover" in m.desk("erase", packet, "--yes", status=1)
    assert DeskHome(m.high).packet(packet).exists()


def test_nothing_is_called_erased_while_it_is_still_being_written(
    m: WayBackMachines, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    packet, said = m.send(source), []
    write = OpenPacket.write_files

    def erased_meanwhile(opened: OpenPacket, folder: Path, **how: Any) -> tuple[OpenedFile, ...]:
        said.append(m.desk("erase", packet, "--yes", status=1))
        return write(opened, folder, **how)

    with monkeypatch.context() as patch:
        patch.setattr(OpenPacket, "write_files", erased_meanwhile)
        m.desk("open", packet)
    assert "another command is reading a packet here" in said[0]
    assert "is erased here" not in said[0]
    assert '"event":"packet-erased"' not in (m.high / "audit.jsonl").read_text()
    m.desk("erase", packet, "--yes")
    assert not (m.high / "opened" / packet).exists()


def test_nothing_is_opened_while_something_is_being_erased_and_several_may_be_read(
    m: WayBackMachines, source: Source
) -> None:
    packet, home = m.send(source), DeskHome(m.high)
    with exclusive(home.reading):
        assert "'enveis desk erase' or 'close' is running here" in m.desk("open", packet, status=1)
        assert "'enveis desk erase' or 'close' is running here" in m.desk("reply", packet, typed="An answer", status=1)
    assert not (m.high / "opened" / packet).exists()
    with reading_packets(home):
        m.desk("open", packet)
        assert "is sealed" in m.desk("reply", packet, typed="An answer")


def test_who_erases_what_was_withdrawn_is_told_so(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    _withdraw(m, source, packet)
    m.desk("inbox", "--sort")
    said = m.desk("erase", packet[:8], "--yes")
    assert "WITHDRAWN" in said
    assert "Nothing that was read here proves" not in said


def test_the_inbox_lists_what_was_promised_as_far_as_it_was_read(m: WayBackMachines, source: Source) -> None:
    today = datetime.now(UTC).date()
    soon = m.send(source, promised=today)
    late = m.send(Source(), received=today - timedelta(days=20), promised=today - timedelta(days=1))
    rows = {row["packet"]: row["promised"] for row in m.call("desk", "inbox", "--home", m.high)}
    assert rows == {soon: None, late: None}
    said = m.desk("inbox", "--sort")
    assert f"{today - timedelta(days=1)} PASSED" in said
    assert f"{today} PASSED" not in said
    rows = {row["packet"]: row["promised"] for row in m.call("desk", "inbox", "--home", m.high)}
    assert rows == {soon: today.isoformat(), late: (today - timedelta(days=1)).isoformat()}
    assert "(yesterday: LATE unless answered)" in m.desk("open", late)


def test_links_of_a_desk_from_before_promises_are_read(tmp_path: Path) -> None:
    path = tmp_path / "visits.sqlite"
    CaseLinks(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(
            "DROP TABLE asked; ALTER TABLE opened DROP COLUMN promised; PRAGMA user_version = 1;"
            "ALTER TABLE opened ADD COLUMN withdraws TEXT NOT NULL DEFAULT '';"
            "ALTER TABLE opened ADD COLUMN token TEXT NOT NULL DEFAULT ''"
        )
        for number, purpose in enumerate(("first", "withdraw", "delete-replies")):
            db.execute(
                "INSERT INTO opened VALUES (?, ?, 'g', '2026-11-21', '', '', '', 'gateway', '', x'', '', '', '')",
                (f"{number:032}", purpose),
            )
        db.commit()
    (row,) = CaseLinks(path).all()
    assert (row.received, row.promised, row.purpose) == (date(2026, 11, 21), None, PacketPurpose.FIRST)
    assert CaseLinks(path).requests(Asks.WITHDRAW) == ()


def test_each_request_of_a_packet_reaches_its_own_packet(m: WayBackMachines, source: Source) -> None:
    other = Source()
    first, second, third = m.send(source), m.send(other), m.send(Source())
    asking = m.ask(
        m.withdrawal(first, source.token),
        m.deletion(other),
        m.withdrawal(third, "00" * 32),
        m.withdrawal(first, "11" * 32),
    )
    said = m.desk("open", asking)
    assert "brings 4 requests of sources" in said
    assert f"the source took packet {first} back" in said
    assert f"the replies to the case of packet {second} be deleted" in said
    assert f"asks to withdraw packet {third}, but its token does not match" in said
    assert "WITHDRAWN" in m.desk("reply", first, typed="An answer", status=2)
    assert "be deleted" in m.desk("reply", second, typed="An answer", status=2)
    assert "is sealed" in m.desk("reply", third, typed="An answer")
    rows = {row["packet"]: row["withdrawn"] for row in m.call("desk", "inbox", "--home", m.high)}
    assert rows == {first: "proven", second: None, third: "claimed", asking: None}
    answer = m.call("desk", "open", asking, "--to", m.root / "again", "--home", m.high)
    assert answer["standing"] == {"is": "requests"}
    assert sorted((one["asks"], one["proven"]) for one in answer["requests"]) == [
        ("delete-replies", True), ("withdraw", False), ("withdraw", False), ("withdraw", True),
    ]  # fmt: skip
    assert "brings requests of sources" in m.desk(
        "grant", asking, "--files-max", "9", "--file-max", "1G", "--days", "9", status=1
    )


@pytest.mark.parametrize(
    "spoilt", [b"", b"not age", b"age-encryption.org/v1\n" + b"x" * 100_000, "another's", "no request"]
)
def test_a_spoilt_request_is_reported_and_hides_no_other(
    m: WayBackMachines, source: Source, spoilt: bytes | str
) -> None:
    packet = m.send(source)
    if isinstance(spoilt, str):
        identity = generate_identity(KIND) if spoilt == "another's" else None
        to = GatewayHome(m.low).load().recipients if identity is None else (identity.recipient,)
        spoilt = seal_bytes(b"{}" if identity is None else encode_request(m.deletion(source)), to)
    asking = m.ask(spoilt, m.withdrawal(packet, source.token), spoilt)
    said = m.desk("inbox", "--sort")
    assert f"Packet {asking} cannot be read, or not all of it" in said
    assert {row["packet"]: row["withdrawn"] for row in m.call("desk", "inbox", "--home", m.high)}[packet] == "proven"
    assert "Not all of its requests can be read" in m.desk("open", asking)


def test_what_comes_twice_has_its_effect_once(m: WayBackMachines, source: Source) -> None:
    """A gateway was killed before it knew that its packet had left: it sends the same request again."""
    packet = m.send(source)
    asked = m.deletion(source)
    first, again = m.ask(asked, m.withdrawal(packet, source.token)), m.ask(asked)
    requests = m.call("desk", "open", packet, "--home", m.high)["requests"]
    assert sorted((one["asks"], one["packet"]) for one in requests) == [("delete-replies", first), ("withdraw", first)]
    assert m.call("desk", "open", again, "--home", m.high)["requests"] == []


def test_nobody_takes_the_place_of_a_request_by_its_id(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    asked = m.withdrawal(packet, source.token)
    m.ask(replace(asked, withdraw_token="00" * 32))
    m.ask(asked)
    m.desk("inbox", "--sort")
    assert {row["packet"]: row["withdrawn"] for row in m.call("desk", "inbox", "--home", m.high)}[packet] == "proven"


def test_a_packet_that_says_it_has_more_requests_than_it_has_is_damaged(m: WayBackMachines, source: Source) -> None:
    asking = m.ask(m.deletion(source), counted=2)
    assert "exactly what its manifest lists" in m.desk("open", asking, status=1)
