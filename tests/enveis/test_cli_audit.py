"""`enveis audit`: what a reviewer and an operator read, and with which exit status.

Invariant A3.
"""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from audit.events import Event, LogRecord
from audit.log import AuditLog
from enveis.main import main
from tests.worlds.crossing import Low, make_sides
from transfer.batch.batch import gateway_id
from transfer.names import Lane

DAYS = [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 20), date(2026, 11, 21)]
PACKET = "ab" * 16


class Caller:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def say(self, *arguments: object, status: int = 0) -> str:
        assert main([*map(str, arguments)]) == status
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def rows(self, *arguments: object, status: int = 0) -> list[int]:
        assert main(["--json", "audit", "show", *map(str, arguments)]) == status
        return [row["seq"] for row in json.loads(self._capsys.readouterr().out)]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Caller:
    return Caller(capsys)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A log of 6 lines in two files: started, sealed, deleted | continued, started, sealed."""
    days = iter([*DAYS, DAYS[3], DAYS[3]])
    log = AuditLog(tmp_path / "audit.jsonl", today=lambda: next(days))
    log.append(Event.SUBMISSION_SEALED, packet=PACKET, lane="clear")
    log.append(Event.PACKET_DELETED, packet=PACKET, batch=1)
    log.rotate()
    log.extend(
        [
            LogRecord(event=Event.GATEWAY_STARTED),
            LogRecord(event=Event.SUBMISSION_SEALED, packet="cd" * 16, lane="held"),
        ]
    )
    return tmp_path


def test_show_filters(home: Path, call: Caller) -> None:
    assert call.rows("--home", home) == [1, 2, 3, 4, 5, 6]
    assert call.rows(home / "audit.jsonl", "--day", "2026-11-20") == [2, 3]
    assert call.rows("--home", home, "--since", "2026-11-20", "--until", "2026-11-20") == [2, 3]
    assert call.rows("--home", home, "--since", "2026-11-21") == [4, 5, 6]
    assert call.rows("--home", home, "--until", "2026-11-19") == [1]
    assert call.rows("--home", home, "--event", "packet-deleted", "--event", "gateway-started") == [3, 5]
    assert call.rows("--home", home, "--packet", PACKET[:6].upper()) == [2, 3]
    assert call.rows("--home", home, "--packet", "cd", "--event", "submission-sealed") == [6]
    said = call.say("audit", "show", "--home", home, "--packet", "cdcd")
    assert said.splitlines()[1].split() == ["6", "2026-11-21", "submission-sealed", "packet=cdcdcdcd", "lane=held"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--day", "yesterday"], "YYYY-MM-DD"), (["--day", "2026-02-30"], "calendar"), (["--event", "x"], "log-started")],
)
def test_a_wrong_filter_is_reported(home: Path, call: Caller, arguments: list[str], words: str) -> None:
    said = call.say("audit", "show", "--home", home, *arguments, status=2)
    assert words in said
    assert said.count("\n") == 1


def test_a_line_that_cannot_be_read_hides_no_other(home: Path, call: Caller) -> None:
    path = home / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b"gateway-started", b"gateway-startet") + b"torn")
    assert call.rows("--home", home, status=1) == [1, 2, 3, 4, 6]
    said = call.say("audit", "show", "--home", home, status=1)
    assert "1 lines cannot be read, the first is line 5" in said
    said = call.say("audit", "verify", "--home", home, status=1)
    assert "line 5: this is not a line" in said
    assert "4 bytes after the last line are not a line of the log" in said


def test_bytes_behind_a_closed_file_are_a_fault_and_placed(home: Path, call: Caller) -> None:
    closed = next((home / "audit.closed").iterdir())
    whole = closed.read_bytes()
    for left in (whole + b'{"this text":"of a stranger"}', whole + b"x" * 5_000_000):
        closed.write_bytes(left)
        said = call.say("audit", "verify", "--home", home, status=1)
        assert "line 4: its end is missing, in a file that was closed" in said
        assert "form one chain" not in said
        assert call.rows("--home", home, status=1) == [1, 2, 3, 4, 5, 6]
    closed.write_bytes(whole[:-1])
    said = call.say("audit", "verify", "--home", home, status=1)
    assert "line 3: its end is missing, in a file that was closed" in said
    assert "line 4" not in said
    # The same for a person who verifies the closed file alone.
    assert "line 3: its end is missing" in call.say("audit", "verify", closed, status=1)


def test_torn_bytes_are_reported_to_a_program(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "audit.jsonl"
    for torn in (b"", b"torn", b"\0" * 100_000):
        path.write_bytes(path.read_bytes().rstrip(b"\0torn") + torn)
        assert main(["--json", "audit", "verify", "--home", str(home)]) == 0
        assert json.loads(capsys.readouterr().out)["torn"] == len(torn)


def test_many_faults_do_not_drown_the_first(tmp_path: Path, call: Caller) -> None:
    (tmp_path / "audit.jsonl").write_bytes(b"x\n" * 50)
    said = call.say("audit", "verify", tmp_path / "audit.jsonl", status=1)
    assert "line 1: " in said
    assert "and 30 more faults" in said
    assert len(said.splitlines()) < 25


def test_rotate_and_recover(home: Path, call: Caller) -> None:
    said = call.say("audit", "rotate", "--home", home)
    assert "0000000000000004-0000000000000006.jsonl" in said
    assert "nothing to close" in call.say("audit", "rotate", "--home", home, status=1)
    assert "nothing to recover" in call.say("audit", "recover", "--home", home, status=1)
    path = home / "audit.jsonl"
    path.write_bytes(path.read_bytes() + b"{}\n")
    assert "audit recover" in call.say("audit", "rotate", "--home", home, status=1)
    assert "no terminal to ask on" in call.say("audit", "recover", "--home", home, status=2)
    assert path.read_bytes().endswith(b"{}\n")
    assert "Line 8 records this" in call.say("audit", "recover", "--home", home, "--yes")
    assert "8 lines form one chain" in call.say("audit", "verify", "--home", home)
    assert "No such file" in call.say("audit", "rotate", "--home", home / "absent", status=1)


@pytest.fixture
def crossed(tmp_path: Path) -> tuple[Low, Path, Path]:
    """Three batches on a stick, the log rotated between them, and the gateway's public key."""
    low, _ = make_sides(tmp_path)
    stick = tmp_path / "stick"
    for number in range(3):
        low.put(number, lane=Lane.CLEAR)
        low.later()
        low.export(stick)
        if number < 2:
            low.audit.rotate()
    key = tmp_path / "gateway.pub"
    key.write_text(low.key.public.encode())
    return low, stick, key


def test_a_folder_of_bags_gives_all_heads(crossed: tuple[Low, Path, Path], call: Caller, tmp_path: Path) -> None:
    low, stick, key = crossed
    log = low.home / "audit.jsonl"
    said = call.say("audit", "verify", log, "--key", key, "--heads", stick)
    assert "compared: 3." in said
    assert "The last 1 lines are unanchored" in said  # that batch 3 was exported
    # The same from loose files, as a desk or a reviewer may keep them.
    heads = tmp_path / "heads"
    heads.mkdir()
    for bag in stick.iterdir():
        for suffix in ("", ".minisig"):
            shutil.copy(bag / f"batch.json{suffix}", heads / f"{bag.name}.json{suffix}")
    assert "compared: 3." in call.say("audit", "verify", log, "--key", key, "--heads", heads)
    one, two = sorted(heads.glob("*.json"))[:2]
    assert "compared: 2." in call.say("audit", "verify", log, "--key", key, "--heads", one, two)


def test_a_rewritten_closed_file_is_placed(crossed: tuple[Low, Path, Path], call: Caller) -> None:
    low, stick, key = crossed
    closed = sorted((low.home / "audit.closed").iterdir())[0]
    closed.write_bytes(closed.read_bytes().replace(b'"lane":"clear"', b'"lane":"held"', 1))
    said = call.say("audit", "verify", low.home / "audit.jsonl", "--key", key, "--heads", stick, status=1)
    assert "line 2: a signed head has another hash for line 2" in said
    assert "line 3: does not continue the line before it" in said


def test_heads_that_do_not_hold_are_refused(crossed: tuple[Low, Path, Path], call: Caller, tmp_path: Path) -> None:
    low, stick, key = crossed
    log = low.home / "audit.jsonl"
    (tmp_path / "other").mkdir()
    other, _ = make_sides(tmp_path / "other")
    other.put(1)
    other.later()
    other.export(stick)
    said = call.say("audit", "verify", log, "--key", key, "--heads", stick)
    assert "1 of the batches are from other gateways" in said
    foreign = next(bag for bag in stick.iterdir() if gateway_id(other.key.public) in bag.name)
    arguments = ["audit", "verify", log, "--key", key, "--heads"]
    assert "signed by another key" in call.say(*arguments, foreign, status=1)
    assert "signed by another key" in call.say(*arguments, foreign / "batch.json", status=1)
    (tmp_path / "empty").mkdir()
    assert "has no batch.json" in call.say(*arguments, tmp_path / "empty", status=1)
    forged = next(bag for bag in stick.iterdir() if gateway_id(low.key.public) in bag.name) / "batch.json"
    forged.write_bytes(forged.read_bytes().replace(b'"number": ', b'"number":  '))
    said = call.say("audit", "verify", log, "--key", key, "--heads", stick, status=1)
    assert "forged or damaged" in said
    assert str(forged) in said
