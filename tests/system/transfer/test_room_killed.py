"""Several processes put packets into one spool, take them back, put them aside, delete them, and are killed anywhere.

Afterwards what is counted is what lies there, without a listing, and every promise of the dead is given back.
Invariant T14.
"""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.transfer.test_room import listed
from tests.worlds.waiting import WATCHDOG
from transfer.spool.spool import Spool

PROCESSES = 3
WORKER = """
import random, sys
from pathlib import Path
from transfer.names import Lane, new_packet_id
from transfer.packet.visit_signature import withdrawal_of
from transfer.spool.spool import Spool

root, seed, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
chance, clock = random.Random(seed), [1_000_000]
spool = Spool(root, quota=2**40, reserve=0, tick=10, now=lambda: clock[0])
spool.prepare()
token, mine = "ab" * 32, []


def commit():
    packet = spool.create(new_packet_id(), spool.admit(chance.randrange(5000)))
    packet.write(bytes(chance.randrange(5000)))
    if chance.random() < 0.2:
        return packet.discard()
    lane = chance.choice(list(Lane))
    packet.commit(lane, withdrawal=withdrawal_of(token))
    mine.append((lane, packet.packet_id))


def take_back():
    packet = mine.pop(chance.randrange(len(mine)))[1]
    spool.withdrawals.take_back(packet, token)
    spool.withdrawals.finish(packet)


def some():
    lane = chance.choice(list(Lane))
    return lane, [packet for where, packet in chance.sample(mine, min(len(mine), 4)) if where is lane]


def remove():
    lane, packets = some()
    spool.remove_all(lane, packets)
    mine[:] = [(where, packet) for where, packet in mine if packet not in packets]


work = [commit, commit, commit, take_back, remove, lambda: spool.set_aside(*some()), lambda: spool.put_back(*some())]
for number in range(limit):
    clock[0] += chance.randrange(3)
    chance.choice(work if mine else [commit])()
    if chance.random() < 0.05:
        spool.recount()
    print(number, flush=True)
"""


def _start(root: Path, seed: int, limit: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WORKER, str(root), str(seed), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _counted(spool: Spool) -> dict[str, tuple[int, int]]:
    return {one.folder.name: (one.packets, one.size) for one in spool.counts()}


def test_processes_that_end_leave_the_count_right(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    workers = [_start(root, seed, 60) for seed in range(PROCESSES)]
    for worker in workers:
        worker.communicate(timeout=WATCHDOG)
        assert worker.returncode == 0
    spool = Spool(root, quota=2**40, reserve=0, tick=10)
    assert _counted(spool) == listed(root) != {}
    spool.withdrawals.prepare()


@pytest.mark.parametrize("seed", range(6))
def test_processes_that_are_killed_leave_the_count_right(tmp_path: Path, seed: int) -> None:
    root, chance = tmp_path / "spool", random.Random(seed)
    for _ in range(3):
        workers = [_start(root, chance.randrange(2**32), 10_000) for _ in range(PROCESSES)]
        for worker in workers:
            assert worker.stdout is not None
            for _ in range(chance.randrange(1, 25)):
                assert worker.stdout.readline()
            # Somewhere in what comes next.
            worker.send_signal(signal.SIGKILL)
        for worker in workers:
            worker.communicate(timeout=WATCHDOG)
        spool = Spool(root, quota=2**40, reserve=0, tick=10)
        spool.prepare()
        assert _counted(spool) == listed(root)
        used = spool._room.usage()
        assert (used.promised, used.unwritten) == (0, 0)
        assert used.stored == sum(size for _, size in listed(root).values())
        holders = {path.name for path in root.with_name("spool.room").glob("*.holder")}
        assert holders <= {f"{spool._room._name}.holder"}
