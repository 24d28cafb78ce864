"""`enveis demo` succeeds, leaves nothing behind, and fails when what it promises does not hold."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from enveis.demo.journey import MARK, _Journey, submissions
from enveis.demo.two_machines import TwoMachines
from enveis.errors import RefusedError
from enveis.terminal import Terminal
from quarantine.scanner.canaries import eicar
from transfer.names import Lane


def test_the_whole_journey(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "enveis", "demo"], check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Everything was verified" in done.stdout
    assert "in the lane 'held'" in done.stdout
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_ended_in_the_middle_it_leaves_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-u", "-m", "enveis", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        pids: list[int] = []
        for line in process.stdout:
            pids += map(int, re.findall(r"clamd, process (\d+)", line))
            if "A source sends" in line:
                process.terminate()
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []
    assert pids
    assert not Path(f"/proc/{pids[0]}").exists()
    served = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in read(path)]
    assert served == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_the_two_submissions_are_what_they_should_be() -> None:
    good, bad = submissions()
    assert [name.rpartition(".")[2] for name, _ in good.files] == ["pdf", "txt", "zip", "rar"]
    assert (good.lane, bad.lane) == (Lane.CLEAR, Lane.HELD)
    assert [content for _, content in bad.files].count(eicar()) == 1


@pytest.mark.parametrize("leak", [MARK.encode(), MARK.encode("utf-16-le"), b"one two receipt words", eicar()])
@pytest.mark.parametrize("place", ["low/spool/clear/x.age", "stick/bag/data/x", "gateway.log"])
def test_plaintext_anywhere_on_the_low_side_is_found(tmp_path: Path, leak: bytes, place: str) -> None:
    machines = TwoMachines(tmp_path)
    machines.log.write_bytes(b"")
    journey = _Journey(machines, Terminal(out=io.StringIO()))
    journey._secrets.append("one two receipt words")
    journey._look_for_plaintext("before")
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_bytes(b"sealed " + leak + b" sealed")
    with pytest.raises(RefusedError, match="no plaintext in"):
        journey._look_for_plaintext("after")


def test_a_file_name_of_a_source_is_plaintext_too(tmp_path: Path) -> None:
    machines = TwoMachines(tmp_path)
    machines.log.write_bytes(b"")
    (tmp_path / "low").mkdir()
    (tmp_path / "low" / "from-the-mayors-office.age").write_bytes(b"")
    with pytest.raises(RefusedError, match="no plaintext in"):
        _Journey(machines, Terminal(out=io.StringIO()))._look_for_plaintext("now")
