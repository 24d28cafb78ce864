"""A real gateway whose clock is in the year 2001: a source is not shut out, and nothing of theirs looks 25 years old.

Invariant K9.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from enveis.main import main
from tests.worlds.gateway_process import GatewayProcess
from tests.worlds.waiting import WATCHDOG, ended

LONG_AGO = date(2001, 1, 1)
# Like `python -m enveis`, with another clock.
_PROGRAM = """
import sys
from audit import utc_day
seconds = float(sys.argv.pop(1))
utc_day.now = lambda: seconds
from enveis.main import main
sys.exit(main())
"""


@contextmanager
def serving(gateway: GatewayProcess, day: date) -> Iterator[None]:
    seconds = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    command = [sys.executable, "-c", _PROGRAM, str(seconds), "gateway", "serve", "--home", str(gateway.home.root)]
    with (
        ended(subprocess.Popen([*command, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE)) as process,
        gateway.log.open("wb") as kept,
    ):
        assert process.stderr is not None
        for line in process.stderr:
            kept.write(line)
            if b"http://127.0.0.1:" in line:
                gateway.port = int(line.partition(b"http://127.0.0.1:")[2].partition(b"/")[0])
                break
        yield
        process.send_signal(signal.SIGTERM)
        kept.write(process.stderr.read())
        assert process.wait(WATCHDOG) == 0


def test_it_receives_and_dates_what_comes_by_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gateway = GatewayProcess(tmp_path)
    today = gateway.home.log().last_day()
    assert today is not None
    with serving(gateway, LONG_AGO):
        assert gateway.submit([("message", "text")]).words
    (packet,) = gateway.packets()
    assert packet.manifest.received == today
    assert packet.manifest.promised is None or packet.manifest.promised > today
    assert "clock-behind" in gateway.log.read_text()
    assert "fault" not in gateway.log.read_text()
    assert gateway.home.log().last_day() == today
    # The clock is right again: what came is as old as it is, and may leave.
    home = ["--home", str(gateway.home.root)]
    assert main(["--json", *home, "transfer", "discard"]) == 0
    assert '"packet"' not in capsys.readouterr().out
    (tmp_path / "stick").mkdir()
    assert main([*home, "transfer", "export", str(tmp_path / "stick"), "--own-disk"]) == 0
    assert "Batch 1: 1 packets" in capsys.readouterr().out
