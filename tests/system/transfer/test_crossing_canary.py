"""A canary through a whole crossing: no text, name, exact size or time in ledgers, logs, metrics, bag or output.

Invariant G21.
"""

import re
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from enveis.main import main
from enveis.wiring import low_side
from gateway.home.home import GatewayHome
from tests.gateway.test_metrics import fetch
from tests.worlds.crossing import High
from tests.worlds.gateway_process import GatewayProcess
from transfer.batch.batch import gateway_id
from transfer.low_side.acknowledge import acknowledge

CANARY = "CanaryOfTheCrossing"
SIZE = 123_457  # bytes of the file; in no other number
SEALED = {".age"}  # nobody reads these but the desk
TIME_OF_DAY = re.compile(rb"[012][0-9]:[0-5][0-9]")


def plain_files(*roots: Path) -> list[Path]:
    found = [path for root in roots for path in (root.rglob("*") if root.is_dir() else [root])]
    return [path for path in found if path.is_file()]


def numbers_in(path: Path) -> list[int]:
    """Every whole number in every table of a ledger."""
    with sqlite3.connect(path) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for table in tables for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608 - our own tables
    return [value for row in rows for value in row if isinstance(value, int)]


async def test_nothing_of_a_source_is_beside_what_is_sealed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = int(time.time())
    stick, output = tmp_path / "stick", []
    stick.mkdir()
    with GatewayProcess(tmp_path) as gateway:
        fields = [("message", CANARY), ("contact_name", CANARY), ("public_body_other", CANARY)]
        words = gateway.submit(fields, [(f"{CANARY}.txt", CANARY.encode() + b"x" * (SIZE - len(CANARY)))]).words
        assert words is not None
        time.sleep(2.5)  # past the tick, so that it can leave and is counted
        home = GatewayHome(gateway.home.root)
        status, metrics, _ = await fetch(home.metrics)
        assert status == 200
        assert "enveis_packets_ready" in metrics
        for command in (
            ["status"],
            ["export", "--own-disk", str(stick)],
            ["status"],
            ["reexport", "--own-disk", "--overdue", str(stick)],
        ):
            assert main(["transfer", *command, "--home", str(home.root)]) == 0
            output.append("".join(capsys.readouterr()))
        key = home.load().signing_key.public
        high = High(tmp_path / "high", gateway.identity, {gateway_id(key): key})
        (bag,) = stick.iterdir()
        report = high.take(bag)
        assert len(report.arrived) == 1
        acknowledge(low_side(home), report.code)
        ended = int(time.time())

    looked_at = plain_files(home.root, stick, high.home, gateway.log)
    assert {"outbox.sqlite", "arrivals.sqlite", "audit.jsonl", "batch.json", "bag-info.txt"} <= {
        p.name for p in looked_at
    }
    unread = [path for path in looked_at if path.suffix not in SEALED]
    texts = {str(path): path.read_bytes() for path in unread} | {
        "metrics": metrics.encode(),
        "output": "".join(output).encode(),
    }
    for name, text in texts.items():
        assert CANARY not in name
        for word in (CANARY, f"{SIZE:,}", words):
            assert word.encode() not in text, (name, word)
        # What is counted of the spool names the starts of ticks, and a tick has one second here.
        seconds = () if "/spool.room/" in name else range(began, ended + 1)
        for number in (SIZE, *seconds):
            # Not as a part of a digest, where any digits may stand side by side.
            assert not re.search(rb"(?<![0-9a-f])%d(?![0-9a-f])" % number, text), (name, number)
        if not name.endswith((".key", ".pub", ".pairing", ".txt", ".toml", ".minisig")):  # base64; our own settings
            assert not TIME_OF_DAY.search(text), name
    for ledger in (home.outbox, high.home / "arrivals.sqlite"):
        assert all(number < began // 10 for number in numbers_in(ledger)), ledger
    midnight = datetime.fromtimestamp(began, UTC).replace(hour=0, minute=0, second=0).timestamp()
    for path in (bag, *bag.rglob("*")):
        assert path.stat().st_mtime in (midnight, midnight + 24 * 3600), path
