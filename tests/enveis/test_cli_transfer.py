"""The commands around a crossing and a log: what they answer, and with which exit status.

Invariants T8, A4 and E3.
"""

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from enveis.main import main
from gateway.home.home import GatewayHome
from tests.worlds.spooled import lay
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.manifest import Manifest, ReceiptNote, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.writer import PacketWriter


class Machines:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.low, self.high, self.stick = root / "low", root / "high", root / "stick"
        self._capsys = capsys
        self.stick.mkdir()
        backup = str(root / "backup")
        assert main(["desk", "init", "--classic", "--home", str(self.high), "--backup", backup]) == 0
        files = ["--recipients", str(self.high / "recipients.txt"), "--desk-key", str(self.high / "desk.pub")]
        assert main(["gateway", "init", "--home", str(self.low), *files]) == 0
        assert main(["desk", "pair", str(self.low / "gateway.pairing"), "--yes", "--home", str(self.high)]) == 0
        capsys.readouterr()

    def call(self, *arguments: str | Path, status: int = 0) -> Any:
        assert main(["--json", *map(str, arguments)]) == status
        return json.loads(self._capsys.readouterr().out)

    def say(self, *arguments: str | Path, status: int = 0) -> str:
        assert main([*map(str, arguments)]) == status
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def put(self, lane: Lane = Lane.CLEAR, *, days: int = 1) -> PacketId:
        """A packet whose tick has passed."""
        return put(self.low, lane, days=days)


def put(home: Path, lane: Lane = Lane.CLEAR, *, days: int = 1) -> PacketId:
    """Put a packet that came `days` days ago into a gateway's spool."""
    material = GatewayHome(home).load()
    packet = new_packet_id()
    receipt = ReceiptNote("ab" * 16, str(material.recipients[0]), "cd" * 32, "ef" * 32)
    day = datetime.now(UTC).date()
    manifest = Manifest(packet, material.gateway, day, lane, "00" * 8, receipt, ())
    writer = PacketWriter(material.recipients)
    rest = writer.finish(encode_message(Message(text="hello")), encode_manifest(manifest))
    sealed = b"".join([writer.header, *rest])
    lay(home / "spool", packet, sealed, start=int(time.time()) - days * 24 * 3600, lane=lane)
    return packet


@pytest.fixture
def machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machines:
    return Machines(tmp_path, capsys)


def test_there_and_back(machines: Machines) -> None:
    m = machines
    packets = {m.put(), m.put()}
    held = m.put(Lane.HELD)
    lanes = m.call("transfer", "status", "--home", m.low)["lanes"]
    assert [(lane["lane"], lane["ready"], lane["oldest_days"]) for lane in lanes] == [("clear", 2, 1), ("held", 1, 1)]
    exported = m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)
    assert [(batch["number"], batch["lane"], batch["packets"]) for batch in exported["batches"]] == [
        (1, "clear", 2),
        (2, "held", 1),
    ]
    assert exported["outstanding"] == [1, 2]
    imported = m.call("transfer", "import", m.stick, "--home", m.high)
    assert [set(batch["arrived"]) for batch in imported["batches"]] == [packets, {held}]
    assert {row["packet"] for row in m.call("desk", "inbox", "--home", m.high)} == packets | {held}
    first, second = (batch["words"] for batch in imported["batches"])
    assert set(m.call("transfer", "acknowledge", first, "--home", m.low)["deleted"]) == packets
    assert m.call("transfer", "acknowledge", first, "--home", m.low)["repeated"] is True
    assert "1 packets have arrived and were deleted" in m.say(
        "transfer", "acknowledge", *second.upper().split(), "--home", m.low
    )
    assert not list((m.low / "spool").rglob("*.age"))
    assert "Nothing to export" in m.say("transfer", "export", "--own-disk", m.stick, "--home", m.low)
    again = m.say("transfer", "import", m.stick, "--home", m.high)
    assert again.count("imported before") == 2


def test_what_is_missing_is_asked_for_again(machines: Machines) -> None:
    m = machines
    good, bad = m.put(), m.put()
    bag = Path(m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"][0]["bag"])
    spoilt = bag / "data" / "packets" / f"{bad}.age"
    spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"x")
    said = m.say("transfer", "import", m.stick, "--home", m.high, status=1)
    assert f"--missing {bad[:8]}" in said
    report = m.call("transfer", "import", m.stick, "--home", m.high, status=1)["batches"][0]
    assert report["arrived"] == [good]
    assert [item["packet"] for item in report["missing"]] == [bad]
    assert "missing" in json.dumps(m.call("transfer", "status", "--home", m.high))
    assert "nothing was deleted" in m.say("transfer", "acknowledge", report["words"], "--home", m.low, status=1)
    done = m.call("transfer", "acknowledge", report["words"], "--missing", bad[:6], "--home", m.low)
    assert (done["deleted"], done["returned"]) == ([good], [bad])
    assert m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"][0]["packets"] == 1


def test_the_same_batch_once_more(machines: Machines) -> None:
    m = machines
    m.put()
    first = m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"][0]
    before = (Path(first["bag"]) / "batch.json").read_bytes()
    shutil.rmtree(first["bag"])
    assert m.call("transfer", "reexport", "--own-disk", "1", m.stick, "--home", m.low)[0]["bag"] == first["bag"]
    assert (Path(first["bag"]) / "batch.json").read_bytes() == before
    assert "no batch 7" in m.say("transfer", "reexport", "--own-disk", "7", m.stick, "--home", m.low, status=1)


def test_one_refused_bag_does_not_stop_the_others(machines: Machines) -> None:
    m = machines
    m.put()
    m.put(Lane.HELD)
    bags = [
        Path(batch["bag"]) for batch in m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"]
    ]
    (bags[0] / "batch.json").write_bytes((bags[0] / "batch.json").read_bytes().replace(b"clear", b"held"))
    answer = m.call("transfer", "import", m.stick, "--home", m.high, status=1)
    assert [item["bag"] for item in answer["refused"]] == [str(bags[0])]
    assert [batch["lane"] for batch in answer["batches"]] == ["held"]


def test_a_stick_without_batches_or_a_home_without_a_role(machines: Machines, tmp_path: Path) -> None:
    assert "has no batch" in machines.say("transfer", "import", machines.stick, "--home", machines.high, status=1)
    assert "neither" in machines.say("transfer", "status", "--home", tmp_path, status=1)


def test_opening_by_the_beginning_of_an_id(machines: Machines) -> None:
    m = machines
    packet = m.put()
    m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)
    m.call("transfer", "import", m.stick, "--home", m.high)
    said = m.say("desk", "open", packet[:6], "--home", m.high)
    assert "  | hello" in said
    assert "packet-opened" in m.say("audit", "show", "--home", m.high)
    assert "It was open already" in m.say("desk", "open", packet, "--home", m.high)
    assert "no such packet" in m.say("desk", "open", packet[:3], "--home", m.high, status=1)


def test_nothing_is_opened_without_a_line_in_the_log(machines: Machines, tmp_path: Path) -> None:
    m = machines
    packet = m.put()
    m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)
    m.call("transfer", "import", m.stick, "--home", m.high)
    log = m.high / "audit.jsonl"
    log.write_bytes(log.read_bytes() + b"{}\n")
    said = m.say("desk", "open", packet, "--to", tmp_path / "opened", "--home", m.high, status=1)
    assert "audit recover" in said
    assert not (tmp_path / "opened").exists()
    m.say("audit", "recover", "--yes", "--home", m.high)
    m.say("desk", "open", packet, "--to", tmp_path / "opened", "--home", m.high)
    assert m.call("audit", "show", "--home", m.high)[-1]["event"] == "packet-opened"


def test_a_damaged_note_of_a_succession_is_an_alarm(machines: Machines) -> None:
    m = machines
    gateway = m.call("desk", "gateways", "--home", m.high)[0]["gateway"]
    for damaged in (bytes(reversed(range(256))), b"", b"../../x", b"0" * 10_000):
        (m.high / "gateways" / f"{gateway}.replaces").write_bytes(damaged)
        said = m.say("desk", "gateways", "--home", m.high, status=1)
        assert f"ALARM: replaces a gateway, but {gateway}.replaces is damaged and does not say which" in said
        assert m.call("transfer", "status", "--home", m.high, status=3)["successions"][0]["gateway"] == gateway


def test_audit_verify_knows_what_is_anchored(machines: Machines) -> None:
    m = machines
    m.put()
    bag = m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"][0]["bag"]
    log, key = m.low / "audit.jsonl", m.low / "gateway.pub"
    plain = m.call("audit", "verify", log)
    assert (plain["anchored"], plain["faults"]) == (0, [])
    anchored = m.call("audit", "verify", log, "--key", key, "--batch", bag)
    assert 0 < anchored["anchored"] < anchored["head"]["seq"]
    assert "unanchored" in m.say("audit", "verify", log, "--key", key, "--batch", bag)
    m.say("audit", "verify", log, "--key", m.high / "desk.pub", "--batch", bag, status=1)
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:1], *lines[2:]]))
    assert m.call("audit", "verify", log, status=1)["faults"]
    # Rewritten from the beginning it is a chain again; the signed head tells.
    log.write_bytes(lines[0])
    assert m.call("audit", "verify", log)["faults"] == []
    assert m.call("audit", "verify", log, "--key", key, "--batch", bag, status=1)["faults"]
    assert "go together" in m.say("audit", "verify", log, "--key", key, status=2)
    assert "No such file" in m.say("audit", "verify", log.with_name("absent"), status=1)


def test_status_says_what_waits_for_too_long(machines: Machines) -> None:
    m = machines
    m.put(days=5)
    young = m.call("transfer", "status", "--home", m.low, status=3)
    assert young["alarms"] == ["packets-wait-too-long"]
    said = m.say("transfer", "status", "--home", m.low, status=3)
    assert "ALARM: a packet has waited here for 3 days or more" in said
    config = m.low / "gateway.toml"
    config.write_text(config.read_text().replace("\nalarm_days = 3\n", "\nalarm_days = 6\n"))
    assert "ALARM" not in m.say("transfer", "status", "--home", m.low)


def test_an_overdue_batch_is_named_and_exported_again(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    m = machines
    m.put()
    first = Path(m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"][0]["bag"])
    before = (first / "batch.json").read_bytes()
    assert "No batch is overdue" in m.say("transfer", "reexport", "--own-disk", "--overdue", m.stick, "--home", m.low)
    today = datetime.now(UTC).date()
    for module in ("enveis.wiring", "enveis.commands.transfer_status"):
        monkeypatch.setattr(f"{module}.utc_today", lambda: today + timedelta(days=3))
    status = m.call("transfer", "status", "--home", m.low, status=3)
    assert [(batch["number"], batch["days"], batch["overdue"]) for batch in status["batches"]] == [(1, 3, True)]
    assert "OVERDUE" in m.say("transfer", "status", "--home", m.low, status=3)
    assert "Overdue: batches 1" in m.say("transfer", "export", "--own-disk", m.stick, "--home", m.low)
    shutil.rmtree(first)
    again = m.call("transfer", "reexport", "--own-disk", "--overdue", m.stick, "--home", m.low)
    assert [batch["number"] for batch in again] == [1]
    assert (first / "batch.json").read_bytes() == before
    assert m.call("transfer", "status", "--home", m.low)["batches"][0]["days"] == 0  # its waiting starts again


def test_a_lane_on_a_stick_of_its_own(machines: Machines, tmp_path: Path) -> None:
    m = machines
    m.put()
    m.put(Lane.HELD)
    held = m.call("transfer", "export", "--own-disk", m.stick, "--lane", "held", "--home", m.low)
    assert [(batch["lane"], batch["packets"]) for batch in held["batches"]] == [("held", 1)]
    assert len(list(m.stick.iterdir())) == 1
    clear = m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)
    assert [(batch["number"], batch["lane"]) for batch in clear["batches"]] == [(2, "clear")]


def test_answers_are_carried_as_a_file(machines: Machines, tmp_path: Path) -> None:
    m = machines
    good, bad, held = m.put(), m.put(), m.put(Lane.HELD)
    bags = [
        Path(batch["bag"]) for batch in m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"]
    ]
    (bags[0] / "data" / "packets" / f"{bad}.age").unlink()
    answers = tmp_path / "answers"
    m.call("transfer", "import", m.stick, "--answers", answers, "--home", m.high, status=1)
    done = m.call("transfer", "acknowledge", "--answers", answers, "--home", m.low)
    assert [(item["number"], item["deleted"], item["returned"]) for item in done] == [
        (1, [good], [bad]),
        (2, [held], []),
    ]
    again = m.call("transfer", "acknowledge", "--answers", answers, "--home", m.low)
    assert [item["repeated"] for item in again] == [True, True]
    text = answers.read_text()
    for spoilt in ("", "{}", text.replace('"version": 1', '"version": 2'), text.replace(bad, bad[:-1]), text[:-3]):
        answers.write_text(spoilt)
        said = m.say("transfer", "acknowledge", "--answers", answers, "--home", m.low, status=1)
        assert "the answers file" in said
        assert "Traceback" not in said
    answers.write_text(text.replace(gateway_of(m), "f" * 16))
    assert "no answer for this gateway" in m.say(
        "transfer", "acknowledge", "--answers", answers, "--home", m.low, status=1
    )


def test_what_came_over_the_link_stays_until_its_acknowledgement_words_were_shown(
    machines: Machines, tmp_path: Path
) -> None:
    """The sender's next pass would not bring it back: a batch that came appears once."""
    m = machines
    packet = m.put()
    [batch] = m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"]
    arrived = m.high / "link" / "arrived"
    arrived.parent.mkdir()
    shutil.copytree(m.stick, arrived)
    bag = arrived / Path(batch["bag"]).name
    nowhere = tmp_path / "not-mounted" / "answers.json"
    assert "No such file" in m.say("transfer", "import", "--answers", nowhere, "--home", m.high, status=1)
    assert bag.is_dir()
    [again] = m.call("transfer", "import", "--home", m.high)["batches"]
    assert not bag.exists()
    assert m.call("transfer", "acknowledge", *again["words"].split(), "--home", m.low)["deleted"] == [packet]


def gateway_of(machines: Machines) -> str:
    return GatewayHome(machines.low).load().gateway


def test_old_packets_are_given_up_by_a_sentence_only(machines: Machines) -> None:
    m = machines
    old, older, young = m.put(days=30), m.put(Lane.HELD, days=99), m.put(days=29)
    listed = m.call("transfer", "discard", "--home", m.low)
    assert [(row["packet"], row["days"]) for row in listed] == [(older, 99), (old, 30)]
    for arguments in (["--all"], [old[:6]], ["--all", "--sentence", "yes"]):
        said = m.say("transfer", "discard", *arguments, "--home", m.low, status=1)
        assert "nothing was deleted; the sentence that deletes is: I delete" in said
    assert "id 1 names no packet that has waited" in m.say("transfer", "discard", young, "--home", m.low, status=1)
    assert len(list((m.low / "spool").rglob("*.age"))) == 3
    sentence = "I delete 2 packets that nobody may have received"
    done = m.call("transfer", "discard", "--all", "--sentence", sentence, "--home", m.low)
    assert set(done["discarded"]) == {old, older}
    assert [path.stem for path in (m.low / "spool").rglob("*.age")] == [young]
    log = m.say("audit", "show", "--home", m.low)
    assert log.count("packet-discarded") == 2
    assert "No packet has waited for 30 days" in m.say("transfer", "discard", "--home", m.low)


def test_the_desk_shows_gaps_missing_packets_and_two_histories(machines: Machines, tmp_path: Path) -> None:
    m = machines
    books = [m.low / name for name in ("outbox.sqlite", "audit.jsonl")]
    before = [path.read_bytes() for path in books]
    bags = []
    for _ in range(3):
        m.put()
        bags.append(Path(m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"][0]["bag"]))
    lost = next((bags[2] / "data/packets").iterdir())
    lost.unlink()
    m.call("transfer", "import", bags[2], "--home", m.high, status=1)
    (gateway,) = m.call("transfer", "status", "--home", m.high)["gateways"]
    assert (gateway["batches"], gateway["highest"], gateway["packets"]) == (1, 3, 0)
    assert gateway["gaps"] == [[1, 2]]
    assert gateway["missing"] == [{"packet": lost.stem, "batch": 3, "reason": "damaged"}]
    m.call("transfer", "import", bags[0], "--home", m.high)
    m.call("transfer", "import", bags[0], "--home", m.high)
    said = m.say("transfer", "status", "--home", m.high)
    assert "batch 2 has not arrived" in said
    assert f"packet {lost.stem[:8]} of batch 3 is missing (damaged)" in said
    assert m.call("transfer", "status", "--home", m.high)["gateways"][0]["repeated_batches"] == 1
    # The same number for another batch: the gateway was set back, its log with the ledger.
    for path, content in zip(books, before, strict=True):
        path.write_bytes(content)
    shutil.rmtree(m.stick)
    m.stick.mkdir()
    m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)
    m.call("transfer", "import", m.stick, "--home", m.high, status=1)
    (gateway,) = m.call("transfer", "status", "--home", m.high, status=3)["gateways"]
    assert gateway["alarms"][0]["kind"] == "two-digests"
    assert gateway["duplicates"] == 1  # brought again by another batch
    assert "ALARM: two histories at batch 1" in m.say("transfer", "status", "--home", m.high, status=3)


def test_calls_that_cannot_be_meant(machines: Machines) -> None:
    m = machines
    for arguments in (
        ["export"],
        ["reexport", m.stick],
        ["reexport", "1", m.stick, "--overdue"],
        ["reexport", m.stick, "1"],
        ["acknowledge"],
        ["acknowledge", "acid", "--answers", m.stick],
        ["discard", "--all", "1f3a"],
    ):
        said = m.say("transfer", *arguments, "--home", m.low, status=2)
        assert said.startswith("enveis: ")
        assert said.count("\n") == 1


def test_a_stale_answer_does_not_keep_back_the_good_ones(machines: Machines, tmp_path: Path) -> None:
    """The desk imported a bag twice: what was missing the first time came the second time."""
    m = machines
    whole, lost, held = m.put(), m.put(), m.put(Lane.HELD)
    bags = [
        Path(batch["bag"]) for batch in m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"]
    ]
    sealed = bags[0] / "data" / "packets" / f"{lost}.age"
    sealed.rename(tmp_path / "away")
    stale, answers = tmp_path / "stale", tmp_path / "answers"
    m.call("transfer", "import", m.stick, "--answers", stale, "--home", m.high, status=1)
    (tmp_path / "away").rename(sealed)
    m.call("transfer", "import", bags[0], "--answers", answers, "--home", m.high)
    (done,) = m.call("transfer", "acknowledge", "--answers", answers, "--home", m.low)
    assert set(done["deleted"]) == {whole, lost}
    first, second = m.call("transfer", "acknowledge", "--answers", stale, "--home", m.low, status=1)
    assert (first["number"], first["deleted"]) == (2, [held])
    assert (second["number"], "nothing was deleted" in second["problem"]) == (1, True)
    said = m.say("transfer", "acknowledge", "--answers", stale, "--home", m.low, status=1)
    assert "Batch 1: " in said
    assert "Batch 2 was acknowledged before" in said
    # Settled with these very words: that is no failure.
    m.say("transfer", "acknowledge", "--answers", answers, "--home", m.low)


EVIL = "enveis-x\x1b[31m\x1b]0;owned\x07\nBatch 9 of gateway 0123456789abcdef: all is well\u202e"


def test_names_on_a_stick_cannot_write_onto_the_terminal(machines: Machines) -> None:
    m = machines
    m.put()
    bag = Path(m.call("transfer", "export", "--own-disk", m.stick, "--home", m.low)["batches"][0]["bag"])
    shutil.copytree(bag, m.stick / EVIL)
    said = m.say("transfer", "import", m.stick, "--home", m.high)
    assert "does not have a bag's name, and was ignored" in said
    assert said.count("Acknowledgement words for the gateway") == 1
    answer = m.call("transfer", "import", m.stick, "--home", m.high)
    assert (len(answer["batches"]), answer["refused"], answer["misnamed"]) == (1, [], [str(m.stick / EVIL)])
    (m.stick / EVIL / "batch.json").write_bytes(b"{}")
    more = [
        m.say("transfer", "import", m.stick / EVIL, "--home", m.high, status=1),
        m.say("audit", "verify", m.low / "audit.jsonl", "--key", m.low / "gateway.pub", "--heads", m.stick, status=1),
        m.say("transfer", "export", "--own-disk", m.stick / EVIL / "nothing", "--home", m.low, status=1),
    ]
    for text in (said, *more):
        assert "<U+001B>[31m<U+001B>]0;owned<U+0007>" in text
        assert not any(character in text for character in "\x1b\x07\u202e")
        assert not any(line.startswith("Batch 9") for line in text.splitlines())
    assert m.stick.name in more[1]
