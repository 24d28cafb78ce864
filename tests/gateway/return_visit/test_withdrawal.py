"""The withdraw button, and what the desk is asked: the same steps whatever comes of it, nothing kept of what is not
ours, no confirmed request lost, and one packet a tick.

Invariants G10, G11 and G34.
"""

import asyncio
import io
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from unittest import mock

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from gateway.home.withdraw_key import KEY_SIZE, WithdrawKey
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Body, Pace
from gateway.reading.text_memory import TextMemory
from gateway.replies.reply_store import SealedReply
from gateway.return_visit.requests_packet import send_requests
from gateway.return_visit.sealed_request import deletion_request, withdrawal_request
from gateway.return_visit.withdrawal import withdraw
from gateway.station import Station
from gateway.submission.request_queue import RequestQueue, WriteQueue
from gateway.views import Withdrawal, WithdrawForm
from keys.age.small import open_bytes
from keys.identity import generate_identity
from keys.receipt import new_receipt_words, return_secrets
from keys.recipient import KeyKind
from tests.worlds.gateway_process import form_body
from tests.worlds.killing import killed
from tests.worlds.tracing import recorded
from tests.worlds.waiting import WATCHDOG, until
from transfer.bundle.reply import ReplyId
from transfer.errors import LedgerError
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.manifest import REQUESTS_MAX, PacketPurpose, parse_manifest
from transfer.packet.message import parse_message
from transfer.packet.request import Asks, RequestNote, parse_request, request_members
from transfer.packet.visit_signature import new_withdraw_token, withdrawal_of
from transfer.packet.writer import PADDED_MIN
from transfer.spool.request_journal import JournalEntry, JournalFullError, RequestJournal
from transfer.spool.spool import Spool, SpoolFullError

IDENTITY = generate_identity(KeyKind.CLASSIC)
TODAY = date(2026, 11, 30)
TICK = 100  # seconds
OURS = ("gateway.", "keys.", "transfer.")
# Where a library of C is called that costs time: keys, and the journal's file.
WITH_LIBRARIES = ("keys.", "transfer.spool.request_journal", "transfer.ledger_file", "gateway.home.withdraw_key")


@dataclass
class Door:
    """A gateway's door, with a real spool and a real journal behind it."""

    root: Path
    quota: int = 2**30
    reserve: int = 0
    now: float = 1_000_050.5
    key: WithdrawKey = field(default_factory=lambda: WithdrawKey(bytes(KEY_SIZE)))

    def __post_init__(self) -> None:
        self.spool = Spool(self.root / "spool", quota=self.quota, reserve=self.reserve, tick=TICK, now=lambda: self.now)
        self.spool.prepare()
        self.journal = RequestJournal(self.root / "requests.sqlite")
        self.queue = RequestQueue(self.journal, mock.Mock())
        self.station = mock.Mock(
            Station,
            gateway="ab" * 8,
            recipients=(IDENTITY.recipient,),
            sealed_to="cd" * 8,
            spool=self.spool,
            requests=self.queue,
            withdraw_key=self.key,
            pace=Pace(base=60.0, min_rate=1),
            texts=TextMemory(),
            audit=mock.Mock(),
            today=lambda: TODAY,
        )

    def submitted(self) -> WithdrawForm:
        """A packet that waits, and the button that its source has."""
        token, packet = new_withdraw_token(), self.spool.create(new_packet_id(), self.spool.admit(6))
        packet.write(b"sealed")
        withdrawal = withdrawal_of(token)
        packet.commit(Lane.CLEAR, withdrawal=withdrawal)
        return WithdrawForm(packet.packet_id, TODAY, token, self.key.mark(packet.packet_id, TODAY, withdrawal))

    def left(self) -> WithdrawForm:
        """A button of a packet that has left."""
        button = self.submitted()
        self.now += 2 * TICK
        for lane in Lane:
            self.spool.remove_all(lane, [packet.id for packet in self.spool.ready(lane)])
        return button

    async def press(self, button: WithdrawForm) -> Withdrawal:
        """Press it, and wait for what follows."""
        outcome = await self.pressed(button)
        await self.queue.finish()
        return outcome

    async def pressed(self, button: WithdrawForm) -> Withdrawal:
        fields = [("packet", button.packet), ("day", button.day.isoformat()), ("token", button.token)]
        body, boundary = form_body([*fields, ("mark", button.mark)], [])
        stream = StreamReader(mock.Mock(BaseProtocol, _reading_paused=False), 2**16, loop=asyncio.get_running_loop())
        stream.feed_data(body)
        stream.feed_eof()
        return (await withdraw(self.station, stream, Body(len(body), boundary))).outcome

    def asked(self) -> list[RequestNote]:
        """What waits in the journal, opened as nobody here could."""
        with self.journal._file.reading() as db:
            rows = db.execute("SELECT sealed FROM waiting WHERE tick > 0").fetchall()
        return [parse_request(open_bytes(row[0], [IDENTITY])) for row in rows]

    def files(self) -> list[str]:
        root = self.spool.root
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def sent(self) -> list[list[RequestNote]]:
        """What each packet of requests in the spool asks."""
        return [_asked(packet.path.read_bytes()) for packet in self.spool.waiting(Lane.CLEAR)]


def _asked(sealed: bytes) -> list[RequestNote]:
    with zipfile.ZipFile(io.BytesIO(open_bytes(sealed, [IDENTITY]))) as archive:
        assert archive.testzip() is None
        manifest = parse_manifest(archive.read("manifest.json"))
        assert parse_message(archive.read("message.json")).is_empty
        assert manifest.purpose is PacketPurpose.REQUESTS
        members = request_members(manifest.requests)
        assert archive.namelist() == [*members, "message.json", "manifest.json", "padding"]
        return [parse_request(open_bytes(archive.read(member), [IDENTITY])) for member in members]


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def invented(button: WithdrawForm) -> dict[str, WithdrawForm]:
    return {
        "mark": replace(button, mark="0" * 64),
        "token": replace(button, token="0" * 64),
        "packet": replace(button, packet=PacketId("0" * 32)),
        "day": replace(button, day=date(2020, 1, 1)),
    }


async def test_a_packet_that_is_here_is_taken_back_and_nobody_is_asked(door: Door) -> None:
    button = door.submitted()
    assert await door.press(button) is Withdrawal.RECEIVED
    assert door.files() == [f"withdrawable/done/{button.packet}"]
    assert await door.press(button) is Withdrawal.RECEIVED
    assert door.asked() == []
    door.now += 2 * TICK
    assert send_requests(door.station) == 0


async def test_what_has_left_is_asked_of_the_desk_once(door: Door) -> None:
    button = door.left()
    for _ in range(3):
        assert await door.press(button) is Withdrawal.RECEIVED
    (request,) = door.asked()
    assert (request.asks, request.withdraws, request.withdraw_token) == (Asks.WITHDRAW, button.packet, button.token)
    door.now += TICK
    assert send_requests(door.station) == 1
    assert door.sent() == [[request]]
    # Long after it was sent, the same button asks nothing again.
    await door.press(button)
    assert (door.asked(), len(door.sent())) == ([], 1)


@pytest.mark.parametrize("wrong", ["mark", "token", "packet", "day"])
async def test_an_invented_button_leaves_nothing(door: Door, wrong: str) -> None:
    button = door.submitted()
    before = door.files()
    assert await door.press(invented(button)[wrong]) is Withdrawal.RECEIVED
    assert (door.asked(), door.files()) == ([], before)


async def test_who_has_the_key_of_the_door_withdraws_nothing(door: Door) -> None:
    """A thief of the key can make marks, and has no token: the packet stays, and the desk believes nothing."""
    button, token = door.submitted(), new_withdraw_token()
    forged = replace(button, token=token, mark=door.key.mark(button.packet, TODAY, withdrawal_of(token)))
    assert await door.press(forged) is Withdrawal.RECEIVED
    assert door.spool.holds(button.packet)
    # With the digest that lies in the spool it is not to be done either: a mark is made over the posted token's own.
    digest = (door.root / "spool" / "withdrawable" / button.packet).read_text()
    forged = replace(button, token=digest, mark=door.key.mark(button.packet, TODAY, digest))
    assert await door.press(forged) is Withdrawal.RECEIVED
    assert door.spool.holds(button.packet)


async def test_a_flood_of_invented_buttons_leaves_nothing_and_real_ones_work_meanwhile(door: Door) -> None:
    here, left = door.submitted(), door.left()
    here = door.submitted()
    size = (door.root / "requests.sqlite").stat().st_size
    before = set(door.files())

    async def flood(number: int) -> Withdrawal | Problem:
        fake = WithdrawForm(new_packet_id(), TODAY, new_withdraw_token(), f"{number:064x}")
        try:
            return await door.pressed(fake)
        except SubmissionError as error:
            return error.problem

    floods = [asyncio.create_task(flood(number)) for number in range(1000)]
    await asyncio.sleep(0)
    assert await door.pressed(here) is Withdrawal.RECEIVED
    assert await door.pressed(left) is Withdrawal.RECEIVED
    assert set(await asyncio.gather(*floods)) <= {Withdrawal.RECEIVED, Problem.BUSY}
    await door.queue.finish()
    assert [note.withdraws for note in door.asked()] == [left.packet]
    assert not door.spool.holds(here.packet)
    assert set(door.files()) - before == {f"withdrawable/done/{here.packet}"}
    assert (door.root / "requests.sqlite").stat().st_size <= size + 64 * 1024


async def test_when_every_place_is_taken_what_is_not_ours_is_sent_away_first() -> None:
    goes_on = threading.Event()
    write = mock.Mock(side_effect=lambda _: goes_on.wait(WATCHDOG))
    queue: WriteQueue[str] = WriteQueue(write, places=2)

    async def begun(*, is_ours: bool) -> "asyncio.Task[None]":
        task = asyncio.create_task(queue.put("one", is_ours=is_ours))
        await asyncio.sleep(0)
        return task

    waiting = [await begun(is_ours=False)]
    await until(lambda: write.call_count == 1)
    for is_ours in (False, True):
        waiting += [await begun(is_ours=is_ours), await begun(is_ours=is_ours)]
        with pytest.raises(SubmissionError) as error:
            await queue.put("one more", is_ours=is_ours)
        assert error.value.problem is Problem.BUSY
    goes_on.set()
    await asyncio.gather(*waiting)
    # One transaction for all that waited meanwhile.
    assert [len(call.args[0]) for call in write.call_args_list] == [1, 4]


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (OSError("the disk is gone"), Problem.FAULT),
        (LedgerError("the file is gone"), Problem.FAULT),
        (JournalFullError("full"), Problem.FULL),
        (ValueError("a bug"), Problem.FAULT),
    ],
)
async def test_what_is_not_durable_is_not_confirmed_and_nobody_waits_for_ever(
    door: Door, fault: Exception, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    button = door.left()
    with monkeypatch.context() as patched:
        patched.setattr(door.queue._entries, "_write", mock.Mock(side_effect=fault))
        with pytest.raises(SubmissionError) as error:
            await asyncio.wait_for(door.press(button), WATCHDOG)
    assert error.value.problem is problem
    await door.press(button)
    assert [note.withdraws for note in door.asked()] == [button.packet]


async def _inline(work: Callable[..., object], *arguments: object) -> object:
    return work(*arguments)


async def _trace(door: Door, button: WithdrawForm) -> list[str]:
    with recorded(OURS, WITH_LIBRARIES) as called:
        await door.pressed(button)
    await door.queue.finish()
    return [name for name in called if not name.startswith("gateway.reading.request_body")]


async def test_the_same_is_done_in_the_same_order_whatever_comes_of_it(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio, "to_thread", _inline)
    await door.press(door.submitted())  # what is done once, at first use
    left = door.left()
    here = door.submitted()
    traces = {what: await _trace(door, button) for what, button in invented(here).items()}
    traces |= {"here": await _trace(door, here)}
    traces |= {"taken back": await _trace(door, here)}
    traces |= {"left": await _trace(door, left)}
    traces |= {"left, again": await _trace(door, left)}
    assert any("seal" in name for name in traces["here"])
    assert any("Connection.execute" in name for name in traces["here"])
    for what, trace in traces.items():
        assert trace == traces["here"], what
    assert len(door.asked()) == 1


async def test_a_shortcut_for_what_is_not_ours_would_be_seen(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def shortcut(entry: JournalEntry) -> None:
        if entry.is_kept:
            await RequestQueue.put(door.queue, entry)

    monkeypatch.setattr(asyncio, "to_thread", _inline)
    monkeypatch.setattr(door.queue, "put", shortcut)
    here = door.submitted()
    assert await _trace(door, invented(here)["mark"]) != await _trace(door, here)


def test_a_deletion_is_asked_only_where_replies_are_and_made_the_same_way(door: Door) -> None:
    found = return_secrets(new_receipt_words().return_words, KeyKind.CLASSIC)
    reply = SealedReply(ReplyId("12" * 16), found.lookup, TODAY, b"sealed")
    later = replace(reply, id=ReplyId("34" * 16))
    none = deletion_request(door.station, found, ())
    held, again, other = (deletion_request(door.station, found, (one,)) for one in (reply, reply, later))
    assert (none.is_kept, held.is_kept) == (False, True)
    assert len(none.sealed) == len(held.sealed)
    assert held.mark == again.mark != other.mark
    door.journal.put([none, held, again])
    (request,) = door.asked()
    assert (request.asks, request.lookup) == (Asks.DELETE_REPLIES, found.lookup)
    door.journal.put([other])
    assert len(door.asked()) == 2, "replies that came later are deleted too"


def test_the_same_keys_are_used_in_the_same_order_whether_a_deletion_is_asked(door: Door) -> None:
    found = return_secrets(new_receipt_words().return_words, KeyKind.CLASSIC)
    reply = SealedReply(ReplyId("12" * 16), found.lookup, TODAY, b"sealed")
    deletion_request(door.station, found, ())  # what is done once, at first use
    traces = []
    for held in ((), (reply,), (reply, replace(reply, id=ReplyId("34" * 16)))):
        with recorded(OURS, WITH_LIBRARIES) as called:
            deletion_request(door.station, found, held)
        traces.append([name for name in called if not name.endswith("<genexpr>")])
    assert traces[0] == traces[1] == traces[2]
    assert any("sign" in name for name in traces[0])
    assert any("seal_bytes" in name for name in traces[0])


def test_a_mark_is_made_from_nothing_that_lies_on_a_disk(door: Door) -> None:
    """Whoever has the home cannot try which of the lookups or packets in it asked."""
    found = return_secrets(new_receipt_words().return_words, KeyKind.CLASSIC)
    reply = SealedReply(ReplyId("12" * 16), found.lookup, TODAY, b"sealed")
    stranger = replace(found, signing_seed=bytes(32))
    assert (
        deletion_request(door.station, found, (reply,)).mark != deletion_request(door.station, stranger, (reply,)).mark
    )
    packet, token = new_packet_id(), new_withdraw_token()
    mine = withdrawal_request(door.station, packet, token, is_kept=True)
    other = withdrawal_request(door.station, packet, new_withdraw_token(), is_kept=True)
    assert mine.mark != other.mark
    assert mine.mark.hex() != withdrawal_of(token)


def _put(door: Door, count: int) -> list[PacketId]:
    """Have so many requests in the journal; return the packets that they withdraw."""
    packets = [new_packet_id() for _ in range(count)]
    tokens = [new_withdraw_token() for _ in packets]
    door.journal.put(
        [
            withdrawal_request(door.station, packet, token, is_kept=True)
            for packet, token in zip(packets, tokens, strict=True)
        ]
    )
    return packets


def test_a_tick_without_requests_makes_no_packet_and_one_with_makes_one(door: Door) -> None:
    assert send_requests(door.station) == 0
    packets = _put(door, 3)
    assert send_requests(door.station) == 0, "before the tick is over"
    door.now += TICK
    packets += _put(door, 2)
    assert send_requests(door.station) == 1
    assert [{note.withdraws for note in asked} for asked in door.sent()] == [set(packets[:3])]
    door.now += TICK
    assert send_requests(door.station) == 1
    assert send_requests(door.station) == 0
    assert sorted(note.withdraws or "" for asked in door.sent() for note in asked) == sorted(packets)
    assert door.journal.waiting() == 0


def test_the_size_of_a_packet_shows_a_bucket_only(door: Door) -> None:
    sizes = []
    for count in (1, 2, 10):
        _put(door, count)
        door.now += TICK
        send_requests(door.station)
        (packet,) = door.spool.waiting(Lane.CLEAR)
        sizes.append(packet.size)
        door.spool.remove(Lane.CLEAR, packet.id)
    assert len(set(sizes)) == 1
    assert PADDED_MIN < sizes[0] < PADDED_MIN + 2048


def test_more_than_fit_make_a_second_packet(door: Door) -> None:
    packets = _put(door, REQUESTS_MAX + 1)
    door.now += TICK
    assert send_requests(door.station) == 2
    sent = door.sent()
    assert sorted(map(len, sent)) == [1, REQUESTS_MAX]
    assert {note.withdraws for asked in sent for note in asked} == set(packets)


def test_requests_take_no_reserve_and_wait_for_room(tmp_path: Path) -> None:
    door = Door(tmp_path, quota=1024 * 1024, reserve=1024 * 1024)
    _put(door, 1)
    door.now += TICK
    with pytest.raises(SpoolFullError):
        send_requests(door.station)
    assert door.spool.admit(1000), "text may still come"
    assert (door.journal.waiting(), door.files()) == (1, [])
    roomy = Door(tmp_path, now=door.now)
    assert send_requests(roomy.station) == 1


def test_killed_at_any_step_no_request_is_lost_and_none_is_sent_twice(tmp_path: Path) -> None:
    """Between any two changes of the disk, from the journal to the packet in its lane."""
    ended, killed_after_the_packet = False, 0
    for step in range(1, 200):
        door = Door(tmp_path / str(step))
        packets = _put(door, 2)
        door.now += TICK
        ended = not killed(lambda: send_requests(door.station), at=step)  # noqa: B023
        again = Door(tmp_path / str(step), now=door.now + 1)
        killed_after_the_packet += bool(again.sent()) and bool(again.journal.waiting())
        send_requests(again.station)
        (asked,) = again.sent()
        assert sorted(note.withdraws or "" for note in asked) == sorted(packets)
        assert again.journal.waiting() == 0
        assert not list((again.root / "spool" / "incoming").iterdir())
        if ended:
            break
    assert ended
    assert step > 10
    assert killed_after_the_packet


def test_a_packet_that_left_before_a_crash_was_noticed_has_its_requests_once_in_effect(door: Door) -> None:
    """Nobody knows any more whether it arrived: the same requests go again, under the same ids."""
    _put(door, 1)
    door.now += TICK
    with mock.patch.object(RequestJournal, "forget", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        send_requests(door.station)
    (first,) = door.sent()
    door.spool.remove_all(Lane.CLEAR, [packet.id for packet in door.spool.waiting(Lane.CLEAR)])
    send_requests(door.station)
    assert door.sent() == [first]
