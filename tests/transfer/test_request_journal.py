"""The journal of requests: kept once, given to one packet, never lost, and never opened here.

Invariants G10 and G34.
"""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from disk.lock import BusyError
from tests.worlds.killing import killed
from transfer.names import PacketId, new_packet_id
from transfer.spool import request_journal
from transfer.spool.request_journal import MARK_SIZE, JournalEntry, JournalFullError, RequestJournal

TICK = 1_000_000


@pytest.fixture
def journal(tmp_path: Path) -> RequestJournal:
    return RequestJournal(tmp_path / "requests.sqlite")


def entry(number: int, *, tick: int = TICK, is_kept: bool = True) -> JournalEntry:
    return JournalEntry(number.to_bytes(MARK_SIZE), tick, f"sealed {number}".encode(), is_kept)


def rows(journal: RequestJournal) -> int:
    with journal._file.reading() as db:
        return int(db.execute("SELECT count(*) FROM waiting").fetchone()[0])


def test_a_request_is_kept_once_and_given_to_one_packet(journal: RequestJournal) -> None:
    packet = new_packet_id()
    journal.put([entry(1), entry(2)])
    journal.put([entry(1), entry(3, tick=TICK + 5)])
    assert (journal.waiting(), journal.ticks()) == (3, (TICK, TICK + 5))
    assert journal.give(packet, [TICK], most=10) == (b"sealed 1", b"sealed 2")
    assert (journal.given(), journal.ticks()) == ((packet,), (TICK + 5,))
    assert journal.give(new_packet_id(), [TICK], most=10) == ()
    journal.put([entry(1)])
    journal.forget(packet)
    assert (journal.waiting(), journal.given()) == (1, ())
    journal.put([entry(1), entry(2)])
    assert journal.waiting() == 1, "what was sent is not sent again"


def test_no_more_than_fit_are_given_at_once(journal: RequestJournal) -> None:
    journal.put([entry(number) for number in range(1, 6)])
    first, second = new_packet_id(), new_packet_id()
    assert [len(journal.give(packet, [TICK], most=3)) for packet in (first, second)] == [3, 2]


def test_what_never_reached_the_spool_is_given_again(journal: RequestJournal) -> None:
    packet = new_packet_id()
    journal.put([entry(1)])
    journal.give(packet, [TICK], most=10)
    journal.take_again(packet)
    assert journal.give(new_packet_id(), [TICK], most=10) == (b"sealed 1",)


def test_what_nobody_needs_any_more_is_cancelled_but_not_out_of_a_packet(journal: RequestJournal) -> None:
    journal.put([entry(1), entry(2)])
    journal.cancel(entry(1).mark)
    assert journal.give(new_packet_id(), [TICK], most=10) == (b"sealed 2",)
    journal.cancel(entry(2).mark)
    assert journal.waiting() == 1
    journal.put([entry(1)])
    assert journal.waiting() == 1, "what was cancelled is settled, and not asked again"


def test_what_is_not_to_be_kept_leaves_nothing_however_often(journal: RequestJournal, tmp_path: Path) -> None:
    journal.put([entry(1)])
    before = rows(journal)
    journal.put([entry(100, is_kept=False)])
    size = (tmp_path / "requests.sqlite").stat().st_size
    for start in range(200, 2200, 100):
        journal.put([entry(number, is_kept=False) for number in range(start, start + 100)])
    assert (rows(journal), journal.waiting(), journal.ticks()) == (before, 1, (TICK,))
    assert (tmp_path / "requests.sqlite").stat().st_size == size
    # It was written all the same, over the same row, and gives way to nothing.
    journal.put([entry(2199)])
    assert journal.waiting() == 2


def test_the_same_is_asked_of_the_file_whether_a_request_is_kept(
    journal: RequestJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connect = sqlite3.connect

    def traced(*arguments: object, **named: object) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*arguments, **named)  # type: ignore[call-overload]
        db.set_trace_callback(lambda statement: asked.append(statement.split("'")[0].split("x'")[0].split("X'")[0]))
        return db

    monkeypatch.setattr(sqlite3, "connect", traced)
    seen = []
    for one in (entry(1, is_kept=False), entry(1), entry(1), entry(2)):
        asked.clear()
        journal.put([one])
        seen.append([statement.split("VALUES")[0] for statement in asked])
    assert seen[0] == seen[1] == seen[2] == seen[3]
    assert any("INSERT" in statement for statement in seen[0])


def test_a_full_journal_keeps_nothing_more_and_says_so_to_everybody(tmp_path: Path) -> None:
    journal = RequestJournal(tmp_path / "requests.sqlite", most=2)
    journal.put([entry(1), entry(2)])
    for one in (entry(3), entry(3, is_kept=False)):
        with pytest.raises(JournalFullError):
            journal.put([one])
    assert journal.waiting() == 2
    journal.cancel(entry(1).mark)
    journal.put([entry(3)])


def test_marks_are_remembered_for_a_while_only(journal: RequestJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_journal, "REMEMBERED_MAX", 10)
    for number in range(1, 31):
        journal.put([entry(number)])
        journal.cancel(entry(number).mark)
    with journal._file.reading() as db:
        assert db.execute("SELECT count(*) FROM sent").fetchone()[0] == 10


def test_one_process_at_a_time_makes_packets(journal: RequestJournal, tmp_path: Path) -> None:
    with journal.alone(), pytest.raises(BusyError), RequestJournal(tmp_path / "requests.sqlite").alone():
        pass
    with journal.alone():
        pass


def test_several_writers_lose_nothing(journal: RequestJournal, tmp_path: Path) -> None:
    def write(start: int) -> None:
        own = RequestJournal(tmp_path / "requests.sqlite")
        for number in range(start, start + 10):
            own.put([entry(number), entry(1)])

    writers = [threading.Thread(target=write, args=(start,)) for start in (100, 200, 300)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert journal.waiting() == 31


def _put(journal: RequestJournal, _: PacketId) -> None:
    journal.put([entry(2), entry(3, is_kept=False)])


def _give(journal: RequestJournal, packet: PacketId) -> None:
    journal.give(packet, [TICK], most=10)


def _forget(journal: RequestJournal, packet: PacketId) -> None:
    journal.give(packet, [TICK], most=10)
    journal.forget(packet)


def _cancel(journal: RequestJournal, _: PacketId) -> None:
    journal.cancel(entry(1).mark)


@pytest.mark.parametrize("work", [_put, _give, _forget, _cancel])
def test_killed_at_any_step_a_request_is_there_or_done(
    tmp_path: Path, work: Callable[[RequestJournal, PacketId], None]
) -> None:
    ended = False
    for step in range(1, 200):
        path, packet = tmp_path / f"{step}.sqlite", new_packet_id()
        RequestJournal(path).put([entry(1)])
        ended = not killed(lambda: work(RequestJournal(path), packet), at=step)  # noqa: B023
        after = RequestJournal(path)
        with after._file.reading() as db:
            waiting = {int.from_bytes(row[0]) for row in db.execute("SELECT mark FROM waiting WHERE tick > 0")}
            sent = {int.from_bytes(row[0]) for row in db.execute("SELECT mark FROM sent")}
            given = {row[0] for row in db.execute("SELECT packet FROM waiting WHERE tick > 0")}
        assert 1 in waiting | sent
        assert not waiting & sent
        assert given <= {"", packet}
        assert waiting | sent in ({1}, {1, 2})
        if ended:
            assert step > 5
            break
    assert ended
