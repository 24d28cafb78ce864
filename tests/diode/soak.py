"""`make soak-diode`: what the tests do in seconds, at full length. Prints each figure; a fault ends it with status 1.

256 MiB at 0, 1, 5 and 10 % loss and with 400 ms stalls, at MTU 1500 and 9000, with the default settings; 3 GB at 1 %
within 150 MiB; runs at 5 %, again and again; processes killed again and again; a flood; 500,000 fuzzed executions.
"""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.diode.scenarios import RSS_MAX, flood, kill_at_random, rig, stall
from tests.worlds.link import MIB, memory
from tests.worlds.namespaces import why_not

SIZE: Final = 256 * MIB
LARGE: Final = 3_000_000_000
SECONDS: Final = 300.0  # for one object, both of its passes and the gap included
KILLS: Final = 5  # of one transfer


def main() -> int:
    """Run all, or the parts that were named."""
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "matrix": _matrix,
        "large": _large,
        "repeat": _repeat,
        "kill": _kill,
        "flood": _flood,
        "fuzz": _fuzz,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(parts)} (default: all)")
    parser.add_argument("--runs", type=int, default=20, help="runs at 5 %% loss, for each MTU")
    parser.add_argument("--kills", type=int, default=50, help="processes killed in all")
    parser.add_argument("--executions", type=int, default=500_000, help="of the fuzzer")
    parser.add_argument("--folder", type=Path, help="where files lie (default: the system's)")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(parts):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    if reason := why_not():
        raise SystemExit(f"soak-diode cannot run: {reason}")
    for name, part in parts.items():
        if not arguments.parts or name in arguments.parts:
            part(arguments)
    _say("everything arrived, and nothing else")
    return 0


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def _matrix(arguments: argparse.Namespace) -> None:
    for mtu in (1500, 9000):
        for loss in (0, 10, 50, 100):
            with rig(mtu=mtu, loss=loss, folder=arguments.folder) as link:
                link.ends.start("send")
                found = link.cross(SIZE, seconds=SECONDS)
                link.assert_silent()
            _say(f"256 MiB, MTU {mtu}, {loss / 10:g} %: whole in transmission {found.transmission_text}, "
                 f"{found.seconds:.0f} s, receiver at most {found.memory // MIB} MiB")  # fmt: skip
        with rig(mtu=mtu, folder=arguments.folder) as link:
            (network,) = link.ends.role_pids("network")
            stalling = threading.Thread(target=stall, args=(link, network, time.monotonic() + SECONDS))
            stalling.start()
            link.ends.start("send")
            found = link.cross(SIZE, seconds=SECONDS)
            stalling.join()
        _say(f"256 MiB, MTU {mtu}, stalls of 400 ms: whole in transmission {found.transmission_text}, "
             f"{found.seconds:.0f} s")  # fmt: skip


def _large(arguments: argparse.Namespace) -> None:
    with rig(loss=10, folder=arguments.folder) as link:
        link.ends.start("send")
        found = link.cross(LARGE, seconds=5 * SECONDS)
    if found.memory >= RSS_MAX:
        raise SystemExit(f"3 GB took {found.memory // MIB} MiB of a receiver's process")
    _say(f"3 GB, MTU 1500, 1 %: whole in transmission {found.transmission_text}, {found.seconds:.0f} s, "
         f"receiver at most {found.memory // MIB} MiB")  # fmt: skip


def _repeat(arguments: argparse.Namespace) -> None:
    for mtu in (1500, 9000):
        first = 0
        for number in range(1, arguments.runs + 1):
            with rig(mtu=mtu, loss=50, folder=arguments.folder) as link:
                link.ends.start("send")
                found = link.cross(SIZE, seconds=SECONDS)
            first += found.transmissions <= 1
            _say(f"256 MiB, MTU {mtu}, 5 %, run {number} of {arguments.runs}: whole, {found.seconds:.0f} s")
        _say(f"MTU {mtu}, 5 %: {arguments.runs} runs without a failure, {first} of them in the first transmission")


def _kill(arguments: argparse.Namespace) -> None:
    killed, seed = 0, 0
    while killed < arguments.kills:
        seed += 1
        with rig(gap=2, folder=arguments.folder, passes=10) as link:
            link.ends.start("send")
            found = kill_at_random(link, 64 * MIB, KILLS, seed=seed, seconds=SECONDS)
        killed += KILLS
        _say(f"{killed} processes killed: whole, one copy, transmission {found.transmission_text}")


def _flood(arguments: argparse.Namespace) -> None:
    with rig(gap=5, folder=arguments.folder, passes=4) as link:
        (network,) = link.ends.role_pids("network")
        link.ends.start("send")
        link.cross(MIB, seconds=60)
        before = memory(network)
        with flood(link, rate=100_000, seconds=30) as process:
            found = link.cross(SIZE, seconds=SECONDS)
            process.wait(60)
            rate = process.stdout.read().strip() if process.stdout else "?"
        _say(f"256 MiB beside {rate} datagrams of garbage a second: whole in transmission {found.transmission_text}, "
             f"network process {before // MIB} MiB before, {memory(network) // MIB} MiB after")  # fmt: skip


def _fuzz(arguments: argparse.Namespace) -> None:
    command = [sys.executable, "-m", "tests.diode.fuzz", "--runs", str(arguments.executions)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-4000:])
    _say(f"{arguments.executions} fuzzed executions: no exception, no wrong object")


if __name__ == "__main__":
    sys.exit(main())
