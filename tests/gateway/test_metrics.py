"""Metrics: rounded, of finished ticks only, without a word that could point at a submission.

Invariant G21.
"""

import os
import re
import stat
from pathlib import Path

import aiohttp
import pytest

from gateway.metrics import MODE, MetricsSocket, encode_metrics, reader
from tests.worlds.crossing import DAY, TICK, Low, make_sides
from tests.worlds.waiting import until
from transfer.low_side.outbox import WaitingBatch
from transfer.low_side.status import BatchStatus, LaneStatus, LowAlarm, LowStatus, WaitingLimits
from transfer.names import Lane

LIMITS = WaitingLimits(alarm_days=3, overdue_days=3, retention_days=30)
QUOTA = 1000


def figures(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def status(ready: int, *, size: int = 0, exported: int = 0, alarms: tuple[LowAlarm, ...] = ()) -> LowStatus:
    lanes = tuple(LaneStatus(lane, ready, 0, exported, size, 5 if ready + exported else None) for lane in Lane)
    waiting = WaitingBatch(1, Lane.CLEAR, 2 * exported, DAY, DAY, published=True)
    return LowStatus(lanes, (BatchStatus(waiting, 0, overdue=False),) if exported else (), 0, alarms)


def shown(found: LowStatus, *, oldest_days: int = 0) -> dict[str, float]:
    return figures(encode_metrics(found, quota=QUOTA, oldest_days=oldest_days, limits=LIMITS))


def test_counts_are_rounded_down_to_tens() -> None:
    for ready, rounded in ((0, 0), (1, 0), (9, 0), (10, 10), (19, 10), (1234, 1230)):
        assert shown(status(ready))['enveis_packets_ready{lane="clear"}'] == rounded
    assert shown(status(10, size=249))["enveis_spool_used_percent"] == 40
    assert shown(status(10, size=49))["enveis_spool_used_percent"] == 0


def test_below_ten_packets_nothing_speaks_of_them() -> None:
    few, many = (
        shown(status(2, exported=2, size=400), oldest_days=2),
        shown(status(2, exported=5, size=400), oldest_days=2),
    )
    assert set(few.values()) == {0}
    assert many["enveis_oldest_packet_days"] == 2
    assert many["enveis_batches_waiting"] == 1
    assert many["enveis_spool_used_percent"] == 80
    # Ten wait, and fewer than ten of them in batches.
    assert shown(status(20, exported=4))["enveis_batches_waiting"] == 0
    # Files are about to be refused: somebody has to know, however few packets fill the spool.
    assert shown(status(1, size=499))["enveis_spool_used_percent"] == 90


def test_one_alarm_stays_however_few_packets_wait() -> None:
    assert shown(status(1), oldest_days=2)["enveis_alarm"] == 0
    assert shown(status(1), oldest_days=3)["enveis_alarm"] == 1
    assert shown(status(0, exported=1, alarms=(LowAlarm.OVERDUE_BATCHES,)))["enveis_alarm"] == 1
    # What `transfer status` calls too old by the second is too old here from the next midnight on.
    assert shown(status(1, alarms=(LowAlarm.OLD_PACKETS,)), oldest_days=2)["enveis_alarm"] == 0


def test_nothing_but_our_own_names_and_labels() -> None:
    text = encode_metrics(status(5), quota=QUOTA, oldest_days=9, limits=LIMITS)
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
    assert labels == {("lane", "clear"), ("lane", "held")}
    assert not re.search(r"enveis_(alarm|oldest_packet_days|batches_waiting)\{", text)


@pytest.mark.parametrize("hour", [0, 6, 18])
def test_a_single_submission_shows_days_later_and_not_its_tick(tmp_path: Path, hour: int) -> None:
    """Nothing changes before the alarm, and the alarm rises with a day: in the same hour whenever it came that day."""
    low, _ = make_sides(tmp_path)
    low.now = 20_000 * 86_400.0 + hour * 3600 + 5
    read = reader(low.spool, low.home / "outbox.sqlite", quota=QUOTA, limits=LIMITS, today=lambda: DAY)
    empty = read()
    low.put(1, lane=Lane.HELD)
    came, changes, seen = low.now, [], empty
    while low.now < came + 6 * 86_400:
        low.now += 6 * 3600
        if read() != seen:
            seen = read()
            changes.append(low.now)
        if low.now - came == 86_400:
            low.export(tmp_path / "stick")
            assert read() == empty
    assert len(changes) == 1
    assert changes[0] // 86_400 - 20_000 == (3 if hour == 0 else 4)
    assert changes[0] % 86_400 < 6 * 3600 + 10
    assert {name for name, value in figures(seen).items() if value} == {"enveis_alarm"}


def test_packets_of_the_running_tick_are_not_counted(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    # So small a quota that each packet would show in its share.
    read = reader(low.spool, low.home / "outbox.sqlite", quota=1000, limits=LIMITS, today=lambda: DAY)
    empty = read()
    for number in range(25):
        low.put(number)
        assert read() == empty  # whatever comes, and whenever the process is restarted
    low.now += TICK
    assert figures(read())['enveis_packets_ready{lane="clear"}'] == 20
    low.export(tmp_path / "stick")
    found = figures(read())
    assert found['enveis_packets_ready{lane="clear"}'] == 0
    assert found['enveis_packets_in_batches{lane="clear"}'] == 20
    assert found["enveis_batches_waiting"] == 1
    assert found["enveis_oldest_packet_days"] == 0


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
        self.read = self.looked = 0

    def text(self) -> str:
        self.read += 1
        return f"enveis_read {self.read}\n"

    def tick_start(self) -> int:
        self.looked += 1
        return self.low.spool.tick_start()

    def socket(self, path: Path) -> MetricsSocket:
        return MetricsSocket(path, read=self.text, tick_start=self.tick_start, look_every=0.01)

    async def look_again(self) -> None:
        """Wait until it was seen several times whether the tick is over, and what follows from it is done."""
        seen = self.looked
        await until(lambda: self.looked > seen + 5)


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
            await ticks.look_again()
        assert "Server" not in headers
        assert "Date" not in headers
        assert (await fetch(path, "/"))[0] == 404
        low.now += TICK
        await ticks.look_again()
        assert (await fetch(path))[1] == "enveis_read 2\n"
    finally:
        await metrics.stop()
    assert not path.exists()


async def test_of_two_processes_one_answers_and_the_next_takes_over(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    path = low.home / "metrics.sock"
    path.touch()  # left by a process that was killed
    ticks = Ticks(low)
    first, second = Ticks(low).socket(path), ticks.socket(path)
    await first.start()
    await second.start()
    try:
        assert (await fetch(path))[1] == "enveis_read 1\n"
        await first.stop()
        assert not path.exists()
        low.now += TICK
        await ticks.look_again()
        assert (await fetch(path))[1] == "enveis_read 2\n"  # the second one's second look
    finally:
        await second.stop()


async def test_a_ledger_that_cannot_be_read_ends_nothing_and_is_not_hidden(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    fails, path = True, low.home / "metrics.sock"

    def read() -> str:
        if fails:
            raise OSError("no")
        return "enveis_alarm 0\n"

    ticks = Ticks(low)
    metrics = MetricsSocket(path, read=read, tick_start=ticks.tick_start, look_every=0.01)
    await metrics.start()
    try:
        assert not path.exists()  # there is nothing to say yet
        for now_fails, code, text in (
            (False, 200, "enveis_alarm 0\n"),
            (True, 503, ""),
            (False, 200, "enveis_alarm 0\n"),
        ):
            fails = now_fails
            low.now += TICK
            await ticks.look_again()
            assert (await fetch(path))[:2] == (code, text)
            assert (await fetch(path, "/"))[0] == 404
    finally:
        await metrics.stop()
