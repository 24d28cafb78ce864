"""Requests to withdraw and to delete, at a real gateway: under floods, killed, and by several processes of one home.

Invariants G10, G13 and G34.
"""

import signal
import time
from pathlib import Path

import pytest

from tests.system.gateway.test_way_back import first
from tests.worlds.flood import attacked
from tests.worlds.gateway_process import NO_PACKETS_OF_REQUESTS, Answer, GatewayProcess
from tests.worlds.waiting import wait_until
from transfer.names import Lane
from transfer.packet.manifest import PacketPurpose
from transfer.packet.request import Asks
from transfer.spool.spool import Spool

TICK = 6 * 3600
REPLY = "We have read it, and write again."


def _all_left(gateway: GatewayProcess) -> None:
    """Let everything that waits leave, as an export does long after the tick."""
    later = Spool(gateway.home.spool, quota=2**40, reserve=0, tick=3600, now=lambda: time.time() + 10**6)
    for lane in Lane:
        later.remove_all(lane, [packet.id for packet in later.ready(lane)])


def _press(gateway: GatewayProcess, page: Answer) -> None:
    assert gateway.post("/withdraw", page.button).status == 200


@pytest.mark.parametrize("attack", ["withdraw", "delete-replies", "closing"])
def test_during_a_flood_sources_withdraw_and_delete(tmp_path: Path, attack: str) -> None:
    """Of invented buttons, of return words that nobody was given, and of tiny texts whose senders are gone at once."""
    with GatewayProcess(tmp_path, tick_seconds=TICK, constants=NO_PACKETS_OF_REQUESTS) as gateway:
        _, _, left = first(gateway, "left")
        _all_left(gateway)
        words, receipt, here = first(gateway, "here")
        gateway.take_bundle(1, [(receipt, REPLY)])
        with attacked(gateway, attack, 20) as attacker:
            attacker.wait_until_ready()
            _press(gateway, left)
            _press(gateway, here)
            assert gateway.post("/delete-replies", [("words", words)]).status == 200
            wait_until(lambda: here.hidden("packet") not in {path.stem for path in gateway.leftovers()})
            assert REPLY not in gateway.come_back(words).text
        assert attacker.tally.opened >= 20
        gateway.stop()
        assert sorted((note.asks, note.withdraws) for note in gateway.asked()) == [
            (Asks.DELETE_REPLIES, None),
            (Asks.WITHDRAW, left.hidden("packet")),
        ]
        if attack != "closing":
            assert gateway.leftovers() == []
            assert (gateway.home.requests).stat().st_size < 256 * 1024


def test_a_request_leaves_with_its_tick_and_a_tick_without_one_has_no_packet(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, tick_seconds=1) as gateway:
        _, _, page = first(gateway)
        _all_left(gateway)
        _press(gateway, page)
        wait_until(lambda: gateway.packets() != [])
        wait_until(lambda: gateway.asked() == [])
        (packet,) = gateway.packets()
        assert packet.manifest.purpose is PacketPurpose.REQUESTS
        assert [note.withdraws for note in packet.requests] == [page.hidden("packet")]
        assert f'"packet":"{packet.manifest.packet}"' in gateway.home.audit.read_text()
    # Several ticks later, and after a restart: the button that was pressed makes no second packet.
    with gateway:
        _press(gateway, page)
        _press(gateway, page)
        first(gateway, "another text, in a later tick")
        assert len([p for p in gateway.packets() if p.manifest.purpose is PacketPurpose.REQUESTS]) == 1


def test_two_processes_of_one_home_make_one_packet(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, tick_seconds=1) as gateway:
        pages = [first(gateway, f"text {number}")[2] for number in range(4)]
        _all_left(gateway)
        other = GatewayProcess.__new__(GatewayProcess)
        other.__dict__.update(gateway.__dict__)
        other.start()
        try:
            for number, page in enumerate(pages):
                _press(gateway if number % 2 else other, page)
                _press(other if number % 2 else gateway, page)
            wait_until(lambda: gateway.asked() == [])
        finally:
            other.stop()
        asked = [note.withdraws for packet in gateway.packets() for note in packet.requests]
        assert sorted(asked, key=str) == sorted(page.hidden("packet") for page in pages)


def test_killed_whenever_it_likes_what_was_confirmed_reaches_the_desk_once(tmp_path: Path) -> None:
    """Killed when the answer is here, while packets of requests are being made: ticks are of one second."""
    gateway, pressed = GatewayProcess(tmp_path, tick_seconds=1), []
    with gateway:
        pages = [first(gateway, f"text {number}")[2] for number in range(8)]
    _all_left(gateway)
    for page in pages:
        gateway.start()
        _press(gateway, page)
        gateway.stop(signal.SIGKILL)
        pressed.append(page.hidden("packet"))
        asked = [note.withdraws for packet in gateway.packets() for note in packet.requests]
        assert set(pressed) <= {*asked, *(note.withdraws for note in gateway.asked())}
    with gateway:
        wait_until(lambda: gateway.asked() == [])
        asked = [note.withdraws for packet in gateway.packets() for note in packet.requests]
        assert sorted(asked, key=str) == sorted(pressed)
