"""A gateway under a flood: an attacker in a program of its own, an honest source who keeps sending, and the memory.

The tests of floods and `make soak-floods` stand in it.
"""

import contextlib
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.worlds.attackers import Tally
from tests.worlds.gateway_process import Answer, GatewayProcess
from tests.worlds.waiting import WATCHDOG, ended

RSS_MAX: Final = 768 * 1024 * 1024  # bytes of one gateway process, whatever is sent (docs/operating.md, section 4)
TEXT: Final = "They lost my papers twice, and nobody answers. " * 21  # 1 KB, as most texts have


@dataclass(frozen=True, slots=True)
class Flood:
    """What an attacker does to which gateway."""

    attack: str  # of tests.worlds.attackers
    count: int  # connections at one time
    pause: float = 0.0  # seconds between two of one connection
    wrapper: tuple[str, ...] = ()  # what the gateway is started through
    seconds: float = 15.0  # at full length
    is_soak_only: bool = False  # too much like another one for a test
    name: str = ""  # what the table and the tests call it, if not as the attack

    def __str__(self) -> str:
        return f"{self.name or self.attack}-{self.count}"


FLOODS: Final = (
    Flood("message-parts", 20),
    Flood("long-texts", 800),
    Flood("small-fields", 100),
    Flood("closing", 10, pause=1.0),
    Flood("closing-hard", 10, pause=1.0, is_soak_only=True),
    Flood("idle", 2000),
    Flood("idle-files", 2000, is_soak_only=True),
    Flood("begun", 2000, is_soak_only=True),
    Flood("begun-files", 300),
    Flood("withdraw", 10),
    Flood("delete-replies", 10),
    Flood("person-999", 10),
    Flood("too-long", 10, is_soak_only=True),
    Flood("half-heads", 1000),
    Flood("deaf", 100),
    Flood("not-read", 20, is_soak_only=True),
    Flood("idle", 600, wrapper=("prlimit", "--nofile=600"), name="few-descriptors"),
    Flood("minimum-rate", 2000, seconds=600.0),
)


@dataclass(slots=True)
class Report:
    """What an honest source met with."""

    seconds: list[float] = field(default_factory=list)  # from the first byte sent to the last of the answer
    receipts: int = 0
    answers: list[str] = field(default_factory=list)  # in place of a receipt
    withdrawn: int = 0

    @property
    def sent(self) -> int:
        """How many texts were sent."""
        return len(self.seconds)

    def quantile(self, percent: int) -> float:
        """Return so many percent's worst time, in seconds."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)] if ranked else 0.0

    @property
    def median(self) -> float:
        """The time in the middle, in seconds."""
        return statistics.median(self.seconds) if self.seconds else 0.0


class HonestSource:
    """Sends one text after another, each over a connection of its own, and takes every tenth back.

    With a `pause` in seconds between two: an honest source is no flood.
    """

    def __init__(self, gateway: GatewayProcess, *, pause: float = 0.0) -> None:
        self.report = Report()
        self._gateway = gateway
        self._pause = pause

    def send(self, times: int) -> Report:
        """Send `times` texts."""
        for _ in range(times):
            self.send_one()
        return self.report

    def send_for(self, seconds: float) -> Report:
        """Send until so many seconds have passed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send_one()
        return self.report

    def send_one(self) -> None:
        """Send a text that is like no other, and note how that ended."""
        report = self.report
        text, started = f"{TEXT}{report.sent}", time.monotonic()
        try:
            answer = self._gateway.submit([("message", text)])
        except (OSError, EOFError) as fault:
            report.answers.append(type(fault).__name__)
        else:
            self._note(answer)
        report.seconds.append(time.monotonic() - started)
        time.sleep(self._pause)

    def _note(self, answer: Answer) -> None:
        report = self.report
        if answer.words is None:
            report.answers.append(f"{answer.status} {re.sub('<[^>]*>| +', ' ', answer.text)[-2000:]}")
            return
        report.receipts += 1
        if report.receipts % 10 == 1:
            report.withdrawn += self._gateway.post("/withdraw", answer.button).status == 200


class MemorySampler:
    """The largest resident memory of a process, in bytes, since the `with` block began."""

    def __init__(self, pid: int, *, every: float = 0.02) -> None:
        self.first = self.peak = resident(pid)
        self._pid = pid
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "MemorySampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        """How much more there was at most than at the beginning, in bytes."""
        return self.peak - self.first

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            with contextlib.suppress(OSError):
                self.peak = max(self.peak, resident(self._pid))


def resident(pid: int) -> int:
    """Return a process's resident memory, in bytes."""
    found = re.search(r"^VmRSS:\s+([0-9]+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise ProcessLookupError(pid)
    return int(found[1]) * 1024


class Attacker:
    """A running attacker. `tally` is known after the end."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.tally = Tally()

    def wait_until_ready(self) -> None:
        """Wait until each of its connections was open once."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def end(self) -> None:
        """End it, and note what it met with."""
        self._process.terminate()
        said, _ = self._process.communicate(timeout=WATCHDOG)
        lines = [line for line in said.splitlines() if line.startswith("{")]
        self.tally = Tally(**json.loads(lines[-1]))


@contextlib.contextmanager
def attacked(gateway: GatewayProcess, name: str, count: int, *, pause: float = 0.0) -> Iterator[Attacker]:
    """Attack the gateway with `count` connections for as long as the block lasts; see `attackers`."""
    command = [sys.executable, "-m", "tests.worlds.attackers", name, str(gateway.port), str(count)]
    # At a lower priority: both ends share the cores of one machine here, which they do not outside of a test.
    command = ["nice", "-n", "5", *command, "--pause", str(pause)]
    with ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])) as process:
        attacker = Attacker(process)
        yield attacker
        attacker.end()
