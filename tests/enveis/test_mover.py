"""The mover of `enveis run`: opens what it moved, completes what a crash left, halts where a person must look."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from disk.lock import BusyError
from enveis.demo.mover import _Mover
from enveis.demo.two_machines import TwoMachines
from enveis.terminal import Terminal
from enveis.wiring import low_side
from gateway.home.config import GatewayConfig
from tests.builders.requests import a_packet_of, a_withdrawal
from tests.worlds.spooled import lay, lies_at
from transfer.low_side.export import export
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.manifest import Manifest, ReceiptNote, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.visit_signature import new_withdraw_token, withdrawal_of
from transfer.packet.writer import PacketWriter


@pytest.fixture
def machines(tmp_path: Path) -> TwoMachines:
    machines = TwoMachines(tmp_path)
    machines.prepare(GatewayConfig(tick_seconds=1))
    return machines


def put(
    machines: TwoMachines,
    *,
    named: PacketId | None = None,
    withdrawal: str = "",
) -> PacketId:
    material = machines.low.load()
    packet = new_packet_id()
    receipt = ReceiptNote("ab" * 16, str(material.recipients[0]), "cd" * 32, "ef" * 32)
    day = datetime.now(UTC).date()
    manifest = Manifest(
        *(named or packet, material.gateway, day, Lane.CLEAR, "00" * 8, receipt, ()), withdrawal=withdrawal
    )
    writer = PacketWriter(material.recipients)
    text = f"text of {packet}"
    rest = writer.finish(encode_message(Message(text=text)), encode_manifest(manifest))
    lay(machines.low.spool, packet, b"".join([writer.header, *rest]))
    return packet


def mover(machines: TwoMachines) -> tuple[_Mover, io.StringIO]:
    said = io.StringIO()
    return _Mover(machines, Terminal(out=said, err=said)), said


def spooled(machines: TwoMachines) -> list[str]:
    return sorted(path.stem for path in machines.low.spool.rglob("*.age"))


def test_moves_opens_and_empties(machines: TwoMachines) -> None:
    moving, said = mover(machines)
    moving.move()
    assert said.getvalue() == ""
    packets = [put(machines), put(machines)]
    moving.move()
    assert all(f"text of {packet}" in said.getvalue() for packet in packets)
    assert spooled(machines) == []
    assert list(machines.stick.iterdir()) == []
    before = said.getvalue()
    moving.move()
    assert said.getvalue() == before


def test_says_which_packet_is_taken_back(machines: TwoMachines) -> None:
    moving, said = mover(machines)
    token, material = new_withdraw_token(), machines.low.load()
    packet = put(machines, withdrawal=withdrawal_of(token))
    moving.move()
    before = said.getvalue()
    asked = [a_withdrawal(material.gateway, packet, token)]
    lay(machines.low.spool, *a_packet_of(asked, gateway=material.gateway, recipients=material.recipients))
    moving.move()
    new = said.getvalue()[len(before) :]
    assert f"the source took packet {packet} back" in new
    assert f"enveis desk erase {packet[:8]}" in new
    assert "complaint" not in new


def test_opens_what_could_not_be_acknowledged_at_once(machines: TwoMachines, monkeypatch: pytest.MonkeyPatch) -> None:
    moving, said = mover(machines)
    packet = put(machines)

    def busy(*_: object, **__: object) -> None:
        raise BusyError("the sender is making a batch")

    with monkeypatch.context() as patched:
        patched.setattr("enveis.demo.mover.acknowledge", busy)
        moving.move()
    assert spooled(machines) == [packet]
    moving.move()
    assert f"text of {packet}" in said.getvalue()
    assert spooled(machines) == []


@pytest.mark.parametrize("bag_lost", [False, True])
def test_completes_what_a_crash_left(machines: TwoMachines, bag_lost: bool) -> None:
    packet = put(machines)
    report = export(low_side(machines.low), machines.stick, progress=lambda *_: None)
    if bag_lost:
        report.batches[0].folder.rename(machines.root / "elsewhere")
    moving, said = mover(machines)
    moving.move()
    assert f"text of {packet}" in said.getvalue()
    assert spooled(machines) == []


def test_a_packet_that_cannot_be_opened_does_not_stop_the_others(machines: TwoMachines) -> None:
    wrong = [put(machines, named=new_packet_id()) for _ in range(3)]
    good = put(machines)
    moving, said = mover(machines)
    moving.move()
    assert f"text of {good}" in said.getvalue()
    assert all(f"packet {packet} has the manifest of a different packet" in said.getvalue() for packet in wrong)


def test_halts_where_a_person_must_look(machines: TwoMachines) -> None:
    bad = put(machines)
    path = lies_at(machines.low.spool, bad)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    moving, said = mover(machines)
    for _ in range(5):
        moving.move()
    assert said.getvalue().count(f"packet {bad} did not arrive") == 1
    assert machines.high.audit.read_text().count("batch-imported") == 1
    assert spooled(machines) == [bad]
