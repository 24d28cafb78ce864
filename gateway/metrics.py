"""Rounded counts of what waits, for Prometheus, on a Unix socket: they change at the tick and at no other moment.

One figure does not wait for a tick: whether the virus scanner works. It is asked at times of its own, whoever sends,
and counts as silent only after a minute: archives that keep it busy for as long may show, and nothing smaller.

A figure that moved with each submission would say when somebody was here to whoever may read it. So packets of the
running tick are not counted, counts are multiples of ten, ages are those of the last midnight (a packet's own tick
cannot be computed from them), and while fewer than ten packets wait nothing reveals them but one alarm, after days
(ADR 0039). What the figures were is never answered for what they are: when they cannot be read the answer is 503.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from audit.operational_log import LogEvent, log
from disk.durable import PRIVATE
from disk.lock import try_lock
from gateway.http.connections import QuietServer
from gateway.http.responses import UNPARSED, Page
from transfer.low_side.outbox import Outbox
from transfer.low_side.status import (
    DAY_SECONDS,
    LowAlarm,
    LowStatus,
    WaitingLimits,
    oldest_age,
    read_low_status,
)
from transfer.spool.spool import Spool

ROUND: Final = 10  # counts are rounded down to multiples of this, and so is the share of the quota, in percent
FULL: Final = 90  # percent of the quota: a spool that is about to refuse files is shown however few packets fill it
MODE: Final = 0o660  # of the socket: the gateway's user, and the group that the monitoring is in
PATH: Final = "/metrics"
LOOK_EVERY: Final = 15.0  # seconds between two readings of the clock; a clock may be set


def encode_metrics(status: LowStatus, *, quota: int, oldest_days: int, limits: WaitingLimits) -> str:
    """Return Prometheus' text for what waits; `quota` in bytes, `oldest_days` as of the last midnight."""
    registry = CollectorRegistry()  # of its own: the library's has figures of the process, its times and its memory
    waiting = Gauge("enveis_packets_ready", "Packets that wait for a batch, rounded.", ["lane"], registry=registry)
    exported = Gauge("enveis_packets_in_batches", "Packets in batches, rounded.", ["lane"], registry=registry)
    for lane in status.lanes:
        waiting.labels(lane.lane).set(_rounded(lane.ready))
        exported.labels(lane.lane).set(_rounded(lane.exported))
    in_batches = sum(lane.exported for lane in status.lanes)
    many = in_batches + sum(lane.ready for lane in status.lanes) >= ROUND
    oldest = Gauge("enveis_oldest_packet_days", "Days that the oldest of ten or more packets waits.", registry=registry)
    oldest.set(oldest_days if many else 0)
    batches = Gauge(
        "enveis_batches_waiting", "Batches with ten or more packets that wait for words.", registry=registry
    )
    batches.set(len(status.batches) if in_batches >= ROUND else 0)
    full = Gauge("enveis_spool_used_percent", "Share of the quota that is used, rounded.", registry=registry)
    share = _rounded(100 * sum(lane.size for lane in status.lanes) // quota)
    full.set(share if many or share >= FULL else 0)
    alarm = Gauge("enveis_alarm", "1 while somebody must look: enveis transfer status says at what.", registry=registry)
    # That of packets by the last midnight, like their age: the tick in which it rose would be that of a submission.
    too_old = oldest_days >= min(limits.alarm_days, limits.retention_days)
    alarm.set(int(too_old or LowAlarm.OVERDUE_BATCHES in status.alarms))
    return generate_latest(registry).decode()


def encode_scanner(*, works: bool) -> str:
    """Return Prometheus' text for whether files are scanned at the moment."""
    registry = CollectorRegistry()
    gauge = Gauge(
        "enveis_scanner_works", "0 while the virus scanner does not answer: files are held.", registry=registry
    )
    gauge.set(int(works))
    return generate_latest(registry).decode()


def reader(
    spool: Spool, outbox: Path, *, quota: int, limits: WaitingLimits, today: Callable[[], date]
) -> Callable[[], str]:
    """Return what reads spool and ledger as they were when the running tick began."""

    def read() -> str:
        before = spool.tick_start()
        status = read_low_status(spool, Outbox(outbox), today=today(), limits=limits, before=before)
        return encode_metrics(status, quota=quota, oldest_days=_days_at_midnight(spool, before), limits=limits)

    return read


def _days_at_midnight(spool: Spool, before: float) -> int:
    """Return how many whole days the oldest packet had waited when this UTC day began; 0 when none waits."""
    midnight = int(spool.now()) // DAY_SECONDS * DAY_SECONDS
    return oldest_age((one for one in spool.counts() if one.folder.start < before), midnight) or 0


class MetricsSocket:
    """Answers on a Unix socket. Of several gateway processes with one spool the first does; the next takes over."""

    def __init__(
        self,
        path: Path,
        *,
        read: Callable[[], str],
        tick_start: Callable[[], int],
        look_every: float = LOOK_EVERY,
        now: Callable[[], str] = lambda: "",
    ) -> None:
        """Answer with what `read` returned at the last tick, and what `now` returns at this moment."""
        self._path = path
        self._now = now
        self._read = read
        self._look_every = look_every
        self._tick_start = tick_start
        self._text: str | None = None  # nothing is known
        self._lock = -1
        self._runner: web.ServerRunner | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin. Where that fails now, it is logged and tried again at each tick."""
        await self._tick()
        self._task = asyncio.create_task(self._follow(self._tick_start()))

    async def stop(self) -> None:
        """End, and remove the socket if it is ours."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._runner is not None:
            await self._runner.cleanup()
            self._path.unlink(missing_ok=True)
        if self._lock >= 0:
            os.close(self._lock)

    async def _follow(self, seen: int) -> None:
        while True:
            await asyncio.sleep(self._look_every if self._tick_start() == seen else 0)
            if self._tick_start() != seen:
                seen = self._tick_start()
                await self._tick()

    async def _tick(self) -> None:
        try:
            try:
                self._text = await asyncio.to_thread(self._read)
            except BaseException:
                self._text = None  # the figures of an earlier tick would suggest for ever that all is well
                raise
            if self._runner is None and self._is_first():
                await self._listen()
        except Exception as error:  # noqa: BLE001 - submissions must not end because figures are not available
            log(LogEvent.METRICS_UNAVAILABLE, fault=error)

    def _is_first(self) -> bool:
        if self._lock < 0:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(self._path.with_name(f"{self._path.name}.lock"), flags, PRIVATE)
            if not try_lock(fd):
                os.close(fd)
                return False
            self._lock = fd
        return True

    async def _listen(self) -> None:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._path.unlink(missing_ok=True)  # left by a process that was killed: we hold the lock
            os.fchmod(listening.fileno(), MODE)  # before it has a name, so that it never has another mode
            # Through the folder's descriptor: a socket's address has at most 107 bytes (unix(7)).
            listening.bind(f"/proc/self/fd/{folder}/{self._path.name}")
            self._path.chmod(MODE)  # what the umask took away
            runner = web.ServerRunner(QuietServer(self._answer, dict.fromkeys(UNPARSED, "")))
            await runner.setup()
            await web.SockSite(runner, listening).start()
            self._runner = runner
        except BaseException:
            listening.close()
            raise
        finally:
            os.close(folder)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == PATH and request.method in ("GET", "HEAD"):
            if self._text is None:
                return Page("", status=503, content_type="text/plain")
            return Page(self._text + self._now(), content_type="text/plain")
        return Page("", status=404, content_type="text/plain")


def _rounded(count: int) -> int:
    return count // ROUND * ROUND
