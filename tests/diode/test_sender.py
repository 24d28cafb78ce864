"""The sender: what counts as sent, what it leaves out, and that a link of constant rate never falls silent."""

import errno
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.operational_log import LogEvent
from enveis.wiring import low_side
from tests.worlds.link import ENVEIS, MIB, LinkEnds
from tests.worlds.spooled import lay
from tests.worlds.waiting import WATCHDOG, ended
from transfer.batch.batch import PacketEntry, parse_batch
from transfer.diode.sender import batch_object
from transfer.diode.sender import sender as sending
from transfer.diode.sender.batch_object import BatchObject, form_batch
from transfer.diode.sender.heartbeats import SendProgress
from transfer.diode.sender.link_ledger import LinkLedger
from transfer.diode.sender.sender import Sender
from transfer.diode.settings import SenderSettings
from transfer.diode.wire.datagram import LinkKey
from transfer.errors import SpoiltPacketError
from transfer.names import PacketId

HOST = "127.0.0.1"


class Bench:
    """One sender without a process of its own, and the socket that it sends to."""

    def __init__(self, root: Path, **changes: object) -> None:
        self.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.bind((HOST, 0))
        self.receiver.settimeout(WATCHDOG)
        address = f"{HOST}:{self.receiver.getsockname()[1]}"
        self.ends = LinkEnds(root, SenderSettings(to=address, pass_gap_seconds=1))
        self.ends.change_sender(**changes)
        self.low = low_side(self.ends.low)
        self.ledger = LinkLedger(root / "link.sqlite")
        self.progress: list[SendProgress] = []
        self.ending = threading.Event()

    def sender(self) -> Sender:
        secret = LinkKey(self.ends.low.load_pairing().link_key)
        return Sender(
            self.low,
            self.ledger,
            secret,
            self.ends.sender,
            should_continue=lambda: not self.ending.is_set(),
            on_progress=self.progress.append,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    try:
        yield bench
    finally:
        bench.receiver.close()


def test_while_it_works_a_link_of_constant_rate_carries_padding(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ends.change_sender(constant_rate=True, rate_bytes=1_000_000)
    begun, seen = threading.Event(), threading.Event()

    class Slow(BatchObject):
        """One whose list takes as long to read as it takes for more datagrams to arrive."""

        def __init__(self, *arguments: object, **more: object) -> None:
            begun.set()
            assert seen.wait(WATCHDOG), "the link fell silent"
            super().__init__(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "BatchObject", Slow)
    bench.ends.put(MIB)

    def receive() -> None:
        assert begun.wait(WATCHDOG)
        bench.receiver.settimeout(0.001)
        try:
            while True:  # what is there already
                bench.receiver.recv(9000)
        except TimeoutError:
            bench.receiver.settimeout(WATCHDOG)
        for _ in range(50):
            bench.receiver.recv(9000)
        seen.set()

    with bench.sender() as sender:
        threads = [threading.Thread(target=receive), threading.Thread(target=sender.run)]
        for thread in threads:
            thread.start()
        try:
            assert seen.wait(WATCHDOG)
        finally:
            for event in (bench.ending, begun, seen):
                event.set()
            for thread in threads:
                thread.join()


def test_what_cannot_be_read_keeps_no_other_packet_waiting(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt, whole = PacketId("00" * 16), bench.ends.put(3000)
    lay(bench.ends.low.spool, spoilt, bytes(3000), start=1)  # the oldest
    monkeypatch.setattr(batch_object, "BATCH_BYTES", 4000)  # one packet in a batch
    really = batch_object._hash

    def failing(packet: PacketId, path: Path) -> PacketEntry:
        if packet == spoilt:
            raise OSError(errno.EIO, "Input/output error")
        return really(packet, path)

    monkeypatch.setattr(batch_object, "_hash", failing)
    assert form_batch(bench.low) == 1
    assert [entry.id for entry in parse_batch(bench.low.outbox.find(1).manifest).packets] == [whole]
    with pytest.raises(SpoiltPacketError):
        form_batch(bench.low)


def test_a_batch_that_cannot_be_sent_any_more_does_not_end_the_sender_when_it_is_requested(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[LogEvent] = []
    monkeypatch.setattr(sending, "log", lambda event, **_: logged.append(event))
    bench.ends.put(3000)
    number = form_batch(bench.low)
    assert number == 1
    log = bench.ends.low.audit
    log.write_bytes(log.read_bytes().replace(b":", b": ", 1))  # the first line is no longer what was signed
    bench.ledger.ask([1])
    with bench.sender() as sender:
        sender._check_batches(time.monotonic())
        sender._check_batches(time.monotonic())
    assert logged == [LogEvent.SENDER_BLOCKED]


def test_ctrl_c_ends_the_whole_group_without_a_traceback(bench: Bench) -> None:
    bench.ends.put(4 * MIB)
    # Again and again: a test that is slow to read loses some of them.
    bench.ends.change_sender(rate_bytes=2_000_000, passes=100)
    command = [*ENVEIS, "--home", str(bench.ends.low.root), "transfer", "send"]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
    )
    with ended(started) as process:
        for _ in range(1200):  # a block, its repair symbols and more: the encoder runs
            bench.receiver.recv(9000)
        os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=WATCHDOG)[0].decode()
    assert process.returncode == 0
    assert "Traceback" not in output
