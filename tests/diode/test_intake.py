"""The receiver's books: order, repetition and loss within the code's strength change no byte, and nothing else does."""

import random
import secrets
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.signing import SigningKey
from tests.diode.memory_link import SYMBOL, MemoryLink
from transfer.batch import gateway_id
from transfer.diode.errors import Refusal
from transfer.diode.intake import Intake, Link
from transfer.diode.notices import (
    Heartbeat,
    History,
    HistoryEntry,
    Progress,
    encode_heartbeat,
    encode_history,
    encode_object,
)
from transfer.diode.symbols import BlockState
from transfer.diode.wire import DatagramWriter, Kind, LinkKey, link_id


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(2, 60 * SYMBOL),
    block_symbols=st.integers(1, 30),
    seed=st.integers(0, 2**32),
    veiled=st.booleans(),
)
def test_order_repetition_and_loss_within_strength_give_the_same_bytes(
    size: int, block_symbols: int, seed: int, veiled: bool
) -> None:
    chance = random.Random(seed)
    link, content = MemoryLink(veiled=veiled), chance.randbytes(size)
    header = link.header(content, block_symbols=block_symbols)
    repairs, lost = 8, 6
    datagrams = link.symbols(header, content, repairs=repairs)
    kept, at = [], 0
    for block in range(header.geometry.blocks):
        sent = datagrams[at : at + header.geometry.count(block) + repairs]
        at += len(sent)
        kept += chance.sample(sent, len(sent) - lost)
    kept += chance.sample(kept, len(kept) // 3)
    chance.shuffle(kept)
    link.arrive([link.announce(header), *kept], together=chance.randint(1, 40))
    # RaptorQ may fail with so few symbols to spare, once in millions; then a block is named, never wrong.
    assert link.received(header) == content


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_beyond_its_strength_there_is_a_named_gap_and_the_next_pass_fills_it(seed: int) -> None:
    chance = random.Random(seed)
    link, content = MemoryLink(), chance.randbytes(50 * SYMBOL)
    header = link.header(content, block_symbols=10)
    first = link.symbols(header, content, repairs=2)
    per_block = 12
    hole = chance.randrange(header.geometry.blocks)
    kept = [each for index, each in enumerate(first) if index // per_block != hole or index % 4]
    link.arrive([link.announce(header), *kept])
    assert link.received(header) is None
    symbols = link.store.maps[header.name]
    assert [block for block in range(5) if symbols.state(block) != BlockState.DONE] == [hole]
    assert symbols.symbols_here() == 49
    second = link.symbols(header, content, repairs=2, round_=1)
    link.arrive(chance.sample(second, len(second) * 3 // 4))
    link.arrive(second)
    assert link.received(header) == content


def test_a_second_pass_brings_other_repair_symbols() -> None:
    link, content = MemoryLink(), secrets.token_bytes(10 * SYMBOL)
    header = link.header(content, block_symbols=10)
    first, second = link.symbols(header, content, repairs=4), link.symbols(header, content, repairs=4, round_=1)
    # Only four source symbols ever arrive; the rest are repair symbols of both passes.
    link.arrive([link.announce(header), *first[:3], *first[10:], *second[10:]])
    assert link.received(header) == content


def test_symbols_without_a_header_leave_nothing() -> None:
    link, content = MemoryLink(), secrets.token_bytes(5 * SYMBOL)
    header = link.header(content)
    link.arrive(link.symbols(header, content))
    assert link.intake.refused == {Refusal.UNKNOWN_OBJECT: 9}
    assert not link.store.data


def test_an_object_that_came_before_is_not_opened_again() -> None:
    link, content = MemoryLink(), secrets.token_bytes(5 * SYMBOL)
    header = link.header(content)
    link.store.received.add(header.name)
    link.arrive([link.announce(header), *link.symbols(header, content), link.announce(header)])
    assert not link.store.data
    assert not link.intake.refused
    assert link.intake.surplus == 9


def test_an_object_that_was_taken_away_is_closed_and_remembered() -> None:
    link, content = MemoryLink(), secrets.token_bytes(5 * SYMBOL)
    header = link.header(content)
    link.arrive([link.announce(header), *link.symbols(header, content)])
    link.store.received.add(header.name)
    del link.store.data[header.name]
    link.intake.look_after()
    assert link.store.closed == [header.name]
    link.arrive([link.announce(header), *link.symbols(header, content)])
    assert not link.intake.open_objects()
    assert not link.intake.refused


def test_what_is_open_never_makes_way_and_room_is_found_later() -> None:
    link, content = MemoryLink(objects_max=2), secrets.token_bytes(5 * SYMBOL)
    headers = [link.header(content, number=number) for number in (1, 2, 3)]
    link.arrive([link.announce(header) for header in headers])
    assert [item.header for item in link.intake.open_objects()] == headers[:2]
    assert link.intake.refused == {Refusal.NO_ROOM: 1}
    link.arrive([link.announce(headers[2])])
    assert link.intake.refused == {Refusal.NO_ROOM: 2}
    link.store.received.add(headers[0].name)
    del link.store.data[headers[0].name]
    link.intake.look_after()
    link.intake.room_again()
    link.arrive([link.announce(headers[2]), *link.symbols(headers[2], content)])
    assert link.received(headers[2]) == content


def test_the_quota_refuses_and_opens_nothing() -> None:
    link = MemoryLink(room=10 * SYMBOL)
    small, large = secrets.token_bytes(4 * SYMBOL), secrets.token_bytes(11 * SYMBOL)
    headers = link.header(large, number=1), link.header(small, number=2)
    link.arrive([link.announce(headers[0]), link.announce(headers[1]), *link.symbols(headers[1], small)])
    assert link.received(headers[1]) == small
    assert list(link.store.data) == [headers[1].name]


def test_a_header_that_contradicts_an_open_object_changes_nothing() -> None:
    link, content = MemoryLink(), secrets.token_bytes(5 * SYMBOL)
    header = link.header(content)
    other = replace(header, geometry=replace(header.geometry, size=4 * SYMBOL))
    link.arrive([link.announce(header), link.announce(other), *link.symbols(header, content)])
    assert link.received(header) == content
    assert link.intake.refused == {Refusal.CONTRADICTION: 1}


def test_a_thief_of_the_link_key_opens_no_object() -> None:
    link, content = MemoryLink(), secrets.token_bytes(5 * SYMBOL)
    header = link.header(content)
    forged = link.datagram(Kind.OBJECT, encode_object(header, SigningKey.generate()), header)
    link.arrive([forged, *link.symbols(header, content)])
    assert not link.store.data
    assert link.intake.refused[Refusal.SIGNATURE] == 1


@pytest.mark.parametrize("where", [{"block": 1}, {"block": 2**32 - 1}, {"esi": 2**24}, {"esi": 2**32 - 1}])
def test_symbols_beyond_the_object_are_refused(where: dict[str, int]) -> None:
    link, content = MemoryLink(), secrets.token_bytes(5 * SYMBOL)
    header = link.header(content)
    wrong = link.datagram(Kind.SYMBOL, b"x" * SYMBOL, header, **where)
    link.arrive([link.announce(header), wrong, *link.symbols(header, content)])
    assert link.received(header) == content
    assert link.intake.refused == {Refusal.FORM: 1}


def test_a_symbol_of_another_size_or_number_is_refused() -> None:
    link, content = MemoryLink(), secrets.token_bytes(5 * SYMBOL)
    header = link.header(content)
    announced, good = link.announce(header), link.symbols(header, content)
    number = link.datagram(Kind.SYMBOL, b"x" * SYMBOL, header, number=2)
    link.writer = link.new_writer(1, symbol=2 * SYMBOL)
    wrong = link.datagram(Kind.SYMBOL, b"x" * SYMBOL, header, esi=1)
    link.arrive([announced, number, good[0], wrong, *good])
    assert link.received(header) == content
    assert link.intake.refused == {Refusal.FORM: 2}


def test_another_gateway_cannot_write_into_this_ones_object() -> None:
    link, content = MemoryLink(), secrets.token_bytes(6 * SYMBOL)
    stranger = MemoryLink()
    link.intake = Intake([link.link, stranger.link], link.store, objects_max=4)
    header = link.header(content, block_symbols=6)
    good = link.symbols(header, content, repairs=0)
    poison = stranger.datagram(Kind.SYMBOL, b"\xff" * SYMBOL, header, block=0, esi=1)
    link.arrive([link.announce(header), good[0], poison, *good[1:]], together=100)
    assert link.received(header) == content
    assert link.intake.refused == {Refusal.UNKNOWN_OBJECT: 1}


def test_two_gateways_that_cannot_be_told_apart_are_refused_at_start() -> None:
    link = MemoryLink()
    with pytest.raises(ValueError, match="alike"):
        Intake([link.link, link.link], link.store, objects_max=4)


def test_a_sender_that_starts_anew_in_mid_object_completes_it() -> None:
    link, content = MemoryLink(), secrets.token_bytes(20 * SYMBOL)
    header = link.header(content)
    first = [link.announce(header), *link.symbols(header, content)][:9]
    link.writer = link.new_writer(2)
    link.arrive([*first, link.announce(header), *link.symbols(header, content)])
    assert link.received(header) == content
    hearing = link.intake.books[link_id(link.gateway)].listener.hearing()
    assert hearing.rivals == 0


def test_two_senders_are_noticed_and_harm_nothing() -> None:
    link, content = MemoryLink(), secrets.token_bytes(20 * SYMBOL)
    header = link.header(content)
    one = [link.announce(header), *link.symbols(header, content)]
    link.writer = link.new_writer(2)
    two = [link.announce(header), *link.symbols(header, content)]
    link.arrive([each for pair in zip(one, two, strict=True) for each in pair])
    assert link.received(header) == content
    assert link.intake.books[link_id(link.gateway)].listener.rivals > 10


def test_an_old_heartbeat_played_again_is_no_sign_of_life() -> None:
    link = MemoryLink()
    books = link.intake.books[link_id(link.gateway)]
    beat = link.datagram(Kind.HEARTBEAT, encode_heartbeat(Heartbeat(1, 1, 2, 0, 5, 0, 10)))
    link.arrive([beat])
    assert books.heard
    assert books.heartbeat is not None
    books.heard = False
    link.arrive([beat, beat])
    assert not books.heard
    assert books.listener.repeated == 2


def test_the_newest_history_is_kept() -> None:
    link = MemoryLink()
    entries = (HistoryEntry(3, "ab" * 32, Progress.SENT),)
    histories = [History(link.gateway, serial, 3, entries) for serial in (5, 4, 6)]
    link.arrive([link.datagram(Kind.HISTORY, encode_history(each, link.key)) for each in histories])
    assert [each.serial for each in link.store.histories] == [5, 6]


def test_a_block_that_did_not_fit_is_received_anew() -> None:
    link, content = MemoryLink(), secrets.token_bytes(20 * SYMBOL)
    header = link.header(content, block_symbols=10)
    datagrams = link.symbols(header, content)
    link.arrive([link.announce(header), *datagrams])
    link.store.data[header.name][0] ^= 1  # what a broken disk, or coder, would do
    link.store.maps[header.name].set_state(0, BlockState.FORGET)
    link.intake.look_after()
    assert link.received(header) is None
    link.arrive(datagrams)
    assert link.received(header) == content


def test_garbage_beside_an_object_changes_nothing() -> None:
    link, content = MemoryLink(), secrets.token_bytes(30 * SYMBOL)
    header, chance = link.header(content), random.Random(1)
    writer = DatagramWriter(LinkKey(bytes(32)), link=link_id(link.gateway), session=9, symbol=SYMBOL)
    wrong_key = bytearray(writer.size)
    writer.write(memoryview(wrong_key), Kind.SYMBOL, b"x", number=1, tag=header.tag)
    noise = [bytes(wrong_key), *(chance.randbytes(chance.choice((0, 10, writer.size, 8948))) for _ in range(200))]
    mixed = [link.announce(header), *(x for pair in zip(link.symbols(header, content), noise) for x in pair)]  # noqa: B905
    link.arrive(mixed)
    assert link.received(header) == content
    assert gateway_id(link.key.public) == header.gateway


def test_a_link_has_no_memory_of_what_it_refused() -> None:
    link = MemoryLink()
    link.arrive([link.announce(link.header(b"xyz", number=number)) for number in range(1, 400)])
    assert len(link.intake.open_objects()) == link.objects_max
    assert isinstance(link.link, Link)
    books = link.intake.books[link_id(link.gateway)]
    assert len(books.objects) + len(books.finished) <= link.objects_max


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), veiled=st.booleans(), together=st.integers(1, 40))
def test_taken_in_one_piece_or_one_by_one_datagrams_do_the_same(seed: int, veiled: bool, together: int) -> None:
    """Two receivers of one link: whole, repeated, spoilt, of other sessions and strangers, in nearly the order sent."""
    chance = random.Random(seed)
    first = MemoryLink(veiled=veiled)
    second = MemoryLink(veiled=veiled, key=first.key, secret=first.secret)
    content = chance.randbytes(40 * SYMBOL)
    header = first.header(content, block_symbols=15)
    sent = [first.announce(header), *first.symbols(header, content)]
    later = MemoryLink(veiled=veiled, key=first.key, secret=first.secret, start=2)
    stranger = MemoryLink(veiled=veiled, key=first.key)
    others = [*later.symbols(header, content), *stranger.symbols(header, content)]
    for _ in range(chance.randint(0, 20)):
        kind, at = chance.randint(0, 4), chance.randrange(1, len(sent))
        if kind == 0:
            del sent[at]
        elif kind == 1:
            sent.insert(at, chance.choice(sent))
        elif kind == 2:  # a bit, wherever it stands
            spoilt = bytearray(sent[at])
            spoilt[chance.choice([chance.randrange(44), chance.randrange(len(spoilt))])] ^= 1 << chance.randrange(8)
            sent[at] = bytes(spoilt)
        elif kind == 3:
            sent.insert(at, chance.choice(others))
        else:
            sent[at] = sent[at][: chance.randrange(len(sent[at]))]
    for at in range(0, len(sent), together):
        group = [memoryview(bytearray(each)) for each in sent[at : at + together]]
        first.intake.take_all(group)
        for each in group:
            second.intake.take(each)
        for link in (first, second):
            link.intake.flush()
            link.store.decode()
            link.intake.look_after()
    assert first.intake.refused == second.intake.refused
    assert first.intake.surplus == second.intake.surplus
    assert first.store.data == second.store.data
    assert first.store.repair == second.store.repair
    one, other = (link.intake.books[link_id(first.gateway)].listener for link in (first, second))
    for listener in (one, other):
        listener.second()
    assert one.hearing() == other.hearing()
