"""Both ends of a link whose log nobody reads, and a receiver that is told to stop together with all its processes.

Invariant A6.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from audit.operational_log import LogForm
from tests.worlds.link import ENVEIS, MIB, LinkEnds, free_udp_port
from tests.worlds.waiting import WATCHDOG, catches, ended, wait_until
from transfer.diode.receiver import processes
from transfer.diode.receiver.processes import GROWN, RESTART_FIRST
from transfer.diode.settings import ReceiverSettings, SenderSettings


@pytest.mark.parametrize("form", LogForm)
def test_a_link_works_and_ends_though_nobody_reads_its_log(tmp_path: Path, full_pipe: int, form: LogForm) -> None:
    address = f"127.0.0.1:{free_udp_port()}"
    sender = SenderSettings(to=address, pass_gap_seconds=1, passes=100, small_passes=100, log_form=form)
    ends = LinkEnds(tmp_path, sender, ReceiverSettings(listen=address, log_form=form))
    ends.log = Path(f"/proc/self/fd/{full_pipe}")
    try:
        ends.put(MIB, sealed=True)
        receiver, sending = ends.start_receiver(), ends.start("send")
        ends.wait_for_bags(1)
        for process in (sending, receiver):
            process.send_signal(signal.SIGTERM)
            assert process.wait(WATCHDOG) == 0
    finally:
        ends.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_whole_group_that_is_told_to_stop_again_and_again_says_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    address = f"127.0.0.1:{free_udp_port()}"
    ends = LinkEnds(tmp_path, SenderSettings(to=address), ReceiverSettings(listen=address))
    command = [*ENVEIS, "--home", str(ends.high.root), "transfer", "receive"]
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"Listening on")
        # Its processes are just starting: a terminal's Ctrl-C finds them in the middle of an import.
        wait_until(lambda: any(catches(pid, signal.SIGINT) for pid in ends.role_pids("commit")))
        while process.poll() is None:
            os.killpg(process.pid, number)
            time.sleep(0.01)
        assert process.stderr.read() == b""


def test_a_process_that_died_is_not_restarted_before_a_stop_of_all_would_be_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = 0.0
    monkeypatch.setattr("transfer.diode.receiver.processes.time.monotonic", lambda: seconds)
    child = processes._Child(["false"])
    child.process.wait()
    for _ in range(2):
        seconds += GROWN * 2
        assert child.check() is None, "it has just been noticed"
        seconds += RESTART_FIRST * 0.9
        assert child.check() is None
        seconds += RESTART_FIRST
        assert child.check() == 1
        child.process.wait()
