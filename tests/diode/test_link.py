"""Real processes, real frames: two namespaces and a link on which nothing comes back.

Invariants L1 and L2.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.diode.scenarios import RSS_MAX, Rig, flood, kill_at_random, rig, stall
from tests.worlds.link import MIB, memory
from tests.worlds.namespaces import HIGH, HIGH_MAC, LOW, run, why_not
from tests.worlds.waiting import WATCHDOG, wait_until
from transfer.diode.receiver.report import encode_numbers

WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@pytest.fixture
def link() -> Iterator[Rig]:
    with rig(gap=1) as built:
        yield built


@pytest.mark.parametrize("mtu", [1500, 9000])
def test_batches_arrive_intact_and_not_one_frame_comes_back(mtu: int) -> None:
    with rig(mtu=mtu, gap=1) as built:
        built.ends.start("send")
        for loss in (0, 10, 50, 100):
            built.diode.set_loss(loss)
            crossing = built.cross(8 * MIB)
            assert crossing.memory < RSS_MAX
        sent, _ = built.diode.frames()
        assert sent > 4 * 8 * MIB // mtu, "frames are real: one for each datagram"
        built.assert_silent()
        wait_until(lambda: built.ends.report().links[0].is_up, built.ends.log_text)


def test_a_receiver_that_stalls_again_and_again_gets_it_in_a_later_pass(link: Rig) -> None:
    (network,) = link.ends.role_pids("network")
    staller = threading.Thread(target=stall, args=(link, network, time.monotonic() + 20))
    staller.start()
    try:
        link.ends.start("send")
        link.cross(24 * MIB)
    finally:
        staller.join()


def test_each_process_of_the_receiver_may_be_killed_at_any_point(link: Rig) -> None:
    # As many as are needed: a process that is killed young is restarted later and later.
    link.ends.change_sender(passes=100, small_passes=100)
    link.ends.start("send")
    kill_at_random(link, 16 * MIB, 6, seed=1)
    link.cross(MIB)


def test_a_flood_of_garbage_changes_nothing(link: Rig) -> None:
    (network,) = link.ends.role_pids("network")
    link.ends.change_sender(rate_bytes=10_000_000, passes=100)
    link.ends.start("send")
    link.cross(MIB)
    before = memory(network)
    with flood(link, rate=100_000, seconds=5) as process:
        link.cross(8 * MIB)
        process.wait(WATCHDOG)
    assert memory(network) <= before + 2 * MIB
    wait_until(lambda: dict(link.ends.report().refused).get("wrong link key", 0) > 100)
    assert dict(link.ends.report().refused)["wrong version"] > 100


def test_who_loads_what(link: Rig) -> None:
    def libraries(role: str) -> str:
        (pid,) = link.ends.role_pids(role)
        return Path(f"/proc/{pid}/maps").read_text()

    link.ends.start("send")
    link.cross(MIB)  # all three have done their work, and loaded what it takes
    assert "raptorq" not in libraries("network")
    assert "raptorq" in libraries("decode")
    assert "raptorq" not in libraries("commit")


def test_the_decode_process_needs_no_key(link: Rig) -> None:
    # A home with the shelf, and nothing else of a desk.
    bare = link.ends.root / "bare"
    bare.mkdir()
    (bare / "desk.toml").write_bytes(b"")
    command = ["python", "-m", "enveis", "--home", str(bare), "transfer", "receive", "--role", "decode"]
    with link.ends.log.open("ab") as log:
        process = subprocess.Popen(_ours(command), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    link.ends.processes.append(process)
    wait_until(lambda: "raptorq" in Path(f"/proc/{process.pid}/maps").read_text(), link.ends.log_text)
    process.terminate()
    assert process.wait(WATCHDOG) == 0, link.ends.log_text()


def test_a_second_sender_by_mistake_is_noticed_and_harms_nothing(link: Rig) -> None:
    copy = link.ends.root / "copy"
    subprocess.run(["cp", "-a", str(link.ends.low.root), str(copy)], check=True)
    link.ends.change_sender(rate_bytes=5_000_000)
    link.ends.start("send")
    wait_until(lambda: link.ends.report().links[0].is_up, link.ends.log_text)
    figures = link.ends.report().links[0].figures
    assert figures is not None
    # Sessions begin with the second of their start: the other one is to be the newer.
    wait_until(lambda: time.time() >= (figures.session >> 32) + 1)
    with link.ends.log.open("ab") as log:
        command = ["python", "-m", "enveis", "--home", str(copy), "transfer", "send"]
        link.ends.processes.append(
            subprocess.Popen(link.diode.on_low(*_ours(command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        )
    link.cross(8 * MIB)
    wait_until(lambda: link.ends.report().links[0].has_rivals, link.ends.log_text)


def test_a_sender_that_is_killed_in_mid_object_begins_again(link: Rig) -> None:
    link.ends.change_sender(rate_bytes=1_000_000)  # so that it takes a quarter of a minute
    packet = link.ends.put(16 * MIB)
    link.ends.start("send")
    wait_until(lambda: any(item.symbols > 500 for item in link.ends.report().links[0].in_progress), link.ends.log_text)
    # `ip netns exec` becomes the command: this is the sender itself.
    link.ends.processes[-1].send_signal(signal.SIGKILL)
    link.ends.processes[-1].wait()
    assert not link.ends.bags()
    link.ends.change_sender(rate_bytes=40_000_000)
    link.ends.start("send")
    link.arrived(packet, 0, time.monotonic())


def test_another_mtu_while_a_batch_is_half_here_does_not_make_it_impossible(link: Rig) -> None:
    link.ends.change_sender(rate_bytes=1_000_000)
    packet = link.ends.put(16 * MIB)
    sender = link.ends.start("send")
    wait_until(lambda: any(item.symbols > 500 for item in link.ends.report().links[0].in_progress), link.ends.log_text)
    sender.terminate()
    assert sender.wait(WATCHDOG) == 0
    assert not link.ends.bags()
    link.ends.change_sender(rate_bytes=40_000_000, mtu=1400)
    link.ends.start("send")
    link.arrived(packet, 0, time.monotonic())
    wait_until(lambda: not link.ends.report().links[0].in_progress, link.ends.log_text)
    assert not dict(link.ends.report().refused).get("contradicting header")


def test_what_was_lost_is_named_and_comes_when_it_is_asked_for(link: Rig) -> None:
    link.ends.change_sender(passes=1, small_passes=1, carousel_times=0)
    link.ends.start("send")
    link.cross(2 * MIB)
    link.diode.set_loss(400)
    packet = link.ends.put(4 * MIB)
    wait_until(lambda: link.ends.report().links[0].missing == (2,), link.ends.log_text)
    (item,) = link.ends.report().links[0].in_progress
    assert 0 < item.symbols < item.symbols_all
    link.diode.set_loss(0)
    line = encode_numbers(link.ends.report().links[0].missing)
    command = ["python", "-m", "enveis", "transfer", "resend", *line.split(), "--home", str(link.ends.low.root)]
    done = subprocess.run(_ours(command), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    link.arrived(packet, 1, time.monotonic())
    wait_until(lambda: link.ends.report().links[0].missing == ())
    refused = subprocess.run(_ours([*command[:5], "7", *command[-2:]]), check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "batches 7" in refused.stderr


def test_what_did_not_leave_the_machine_does_not_count_as_sent(link: Rig) -> None:
    # More than one pass: the machine may have its address again before it knows its neighbour.
    link.ends.change_sender(passes=3, small_passes=3, carousel_times=0)
    on_low = ("ip", "-n", link.diode.low)
    run(*on_low, "address", "del", f"{LOW}/24", "dev", link.diode.wire_low)
    before, packet = time.monotonic(), link.ends.put(MIB)
    link.ends.start("send")
    wait_until(lambda: "did not leave this machine" in link.ends.log_text(), link.ends.log_text)
    assert "was sent" not in link.ends.log_text()
    run(*on_low, "address", "add", f"{LOW}/24", "dev", link.diode.wire_low)
    run(*on_low, "neigh", "replace", HIGH, "lladdr", HIGH_MAC, "dev", link.diode.wire_low, "nud", "permanent")
    link.arrived(packet, 0, before)
    wait_until(lambda: "Batch 1 was sent: " in link.ends.log_text(), link.ends.log_text)
    assert link.ends.log_text().count("did not leave this machine") == 1


def test_a_link_that_is_cut_is_seen(link: Rig) -> None:
    link.ends.change_sender(heartbeat_tenths=2)
    link.ends.start("send")
    wait_until(lambda: link.ends.report().links[0].is_up, link.ends.log_text)
    link.diode.set_loss(1000)
    wait_until(lambda: not link.ends.report().links[0].is_up)
    assert link.ends.report().links[0].is_running
    link.diode.set_loss(0)
    wait_until(lambda: link.ends.report().links[0].is_up)


def _ours(command: list[str]) -> list[str]:
    import sys

    return [sys.executable, *command[1:]]


def test_a_dead_supervisor_leaves_no_process_behind(link: Rig) -> None:
    pids = [pid for role in ("network", "decode", "commit") for pid in link.ends.role_pids(role)]
    assert len(pids) == 3
    link.ends.processes[0].send_signal(signal.SIGKILL)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids))  # noqa: PTH110 - a link to nothing
