"""Metrics: rounded, of finished ticks only, without a word that could point at a submission."""

import asyncio
import os
import re
import stat
from pathlib import Path

import aiohttp

from gateway.metrics import MODE, MetricsSocket, encode_metrics, reader
from tests.crossing import DAY, TICK, Low, make_sides
from transfer.low_status import LaneStatus, LowAlarm, LowStatus, WaitingLimits
from transfer.names import Lane

LIMITS = WaitingLimits(alarm_days=3, overdue_days=3, retention_days=30)
QUOTA = 1000


def figures(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def status(ready: int, *, size: int = 0) -> LowStatus:
    lanes = tuple(LaneStatus(lane, ready, 0, 0, size, None) for lane in Lane)
    return LowStatus(lanes, (), 0, (LowAlarm.OLD_PACKETS,))


def test_counts_are_rounded_down_to_tens() -> None:
    for ready, shown in ((0, 0), (1, 0), (9, 0), (10, 10), (19, 10), (1234, 1230)):
        found = figures(encode_metrics(status(ready), quota=QUOTA))
        assert found['enveis_packets_ready{lane="clear"}'] == shown
    assert figures(encode_metrics(status(0, size=499), quota=QUOTA))["enveis_spool_used_percent"] == 90
    assert figures(encode_metrics(status(0, size=49), quota=QUOTA))["enveis_spool_used_percent"] == 0
    assert figures(encode_metrics(status(0), quota=QUOTA))['enveis_alarm{kind="packets-wait-too-long"}'] == 1
    assert figures(encode_metrics(status(0), quota=QUOTA))['enveis_alarm{kind="batches-overdue"}'] == 0


def test_nothing_but_our_own_names_and_labels() -> None:
    text = encode_metrics(status(5), quota=QUOTA)
    names = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}
    assert names == {
        "enveis_packets_ready",
        "enveis_packets_in_batches",
        "enveis_oldest_packet_days",
        "enveis_batches_waiting",
        "enveis_spool_used_percent",
        "enveis_alarm",
    }
    labels = set(re.findall(r'\{(\w+)="([^"]*)"\}', text))
    assert labels == {("lane", "clear"), ("lane", "held"), *(("kind", str(kind)) for kind in LowAlarm)}


def test_packets_of_the_running_tick_are_not_counted(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    # So small a quota that each packet would show in its share.
    read = reader(low.spool, low.home / "outbox.sqlite", quota=1000, limits=LIMITS, today=lambda: DAY)
    empty = read()
    for number in range(25):
        low.put(number)
        assert read() == empty  # whatever comes, and whenever the process is started anew
    low.now += TICK
    assert figures(read())['enveis_packets_ready{lane="clear"}'] == 20
    low.export(tmp_path / "stick")
    found = figures(read())
    assert found['enveis_packets_ready{lane="clear"}'] == 0
    assert found['enveis_packets_in_batches{lane="clear"}'] == 20
    assert found["enveis_batches_waiting"] == 1


async def fetch(path: Path, page: str = "/metrics") -> tuple[int, str, dict[str, str]]:
    # The socket's address through its folder: a test's folder may be too deep for one.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        connector = aiohttp.UnixConnector(f"/proc/self/fd/{folder}/{path.name}")
        async with aiohttp.ClientSession(connector=connector) as session, session.get(f"http://x{page}") as answer:
            return answer.status, await answer.text(), dict(answer.headers)
    finally:
        os.close(folder)


class Ticks:
    def __init__(self, low: Low) -> None:
        self.low = low
        self.read = 0

    def text(self) -> str:
        self.read += 1
        return f"enveis_read {self.read}\n"

    def socket(self, path: Path) -> MetricsSocket:
        return MetricsSocket(path, read=self.text, tick_start=self.low.spool.tick_start, look_every=0.01)


async def test_figures_change_at_the_tick_only(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    ticks = Ticks(low)
    path = low.home / "metrics.sock"
    metrics = ticks.socket(path)
    await metrics.start()
    try:
        assert stat.S_IMODE(path.stat().st_mode) == MODE
        for _ in range(3):
            code, text, headers = await fetch(path)
            assert (code, text) == (200, "enveis_read 1\n")
            await asyncio.sleep(0.05)
        assert "Server" not in headers
        assert "Date" not in headers
        assert (await fetch(path, "/"))[0] == 404
        low.now += TICK
        await asyncio.sleep(0.2)
        assert (await fetch(path))[1] == "enveis_read 2\n"
    finally:
        await metrics.stop()
    assert not path.exists()


async def test_of_two_processes_one_answers_and_the_next_takes_over(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    path = low.home / "metrics.sock"
    path.touch()  # left by a process that was killed
    first, second = Ticks(low).socket(path), Ticks(low).socket(path)
    await first.start()
    await second.start()
    try:
        assert (await fetch(path))[1] == "enveis_read 1\n"
        await first.stop()
        assert not path.exists()
        low.now += TICK
        await asyncio.sleep(0.3)
        assert (await fetch(path))[1] == "enveis_read 2\n"  # the second one's second look
    finally:
        await second.stop()


async def test_a_ledger_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)

    def fail() -> str:
        raise OSError("no")

    metrics = MetricsSocket(low.home / "metrics.sock", read=fail, tick_start=low.spool.tick_start, look_every=0.01)
    await metrics.start()
    low.now += TICK
    await asyncio.sleep(0.1)
    await metrics.stop()
