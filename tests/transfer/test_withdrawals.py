"""Taking a packet back: either it was taken back or it may leave, whatever comes between, crashes included.

Invariant G10.
"""

import multiprocessing
import os
import re
import time
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import pytest

import transfer.spool.lanes
import transfer.spool.moves
import transfer.spool.withdrawals
from disk.durable import sync_folder
from tests.worlds.waiting import wait_until
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.visit_signature import TOKEN_SIZE, withdrawal_of
from transfer.spool.spool import Spool, SpooledPacket

TICK = 100  # seconds
TOKEN = bytes(range(TOKEN_SIZE)).hex()
OTHER = bytes(TOKEN_SIZE).hex()


class _Clock:
    now = 1_000_050.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def spool(tmp_path: Path, clock: _Clock) -> Spool:
    spool = Spool(tmp_path / "spool", quota=2**30, reserve=0, tick=TICK, now=clock)
    spool.prepare()
    return spool


def _put(spool: Spool, token: str = TOKEN, lane: Lane = Lane.CLEAR) -> SpooledPacket:
    packet = spool.create(new_packet_id(), spool.admit(6))
    packet.write(b"sealed")
    return packet.commit(lane, withdrawal=withdrawal_of(token))


def _files(spool: Spool) -> list[str]:
    """Return the files of a spool; the names of ticks are left out."""
    found = (str(path.relative_to(spool.root)) for path in spool.root.rglob("*") if path.is_file())
    return sorted(re.sub(r"/[0-9]{7}/", "/", name) for name in found)


def test_only_the_digest_of_the_token_is_kept_and_it_tells_no_time(spool: Spool) -> None:
    packet = _put(spool)
    path = spool.root / "withdrawable" / packet.id
    assert path.name == packet.id
    assert path.read_text() == withdrawal_of(TOKEN)
    assert path.stat().st_mtime == 1_000_000
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lane", Lane)
def test_a_packet_is_taken_back_before_it_may_leave(spool: Spool, clock: _Clock, lane: Lane) -> None:
    packet, other = _put(spool, lane=lane), _put(spool)
    assert spool.withdrawals.take_back(packet.id, TOKEN)
    clock.now += 2 * TICK
    assert packet.id not in [left.id for lane in Lane for left in spool.ready(lane)]
    assert spool.withdrawals.taken_back() == [packet.id]
    spool.withdrawals.finish(packet.id)
    assert _files(spool) == [f"clear/{other.id}.age", f"withdrawable/done/{packet.id}"]


def test_a_wrong_token_and_an_unknown_packet_take_nothing_back(spool: Spool) -> None:
    packet = _put(spool)
    before = _files(spool)
    assert not spool.withdrawals.take_back(packet.id, OTHER)
    assert not spool.withdrawals.take_back(new_packet_id(), TOKEN)
    assert not spool.withdrawals.take_back(packet.id, "")
    assert _files(spool) == before


def test_what_was_listed_as_ready_is_never_taken_back_even_if_the_clock_goes_back(spool: Spool, clock: _Clock) -> None:
    packet = _put(spool)
    clock.now += 2 * TICK
    assert [due.id for due in spool.due(Lane.CLEAR)] == [packet.id]  # only asked
    assert [ready.id for ready in spool.ready(Lane.CLEAR)] == [packet.id]
    clock.now -= 2 * TICK
    assert not spool.withdrawals.take_back(packet.id, TOKEN)
    assert packet.path.exists()


def test_who_asks_again_is_told_the_truth_until_others_may_leave(spool: Spool) -> None:
    packet = _put(spool)
    assert spool.withdrawals.take_back(packet.id, TOKEN)
    assert spool.withdrawals.take_back(packet.id, TOKEN)
    assert not spool.withdrawals.take_back(packet.id, OTHER)
    assert spool.withdrawals.is_unfinished(packet.id)
    for _ in range(2):
        spool.withdrawals.finish(packet.id)
        assert not spool.withdrawals.is_unfinished(packet.id)
        assert spool.withdrawals.take_back(packet.id, TOKEN)
        assert not spool.withdrawals.take_back(packet.id, OTHER)
    assert spool.withdrawals.taken_back() == []
    spool.ready(Lane.CLEAR)
    assert not spool.withdrawals.take_back(packet.id, TOKEN)
    assert _files(spool) == []


def test_a_packet_without_a_token_stays(spool: Spool) -> None:
    packet = spool.create(new_packet_id(), spool.admit(6))
    packet.write(b"sealed")
    waiting = packet.commit(Lane.CLEAR)
    assert not spool.withdrawals.take_back(waiting.id, "")
    assert not spool.withdrawals.take_back(waiting.id, OTHER)
    assert waiting.path.exists()


def test_a_token_whose_packet_never_came_is_removed_and_no_other(spool: Spool) -> None:
    packet = _put(spool)
    growing = spool.create(new_packet_id(), spool.admit(6))
    killed = new_packet_id()
    (spool.root / "incoming" / f"{killed}.part").write_bytes(b"half")
    for packet_id in (killed, growing.packet_id):
        spool.withdrawals.keep(packet_id, withdrawal_of(TOKEN), stamp=0)
    assert spool.prepare() == 1
    tokens = {path.name for path in (spool.root / "withdrawable").iterdir() if path.is_file()}
    assert tokens == {packet.id, growing.packet_id}
    growing.discard()


def test_a_commit_that_fails_leaves_no_token(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    packet = spool.create(new_packet_id(), spool.admit(6))
    packet.write(b"sealed")
    monkeypatch.setattr(os, "rename", broken)
    with pytest.raises(OSError, match="gone"):
        packet.commit(Lane.CLEAR, withdrawal=withdrawal_of(TOKEN))
    assert _files(spool) == []


class _PowerCutError(BaseException):
    """Nothing that any code recovers from."""


def _cut_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the program at its `steps`-th change of the disk, before or after it."""
    left = [steps]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise _PowerCutError
            done = real(*arguments, **named)
            left[0] -= 1
            if left[0] == 0:
                raise _PowerCutError
            return done

        return call

    monkeypatch.setattr(Path, "rename", counted(Path.rename))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    for module in (transfer.spool.withdrawals, transfer.spool.moves, transfer.spool.lanes):
        monkeypatch.setattr(module, "sync_folder", counted(sync_folder))


def test_cut_off_at_any_step_the_packet_is_whole_in_its_lane_or_gone(spool: Spool, clock: _Clock) -> None:
    interrupted = 0
    for steps in range(1, 40):
        packet = _put(spool)
        with pytest.MonkeyPatch.context() as patched:
            _cut_after(steps, patched)
            try:
                spool.withdrawals.take_back(packet.id, TOKEN)
                spool.withdrawals.finish(packet.id)
                done = True
            except _PowerCutError:
                done = False
                interrupted += 1
        again = Spool(spool.root, quota=2**30, reserve=0, tick=TICK, now=clock)
        again.prepare()
        for left in again.withdrawals.taken_back():
            again.withdrawals.finish(left)
        with again.withdrawals.locked():
            again.withdrawals.forget_finished()
        assert _files(again) in ([], [f"clear/{packet.id}.age", f"withdrawable/{packet.id}"])
        if done:
            assert _files(again) == []
            break
        # A source who was cut off asks again, and gets the true answer.
        if packet.path.exists():
            assert again.withdrawals.take_back(packet.id, TOKEN)
            again.withdrawals.finish(packet.id)
    assert interrupted > 5
    assert done


@pytest.fixture
def two_processes() -> multiprocessing.context.ForkContext:
    return multiprocessing.get_context("fork")


def _take_back(root: Path, ids: list[PacketId], answers: "SimpleQueue[list[PacketId]]") -> None:
    withdrawals = Spool(root, quota=2**30, reserve=0, tick=1).withdrawals
    answers.put([packet_id for packet_id in ids if withdrawals.take_back(packet_id, TOKEN)])


def test_taken_back_or_ready_never_both_and_never_neither(
    tmp_path: Path, two_processes: multiprocessing.context.ForkContext
) -> None:
    spool = Spool(tmp_path / "spool", quota=2**30, reserve=0, tick=1)
    spool.prepare()
    seen = set()
    for _ in range(3):
        ids = [_put(spool).id for _ in range(60)]
        answers: SimpleQueue[list[PacketId]] = two_processes.SimpleQueue()
        process = two_processes.Process(target=_take_back, args=(spool.root, ids, answers))
        # The tick ends while packets are being taken back.
        while time.time() % 1 < 0.97:
            time.sleep(0.005)
        process.start()
        ready: set[PacketId] = set()
        while process.is_alive():
            ready |= {packet.id for packet in spool.ready(Lane.CLEAR)}
        taken = set(answers.get())
        # What was not taken back is ready when the tick is over.
        wait_until(lambda: {packet.id for packet in spool.ready(Lane.CLEAR)} | taken >= set(ids))  # noqa: B023
        ready |= {packet.id for packet in spool.ready(Lane.CLEAR)}
        assert not taken & ready
        assert taken | ready == set(ids)
        seen.add((bool(taken), bool(ready)))
        for packet_id in ids:
            spool.remove(Lane.CLEAR, packet_id)
            spool.withdrawals.finish(packet_id)
    assert seen


def test_what_a_clock_ahead_stamped_is_taken_back_until_somebody_lists(spool: Spool, clock: _Clock) -> None:
    """No clock decides this either: it may leave at once, and its source gets no wrong answer."""
    clock.now += 40 * 24 * 3600
    first, second = _put(spool), _put(spool)
    clock.now -= 40 * 24 * 3600
    assert {packet.id for packet in spool.due(Lane.CLEAR)} == {first.id, second.id}  # only shown, not listed
    assert spool.withdrawals.take_back(first.id, TOKEN)
    assert spool.ready(Lane.CLEAR) == [second]
    assert not spool.withdrawals.take_back(second.id, TOKEN)
