"""The desk's copy of a gateway's log, damaged or gone: told as what it is, of one gateway only, with a way out.

Invariant D2.
"""

import re
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.chain import EMPTY, Head
from audit.events import Event, LogRecord
from audit.log import AuditLog
from gateway.home.home import GatewayHome
from tests.enveis.test_cli_transfer import Machines, put
from tests.worlds.crossing import DAY, Low, make_sides
from transfer.batch.batch import AuditPart, gateway_id
from transfer.errors import CopyDamagedError
from transfer.high_side.high_side import HighSide
from transfer.high_side.import_bag import ImportReport, import_bag
from transfer.high_side.log_copy import LogCopy
from transfer.usb.bag_writer import Progress


class TwoGateways(Machines):
    """A second gateway feeds the same desk; its batches lie on the same stick."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(root, capsys)
        self.other = root / "other"
        files: list[str | Path] = ["--recipients", self.high / "recipients.txt", "--desk-key", self.high / "desk.pub"]
        self.say("gateway", "init", "--home", self.other, *files)
        self.say("desk", "pair", self.other / "gateway.pairing", "--yes", "--home", self.high)

    def bring(self, home: Path) -> Path:
        """Put one packet of that gateway onto the stick and return the bag."""
        put(home)
        return Path(self.call("transfer", "export", "--own-disk", self.stick, "--home", home)["batches"][0]["bag"])

    def copy_of(self, home: Path) -> Path:
        """Return where the desk's copy of that gateway's log lies."""
        return self.high / "gateways" / f"{GatewayHome(home).load().gateway}.audit.jsonl"

    def take(self, *, status: int = 0) -> str:
        """Import the stick."""
        return self.say("transfer", "import", self.stick, "--home", self.high, status=status)


@pytest.fixture
def m(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> TwoGateways:
    return TwoGateways(tmp_path, capsys)


def spoil_last_line(copy: Path) -> None:
    lines = copy.read_bytes().splitlines(keepends=True)
    copy.write_bytes(b"".join([*lines[:-1], b"x" * (len(lines[-1]) - 1) + b"\n"]))


def change_last_line(copy: Path) -> None:
    """It parses as before, and has another hash."""
    text = copy.read_bytes()
    day = text.rindex(b'"day":"20') + len(b'"day":"')
    copy.write_bytes(text[:day] + b"1999" + text[day + 4 :])


def cut_last_line(copy: Path) -> None:
    copy.write_bytes(b"".join(copy.read_bytes().splitlines(keepends=True)[:-1]))


DAMAGE = [spoil_last_line, change_last_line]
LOSS = [cut_last_line, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGE)
def test_one_damaged_copy_stops_no_other_gateway(m: TwoGateways, damage: Callable[[Path], None]) -> None:
    first, second = m.bring(m.low), m.bring(m.other)
    m.take()
    shutil.rmtree(first)
    shutil.rmtree(second)
    m.bring(m.low)
    refused = m.bring(m.other)
    damage(m.copy_of(m.other))
    said = m.take(status=1)
    # The words of the gateway that is well, whichever of the two comes first on the stick.
    assert said.count("Acknowledgement words for the gateway") == 1
    assert f"{refused}: {m.copy_of(m.other)} is damaged, in this desk's copy of a gateway's log" in said
    assert "Nothing of it was imported" in said
    assert "docs/sticks.md" in said
    assert "audit recover" not in said
    assert "rewritten" not in said  # the gateway said nothing else than before


@pytest.mark.parametrize("damage", [*DAMAGE, *LOSS])
def test_damage_is_an_alarm(m: TwoGateways, damage: Callable[[Path], None]) -> None:
    m.bring(m.low)
    m.bring(m.other)
    m.take()
    assert m.call("transfer", "status", "--home", m.high)["copies"] == []
    damage(m.copy_of(m.other))
    (alarm,) = m.call("transfer", "status", "--home", m.high, status=3)["copies"]
    assert alarm["gateway"] == GatewayHome(m.other).load().gateway
    for command, status in (("transfer", "status"), 3), (("desk", "gateways"), 1):
        said = m.say(*command, "--home", m.high, status=status)
        assert f"ALARM: {m.copy_of(m.other)}" in said
        assert "docs/sticks.md" in said
        assert "audit recover" not in said
    # No line is stated as the last trusted one on such evidence.
    said = m.say("desk", "head", alarm["gateway"], "--to", m.stick / "last-head.json", "--home", m.high, status=1)
    assert "nothing was signed" in said


@pytest.mark.parametrize("damage", [*DAMAGE, *LOSS])
def test_old_bags_bring_a_damaged_copy_back(m: TwoGateways, damage: Callable[[Path], None]) -> None:
    bags = [m.bring(m.other), m.bring(m.other)]
    m.take()
    copy = m.copy_of(m.other)
    before = copy.read_bytes()
    damage(copy)
    if copy.exists():
        copy.rename(copy.with_suffix(".damaged"))
    # One of the two: its acknowledgement words are shown again, and that lines are missing is reported.
    said = m.say("transfer", "import", bags[1], "--home", m.high, status=1)
    assert "Acknowledgement words for the gateway" in said
    assert f"ALARM: {copy} ends at line 0" in said
    assert "imported before" in m.take()
    assert copy.read_bytes() == before
    m.say("transfer", "status", "--home", m.high)


def test_the_gateways_own_log_brings_a_lost_copy_back(m: TwoGateways) -> None:
    """As docs/sticks.md says, where the sticks are empty by now."""
    shutil.rmtree(m.bring(m.other).parent / "nothing", ignore_errors=True)
    m.take()
    copy, log = m.copy_of(m.other), m.other / "audit.jsonl"
    copy.unlink()
    heads = m.high / "gateways" / f"{GatewayHome(m.other).load().gateway}.heads"
    m.say("audit", "verify", log, "--key", m.other / "gateway.pub", "--heads", heads)
    copy.write_bytes(log.read_bytes())
    m.say("transfer", "status", "--home", m.high)
    m.bring(m.other)
    m.take()
    # Another log in its place is noticed: the signed head is not in it.
    copy.write_bytes((m.low / "audit.jsonl").read_bytes())
    m.say("transfer", "status", "--home", m.high, status=3)


def test_batches_that_have_not_come_are_gaps_and_no_damage(m: TwoGateways) -> None:
    bags = [m.bring(m.other) for _ in range(3)]
    m.say("transfer", "import", bags[2], "--home", m.high)
    m.say("transfer", "import", bags[0], "--home", m.high)
    assert "batch 2 has not arrived" in m.say("transfer", "status", "--home", m.high)


def test_a_damaged_part_that_came_early_is_named(m: TwoGateways) -> None:
    bags = [m.bring(m.other) for _ in range(3)]
    m.say("transfer", "import", bags[2], "--home", m.high)
    (early,) = m.copy_of(m.other).with_suffix(".d").iterdir()
    early.write_bytes(b"x" * 50 + b"\n")
    m.say("transfer", "import", bags[0], "--home", m.high)
    said = m.say("transfer", "import", bags[1], "--home", m.high, status=1)
    assert str(early) in said
    early.unlink()
    m.say("transfer", "import", bags[1], "--home", m.high, status=1)  # the alarm: line numbers were signed beyond it
    m.take()
    m.say("transfer", "status", "--home", m.high)


@pytest.mark.parametrize("place", [0, -1])
def test_a_changed_part_that_came_early_is_named(m: TwoGateways, place: int) -> None:
    """Its lines parse as before; the head that its own batch signed speaks against them."""
    bags = [m.bring(m.other) for _ in range(3)]
    m.say("transfer", "import", bags[2], "--home", m.high)
    (early,) = m.copy_of(m.other).with_suffix(".d").iterdir()
    lines = early.read_bytes().splitlines(keepends=True)
    lines[place] = re.sub(rb'"day":"....', b'"day":"1999', lines[place])
    early.write_bytes(b"".join(lines))
    said = m.say("transfer", "import", bags[2], "--home", m.high, status=1)
    assert f"{early} is damaged, in this desk's copy of a gateway's log" in said
    early.rename(early.with_suffix(".damaged"))
    m.take()
    m.say("transfer", "status", "--home", m.high)


def test_the_acknowledgement_words_are_shown_when_our_own_disk_fails_at_a_later_bag(
    m: TwoGateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    m.bring(m.low)
    m.bring(m.other)
    calls = []

    def failing(high: HighSide, bag: Path, *, progress: Progress) -> ImportReport:
        calls.append(bag)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", str(m.high))
        return import_bag(high, bag, progress=progress)

    monkeypatch.setattr("transfer.high_side.import_bag.import_bag", failing)
    said = m.take(status=1)
    assert said.count("Acknowledgement words for the gateway") == 1
    assert said.endswith(f"enveis: at {calls[1]}: {m.high}: No space left on device\n")
    calls[:] = []
    answer = m.call("transfer", "import", m.stick, "--home", m.high, status=1)
    assert len(answer["batches"]) == 1


def test_a_contradiction_without_a_signed_head_between_is_still_the_gateways(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    history, part, text = long_history(low, high.home / "gateways", lines=3)
    with pytest.raises(CopyDamagedError):
        history.verify_copy(Head(3, "ab" * 32))
    history.verify_copy(EMPTY)
    history.verify(part, text, heads={})


def long_history(low: Low, folder: Path, *, lines: int) -> tuple[LogCopy, AuditPart, bytes]:
    """Return a copy with that many lines, and its first two lines as a part."""
    gateway = gateway_id(low.key.public)
    log = AuditLog(folder / f"{gateway}.audit.jsonl", today=lambda: DAY)
    log.extend([LogRecord(event=Event.SUBMISSION_SEALED, packet="ab" * 16, lane="clear")] * (lines - 1))
    text = b"".join(line + b"\n" for line, _ in zip(log.lines(), range(2), strict=False))
    head = AuditLog(folder / "part.jsonl", today=lambda: DAY).adopt(text)
    return LogCopy(folder, gateway), AuditPart(1, 2, head.hash, len(text), ""), text


def test_an_early_part_does_not_read_the_whole_log(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    history, part, text = long_history(low, high.home / "gateways", lines=12_000)
    tracemalloc.start()
    try:
        history.verify(part, text, heads={})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000  # a block of the file, and not the 3 MB that it has
