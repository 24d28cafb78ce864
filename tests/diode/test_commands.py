"""What people type and see: settings, errors in one sentence, the status of either side; and what no process loads."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enveis.commands.transfer_status import EXIT_ALARM
from enveis.main import main
from tests.worlds.link import MIB, LinkEnds, free_udp_port
from tests.worlds.waiting import WATCHDOG, wait_until
from transfer.diode.errors import LinkError
from transfer.diode.sender.outlet import Outlet, open_outlet
from transfer.diode.sender.token_bucket import TokenBucket
from transfer.diode.settings import ReceiverSettings, SenderSettings
from transfer.diode.wire.datagram import DatagramKind, DatagramWriter, LinkKey

HOST = "127.0.0.1"


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[LinkEnds]:
    address = f"{HOST}:{free_udp_port()}"
    # Many passes: a receiver that gets no processor for a while may lose the first ones.
    sender = SenderSettings(to=address, pass_gap_seconds=1, passes=100, small_passes=100)
    ends = LinkEnds(tmp_path, sender, ReceiverSettings(listen=address))
    try:
        yield ends
    finally:
        ends.stop()


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str | Path, status: int = 0) -> str:
    capsys.readouterr()
    assert main([str(each) for each in arguments]) == status
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    return shown.out + shown.err


def status(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> str:
    """Return what the status shows, with an alarm or without."""
    capsys.readouterr()
    assert main(["transfer", "status", *arguments, "--home", str(home)]) in (0, EXIT_ALARM)
    shown = capsys.readouterr()
    return shown.out + shown.err


@pytest.mark.parametrize("veiled", [False, True], ids=["plain", "constant rate"])
def test_a_whole_evening_at_both_terminals(ends: LinkEnds, capsys: pytest.CaptureFixture[str], *, veiled: bool) -> None:
    low, high = ends.low.root, ends.high.root
    ends.change_sender(constant_rate=veiled, rate_bytes=20_000_000)
    assert "is not running" in output_of(capsys, "transfer", "status", "--home", low)
    packet = ends.put(2 * MIB, sealed=True)
    ends.start_receiver()
    ends.start("send")
    ends.wait_for_bags(1)
    wait_until(lambda: ": up" in status(capsys, high), ends.log_text)
    text = status(capsys, high)
    assert "not yet in the inbox: 1 batches" in text
    assert "Link: batch 1, sent so far: " in output_of(capsys, "transfer", "status", "--home", low)
    text = output_of(capsys, "transfer", "import", "--home", high)
    words = text.partition("Acknowledgement words for the gateway: ")[2].splitlines()[0].split()
    assert (high / "inbox" / f"{packet}.age").exists()
    assert not ends.bags()
    assert "nothing new has arrived" in output_of(capsys, "transfer", "import", "--home", high, status=1)
    assert "1 packets have arrived" in output_of(capsys, "transfer", "acknowledge", *words, "--home", low)
    assert "batches 1 do not wait for acknowledgement words" in output_of(
        capsys, "transfer", "resend", "1", "--home", low, status=1
    )
    wait_until(lambda: not json.loads(output_of(capsys, "transfer", "status", "--json", "--home", low))["link"]["sent"])
    wait_until(lambda: json.loads(status(capsys, high, "--json"))["links"]["gateways"][0]["up"], ends.log_text)
    assert json.loads(status(capsys, high, "--json"))["links"]["gateways"][0]["missing"] == []
    ends.stop()
    assert "Traceback" not in ends.log_text()
    wait_until(lambda: not ends.report().links[0].is_up)
    text = output_of(capsys, "transfer", "status", "--home", high, status=EXIT_ALARM)
    assert "DOWN" in text or "is not running" in text


def test_what_cannot_be_done_is_reported_in_one_sentence(
    ends: LinkEnds, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low, high = ends.low.root, ends.high.root
    assert "is not a desk's home" in output_of(capsys, "transfer", "receive", "--home", low, status=1)
    assert "gateway's home" in output_of(capsys, "transfer", "send", "--home", high, status=1)
    assert "already exists" in output_of(capsys, "transfer", "send", "--write-settings", "--home", low, status=1)
    assert "type numbers like" in output_of(capsys, "transfer", "resend", "ten", "--home", low, status=1)
    for home, command in ((low, "send"), (high, "receive")):
        (home / "link.toml").unlink()
        assert "--write-settings" in output_of(capsys, "transfer", command, "--home", home, status=1)
        assert "Written" in output_of(capsys, "transfer", command, "--write-settings", "--home", home)
    (high / "link.toml").write_text('listen = "203.0.113.9:4141"\n')
    assert "cannot listen on 203.0.113.9" in output_of(capsys, "transfer", "receive", "--home", high, status=1)
    for pairing in ends.high.gateways.glob("*.pairing"):
        pairing.unlink()
    assert "desk pair" in output_of(capsys, "transfer", "receive", "--home", high, status=1)


def test_a_second_sender_of_one_home_is_refused(ends: LinkEnds, capsys: pytest.CaptureFixture[str]) -> None:
    ends.start("send")
    wait_until(lambda: "Sending to" in ends.log_text())
    assert "another" in output_of(capsys, "transfer", "send", "--home", ends.low.root, status=1)


def heard_at(ends: LinkEnds) -> int:
    """Return the second of the last heartbeat."""
    figures = ends.report().links[0].figures
    return figures.heard_at or 0 if figures else 0


def test_a_slow_sender_shows_heartbeats_and_ends_when_it_is_asked_to(ends: LinkEnds) -> None:
    ends.change_sender(rate_bytes=100_000, heartbeat_tenths=5)
    ends.put(2 * MIB)
    ends.start_receiver()
    sender = ends.start("send")
    wait_until(lambda: bool(ends.shelf.names()), ends.log_text)
    wait_until(lambda: heard_at(ends) > 0, ends.log_text)
    first = heard_at(ends)
    # A block takes ten seconds: a heartbeat comes in the middle of one.
    wait_until(lambda: heard_at(ends) >= first + 4, ends.log_text)
    wait_until(lambda: ends.report().links[0].is_up, ends.log_text)
    sender.terminate()
    assert sender.wait(WATCHDOG) == 0
    assert "was sent" not in ends.log_text(), "it did not end in the middle of the object"


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("transfer.diode.sender.sender", ("keys.identity", "desk", "raptorq", "gateway")),
        (
            "transfer.diode.receiver.network_process",
            ("keys.identity", "desk", "raptorq", "transfer.high_side.import_bag", "sqlite3"),
        ),
        (
            "transfer.diode.receiver.commit_process",
            ("keys.identity", "desk", "raptorq", "transfer.high_side.import_bag"),
        ),
        ("transfer.diode.receiver.decode_process", ("keys.identity", "desk", "socket", "transfer.pairing")),
        (
            "transfer.diode.sender.encoder_process",
            ("keys.identity", "desk", "transfer.pairing", "transfer.low_side.outbox"),
        ),
    ],
)
def test_what_each_process_never_loads(module: str, never: tuple[str, ...]) -> None:
    script = f"import sys, {module}; print([name for name in {never!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def dropped(port: int) -> int:
    """Return how many datagrams the kernel has dropped for the socket with this port."""
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return next(int(row[-1]) for row in rows if int(row[1].rpartition(":")[2], 16) == port)


def test_the_senders_socket_receives_nothing() -> None:
    with open_outlet((HOST, 9)) as outlet, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        outlet.sendto(b"out", (HOST, free_udp_port()))
        port = outlet.getsockname()[1]
        for _ in range(10):
            sender.sendto(b"in", (HOST, port))
        wait_until(lambda: dropped(port) == 10)
        with pytest.raises(BlockingIOError):
            outlet.recv(100, socket.MSG_DONTWAIT)


@pytest.mark.parametrize("segments", [True, False])
def test_the_same_datagrams_leave_with_one_call_or_with_many(
    monkeypatch: pytest.MonkeyPatch, *, segments: bool
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, open_outlet((HOST, 9)) as sending:
        receiver.bind((HOST, 0))
        receiver.settimeout(WATCHDOG)
        bucket = TokenBucket(10**9, now=time.monotonic, sleep=time.sleep)
        writer = DatagramWriter(LinkKey(bytes(32)), link=1, session=1, symbol=1168)
        if not segments:
            monkeypatch.setattr(Outlet, "_ask_for_segments", lambda _self: False)
        outlet = Outlet(sending, receiver.getsockname(), writer, bucket, 10**9)
        for esi in range(60):
            outlet.put(DatagramKind.SYMBOL, bytes([esi]) * 1168, number=1, tag=b"12345678", esi=esi)
        outlet.flush()
        came = [receiver.recv(9000) for _ in range(60)]
    assert [datagram[44] for datagram in came] == list(range(60))
    assert {len(datagram) for datagram in came} == {writer.size}
    assert outlet.unsent == 0


def test_a_datagram_that_the_interface_cannot_take_is_explained() -> None:
    with open_outlet((HOST, 9)) as sending:
        writer = DatagramWriter(LinkKey(bytes(32)), link=1, session=1, symbol=8 * 9000)
        bucket = TokenBucket(10**9, now=time.monotonic, sleep=time.sleep)
        outlet = Outlet(sending, (HOST, 9), writer, bucket, 10_000)
        with pytest.raises(LinkError, match="mtu"):
            outlet.put(DatagramKind.PADDING, number=0, tag=bytes(8))


def test_mutated_datagrams_for_a_moment() -> None:
    pytest.importorskip("atheris", reason="atheris is there for Python 3.11 only")
    command = [sys.executable, "-m", "tests.diode.fuzz", "--runs", "3000"]
    # The timeout is a bound against hanging, also where the machine is busy with other things.
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Done 3000 runs" in done.stderr
