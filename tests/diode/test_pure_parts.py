"""The small pure parts: geometry, the shared map, loss, pacing, the schedule, numbers as people type them, settings."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disk.settings import SettingsError, read_settings
from transfer.batch.batch import GatewayId
from transfer.diode.coder import decode_block, encode_repair
from transfer.diode.errors import LinkError
from transfer.diode.receiver.loss import RIVALS_MAX, LossMeter
from transfer.diode.receiver.report import encode_numbers, missing_numbers, parse_numbers
from transfer.diode.receiver.symbol_map import EXTRA, BlockState, SymbolMap
from transfer.diode.sender.schedule import Schedule
from transfer.diode.sender.token_bucket import TokenBucket
from transfer.diode.settings import ReceiverSettings, SenderSettings, encode_link_settings, parse_address
from transfer.diode.wire.geometry import BLOCK_SYMBOLS_MAX, Geometry
from transfer.diode.wire.notices import HISTORY_MAX, BatchProgress, History, HistoryEntry

GIB = 1024**3


@given(size=st.integers(1, 2**36), symbol=st.integers(146, 1111), block=st.integers(1, BLOCK_SYMBOLS_MAX))
def test_blocks_cover_the_object_without_gap_or_overlap(size: int, symbol: int, block: int) -> None:
    geometry = Geometry(size, symbol * 8, block)
    last = geometry.blocks - 1
    assert geometry.first(0) == 0
    assert geometry.first(last) + geometry.count(last) == geometry.symbols
    assert (geometry.symbols - 1) * geometry.symbol < size <= geometry.padded_size
    for each in {0, last // 2, last - 1, last} & set(range(last + 1)):
        assert 1 <= geometry.count(each) <= block
        if each:
            assert geometry.first(each) == geometry.first(each - 1) + geometry.count(each - 1)
        start = geometry.first(each) * geometry.symbol
        assert geometry.block_of(start) == each
        assert geometry.block_of(start + geometry.count(each) * geometry.symbol - 1) == each


@pytest.mark.parametrize(
    ("size", "symbol", "block"),
    [(0, 1392, 10), (2**40 + 1, 1392, 10), (5, 1391, 10), (5, 1160, 10), (5, 8896, 10), (5, 1392, 0), (5, 1392, 1025)],
)
def test_absurd_geometries_do_not_exist(size: int, symbol: int, block: int) -> None:
    with pytest.raises(ValueError, match=r"object|symbol|block"):
        Geometry(size, symbol, block)


@given(count=st.integers(1, 60), first=st.integers(0, 30), seed=st.integers(0, 1000))
def test_any_symbols_of_a_block_beyond_its_number_give_it_back(count: int, first: int, seed: int) -> None:
    block = secrets.token_bytes(count * 1168)
    repairs = encode_repair(block, symbol=1168, first=first, count=count + 2)
    given_symbols = [(count + first + index, each) for index, each in enumerate(repairs)]
    assert decode_block(given_symbols, count=count, symbol=1168) == block
    assert decode_block(given_symbols[: count - 1], count=count, symbol=1168) is None


@pytest.mark.parametrize(("size", "symbol"), [(1168 * 1025, 1168), (0, 1168), (1169, 1168), (65536, 65536), (1168, 0)])
def test_the_coder_is_never_asked_for_absurd_lengths(size: int, symbol: int) -> None:
    with pytest.raises(ValueError, match="block"):
        encode_repair(bytes(size), symbol=symbol, first=0, count=1)


def new_map(count: int = 10) -> SymbolMap:
    geometry = Geometry(count * 1168, 1168, count)
    symbols = SymbolMap(geometry, memoryview(bytearray(SymbolMap.size_of(geometry))))
    symbols.resume()
    return symbols


def test_a_block_is_done_with_all_source_symbols_and_ready_with_one_to_spare() -> None:
    symbols = new_map()
    assert symbols.mark(0, 0, 9) == 9
    assert symbols.state(0) == BlockState.OPEN
    for index in range(EXTRA + 1):
        slot = symbols.free_slot(0, 20 + index)
        assert slot == index
        assert symbols.state(0) == BlockState.OPEN
        symbols.keep(0, slot, 20 + index)
    assert symbols.state(0) == BlockState.READY
    other = new_map()
    assert other.mark(0, 0, 10) == 10
    assert other.state(0) == BlockState.DONE


def test_what_is_marked_twice_counts_once() -> None:
    symbols = new_map()
    assert [symbols.mark(0, 0, 3), symbols.mark(0, 2, 3), symbols.mark(0, 0, 5)] == [3, 2, 0]
    assert symbols.symbols_here() == 5
    symbols.keep(0, 0, 11)
    assert symbols.free_slot(0, 11) is None
    assert symbols.free_slot(0, 12) == 1


def test_slots_are_bounded() -> None:
    symbols = new_map(20)
    for esi in range(20, 20 + symbols.geometry.slots):
        slot = symbols.free_slot(0, esi)
        assert slot is not None
        symbols.keep(0, slot, esi)
    assert symbols.free_slot(0, 999) is None


def test_a_failed_try_asks_for_one_more_symbol() -> None:
    symbols = new_map()
    symbols.mark(0, 0, 9)
    for esi in (20, 21):
        symbols.keep(0, symbols.free_slot(0, esi) or 0, esi)
    symbols.note_try(0)
    symbols.set_state(0, BlockState.OPEN)
    slot = symbols.free_slot(0, 22)
    assert slot is not None
    symbols.keep(0, slot, 22)
    assert symbols.state(0) == BlockState.READY


def test_a_successor_finds_what_a_killed_process_did_not_say() -> None:
    geometry = Geometry(10 * 1168, 1168, 10)
    buffer = bytearray(SymbolMap.size_of(geometry))
    symbols = SymbolMap(geometry, memoryview(buffer))
    symbols.resume()
    symbols.mark(0, 0, 10)
    symbols.set_state(0, BlockState.OPEN)  # killed between the mark and the state
    again = SymbolMap(geometry, memoryview(buffer))
    again.resume()
    assert again.state(0) == BlockState.DONE


def test_loss_is_what_the_numbers_say() -> None:
    meter = LossMeter()
    for sequence in (*range(100, 190), *range(200, 210)):
        assert meter.hear(5 << 32, sequence)
    meter.second()
    assert meter.reading().loss_now == pytest.approx(10 / 110)
    meter.period()
    assert meter.day() == [(100, 10)]
    for _ in range(20):
        meter.second()
    assert meter.reading().loss_now is None
    assert meter.reading().loss_day == pytest.approx(10 / 110)


def test_only_the_newest_session_counts_and_others_are_bounded() -> None:
    meter = LossMeter()
    assert meter.hear(5 << 32 | 1, 10)
    assert not meter.hear(5 << 32 | 1, 10)
    assert not meter.hear(4 << 32, 1_000_000)
    assert meter.hear(6 << 32, 0)
    for session in range(1, 100):
        meter.hear(session, 1)
    assert len(meter._others) <= RIVALS_MAX
    assert meter.rivals > 3
    meter.second()
    assert meter.reading().loss_now == 0


def test_a_loss_meter_that_restarts_recognises_a_recording() -> None:
    before = LossMeter()
    assert before.newest() is None
    for sequence in range(50):
        assert before.hear(7 << 32 | 3, sequence)
    assert before.newest() == (7 << 32 | 3, 50)
    meter = LossMeter(start=7, heard=(7 << 32 | 3, 50))
    assert not meter.hear(6 << 32, 1_000_000)
    assert not meter.hear(7 << 32 | 3, 49)
    assert meter.newest() == (7 << 32 | 3, 50), "a second restart must know it too"
    assert meter.hear(7 << 32 | 3, 900)
    assert not meter.hear(7 << 32 | 3, 60)
    meter.second()
    assert meter.reading().loss_now == 0, "what came while nobody listened was not lost on the link"
    assert meter.rivals == 1
    assert meter.hear(8 << 32, 0)


class Clock:
    def __init__(self) -> None:
        self.now, self.slept = 0.0, 0.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def test_the_bucket_keeps_its_rate_and_does_not_catch_up() -> None:
    clock = Clock()
    bucket = TokenBucket(1_000_000, now=clock.time, sleep=clock.sleep)
    for _ in range(1000):
        bucket.wait(1000)
    assert clock.now == pytest.approx(1.0, rel=0.01)
    clock.now += 5  # a stall
    before = clock.now
    for _ in range(1000):
        bucket.wait(1000)
    assert clock.now - before == pytest.approx(1.0, rel=0.01)


def test_every_pass_comes_before_the_carousel_and_gaps_are_kept() -> None:
    settings = SenderSettings(passes=2, small_passes=3, pass_gap_seconds=30, carousel_times=1, carousel_seconds=1000)
    schedule = Schedule(settings)
    schedule.add(1, small=False, sent=0, now=0)
    schedule.add(2, small=True, sent=0, now=0)
    log, now = [], 0.0
    while now < 5000:
        number = schedule.next(now)
        if number is None:
            now += 1
            continue
        log.append((number, now))
        now += 2
        schedule.ended(number, now)
    times = {number: [at for each, at in log if each == number] for number in (1, 2)}
    assert [len(times[1]), len(times[2])] == [3, 4]
    assert times[1][1] - times[1][0] >= 32
    assert times[2][1] - times[2][0] >= 32
    assert times[1][2] - times[1][1] >= 1000
    assert schedule.progress(1) is BatchProgress.SENT


def test_what_is_asked_for_is_sent_from_its_first_pass_on() -> None:
    schedule = Schedule(SenderSettings(passes=1, carousel_times=0))
    schedule.add(1, small=False, sent=1, now=0)
    assert schedule.next(10**9) is None
    schedule.ask(1, now=5)
    assert schedule.progress(1) is BatchProgress.COMING
    assert schedule.next(5) == 1
    schedule.remove(1)
    assert schedule.next(5) is None


def test_a_history_speaks_of_no_batch_beyond_those_that_it_names() -> None:
    schedule = Schedule(SenderSettings(passes=1))
    for number in range(1, 41):
        schedule.add(number, small=False, sent=0, now=0)
    named, last = schedule.named(16, 40)
    assert (named, last) == (list(range(1, 17)), 16)
    assert missing_numbers(_history(schedule, named, last), set()) == ()
    for number in range(1, 39):
        schedule.ended(number, now=0)
    named, last = schedule.named(16, 50)
    assert (named, last) == (list(range(25, 41)), 50)  # 41 to 50 went on a stick
    assert missing_numbers(_history(schedule, named, last), set(range(1, 38))) == (38, *range(41, 51))


def _history(schedule: Schedule, named: list[int], last: int) -> History:
    entries = tuple(HistoryEntry(number, "a" * 64, schedule.progress(number)) for number in named)
    return History(GatewayId("0" * 16), 1, last, entries)


def test_a_transmission_that_failed_does_not_count_and_keeps_the_gap() -> None:
    schedule = Schedule(SenderSettings(passes=2, pass_gap_seconds=30, carousel_times=0))
    schedule.add(1, small=False, sent=0, now=0)
    for now in (0, 100, 200):
        assert schedule.next(now) == 1
        schedule.failed(1, now)
        assert schedule.next(now + 29) is None
        assert schedule.sent(1) == 0
    assert schedule.progress(1) is BatchProgress.COMING


def test_missing_is_what_neither_came_nor_is_coming() -> None:
    entries = (HistoryEntry(8, "a" * 64, BatchProgress.SENT), HistoryEntry(9, "b" * 64, BatchProgress.COMING))
    history = History("0" * 16, 1, 10, entries)  # type: ignore[arg-type]
    assert missing_numbers(history, {1, 2, 3, 5, 7}) == (4, 6, 8, 10)
    assert missing_numbers(None, set()) == ()


def test_a_backlog_that_a_history_has_no_room_for_is_not_missing() -> None:
    # Forty batches wait, none has come: the sender names the lowest, and is leaves the rest open.
    entries = tuple(HistoryEntry(number, "a" * 64, BatchProgress.COMING) for number in range(1, HISTORY_MAX + 1))
    history = History("0" * 16, 1, HISTORY_MAX, entries)  # type: ignore[arg-type]
    assert missing_numbers(history, set()) == ()
    # Some came, and two of those before were sent and lost.
    later = tuple(HistoryEntry(number, "a" * 64, BatchProgress.COMING) for number in range(20, 20 + HISTORY_MAX))
    history = History("0" * 16, 2, 19 + HISTORY_MAX, later)  # type: ignore[arg-type]
    assert missing_numbers(history, set(range(1, 20)) - {5, 18}) == (5, 18)


@given(st.sets(st.integers(1, 500), min_size=1))
def test_numbers_are_read_as_they_are_written(numbers: set[int]) -> None:
    assert parse_numbers(encode_numbers(sorted(numbers)).split()) == sorted(numbers)


def test_numbers_as_people_type_them() -> None:
    assert parse_numbers(["1042,", "1050-1052"]) == [1042, 1050, 1051, 1052]
    assert encode_numbers([1042, 1050, 1051, 1052]) == "1042 1050-1052"


@pytest.mark.parametrize(
    "typed", ["x", "0", "-5", "5-", "9-3", "1000000", "1-999999", "1--2", "٣", "", ",", "000000001" + "9" * 5000]
)
def test_what_is_no_number_is_pointed_out(typed: str) -> None:
    with pytest.raises(LinkError, match="batch"):
        parse_numbers([typed])


@pytest.mark.parametrize("settings", [SenderSettings(), ReceiverSettings()])
def test_settings_are_read_as_they_are_written(settings: SenderSettings | ReceiverSettings, tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "link.toml"
    path.write_text(encode_link_settings(settings))
    assert read_settings(path, type(settings)) == settings
    path.write_text(path.read_text() + "no_such_key = 1\n")
    with pytest.raises(SettingsError, match="no_such_key"):
        read_settings(path, type(settings))


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"mtu": 1279}, "mtu"), ({"mtu": 9001}, "mtu"), ({"to": "example.org:4141"}, "to"), ({"to": "::1:4141"}, "to"),
     ({"to": "192.0.2.1:0"}, "to"), ({"passes": 0}, "passes"), ({"rate_bytes": 1}, "rate_bytes")],
)  # fmt: skip
def test_wrong_settings_are_refused_by_name(changes: dict[str, object], key: str) -> None:
    with pytest.raises(ValueError, match=f"'{key}'"):
        SenderSettings(**changes)  # type: ignore[arg-type]


def test_addresses() -> None:
    assert parse_address("to", "192.0.2.1:4141") == ("192.0.2.1", 4141)
    assert parse_address("to", "[2001:db8::1]:1") == ("2001:db8::1", 1)
